"""Targets as clinics write them: every word gets its slot, or the name stays.

``Lt PTV54``, ``PTV 54 Gy L`` and ``LPTV_5400`` become ``PTV_5400^L``; ``larynx ptv 1 (54 gy)`` becomes
``PTV1_Larynx_5400``. Doses are written in cGy; a bare number from 20 to 90 is Gy, from 1000 to 9999 cGy, from 1 to 9 an
index. What has no slot goes behind ``^`` where it is a word for a place or a sum (neck, all), else the name stays.

It is left for review where a number may be read in two ways (``PTV 12``, ``CTV 40-56``), where two targets or a target and an
organ are combined, where a helper word stands in it, and where 16 characters cannot hold every part.

Standard: AAPM TG-263 report, principles T1-T10.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from tg263_scp.errors import SourceLine
from tg263_scp.naming.organs.reading import Finding, OrganReading, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.grammar import TargetName
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.doubts import OPEN_WORDS, Doubt, first_doubt
from tg263_scp.naming.targets.filling import fill, told_by_site, type_tokens
from tg263_scp.naming.targets.slots import BEDS, Slots
from tg263_scp.naming.targets.structures import place_words, put_structure
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_RISKS = {"High": "HR", "Mid": "IR", "Low": "LR"}
"""What is written behind ``^`` where a risk stands beside a dose: a level of risk is none of dose."""


@dataclass(frozen=True, slots=True)
class TargetReading:
    """How a name with a target type reads. ``name`` is empty where it is left for review; ``doubt`` says why.

    ``evidence`` are the lines of the data files that the words of a name rest on.
    """

    types: int
    name: str = ""
    doubt: Doubt | None = None
    evidence: tuple[SourceLine, ...] = ()


@lru_cache(maxsize=4096)
def read_target(query: Query, nomenclature: Nomenclature) -> TargetReading:
    """Read a name that holds one target type; the standard name is given only where every part of it has its slot."""
    tokens, types = type_tokens(query, nomenclature.lexicon)
    if types != 1:
        return TargetReading(types, doubt=Doubt.MORE_THAN_ONE_TYPE if types else None)
    return _finished(filled_slots(tokens, query, nomenclature), nomenclature)


def filled_slots(tokens: tuple[Token, ...], query: Query, nomenclature: Nomenclature) -> Slots:
    """Give every token its slot, the structure's too, and look at all of them once more as a whole."""
    slots = _filled(told_by_site(tokens, query, nomenclature.lexicon), nomenclature.lexicon).copied()
    if not slots.doubt and slots.words:
        place_words(slots, query, nomenclature)
    slots.leave(first_doubt(DOUBTS_OF_TARGETS, slots, query, nomenclature))
    return slots


@lru_cache(maxsize=4096)
def _filled(tokens: tuple[Token, ...], lexicon: Lexicon) -> Slots:
    """Fill the slots once for all sites at which the tokens say the same; to be copied before anything is added."""
    return fill(tokens, lexicon)


def open_slots(query: Query, nomenclature: Nomenclature) -> Slots | None:
    """Return the slots of a target whose only trouble is ``words`` that no pack knows; None for any other name."""
    tokens, types = type_tokens(query, nomenclature.lexicon)
    if types != 1:
        return None
    slots = fill(told_by_site(tokens, query, nomenclature.lexicon), nomenclature.lexicon)
    if slots.doubt or not slots.words or slots.qualifier:
        return None
    if read_words((tuple(slots.words),), query, nomenclature).finding is Finding.UNLISTED:
        return None
    place_words(slots, query, nomenclature)
    return slots if slots.doubt in OPEN_WORDS else None


def read_with_choice(
    query: Query,
    nomenclature: Nomenclature,
    *,
    structure: str = "",
    classifier: str = "",
    dose_level: str = "",
) -> TargetReading:
    """Read a target whose unknown words (see :func:`open_slots`) were said to mean these; every other rule still holds."""
    slots = open_slots(query, nomenclature)
    if slots is None:
        return TargetReading(0, doubt=Doubt.NOTHING_OPEN)
    slots.doubt = None
    if classifier:
        slots.put("classifier", classifier)
    if dose_level:
        slots.put("level", dose_level)
    if structure and not slots.doubt:
        if slots.classifier == "n" and not structure.startswith("LN"):
            return TargetReading(1, doubt=Doubt.NOT_NODES)
        stem = nomenclature.stems[structure]
        finding = Finding.SIDE_MISSING if stem.paired and not slots.sides else Finding.FOUND
        put_structure(OrganReading(finding, (stem.any_form,), structure), slots, query, nomenclature)
    slots.leave(first_doubt(DOUBTS_OF_TARGETS, slots, query, nomenclature))
    return _finished(slots, nomenclature)


