"""The numbers in a target name: a dose, an index, an image set, or one that may be something else.

A bare number from 20 to 86 is Gy, from 1000 to 9999 cGy, from 1 to 9 an index; what may be a year, a phase of breathing, a
nodal station, a vertebra, a copy or a number of fractions is none of them, and the name is left for review.

Standard: AAPM TG-263 report, principles T3, T4, T6 and T7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tg263_scp.naming.targets import bare_numbers
from tg263_scp.naming.targets.bare_numbers import BARE_CGY, BARE_GY, Number
from tg263_scp.naming.targets.doubts import Doubt, first_doubt
from tg263_scp.naming.targets.fractions import MOST_CGY, with_count_first, with_fractions, with_total
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.letters import Token

DOUBTS_OF_NUMBERS: tuple[tuple[Callable[[Number], bool], Doubt], ...] = (
    (bare_numbers.is_length, Doubt.LENGTH),
    (bare_numbers.counts_fractions, Doubt.COUNT_OF_FRACTIONS),
    (bare_numbers.is_phase, Doubt.PHASE_NUMBER),
    (bare_numbers.is_share, Doubt.SHARE),
    (bare_numbers.is_ordinal, Doubt.ORDINAL),
    (bare_numbers.is_field_strength, Doubt.FIELD_STRENGTH),
    (bare_numbers.may_be_year, Doubt.MAY_BE_YEAR),
    (bare_numbers.may_be_date, Doubt.MAY_BE_DATE),
    (bare_numbers.may_be_breathing_phase, Doubt.MAY_BE_BREATHING_PHASE),
    (bare_numbers.may_be_copy, Doubt.COPY_NUMBER),
    (bare_numbers.may_be_two_doses, Doubt.TWO_DOSES),
    (bare_numbers.may_be_station, Doubt.MAY_BE_STATION),
    (bare_numbers.may_be_vertebra, Doubt.MAY_BE_VERTEBRA),
)
"""What a number without a unit may be instead of a dose or an index, in the order it is asked."""

DOUBTS_OF_INDICES: tuple[tuple[Callable[[Number], bool], Doubt], ...] = (
    (bare_numbers.may_be_crop, Doubt.CUT_OFF),
    (bare_numbers.may_be_revision, Doubt.SIDE_OR_REVISION),
    (bare_numbers.may_be_neck_level, Doubt.MAY_BE_NECK_LEVEL),
    (bare_numbers.may_count_copies, Doubt.COPY_NUMBER),
    (bare_numbers.may_be_rank, Doubt.MAY_BE_RANK),
    (bare_numbers.may_be_dose, Doubt.INDEX_OR_DOSE),
    (bare_numbers.may_be_phase_or_plan, Doubt.PHASE_OR_PLAN),
)
"""What a small number may be instead of the index of a target, in the order it is asked."""

DOUBTS_OF_COUNTS: tuple[tuple[Callable[[Number], bool], Doubt], ...] = (
    (bare_numbers.may_be_neck_level, Doubt.MAY_BE_NECK_LEVEL),
    (bare_numbers.is_behind_image, Doubt.INDEX_OR_DOSE),
)
"""What a small number behind a word without a slot may be besides its count, in the order it is asked."""

_CGY_OF = {"cGy": 1, "Gy": 100, "weighted Gy": 100}
"""Units of dose in cGy; of protons the dose is written weighted, as it is prescribed."""
_LEAST_G = 10
"""Amount from which ``g`` behind a number is a slip for Gy; ``PTV1_g`` is no prescription of 1 Gy."""
_LEAST_CGY = 100
"""Dose that no target has less of: ``PTV 0.5 Gy`` is a slip."""
_MOST_IMAGE_SETS = 3
"""Sets of one modality up to which a number that stands apart is believed to count them: ``PET 4`` may be a threshold."""


def take_number(tokens: Sequence[Token], at: int, slots: Slots, number_words: Mapping[str, str]) -> int:
    """Read a number as a dose or an index by its size, unit and place; return how many tokens that used."""
    number = Number(tokens, at, slots, number_words, behind=slots.last)
    slots.last, slots.behind_minus = "number", False
    for read in READINGS:
        if used := read(tokens, at, slots, number_words):
            return used
    doubt = first_doubt(DOUBTS_OF_NUMBERS, number)
    if doubt:
        slots.leave(doubt)
    elif bare_numbers.counts_custom(number):
        slots.leave(first_doubt(DOUBTS_OF_COUNTS, number))
        slots.custom[-1] += number.token.text
    elif bare_numbers.is_index(number):
        slots.station = slots.station or bare_numbers.may_be_numbered_node(number)
        slots.leave(first_doubt(DOUBTS_OF_INDICES, number))
        slots.counted = slots.counted or (bool(slots.words) and number.behind in ("word", "side"))
        slots.put("number", number.token.text.lstrip("0"))
    elif bare_numbers.is_bare_dose(number):
        _put_dose(slots, number.value if number.value >= BARE_CGY[0] else number.value * 100)
    else:
        slots.leave(Doubt.INDEX_OR_DOSE if 0 < number.value < BARE_GY[0] else Doubt.NUMBER_UNUSUAL)
    return 1


def with_unit(tokens: Sequence[Token], at: int, slots: Slots, number_words: Mapping[str, str]) -> int:
    """Read ``54 Gy``, ``5400cGy`` and ``54 Gy (RBE)`` as a dose; return how many tokens that used, 0 where no unit stands."""
    value = float(tokens[at].text)
    cgy, width = _unit(tokens, at + 1, number_words)
    if not width and [token.text for token in tokens[at + 1 : at + 2]] == ["g"] and value >= _LEAST_G:
        cgy, width = 100, 1
    elif width:
        slots.used.append(("number_words", tokens[at + 1].text))
    if not width:
        return 0
    _put_dose(slots, value * cgy)
    return 1 + width


READINGS: tuple[Callable[[Sequence[Token], int, Slots, Mapping[str, str]], int], ...] = (
    with_fractions,
    with_count_first,
    with_total,
    with_unit,
)
"""Numbers that say what they are, in the order they are asked; each returns how many tokens it used, 0 for none."""


def is_possible(dose: str) -> bool:
    """Tell whether the dose of a legal name can be a prescription: ``PTV_20210514`` and ``PTV_54Gyx3`` hold none."""
    amount, _, count = dose.partition("x")
    text = amount.removesuffix("Gy").replace("p", ".")
    if not text[:1].isdecimal():
        return True  # High, Mid01
    return float(text) * (100 if amount.endswith("Gy") else 1) * int(count or 1) <= MOST_CGY


def image_set(ahead: Sequence[Token], number_words: Mapping[str, str]) -> str:
    """Return modality and number of an image set (principle T4): ``MR 2``, ``PET1``; empty for ``MR3T``, ``PET 41``."""
    if len(ahead) < 2 or len(ahead[1].text) != 1 or not ahead[1].is_number or ahead[1].text == "0":
        return ""
    role = number_words.get(ahead[0].text, "")
    modality = role.removesuffix(" in capitals")
    if modality not in ("CT", "MR", "PT"):
        return ""
    if modality == role:
        certain = ahead[1].joined or int(ahead[1].text) <= _MOST_IMAGE_SETS
    else:
        certain = ahead[1].joined and ahead[0].raw.isupper()  # 'PT1', but never the stage 'pT1'
    goes_on = len(ahead) == 3 and (
        ahead[2].text in ("t", "x", "%") or number_words.get(ahead[2].text) in ("Gy", "cGy", "mm", "cm")
    )
    return f"{modality}{ahead[1].text}" if certain and not goes_on else ""


def _unit(tokens: Sequence[Token], at: int, number_words: Mapping[str, str]) -> tuple[int, int]:
    """Read a unit of dose, with the *RBE* of protons; return its cGy and how many tokens it has, 0 where there is none."""
    texts = [token.text for token in tokens[at : at + 4]]
    cgy = _CGY_OF.get(number_words.get(texts[0], ""), 0) if texts else 0
    if not cgy:
        return 0, 0
    if texts[0] == "gy" and texts[1:2] == ["e"] and tokens[at + 1].joined:  # 'GyE' ends in a capital
        return cgy, 2
    return cgy, 4 if texts[1:] == ["(", "rbe", ")"] else 2 if texts[1:2] == ["rbe"] else 1


def _put_dose(slots: Slots, dose_cgy: float) -> None:
    whole = round(dose_cgy)
    if abs(dose_cgy - whole) > 1e-6 or not _LEAST_CGY <= whole <= MOST_CGY:
        slots.leave(Doubt.DOSE_IMPOSSIBLE)
    else:
        slots.put("dose", str(whole))
