"""Which structures of the list a name may mean, when no rule knows it: a short list for a chooser to choose from.

A structure is described by everything the project says of it: its name, its meaning, its synonyms in all languages. The
words of a name are looked for among these words, exactly, nearly, as beginnings and glued together; rare words count
more. The treatment site, and a pair of which the set holds one side only, lift a candidate. Half of the list is kept for
what clinics contour most, at that site first, since a word of a language without a pack looks like nothing.

Nothing here decides: a high score does not rename.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from tg263_scp.naming.rules.spelling import offers, similar_words
from tg263_scp.naming.standard.nomenclature import Entry, Nomenclature, Stem
from tg263_scp.naming.words.letters import tokenise
from tg263_scp.naming.words.lexicon import Sense, phrase_words

_LIKENESS_WEIGHT = 4.0
"""What a whole name that looks like a synonym weighs, against the rarity of single words (3 to 6 each)."""
_SITE_WEIGHT = 1.5
_PAIR_WEIGHT = 1.5
_ALREADY_OFFERED_WEIGHT = 20.0
_SHARE_OF_USUAL = 0.5
_SHARE_BESIDE_KNOWN = 0.25
"""Of the list kept for what is contoured most, where no word of the name is known, and where one is (``... gland``)."""


@dataclass(frozen=True, eq=False)
class _Descriptions:
    """Every offerable structure by its words, with how rare each word is among structures."""

    holding: Mapping[str, frozenset[str]]
    rarity: Mapping[str, float]
    words: tuple[str, ...]


def meaning_of(structure: str, nomenclature: Nomenclature) -> str:
    """Return what a structure is in the words of the list, without the side of the form they were written for."""
    entry = entry_of(structure, nomenclature)
    if entry.name == structure:
        return entry.meaning.removesuffix(", side not given or both")
    words = [word for word in entry.meaning.split() if word.strip(",").casefold() not in ("left", "right")]
    return " ".join(words).replace("side of", "sides of")


def entry_of(structure: str, nomenclature: Nomenclature) -> Entry:
    """Return the listed name that stands for a structure: itself, or one of its sided forms."""
    return nomenclature.entries.get(structure) or nomenclature.entries[nomenclature.stems[structure].any_form]


@lru_cache(maxsize=2)
def offerable(nomenclature: Nomenclature) -> frozenset[str]:
    """Return the structures that may be offered: anatomy and devices, each once.

    Of a pair the single organ is offered: whether both are meant is told by the name, never by a chooser. Lymph nodes are
    offered in the plural, as they are drawn, where the list has one.
    """
    found = set()
    for name, stem in nomenclature.stems.items():
        entry = entry_of(name, nomenclature)
        plural_of_organ = bool(entry.plural_of) and not name.startswith("LN_")
        single_nodes = name.startswith("LN_") and bool(stem.plural)
        if nomenclature.is_organ_stem(name) and not plural_of_organ and not single_nodes:
            found.add(name)
    return frozenset(found - nomenclature.anatomy.never_offered.keys())


def fits(structure: str, site: str, interpreted_type: str, nomenclature: Nomenclature) -> bool:
    """Tell whether a structure is met at a site, and may have an interpreted type; both may be unknown (``""``)."""
    entry = entry_of(structure, nomenclature)
    anatomy, types = nomenclature.anatomy, nomenclature.anatomy.interpreted_types
    region = anatomy.broader_site(site) or site
    next_to = anatomy.sites[region].next_to if region else frozenset()
    if next_to and entry.region not in {region, "body", *next_to}:
        return False
    outline = structure in types.structure.get("EXTERNAL", ())
    an_organ = interpreted_type in types.organ | types.target and entry.kind == "organ" and not outline
    return not interpreted_type or an_organ


def structure_meant(name: str, nomenclature: Nomenclature) -> str:
    """Return the offerable structure that a listed name is a form of (``Femur_Head_L`` -> ``Femur_Head``), or ``""``."""
    base, _, side = name.rpartition("_")
    for structure in (name, base if side in ("L", "R") else ""):
        entry = nomenclature.entries.get(structure)
        stem = nomenclature.stems.get(structure, Stem(""))
        for candidate in (structure, entry.plural_of if entry else "", stem.plural):
            if candidate in offerable(nomenclature):
                return candidate
    return ""


@lru_cache(maxsize=2)
def _descriptions(nomenclature: Nomenclature) -> _Descriptions:
    words_of: dict[str, set[str]] = {structure: set() for structure in offerable(nomenclature)}
    for structure, words in words_of.items():
        described = f"{structure} {meaning_of(structure, nomenclature)}"
        words.update(token.text for token in tokenise(described) if token.is_word)
    usage = nomenclature.lexicon.usage
    phrases = {phrase for found in nomenclature.lexicon.index.values() for phrase in found}
    for phrase in phrases:
        structure = structure_meant(phrase.means, nomenclature) if phrase.sense is Sense.STRUCTURE else ""
        if structure:
            words_of[structure].update(word for written in phrase_words(phrase) for word in written)
    holding: dict[str, set[str]] = {}
    for structure, words in words_of.items():
        for word in words - usage.little_words - usage.silent_words:
            if word.isalpha() and len(word) > 1:
                holding.setdefault(word, set()).add(structure)
    rarity = {word: math.log(len(words_of) / len(found)) for word, found in holding.items()}
    return _Descriptions(
        {word: frozenset(found) for word, found in holding.items()}, rarity, tuple(sorted(holding))
    )


def retrieve(
    words: Sequence[str],
    nomenclature: Nomenclature,
    *,
    site: str = "",
    interpreted_type: str = "",
    offered: Iterable[str] = (),
    half_pairs: frozenset[str] = frozenset(),
    treated: bool = False,
    limit: int = 20,
) -> tuple[str, ...]:
    """Return the structures that a name most likely means, best first, at most ``limit``.

    Args:
        words: the folded words of the name, sides and margin taken out.
        nomenclature: the list and the synonym packs.
        site: the treatment site, or ``""``; what is never met there is not returned.
        interpreted_type: the RT ROI Interpreted Type, or ``""``; what cannot have it is not returned.
        offered: listed names that rules or other searches have offered already; their structures come first.
        half_pairs: structures of which the set holds one side and not the other.
        treated: the words are those of a target, and name what is treated.
        limit: how many at most.
    """
    only = nomenclature.anatomy.interpreted_types.structure.get(interpreted_type)
    if only is not None:
        return only
    scores = defaultdict(float, _by_words(tuple(words), nomenclature))
    for place, name in enumerate(offered):
        structure = structure_meant(name, nomenclature)
        if structure:
            scores[structure] += _ALREADY_OFFERED_WEIGHT - place
    regions = nomenclature.anatomy.nearest_first(site)
    for structure in list(scores):
        scores[structure] += _SITE_WEIGHT * (entry_of(structure, nomenclature).region in regions)
        scores[structure] += _PAIR_WEIGHT * (structure in half_pairs)
    ranked = sorted(scores, key=lambda structure: (-scores[structure], structure))
    ranked = [structure for structure in ranked if fits(structure, site, interpreted_type, nomenclature)]
    known = _descriptions(nomenclature).holding
    share = _SHARE_BESIDE_KNOWN if any(word in known for word in words) else _SHARE_OF_USUAL
    ranked = ranked[: limit - int(limit * share)]
    usual = (
        structure
        for structure in _usual(site, treated, nomenclature)
        if structure not in ranked and fits(structure, site, interpreted_type, nomenclature)
    )
    return (*ranked, *islice(usual, limit - len(ranked)))


@lru_cache(maxsize=64)
def _usual(site: str, treated: bool, nomenclature: Nomenclature) -> tuple[str, ...]:
    """Return the structures that clinics contour most, those of the site and the broader site first, or treat most."""
    anatomy = nomenclature.anatomy
    here = [name for at in anatomy.nearest_first(site) for name in sorted(anatomy.told_by(at))]
    named = tuple(anatomy.treated_most) if treated else (*here, *anatomy.contoured_most)
    structures = (structure_meant(name, nomenclature) for name in named)
    return tuple(dict.fromkeys(structure for structure in structures if structure))


@lru_cache(maxsize=4096)
def _by_words(words: tuple[str, ...], nomenclature: Nomenclature) -> dict[str, float]:
    known = _descriptions(nomenclature)
    scores: defaultdict[str, float] = defaultdict(float)
    for word in dict.fromkeys(words):
        best: dict[str, float] = {}
        for near, likeness in similar_words(word, known.words):
            for structure in known.holding[near]:
                best[structure] = max(best.get(structure, 0.0), likeness**2 * known.rarity[near])
        for structure, score in best.items():
            scores[structure] += score
    for name, score in offers("".join(words), nomenclature, limit=10):
        structure = structure_meant(name, nomenclature)
        if structure:
            scores[structure] += _LIKENESS_WEIGHT * score**2
    return dict(scores)
