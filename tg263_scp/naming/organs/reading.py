"""Organ names as clinics write them: side, margin, PRV and partial mark taken out, the rest looked up, all put back.

``PRV LT optic nerve`` is the structure *optic nerve*, side left, a PRV without a margin: ``OpticNrv_PRV_L``.

A name is only found when every word of it is explained. It is declined

* where a word is left over (``Lens_L_SP``, ``brainstem_ag``): a copy, initials, or something else;
* where the words mean two structures (``hip``), or one that the list does not hold (``epiglottis``);
* where the list needs a side and the name gives none (``kidney``), gives two, or names a side the list does not know;
* where a length may be a margin, a rind or a part (``Liver 2cm``);
* where 16 characters cannot hold all of it (``Submandibular L PRV5``).

Standard: AAPM TG-263 report, principles N4-N11.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from itertools import chain

from tg263_scp.decision import Reason
from tg263_scp.errors import SourceLine
from tg263_scp.naming.organs.described import head_and_description, only_describes, sides_of
from tg263_scp.naming.organs.forms import FORM_NOTES, dressed, gathered_forms
from tg263_scp.naming.organs.node_levels import drops_a_level, phrase_of_level
from tg263_scp.naming.organs.parts import Parts, takings
from tg263_scp.naming.organs.spoken import spoken_phrases
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.compounds import segmented
from tg263_scp.naming.words.letters import Token, ends_in_capital
from tg263_scp.naming.words.lexicon import OWN_LANGUAGE, Lexicon, Phrase, Sense

_MOST_PHRASES = 3
"""Phrases whose lines are given as evidence; the same words often mean the same in a dozen languages."""
_BRACKETS = "()"
_FEWEST_WITH_KIND = 2


class Finding(StrEnum):
    """How far a name could be read."""

    FOUND = "found"
    AMBIGUOUS = "ambiguous"
    UNLISTED = "unlisted"
    SIDE_MISSING = "side_missing"
    NO_STANDARD_NAME = "no_standard_name"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class OrganReading:
    """The result of reading one name as an organ. ``names`` are the listed names it may be, best first.

    ``reason`` says why a name is not FOUND, more finely than the finding does. ``parts`` is the name taken apart as it was
    read.
    """

    finding: Finding
    names: tuple[str, ...] = ()
    structure: str = ""
    side: str = ""
    rebuilt: bool = False
    phrases: tuple[Phrase, ...] = ()
    note: str = ""
    reason: Reason = Reason.UNMATCHED
    parts: Parts | None = None

    @property
    def name(self) -> str:
        """The standard name; only where the finding is FOUND."""
        return self.names[0] if self.finding is Finding.FOUND else ""


_NOTHING = OrganReading(Finding.NOTHING)


@lru_cache(maxsize=4096)
def read_organ(query: Query, nomenclature: Nomenclature) -> OrganReading:
    """Read a whole name as an organ; the first way of cutting it into words that explains every word wins."""
    glued = any(ends_in_capital(token.raw) for token in query.words)
    cuts = (query.camel_words,) if glued else (query.words, query.camel_words)
    whole = read_words(cuts, query, nomenclature)
    described = head_and_description(query) if whole.finding is Finding.NOTHING else None
    return _read_head(*described, nomenclature) if described else whole


def _read_head(head: Query, text: Query, nomenclature: Nomenclature) -> OrganReading:
    """Read nodes whose name is described behind it; what the description says must not differ from the head."""
    found, lexicon = read_organ(head, nomenclature), nomenclature.lexicon
    levels = found.finding is Finding.UNLISTED and any(p.language == OWN_LANGUAGE for p in found.phrases)
    nodes = levels or found.structure.startswith("LN")
    agrees = sides_of(text, lexicon) <= {found.side}
    return found if nodes and agrees and only_describes(text, head, lexicon) else _NOTHING


def read_known_words(query: Query, nomenclature: Nomenclature) -> OrganReading:
    """Read only the words some pack knows (``Blase`` of ``Blase_20240219``): something to offer, never to rename to."""
    lexicon = nomenclature.lexicon
    cuts = [
        tuple(t for t in cut if t.is_word and lexicon.knows(t.text))
        for cut in (query.words, query.camel_words)
    ]
    return read_words([cut for cut in cuts if cut], query, nomenclature)


def read_qualified(query: Query, nomenclature: Nomenclature) -> OrganReading:
    """Read anatomy without a name of its own (``Thalamus_2``, ``Mesorectum_Lower``) whatever number, place or copy it is.

    Only a reading of that kind is returned: a number or a copy of what the list does name may be anything.
    """
    lexicon = nomenclature.lexicon
    for cut in (query.words, query.camel_words):
        core = tuple(t for t in cut if t.is_word and not _qualifies(t.text, lexicon))
        if not core or len(core) == len(cut):
            continue
        reading = read_words((core,), query, nomenclature)
        if reading.finding is Finding.UNLISTED:
            return reading
    return _NOTHING


def _qualifies(word: str, lexicon: Lexicon) -> bool:
    """Tell whether a word says which one, which part or which copy of anything."""
    return lexicon.marks.get(word) in ("copy", "partial") or word in lexicon.usage.qualifiers


def read_words(cuts: Sequence[tuple[Token, ...]], query: Query, nomenclature: Nomenclature) -> OrganReading:
    """Read tokens as an organ, trying each way of cutting, then each with its glued words parted (``llens``, ``cordprv``)."""
    lexicon = nomenclature.lexicon
    kept = _NOTHING
    tried: set[tuple[str, ...]] = set()
    for cut in chain(cuts, (glued for cut in cuts if (glued := segmented(cut, lexicon)))):
        texts = tuple(token.text for token in cut)
        if texts in tried:
            continue
        tried.add(texts)
        found = _read_cut(cut, query.context, nomenclature)
        if found.finding is Finding.FOUND:
            return found
        if kept.finding is Finding.NOTHING:
            kept = found
        if kept.finding in (Finding.AMBIGUOUS, Finding.UNLISTED):
            return kept
    return kept


@lru_cache(maxsize=16384)
def _read_cut(tokens: tuple[Token, ...], query: Query, nomenclature: Nomenclature) -> OrganReading:
    """Read tokens cut in one way; ``query`` is the context alone, so that words that repeat are read once."""
    kept = _NOTHING
    for parts in takings(tokens, nomenclature.lexicon):
        if parts.partial and kept.finding in (Finding.UNLISTED, Finding.AMBIGUOUS):
            continue  # a liver segment is no unnamed part of the liver
        found = _judge(parts, query, nomenclature)
        if found.finding is Finding.FOUND:
            return found
        if kept.finding is Finding.NOTHING:
            kept = found
    return _restated(tokens, query, nomenclature) if kept.finding is Finding.NOTHING else kept


def _restated(tokens: tuple[Token, ...], query: Query, nomenclature: Nomenclature) -> OrganReading:
    """Read a name that says its structure once more in brackets: ``SVC (superior vena cava)``, ``Optic Nerve (ON) L``."""
    signs = [at for at, token in enumerate(tokens) if token.text in "()"]
    if len(signs) != len(_BRACKETS) or not signs[0] or signs[1] - signs[0] < len(_BRACKETS):
        return _NOTHING
    start, end = signs
    outside = _read_cut((*tokens[:start], *tokens[end + 1 :]), query, nomenclature)
    inside = _read_cut(tokens[start + 1 : end], query, nomenclature)
    same = outside.structure in {phrase.means for phrase in inside.phrases}
    more = inside.parts is not None and inside.parts.rebuilt
    return outside if outside.structure and same and not more else _NOTHING


def _judge(parts: Parts, query: Query, nomenclature: Nomenclature) -> OrganReading:
    lexicon = nomenclature.lexicon
    said = lexicon.find(parts.core) or _of_its_category(parts.core, lexicon)
    phrases = spoken_phrases(said, parts, query, nomenclature) if said else ()
    bound = all(phrase.site for phrase in phrases)
    level = phrase_of_level(parts, query, nomenclature) if bound else None
    phrases = (level,) if level else phrases
    levels = all(phrase.means.startswith("LN_") for phrase in phrases)
    if not phrases or _says_filling(phrases, parts, nomenclature):
        return _NOTHING
    if levels and drops_a_level(parts, query, lexicon):
        return _NOTHING
    if len(parts.sides) > 1:
        both = "a left and a right are said: perhaps both, perhaps one by mistake"
        return OrganReading(
            Finding.AMBIGUOUS, phrases=phrases, note=both, reason=Reason.BOTH_SIDES, parts=parts
        )
    here, elsewhere = _by_site(phrases, nomenclature.anatomy.nearest_first(query.site))
    if elsewhere and parts.margin:
        here, elsewhere = _grown_most(here, elsewhere, nomenclature)
    structures = tuple(dict.fromkeys(phrase.means for phrase in here if phrase.sense is Sense.STRUCTURE))
    senses = {phrase.sense for phrase in here}
    if len(structures) == 1 and senses == {Sense.STRUCTURE} and not elsewhere:
        return compose(
            structures[0], parts, tuple(p for p in here if p.sense is Sense.STRUCTURE), nomenclature
        )
    if senses == {Sense.UNLISTED} and not elsewhere:
        note = "real, but TG-263 has no name for it"
        return OrganReading(Finding.UNLISTED, phrases=here, note=note, reason=Reason.UNLISTED, parts=parts)
    offered = tuple(
        name
        for structure in dict.fromkeys((*structures, *(p.means for p in elsewhere)))
        for name in compose(structure, parts, (), nomenclature).names
    )
    reason, note = _doubt(elsewhere, query.site)
    return OrganReading(
        Finding.AMBIGUOUS, offered, phrases=(*here, *elsewhere), note=note, reason=reason, parts=parts
    )


def _of_its_category(core: tuple[str, ...], lexicon: Lexicon) -> tuple[Phrase, ...]:
    """Read a structure behind or before the word for its kind: ``Bone_Mandible``, ``A_SMA``, ``Heart_LV``, ``Musc_SCM``.

    The kind is evidence of what a short word means, so that its treatment site need not be known. Where the kind is itself
    a structure, the site decides (``Heart_LA`` may have initials), and it stands first: ``rectum bowel`` is more likely both.
    """
    if len(core) < _FEWEST_WITH_KIND:
        return ()
    for kind, rest in ((core[0], core[1:]), (core[-1], core[:-1])):
        named = lexicon.category_words.get(kind, ())
        whole = bool(named) and _is_structure(kind, lexicon)
        if named and (rest == core[1:] or not whole):
            said = [p for p in lexicon.find(rest) if p.sense is Sense.STRUCTURE and p.means in named]
            if len({phrase.means for phrase in said}) == 1:
                return tuple(said) if whole else tuple(replace(phrase, site="") for phrase in said)
    return ()


def _is_structure(word: str, lexicon: Lexicon) -> bool:
    return any(phrase.sense is Sense.STRUCTURE for phrase in lexicon.find((word,)))


def _says_filling(phrases: Sequence[Phrase], parts: Parts, nomenclature: Nomenclature) -> bool:
    """``Bladder full`` is one of two bladders, ``Liver full`` the liver."""
    filled = not nomenclature.lexicon.usage.filling_words.isdisjoint(parts.idle)
    return filled and any(phrase.means in nomenclature.anatomy.filled for phrase in phrases)


def _grown_most(
    here: tuple[Phrase, ...], elsewhere: tuple[Phrase, ...], nomenclature: Nomenclature
) -> tuple[tuple[Phrase, ...], tuple[Phrase, ...]]:
    """Let a margin tell what a short word means: of all that ``SC`` may be, PRVs are made of the spinal cord."""
    grown = tuple(p for p in (*here, *elsewhere) if p.means in nomenclature.anatomy.grown_most)
    alone = len({phrase.means for phrase in grown}) == 1
    return (grown, ()) if alone else (here, elsewhere)


def _doubt(elsewhere: Sequence[Phrase], site: str) -> tuple[Reason, str]:
    """Say why words lead to no single structure; ``elsewhere`` are the phrases that hold at other or unknown sites."""
    if not elsewhere:
        return Reason.AMBIGUOUS, "may mean more than one thing"
    sites = ", ".join(sorted({phrase.site.replace("_", " ") for phrase in elsewhere}))
    if site:
        return Reason.OTHER_SITE, f"known at other treatment sites only: {sites}"
    return (
        Reason.SITE_DECIDES,
        f"the treatment site is not known, and what it means differs by site: {sites} or another",
    )


def _by_site(
    phrases: tuple[Phrase, ...], sites: tuple[str, ...]
) -> tuple[tuple[Phrase, ...], tuple[Phrase, ...]]:
    """Part the phrases into those that hold at these sites, nearest first, and all others; the nearest speaks alone."""
    for near in sites:
        here = tuple(p for p in phrases if p.site == near)
        if here:
            return here, ()
    general = tuple(p for p in phrases if not p.site)
    bound = tuple(p for p in phrases if p.site)
    certain = {p.means for p in general if p.sense is Sense.STRUCTURE}
    if len(certain) == 1 and all(p.means in certain for p in bound):
        return general, ()
    return general, bound if not sites or not general else ()


def compose(
    means: str, parts: Parts, phrases: tuple[Phrase, ...], nomenclature: Nomenclature
) -> OrganReading:
    """Put side, margin and partial mark back on a structure, in the order of the standard."""
    forms = gathered_forms(means, parts, nomenclature)
    side = next(iter(parts.sides), "")
    read = OrganReading(Finding.FOUND, (), means, side, parts.rebuilt, phrases, parts=parts)
    if isinstance(forms, Reason):
        note = f"{FORM_NOTES[forms]}: {means}"
        if forms is not Reason.SIDE_MISSING:
            return replace(read, finding=Finding.NO_STANDARD_NAME, note=note, reason=forms)
        sided = (dressed((means, side), parts, nomenclature) for side in "LR")
        names = tuple(name for name in sided if not isinstance(name, Reason))
        return replace(read, finding=Finding.SIDE_MISSING, names=names, note=note, reason=forms)
    name = dressed(forms, parts, nomenclature)
    if isinstance(name, Reason):
        note = f"{FORM_NOTES[name]}: {means}"
        return replace(read, finding=Finding.NO_STANDARD_NAME, note=note, reason=name)
    return replace(read, names=(name,))


def evidence_of(reading: OrganReading, lexicon: Lexicon) -> tuple[SourceLine, ...]:
    """Return the lines that a reading rests on: of the phrases (three at most), then of each word taken out of the name.

    A word written otherwise (``nerv`` for ``nervus``) has a line too; so have side words, in the languages that mean this
    side by them, partial marks, and the words that say a margin.
    """
    lines = [phrase.source for phrase in reading.phrases[:_MOST_PHRASES]]
    parts = reading.parts
    if parts is not None:
        for phrase in reading.phrases[:_MOST_PHRASES]:
            lines += _variant_lines(parts.core, phrase, lexicon)
        if parts.rebuilt:
            lines += [line for word in parts.taken if (line := _line_of(word, parts, lexicon))]
    return tuple(dict.fromkeys(lines))


def _variant_lines(words: Sequence[str], phrase: Phrase, lexicon: Lexicon) -> list[SourceLine]:
    """Return the lines that make words of a name those of the phrase, where the phrase is not written so itself."""
    varied = [word for word in words if phrase.language in lexicon.variants.get(word, ())]
    if not varied or lexicon.said_as(words, phrase):
        return []
    language = "en" if phrase.language == OWN_LANGUAGE else phrase.language
    return [line for word in varied if (line := lexicon.source_of("words", word, (language,)))]


def _line_of(word: str, parts: Parts, lexicon: Lexicon) -> SourceLine | None:
    """Return the line of a word that was taken out: of a side word in a language that means this side by it, else of a mark."""
    meant = {*parts.sides, *(("both",) if parts.both else ())}
    languages = {language for language, side in lexicon.sides.get(word, {}).items() if side in meant}
    shown = languages & (parts.side_languages or languages)
    return (
        (lexicon.source_of("sides", word, shown or languages) if languages else None)
        or lexicon.source_of("idle_words", word)
        or lexicon.source_of("marks", word)
    )
