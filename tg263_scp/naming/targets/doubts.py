"""Why the name of a target is left for review: one member for each cause, so that tests and reports can count them.

The code is stable. The text beside it is what a person reads: it completes *left for review, because ...*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeVarTuple, Unpack


class Doubt(StrEnum):
    """One cause for which a target keeps its name; ``text`` says it in plain English."""

    text: str

    def __new__(cls, code: str, text: str) -> Doubt:
        """Make a member of its code and its text."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member

    # The name as a whole
    MORE_THAN_ONE_TYPE = "more_than_one_type", "the name holds more than one target type"
    TOO_LONG = "too_long", "16 characters cannot hold every part of the name so that it can be read back"
    SECOND_CLASSIFIER = "second_classifier", "the name holds more than one classifier"
    SECOND_DOSE = "second_dose", "the name holds more than one dose"
    SECOND_IMAGE_SET = "second_image_set", "the name holds more than one image set"
    SECOND_LEVEL = "second_level", "the name holds more than one dose level"
    SECOND_NUMBER = "second_number", "the name holds more than one index"
    BOTH_SIDES = "both_sides", "the name says left and right"

    # Numbers
    COUNT_OF_FRACTIONS = "count_of_fractions", "the number counts fractions, and the dose of one is not said"
    COPY_NUMBER = "copy_number", "the number may count copies"
    DOSE_IMPOSSIBLE = (
        "dose_impossible",
        "the dose is not a whole number of cGy that a target may be prescribed",
    )
    FIELD_STRENGTH = "field_strength", "the number may be the field strength of a magnet"
    FRACTIONS_TOO_LARGE = "fractions_too_large", "the fractions are too large: the dose may be the total"
    FRACTIONS_UNREADABLE = "fractions_unreadable", "the fractions cannot be read"
    INDEX_OR_DOSE = "index_or_dose", "the number may be an index or a dose"
    LENGTH = "length", "the number is a length"
    MAY_BE_BREATHING_PHASE = "may_be_breathing_phase", "the number may be a breathing phase or a dose"
    MAY_BE_DATE = "may_be_date", "the number may be a date"
    MAY_BE_NECK_LEVEL = "may_be_neck_level", "the number may be a nodal level of the neck"
    MAY_BE_RANK = "may_be_rank", "the number before the type may be the place in a list"
    MAY_BE_STATION = "may_be_station", "the number may be a nodal station"
    MAY_BE_VERTEBRA = "may_be_vertebra", "the number may be a vertebra or a level"
    MAY_BE_YEAR = "may_be_year", "the number may be a year"
    NUMBERS_COMBINED = "numbers_combined", "two numbers are combined: a range, a difference or two levels"
    NUMBER_UNUSUAL = "number_unusual", "the number has the size of neither an index nor a dose"
    ORDINAL = "ordinal", "the number is an ordinal"
    PHASE_NUMBER = "phase_number", "the number counts phases"
    PHASE_OR_PLAN = "phase_or_plan", "the number may count primaries, plans or phases"
    ROMAN_LEVEL = "roman_level", "the Roman number may be a nodal level"
    SHARE = "share", "the number is a share in percent"
    SIDE_OR_REVISION = "side_or_revision", "letter and number may be a side or a revision"
    TWO_DOSES = "two_doses", "the number may be one dose or two"
    UNSAFE_TOTAL = "unsafe_total", "a total and its fractions cannot be read safely"

    # Letters and signs
    CUT_OFF = "cut_off", "something may have been taken off the target"
    LETTER_BEFORE_TYPE = (
        "letter_before_type",
        "a letter before the type may mean anything: a PGTV is primary to some, planning to others",
    )
    NODES_OR_INTERSECTION = "nodes_or_intersection", "the letter n may mean nodes or an intersection"
    PROSTATE_AND_VESICLES = (
        "prostate_and_vesicles",
        "the letter and the vesicles may mean prostate and seminal vesicles",
    )
    PROSTATE_OR_PRIMARY = "prostate_or_primary", "the letter p may mean the prostate or a primary"
    SIDE_IN_SET_LANGUAGE = "side_in_set_language", "the letter is a side in the language of the set"
    SIDE_IN_STRUCTURE_LANGUAGE = (
        "side_in_structure_language",
        "the letter is a side in the language of the structure",
    )
    SIGN_WITHOUT_SLOT = "sign_without_slot", "a sign has no place in a target name"
    SMALL_LETTER = "small_letter", "a small letter may be a side or a state"
    TWO_VERTEBRAE = "two_vertebrae", "the letter may be another part of the spine"
    VERSION_MARK = "version_mark", "a sign may tell versions apart"

    # Words
    ABBREVIATION = "abbreviation", "the abbreviation may mean something else in a target"
    BED_OR_VESICLES = "bed_or_vesicles", "SB may be a surgical bed or seminal vesicles"
    PLACE_OR_CLASSIFIER = "place_or_classifier", "a word may be a place, a side, a level or a classifier"
    PLACE_OR_LEVEL = "place_or_level", "high, middle or low may be a place or a dose level"
    RISK_OR_INITIALS = "risk_or_initials", "the letters may be a risk level or initials"
    WORD_AMBIGUOUS = "word_ambiguous", "a word may mean more than one structure"
    WORD_UNKNOWN = "word_unknown", "a word is not understood"

    # Structures
    DEVICE = "device", "a device is not a target"
    LEVEL_OF_STRUCTURE = (
        "level_of_structure",
        "high, middle or low may be a part of the structure or a dose level",
    )
    NODES_OR_DOSE_LEVEL = "nodes_or_dose_level", "the level may be one of nodes or one of dose"
    NODES_OF_ORGAN = "nodes_of_organ", "the name may mean the nodes of an organ, or both"
    NOT_NODES = "not_nodes", "the name says nodes, and the structure is none"
    ONE_SIDE_OR_BOTH = (
        "one_side_or_both",
        "the word may mean one side or both: the language spells them alike",
    )
    ORGAN_AT_RISK = "organ_at_risk", "the name is more often the overlap with an organ at risk than a target"
    ORGAN_BEFORE_TARGET = "organ_before_target", "an organ stands before the target: perhaps their overlap"
    ORGAN_WITHOUT_TARGET = "organ_without_target", "the name may mean the organ without the target"
    PART_OF_STRUCTURE = (
        "part_of_structure",
        "the target is a part of the structure, or the structure with a margin",
    )
    PLACE_BESIDE_STRUCTURE = "place_beside_structure", "a place beside a structure may be a part of it"
    SIDE_UNLISTED = "side_unlisted", "TG-263 lists no sides of this structure"
    STRUCTURE_UNLISTED = "structure_unlisted", "TG-263 does not list the structure"
    STRUCTURE_WITHOUT_SLOT = (
        "structure_without_slot",
        "TG-263 lists no such form of the structure, or it is another one",
    )
    VESSEL = "vessel", "a vessel is seldom treated"

    # Answers of a language model
    NOTHING_OPEN = "nothing_open", "no word of this target is open"


NO_STANDARD_NAME = frozenset(
    {
        Doubt.DEVICE,
        Doubt.SIDE_UNLISTED,
        Doubt.STRUCTURE_UNLISTED,
        Doubt.TOO_LONG,
    }
)
"""Causes for which TG-263 has no name: the name is understood, and the standard cannot write it."""

OPEN_WORDS = frozenset(
    {
        Doubt.PART_OF_STRUCTURE,
        Doubt.STRUCTURE_UNLISTED,
        Doubt.STRUCTURE_WITHOUT_SLOT,
        Doubt.WORD_AMBIGUOUS,
        Doubt.WORD_UNKNOWN,
    }
)
"""Causes for which only the words left for the structure slot stand open."""


Case = TypeVarTuple("Case")


def first_doubt(table: Iterable[tuple[Callable[[Unpack[Case]], bool], Doubt]], *case: *Case) -> Doubt | None:
    """Return the doubt of the first test that holds; None where none does."""
    return next((doubt for test, doubt in table if test(*case)), None)