def _finished(slots: Slots, nomenclature: Nomenclature) -> TargetReading:
    """Write filled slots as a name, unless a doubt or 16 characters forbid it."""
    name = None if slots.doubt else grammar.spell(as_name(slots), nomenclature)
    if not name:
        return TargetReading(1, doubt=slots.doubt or Doubt.TOO_LONG)
    return TargetReading(1, name, evidence=_evidence(slots, nomenclature))


def has_both_sides(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """``PTV L R``."""
    return len(set(slots.sides)) > 1


def has_side_of_the_set(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """``PTV v`` of a Swedish set: the v is left, no thrombosis."""
    sides = nomenclature.lexicon.sides
    return any(not query.languages.isdisjoint(sides.get(letter, ())) for letter in slots.letters - {"n"})


def has_letter_before_type(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """``PGTV 69``."""
    return slots.prefixed


def may_be_place_or_level(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """``PTV low neck``; a GTV has no dose of its own, and *LO* in a brain is the left occipital lobe."""
    return slots.place_level and (slots.place or slots.type in ("GTV", "IGTV") or query.site == "brain")


def may_be_prostate(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """``PTV P`` of a prostate; with a dose the p is a primary."""
    return "p" in slots.letters and query.site == "prostate" and not slots.dose


def may_be_station_of_thorax(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """``ITV 2R`` of a thorax."""
    return slots.station and query.site == "thorax"


def may_be_state(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """``ctv l`` and ``PTVr`` (residual, recurrent), with nothing that makes it a side."""
    return slots.small and not (slots.dose or slots.level or slots.classifier or slots.words)


def may_be_copy(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """``PTV prostate 1``: there is one, so that the number may count copies; ``PTV liver 1`` is the first of several."""
    organ = slots.qualifier.removesuffix("_L").removesuffix("_R")
    return slots.counted and organ in nomenclature.anatomy.drawn_as_targets


def may_be_nodal_level(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """``CTV II L``, and any Roman number of a neck or a breast."""
    return slots.roman and (bool(slots.sides) or query.site in ("head_and_neck", "breast"))


DOUBTS_OF_TARGETS: tuple[tuple[Callable[[Slots, Query, Nomenclature], bool], Doubt], ...] = (
    (has_both_sides, Doubt.BOTH_SIDES),
    (has_side_of_the_set, Doubt.SIDE_IN_SET_LANGUAGE),
    (has_letter_before_type, Doubt.LETTER_BEFORE_TYPE),
    (may_be_place_or_level, Doubt.PLACE_OR_LEVEL),
    (may_be_prostate, Doubt.PROSTATE_OR_PRIMARY),
    (may_be_station_of_thorax, Doubt.MAY_BE_STATION),
    (may_be_state, Doubt.SMALL_LETTER),
    (may_be_nodal_level, Doubt.ROMAN_LEVEL),
    (may_be_copy, Doubt.COPY_NUMBER),
)
"""Why a name whose parts all have their slots is left for review all the same, in the order it is asked."""


def _evidence(slots: Slots, nomenclature: Nomenclature) -> tuple[SourceLine, ...]:
    """Return the lines of the structure and of each word that filled a slot, then the list's own line of the type.

    The list has no line of ICTV and IGTV; theirs is that of the CTV and the GTV.
    """
    lines = [*slots.sources, *(nomenclature.lexicon.source_of(section, word) for section, word in slots.used)]
    listed = nomenclature.entries.get(slots.type) or nomenclature.entries[slots.type[1:]]
    return tuple(dict.fromkeys(line for line in (*lines, listed.source) if line is not None))


def as_name(slots: Slots) -> TargetName:
    """Return the slots as a name; a dose level beside a dose goes behind ``^``, a bed that does not fit is ``sb``."""
    level_beside: tuple[str, ...] = ()
    if slots.dose and slots.level:
        level_beside = (_RISKS[slots.level] if slots.risk else slots.level,)
    name = TargetName(
        type=slots.type,
        segmented=slots.segmented,
        classifier=slots.classifier,
        number=slots.number,
        structure=slots.qualifier,
        imaging=slots.imaging,
        dose=slots.dose or slots.level,
        custom="_".join((*level_beside, *slots.custom, *dict.fromkeys(slots.sides))),
    )
    if (
        name.structure in BEDS
        and name.classifier in ("", "sb")
        and len(grammar.render(name)) > grammar.MAX_LENGTH
    ):
        name = replace(name, structure="", classifier="sb")  # 'PTV_ProstateBed_6600' has 20 characters
    return name
