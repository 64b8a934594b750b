"""Targets as clinics write them: every word gets its slot, or the name stays.

``Lt PTV54``, ``PTV 54 Gy L`` and ``LPTV_5400`` become ``PTV_5400^L``; ``larynx ptv 1 (54 gy)`` becomes
``PTV1_Larynx_5400``. Doses are written in cGy; a bare number from 20 to 90 is Gy, from 1000 to 9999 cGy, from 1 to 9 an
index. What has no slot goes behind ``^`` where it is a word for a place or a sum (neck, all), else the name stays.

It is declined where a number may be read in two ways (``PTV 12``, ``CTV 40-56``), where two targets or a target and an
organ are combined, where a helper word stands in it, and where 16 characters cannot hold every part.

Standard: AAPM TG-263 report, principles T1-T10.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from tg263_scp.naming.organs.reading import Finding, OrganReading, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.grammar import TargetName
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import PLACES, fill, type_tokens
from tg263_scp.naming.targets.organs_at_risk import DRAWN_AS_TARGETS, organ_at_risk
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.lexicon import WIDE_LANGUAGES

_GENITIVE_LIKE_PLURAL = frozenset({"pl", "cs", "ru"})
_RISKS = {"High": "HR", "Mid": "IR", "Low": "LR"}
"""What is written behind ``^`` where a risk stands beside a dose: a level of risk is none of dose."""
_BEDS = frozenset({"ProstateBed", "TumorBed", "SurgicalBed"})
"""Structures that the classifier ``sb`` stands for where 16 characters cannot hold them."""

NO_SLOT = "a word that has no slot"


@dataclass(frozen=True, slots=True)
class TargetReading:
    """How a name with a target type reads. ``name`` is empty where it is declined; ``note`` says why."""

    types: int
    name: str = ""
    note: str = ""


@lru_cache(maxsize=4096)
def read_target(query: Query, nomenclature: Nomenclature) -> TargetReading:
    """Read a name that holds one target type; the standard name is given only where every part of it has its slot."""
    tokens, types = type_tokens(query, nomenclature.lexicon)
    if types != 1:
        return TargetReading(types, note="no target type" if not types else "more than one target type")
    slots = fill(tokens, nomenclature.lexicon)
    if not slots.problem and slots.words:
        _place_words(slots, query, nomenclature)
    return _finished(slots, query, nomenclature)


def open_slots(query: Query, nomenclature: Nomenclature) -> Slots | None:
    """Return the slots of a target whose only trouble is ``words`` that no pack knows; None for any other name."""
    tokens, types = type_tokens(query, nomenclature.lexicon)
    slots = fill(tokens, nomenclature.lexicon) if types == 1 else Slots(problem="not one target type")
    if slots.problem or not slots.words or slots.qualifier:
        return None
    if read_words((tuple(slots.words),), query, nomenclature).finding is Finding.UNLISTED:
        return None
    _place_words(slots, query, nomenclature)
    return slots if slots.problem == NO_SLOT else None


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
        return TargetReading(0, note="no words of this target are open")
    slots.problem = ""
    if classifier:
        slots.put("classifier", classifier)
    if dose_level:
        slots.put("level", dose_level)
    if structure and not slots.problem:
        if slots.classifier == "n" and not structure.startswith("LN"):
            return TargetReading(1, note="nodes are said, and the structure is none")
        stem = nomenclature.stems[structure]
        finding = Finding.SIDE_MISSING if stem.paired and not slots.sides else Finding.FOUND
        _put_structure(OrganReading(finding, (stem.any_form,), structure), slots, query, nomenclature)
    return _finished(slots, query, nomenclature)


def _finished(slots: Slots, query: Query, nomenclature: Nomenclature) -> TargetReading:
    """Look at filled slots once more as a whole, and write them as a name."""
    if not slots.problem and len(set(slots.sides)) > 1:
        slots.problem = "both sides are named"
    if any(
        query.languages & set(nomenclature.lexicon.sides.get(letter, ())) for letter in slots.letters - {"n"}
    ):
        slots.problem = slots.problem or "a letter that is a side in the language of the set"
    if not slots.problem and slots.prefixed:
        slots.problem = (
            "a letter before the type may be anything: a PGTV is primary to some, planning to others"
        )
    if slots.place_level and (
        PLACES.intersection(slots.custom) or slots.type in ("GTV", "IGTV") or query.site == "brain"
    ):  # a GTV has no dose of its own, and *LO* is the left occipital lobe
        slots.problem = slots.problem or "high, middle or low may be a place or a dose level"
    if "p" in slots.letters and query.site == "prostate" and not slots.dose:
        slots.problem = slots.problem or "a letter that may mean the prostate or a primary"
    if slots.station and query.site == "thorax":
        slots.problem = slots.problem or "a number that may be that of a nodal station"
    if slots.small and not (slots.dose or slots.level or slots.classifier or slots.words):
        slots.problem = slots.problem or "a small letter that may be a side or a state"
    if slots.roman and (slots.sides or query.site in ("head_and_neck", "breast")):
        slots.problem = slots.problem or "a Roman number that may be a nodal level's"
    if slots.problem:
        return TargetReading(1, note=slots.problem)
    name = _spelt(slots, nomenclature)
    return TargetReading(1, name or "", "" if name else "16 characters cannot hold every part of it")


def _place_words(slots: Slots, query: Query, nomenclature: Nomenclature) -> None:
    """Find the structure slot for the words that are left; a side goes to the structure, where it can have one."""
    found = read_words((tuple(slots.words),), query, nomenclature)
    if (
        found.finding is Finding.NOTHING and slots.nodal
    ):  # 'CTV pelvic nodes': the nodes belong to the structure
        found = read_words(((*slots.nodal, *slots.words),), query, nomenclature)
    if (
        found.finding is not Finding.FOUND and slots.sides
    ):  # the side may be part of the name: 'left upper lobe'
        whole = read_words((tuple(slots.said),), query, nomenclature)
        if whole.finding is Finding.FOUND and not whole.rebuilt:
            found, slots.sides = whole, []
    if found.structure == "LN" and not found.rebuilt and not slots.qualifier:
        slots.classifier = slots.classifier or "n"
        return
    if slots.nodal and found.structure and not found.structure.startswith("LN"):
        slots.problem = "nodes of an organ, or both"
        return
    if slots.nodal and found.structure and "n" not in slots.letters:
        slots.classifier = ""  # the structure's name says it
    _put_structure(found, slots, query, nomenclature)


def _put_structure(found: OrganReading, slots: Slots, query: Query, nomenclature: Nomenclature) -> None:
    slots.problem = _objection(found, slots, query, nomenclature)
    if slots.problem:
        return
    stem = nomenclature.stems.get(found.structure)
    sides = {*slots.sides, *({found.side} if found.side else ())}
    if sides and not (stem and stem.paired):
        slots.problem = "a side that the list does not have of this structure"
    elif stem is None:
        slots.qualifier = found.structure
    elif sides:
        slots.qualifier = f"{found.structure}_{min(sides)}" if len(sides) == 1 else ""
        slots.sides = [] if len(sides) == 1 else sorted(sides)
    else:
        slots.qualifier = (
            stem.plural if found.structure.startswith("LN_") and stem.plural else found.structure
        )


def _objection(found: OrganReading, slots: Slots, query: Query, nomenclature: Nomenclature) -> str:
    """Say why the words of a target cannot fill its structure slot; empty where they can."""
    languages = {phrase.language for phrase in found.phrases}
    if (
        found.finding not in (Finding.FOUND, Finding.SIDE_MISSING)
        or found.structure.replace("_", "") not in nomenclature.structure_slots
    ):
        return NO_SLOT
    if slots.qualifier or (
        found.rebuilt and not (found.side and found.name == f"{found.structure}_{found.side}")
    ):
        return NO_SLOT
    if not slots.sides and not found.side and _may_be_genitive(found, languages, nomenclature):
        return "one or both sides: the language spells them alike"
    if at_risk := organ_at_risk(found, slots, query, nomenclature):
        return at_risk
    if nomenclature.entries[found.name or found.names[0]].kind == "device":
        return "a device is no target"
    if slots.classifier == "n" and "n" in slots.letters and not found.structure.startswith("LN"):
        return "a letter that may mean nodes or an intersection"
    if slots.letters and (found.structure == "SeminalVes" or found.structure.startswith("VB")):
        return "perhaps prostate and seminal vesicles together, or two parts of the spine"
    one_side = found.structure.startswith("LN_") and found.structure != "LN_Pelvic"
    if one_side and found.finding is Finding.SIDE_MISSING and not slots.sides:
        return "nodes of one side or both"
    if PLACES.intersection(slots.custom):
        return "a place beside a structure may be a part of it"
    if slots.place_level:
        return "high, middle or low may be a part of the structure or a dose level"
    if slots.cut_off and found.structure not in DRAWN_AS_TARGETS:
        return "something may be taken off the target"
    local = languages - WIDE_LANGUAGES
    if local == languages and any(
        local & set(nomenclature.lexicon.sides.get(letter, ())) for letter in slots.letters
    ):
        return "a letter that is a side in the language of the structure"
    return ""


def _may_be_genitive(found: OrganReading, languages: set[str], nomenclature: Nomenclature) -> bool:
    """``PTV nerki`` is the PTV of one kidney in Polish, where the word also means both; so in Czech and Russian."""
    entry = nomenclature.entries.get(found.name)
    return entry is not None and bool(entry.plural_of) and set() < languages <= _GENITIVE_LIKE_PLURAL


def _spelt(slots: Slots, nomenclature: Nomenclature) -> str | None:
    """Write the slots as a name; a dose level beside a dose goes behind ``^``, a bed that does not fit is ``sb``."""
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
        name.structure in _BEDS
        and name.classifier in ("", "sb")
        and len(grammar.render(name)) > grammar.MAX_LENGTH
    ):
        name = replace(name, structure="", classifier="sb")  # 'PTV_ProstateBed_6600' has 20 characters
    return grammar.spell(name, nomenclature)
