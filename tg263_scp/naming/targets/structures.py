"""The structure slot of a target: the words that nothing else could be made of, and why they may not fill it.

Standard: AAPM TG-263 report, principle T5.
"""

from __future__ import annotations

from collections.abc import Callable

from tg263_scp.naming.organs.reading import Finding, OrganReading, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.nomenclature import Nomenclature, Stem
from tg263_scp.naming.targets.doubts import Doubt, first_doubt
from tg263_scp.naming.targets.organs_at_risk import DOUBTS_OF_ORGANS
from tg263_scp.naming.targets.placing import Placing
from tg263_scp.naming.targets.slots import BEDS, Slots
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import EVERYWHERE, WIDE_LANGUAGES, phrase_words

_SHORT_WORD = 2
"""Letters up to which a word of a target tells no language."""


def place_words(slots: Slots, query: Query, nomenclature: Nomenclature) -> None:
    """Find the structure slot for the words that are left; a side goes to the structure, where it can have one."""
    found = read_words((tuple(slots.words),), query, nomenclature)
    if found.finding is Finding.NOTHING and slots.nodal:
        # 'CTV pelvic nodes': the nodes belong to the structure
        found = read_words(((*slots.nodal, *slots.words),), query, nomenclature)
    if found.finding is Finding.NOTHING and _take_local_sides(slots, query, nomenclature):
        return
    if found.finding in (Finding.NOTHING, Finding.AMBIGUOUS):
        found = _nodes_unsaid(slots, query, nomenclature) or found
    if found.finding is not Finding.FOUND and slots.sides:
        # the side may be part of the name: 'left upper lobe'
        whole = read_words((tuple(slots.said),), query, nomenclature)
        if whole.finding is Finding.FOUND and not whole.rebuilt:
            found, slots.sides = whole, []
    if found.structure == "LN" and not found.rebuilt and not slots.qualifier:
        slots.classifier = slots.classifier or "n"
        slots.sources.extend(phrase.source for phrase in found.phrases)
        return
    nodes = found.structure.startswith("LN")
    if slots.nodal and found.structure and not nodes:
        slots.leave(Doubt.NODES_OF_ORGAN)
        return
    if slots.nodal and nodes and "n" not in slots.letters:
        slots.classifier = ""  # the structure's name says it
    put_structure(found, slots, query, nomenclature)


def _take_local_sides(slots: Slots, query: Query, nomenclature: Nomenclature) -> bool:
    """Take the words that are left as sides of the language that the target's other words show: ``PTV Hals li``."""
    lexicon = nomenclature.lexicon
    words = [word for section, word in slots.used if section == "target_words" and len(word) > _SHORT_WORD]
    shown = [lexicon.languages_of("target_words", word) for word in words]
    tongues = query.languages.union(*(languages for languages in shown if languages.isdisjoint(EVERYWHERE)))
    said = [lexicon.sides.get(token.text, {}) for token in slots.words]
    sides = [{side for language, side in found.items() if language in tongues} for found in said]
    if not all(each in ({"L"}, {"R"}) for each in sides):
        return False
    slots.sides.extend(side for each in sides for side in each)
    slots.used.extend(("sides", token.text) for token in slots.words)
    return True


def _nodes_unsaid(slots: Slots, query: Query, nomenclature: Nomenclature) -> OrganReading | None:
    """Read ``CTV ext iliac`` as its nodes: vessels and muscles of that name are not treated."""
    if not all(nomenclature.lexicon.knows(token.text) for token in slots.words):
        return None
    for word in ("node", "nodes"):
        found = read_words(((*slots.words, Token(word, word, joined=False)),), query, nomenclature)
        known = found.finding in (Finding.FOUND, Finding.SIDE_MISSING)
        if known and found.structure in nomenclature.anatomy.nodes_unsaid:
            return found
    return None


