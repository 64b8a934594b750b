"""The structures that an open name most likely means, in the side and form that were written, best first.

A structure counts as much as its best wording agrees with the name: how much of the wording the name says, and how much of
the name the wording explains, rare words more than common ones. The site and what clinics contour most lift a candidate
a little; an ROI Interpreted Type excludes what cannot have it.

Nothing here decides: the best candidate of a name does not rename it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from tg263_scp.decision import Candidate
from tg263_scp.naming.offering.likeness import abbreviated, alike
from tg263_scp.naming.offering.vocabulary import vocabulary_of
from tg263_scp.naming.offering.written import Form, Written, ways_of
from tg263_scp.naming.organs.parts import Parts
from tg263_scp.naming.organs.reading import Finding, compose
from tg263_scp.naming.query import Query
from tg263_scp.naming.rules.spelling import offers
from tg263_scp.naming.standard.nomenclature import SPOKEN_KINDS, Entry, Nomenclature
from tg263_scp.naming.words.lexicon import WIDE_LANGUAGES

_MOST_WORDINGS = 100
"""Wordings that hold a word of the name, rarest words first, beyond which a common word brings no further ones."""
_FEWEST_OF_A_WORD = 20
_FOREIGN, _AT_SITE, _ELSEWHERE = 0.06, 0.05, 0.05
_USUAL, _TELLS_SITE, _IN_REGION = 0.08, 0.05, 0.03
_OF_A_REMARK = 0.3
"""What a word about copies or plans weighs: that it is not explained says little against a structure."""
_LEAST_WORD, _MOST_WORD = 1.0, 4.0
"""What any other word of the name weighs, by how rare the words are that it is like."""
_OF_ABBREVIATION = 0.9
_AS_WRITTEN = 1.0
_COPIES = frozenset({1, 2, 3})
"""Millimetres that may count copies as well (``Chiasm_PRV_2``)."""
_MOST_LIKELY = 24
"""Structures that are looked at beyond their words."""
_LEAST = 0.25
_MOST = 5


@lru_cache(maxsize=4096)
def ranked(query: Query, nomenclature: Nomenclature, limit: int = _MOST) -> tuple[Candidate, ...]:
    """Return the names that an open name may become, best first, at most ``limit``, with a score of 0 to 1."""
    ways = ways_of(query, nomenclature.lexicon)
    forms = list(dict.fromkeys(way.form for way in ways))
    best: dict[tuple[str, int], float] = {}
    for way in ways:
        form_at, share = forms.index(way.form), way.share
        for structure, score in _scores(way, query, nomenclature).items():
            key = (structure, form_at)
            shared = score * share
            if shared > best.get(key, -1.0):
                best[key] = shared
    scored = [(score, structure, form_at) for (structure, form_at), score in best.items()]
    first = sorted(scored, key=itemgetter(0, 1), reverse=True)[:_MOST_LIKELY]
    likely = [
        (score + _lift(structure, query, nomenclature), structure, forms[form_at])
        for score, structure, form_at in first
        if _fits(structure, query, nomenclature)
    ]
    likely.sort(key=lambda one: (-one[0], one[1], sorted(one[2].sides)))
    found: dict[str, float] = {}
    for score, structure, form in likely:
        if score < _LEAST or len(found) >= limit:
            break
        for name in _names(structure, form, nomenclature):
            found.setdefault(name, min(1.0, round(score, 3)))
    for name in _usual(ways, query, nomenclature) if len(found) < limit else ():
        found.setdefault(name, _LEAST / 2)
    return tuple(Candidate(name, score) for name, score in list(found.items())[:limit])


def _usual(ways: Sequence[Written], query: Query, nomenclature: Nomenclature) -> Iterator[str]:
    """Yield what is contoured most, at this site first: those that begin like the name before the others."""
    anatomy = nomenclature.anatomy
    form = ways[0].form if ways else Form()
    here = [name for site in anatomy.nearest_first(query.site) for name in anatomy.told_by(site)]
    first = query.words[0].text[0] if query.words else ""
    for structure in sorted((*here, *anatomy.contoured_most), key=lambda name: name[0].casefold() != first):
        if _fits(structure, query, nomenclature):
            yield from _names(structure, form, nomenclature)


def _scores(way: Written, query: Query, nomenclature: Nomenclature) -> dict[str, float]:
    """Return how well each structure agrees with the words of a name."""
    found = _by_words(way.words, query, nomenclature)
    letters = "".join(way.words)
    for structure, likeness in abbreviated(letters, vocabulary_of(nomenclature)).items():
        found[structure] = max(found.get(structure, 0.0), likeness * _OF_ABBREVIATION)
    if way.share >= _AS_WRITTEN:
        for name, likeness in offers(letters, nomenclature):
            structure = _structure_of(name, nomenclature)
            found[structure] = max(found.get(structure, 0.0), likeness**2)
    return found


class _Meant(NamedTuple):
    """What a word of a wording owes to the name: the word of the name that is like it, and how much of both is said."""

    word: str
    likeness: float
    covered: float
    explained: float


def _by_words(words: Sequence[str], query: Query, nomenclature: Nomenclature) -> dict[str, float]:
    vocabulary = vocabulary_of(nomenclature)
    wordings = vocabulary.wordings
    likenesses = {word: alike(word, nomenclature) for word in dict.fromkeys(words)}
    weights = {word: _weight(word, near, nomenclature) for word, near in likenesses.items()}
    total = sum(weights.values())
    meant: dict[str, _Meant] = {}
    for word, near in likenesses.items():
        for other, likeness in near.items():
            if other not in meant or meant[other].likeness < likeness:
                covered = likeness * vocabulary.rarity[other]
                meant[other] = _Meant(word, likeness, covered, likeness * weights[word] / total)
    trusts: dict[tuple[str, str], float] = {}
    found: dict[str, float] = {}
    for place in _places(meant, nomenclature):
        wording = wordings[place]
        covered, explained = _said(wording.words, meant)
        covered /= wording.weight
        trust = trusts.get(wording.spoken)
        if trust is None:
            trust = trusts[wording.spoken] = _trust(*wording.spoken, query, nomenclature)
        score = 2 * covered * explained / (covered + explained) + trust
        if score > found.get(wording.means, 0.0):
            found[wording.means] = score
    return found


def _said(words: Sequence[str], meant: Mapping[str, _Meant]) -> tuple[float, float]:
    """Return how much of a wording the name says and how much of the name it explains, each word of the name once."""
    if len(words) == 1:
        return meant[words[0]].covered, meant[words[0]].explained
    said = [meant[other] for other in words if other in meant]
    if len(said) == 1:
        return said[0].covered, said[0].explained
    best: dict[str, _Meant] = {}
    for one in said:
        if one.word not in best or best[one.word].covered < one.covered:
            best[one.word] = one
    return sum(one.covered for one in best.values()), sum(one.explained for one in best.values())


def _places(meant: Iterable[str], nomenclature: Nomenclature) -> Iterator[int]:
    """Yield the wordings that hold one of the words, those of the rarest words first."""
    holding = vocabulary_of(nomenclature).holding
    seen: set[int] = set()
    for word in sorted(meant, key=lambda word: (len(holding[word]), word)):
        first = holding[word][: max(_FEWEST_OF_A_WORD, _MOST_WORDINGS - len(seen))]
        yield from [place for place in first if place not in seen] if seen else first
        seen.update(first)


def _weight(word: str, near: dict[str, float], nomenclature: Nomenclature) -> float:
    if nomenclature.lexicon.marks.get(word) in ("copy", "planning", "union", "minus", "inside"):
        return _OF_A_REMARK
    if word.isdecimal():
        return _LEAST_WORD
    rarity = vocabulary_of(nomenclature).rarity
    rarest = max((likeness * rarity[other] for other, likeness in near.items()), default=0.0)
    return min(_MOST_WORD, max(2 * _LEAST_WORD if len(word) > 2 else _LEAST_WORD, rarest))


def _trust(language: str, site: str, query: Query, nomenclature: Nomenclature) -> float:
    """Return what speaks for a wording beside its words: a language that the set shows, the site."""
    trust = 0.0 if language in WIDE_LANGUAGES or language in query.languages else -_FOREIGN
    if site:
        trust += _AT_SITE if site in nomenclature.anatomy.nearest_first(query.site) else -_ELSEWHERE
    return trust


def _lift(structure: str, query: Query, nomenclature: Nomenclature) -> float:
    anatomy = nomenclature.anatomy
    sites = anatomy.nearest_first(query.site)
    lift = _USUAL if structure in anatomy.contoured_most else 0.0
    lift += _TELLS_SITE * any(structure in anatomy.told_by(site) for site in sites)
    entry = _entry_of(structure, nomenclature)
    return lift + _IN_REGION * (entry is not None and entry.region in sites)


def _fits(structure: str, query: Query, nomenclature: Nomenclature) -> bool:
    """Tell whether a structure is one, and of the kind that an ROI of this interpreted type may be."""
    entry = _entry_of(structure, nomenclature)
    if entry is None or entry.kind not in SPOKEN_KINDS:
        return False
    types = nomenclature.anatomy.interpreted_types
    told = query.interpreted_type.upper()
    if told in types.structure:
        return structure in types.structure[told]
    return not (told in types.organ and entry.kind == "device")


def _entry_of(structure: str, nomenclature: Nomenclature) -> Entry | None:
    stem = nomenclature.stems.get(structure)
    return nomenclature.entries.get(structure) or (nomenclature.entries[stem.any_form] if stem else None)


def _structure_of(name: str, nomenclature: Nomenclature) -> str:
    """Return the structure of a listed name: ``Kidney`` for ``Kidney_L``."""
    stem, _, side = name.rpartition("_")
    return (
        stem if side in ("L", "R") and name not in nomenclature.stems and stem in nomenclature.stems else name
    )


@lru_cache(maxsize=16384)
def _names(structure: str, form: Form, nomenclature: Nomenclature) -> tuple[str, ...]:
    """Return the listed names of a structure in the side and form that were written, or the nearest that it has."""
    both = form.both or len(form.sides) > 1
    sides = frozenset[str]() if both else form.sides
    tries = [Parts((), sides, both=both, partial=form.partial, margin=form.margin)]
    if form.margin:
        named = replace(form.margin, named=True)
        tries.append(Parts((), sides, both=both, partial=form.partial, margin=named))
        tries.append(Parts((), sides, both=both, margin=replace(named, mm=None)))
        tries.append(Parts((), margin=named))
    tries += [Parts((), sides, both=both), Parts(())]
    stem = nomenclature.stems.get(structure)
    for parts in tries:
        reading = compose(structure, parts, (), nomenclature)
        if reading.finding is Finding.SIDE_MISSING and stem and stem.plural and parts.margin is None:
            return (stem.plural, *reading.names)
        if reading.names and parts.margin and parts.margin.mm in _COPIES:
            bare = compose(structure, replace(parts, margin=replace(parts.margin, mm=None)), (), nomenclature)
            return (*reading.names, *bare.names)
        if reading.names:
            return reading.names
    return ()