def put_structure(found: OrganReading, slots: Slots, query: Query, nomenclature: Nomenclature) -> None:
    """Fill the structure slot with what was found, or say why not."""
    placing = Placing(found, slots, query, nomenclature)
    spelling = _spelling_of_unlisted(placing)
    slots.leave(None if spelling else first_doubt(DOUBTS_OF_STRUCTURES, placing))
    if slots.doubt:
        return
    slots.sources.extend(phrase.source for phrase in found.phrases)
    if spelling:
        slots.custom.append(spelling)
        slots.sides.extend(sorted(found.parts.sides) if found.parts else [])
        return
    if found.structure in BEDS and slots.qualifier:
        slots.put("classifier", "sb")  # 'PTV tumor bed eval'
        return
    if slots.qualifier:
        slots.custom.insert(0, slots.qualifier)  # the slot is the anatomy's: 'PTV larynx boost'
    stem = nomenclature.stems.get(found.structure)
    sides = {*slots.sides, *({found.side} if found.side else ())}
    if sides and not (stem and stem.paired):
        slots.qualifier, slots.sides = found.structure, sorted(sides)
    elif stem is None:
        slots.qualifier = found.structure
    elif sides:
        slots.qualifier = f"{found.structure}_{min(sides)}" if len(sides) == 1 else ""
        slots.sides = [] if len(sides) == 1 else sorted(sides)
    else:
        slots.qualifier = _nodes_or_organ(found, stem)


def _nodes_or_organ(found: OrganReading, stem: Stem) -> str:
    """Nodes are drawn as one, so the list's plural is written where it is said; a side is neither invented nor denied."""
    structure = found.structure
    drawn_as_one = found.finding is Finding.FOUND or structure == "LN_Pelvic"
    return stem.plural if structure.startswith("LN_") and stem.plural and drawn_as_one else structure


def _spelling_of_unlisted(placing: Placing) -> str:
    """Return how anatomy that the list does not hold is written behind ``^``: the phrase of the pack, a capital a word."""
    found, slots = placing.found, placing.slots
    if found.finding is not Finding.UNLISTED or slots.words_first or slots.cut_off:
        return ""
    if found.parts is None or found.parts.margin or found.parts.partial or found.parts.both:
        return ""
    if any(_is_at_risk(word, placing) for word in found.parts.core):
        return ""
    phrase = min(found.phrases, key=lambda phrase: (phrase.language != "en", phrase.language, phrase.text))
    node_words = placing.nomenclature.lexicon.number_words if slots.classifier == "n" else {}
    words = [word for word in phrase_words(phrase)[0] if node_words.get(word) != "node"]
    spelling = "".join(word[:1].upper() + word[1:] for word in words)
    return spelling if spelling.isascii() and spelling.isalnum() else ""


def _is_at_risk(word: str, placing: Placing) -> bool:
    """``PTV post rectum`` and ``PTV heart apex`` name a part of an organ at risk: rather an overlap than a target."""
    anatomy = placing.nomenclature.anatomy
    at_risk = {*anatomy.beside_targets, *(organ for at in anatomy.beside_targets_at.values() for organ in at)}
    return any(phrase.means in at_risk for phrase in placing.nomenclature.lexicon.find((word,)))


def is_unlisted(placing: Placing) -> bool:
    """``CTV epiglottis``."""
    return placing.found.finding is Finding.UNLISTED


def is_ambiguous(placing: Placing) -> bool:
    """``CTV bulb``."""
    return placing.found.finding is Finding.AMBIGUOUS


def is_unknown(placing: Placing) -> bool:
    """``PTV xyz``."""
    return placing.found.finding is Finding.NOTHING


def has_no_slot(placing: Placing) -> bool:
    """A form that the list does not have, or a name that is no anatomy."""
    return (
        placing.found.finding is Finding.NO_STANDARD_NAME
        or placing.structure.replace("_", "") not in placing.nomenclature.structure_slots
    )


def has_no_such_side(placing: Placing) -> bool:
    """``PTV colon R`` is the ascending colon; the side of other single organs (``PTV liver R``) goes behind ``^``."""
    sides = {*placing.slots.sides, placing.found.side} - {""}
    stem, anatomy = placing.nomenclature.stems.get(placing.structure), placing.nomenclature.anatomy
    if not sides or (stem and stem.paired):
        return False
    entry = placing.nomenclature.entries.get(placing.structure)
    return bool(stem is None or (entry and entry.plural_of) or placing.structure in anatomy.parted_by_sides)


def is_part_or_margin(placing: Placing) -> bool:
    """``PTV part liver``: more than a side was taken out of the words."""
    found = placing.found
    return found.rebuilt and not (found.side and found.name == f"{found.structure}_{found.side}")


def may_be_genitive(placing: Placing) -> bool:
    """``PTV nerki`` is the PTV of one kidney in Polish, where the word also means both; so in Czech and Russian."""
    if placing.slots.sides or placing.found.side:
        return False
    entry = placing.nomenclature.entries.get(placing.found.name)
    alike = placing.nomenclature.lexicon.genitive_like_plural
    return entry is not None and bool(entry.plural_of) and frozenset() < placing.languages <= alike


def is_device(placing: Placing) -> bool:
    """``PTV Bolus``."""
    found = placing.found
    return placing.nomenclature.entries[found.name or found.names[0]].kind == "device"


def may_be_intersection(placing: Placing) -> bool:
    """``PTV n liver``."""
    nodal = placing.slots.classifier == "n" and "n" in placing.slots.letters
    return nodal and not placing.structure.startswith("LN")


def may_be_prostate_and_vesicles(placing: Placing) -> bool:
    """``CTV_P_sv``."""
    return bool(placing.slots.letters) and placing.structure == "SeminalVes"


def may_be_two_vertebrae(placing: Placing) -> bool:
    """``CTV p T8``."""
    return bool(placing.slots.letters) and placing.structure.startswith("VB")


def may_be_dose_level(placing: Placing) -> bool:
    """``PTV level 2``; ``level II``, ``level 2a`` and ``node level 2`` are levels of nodes."""
    said = [token.text for token in placing.slots.words]
    roles = {placing.nomenclature.lexicon.number_words.get(word) for word in said}
    counted = len(said) > 1 and said[-1].isdecimal() and "level" in roles
    told = bool(placing.slots.classifier or placing.slots.sides)
    return counted and roles.isdisjoint({"node", "neck", "axilla"}) and not told


def may_be_part_of_place(placing: Placing) -> bool:
    """``PTV sup clav R``."""
    return placing.slots.place


def may_be_its_level(placing: Placing) -> bool:
    """``PTV low larynx``."""
    return placing.slots.place_level


def may_be_cut_off(placing: Placing) -> bool:
    """``PTV-Rectum``."""
    return placing.slots.cut_off and placing.structure not in placing.nomenclature.anatomy.drawn_as_targets


def may_be_side_in_its_language(placing: Placing) -> bool:
    """``PTV v lunge``: the v is left in the language of the other word."""
    local = placing.languages - WIDE_LANGUAGES
    sides = placing.nomenclature.lexicon.sides
    return local == placing.languages and any(
        not local.isdisjoint(sides.get(letter, ())) for letter in placing.slots.letters
    )


DOUBTS_OF_STRUCTURES: tuple[tuple[Callable[[Placing], bool], Doubt], ...] = (
    (is_unlisted, Doubt.STRUCTURE_UNLISTED),
    (is_ambiguous, Doubt.WORD_AMBIGUOUS),
    (is_unknown, Doubt.WORD_UNKNOWN),
    (has_no_slot, Doubt.STRUCTURE_WITHOUT_SLOT),
    (has_no_such_side, Doubt.SIDE_UNLISTED),
    (is_part_or_margin, Doubt.PART_OF_STRUCTURE),
    (may_be_genitive, Doubt.ONE_SIDE_OR_BOTH),
    *DOUBTS_OF_ORGANS,
    (is_device, Doubt.DEVICE),
    (may_be_intersection, Doubt.NODES_OR_INTERSECTION),
    (may_be_prostate_and_vesicles, Doubt.PROSTATE_AND_VESICLES),
    (may_be_two_vertebrae, Doubt.TWO_VERTEBRAE),
    (may_be_dose_level, Doubt.NODES_OR_DOSE_LEVEL),
    (may_be_part_of_place, Doubt.PLACE_BESIDE_STRUCTURE),
    (may_be_its_level, Doubt.LEVEL_OF_STRUCTURE),
    (may_be_cut_off, Doubt.CUT_OFF),
    (may_be_side_in_its_language, Doubt.SIDE_IN_STRUCTURE_LANGUAGE),
)
"""Why words cannot fill the structure slot, in the order it is asked."""
