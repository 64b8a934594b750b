"""The numbers in a target name: a dose, an index, or one that may be something else and declines the name.

A bare number from 20 to 86 is Gy, from 1000 to 9999 cGy, from 1 to 9 an index; what may be a year, a phase of breathing, a
nodal station, a vertebra, a copy or a number of fractions is none of them.

Standard: AAPM TG-263 report, principles T3, T6 and T7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tg263_scp.naming.grammar import TARGET_TYPES
from tg263_scp.naming.text import Token

if TYPE_CHECKING:
    from tg263_scp.naming.slots import Slots

_PHASES = frozenset({20.0, 30.0, 40.0, 50.0})
_BREATHING_TYPES = frozenset({"GTV", "ITV", "IGTV"})
_STATIONS = frozenset({"4", "7", "10", "11"})
_VERTEBRAE = frozenset({"c", "t", "l", "s", "th", "d"})


def take_number(tokens: Sequence[Token], at: int, slots: Slots) -> int:
    """Read a number as a dose or an index by its size, unit and place; return how many tokens that used."""
    token = tokens[at]
    value = float(token.text)
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    whole = "." not in token.text
    slots.last, slots.behind_minus = "number", False
    used = _take_fractions(tokens, at, slots)
    if used:
        return used
    if after in ("gy", "cgy", "g", "гр"):
        _set_dose(slots, value * (1 if after == "cgy" else 100))
        return 2
    if after in ("mm", "cm", "мм", "см", "x", "fx", "fr", "ph", "%"):
        slots.problem = "a length, a share or a number of fractions"
    elif whole and 2010 <= value <= 2035 and value % 50:
        slots.problem = "a number that may be a year"
    elif value in _PHASES and slots.type in _BREATHING_TYPES and slots.classifier in ("", "p"):
        slots.problem = "a number that may be a breathing phase or a dose"
    elif not whole and _may_be_two(token):
        slots.problem = "one number, or two"
    elif _may_be_station(tokens, at) and not slots.dose:
        slots.problem = "a number that may be that of a nodal station"
    elif whole and value <= 12 and _may_be_vertebra(tokens, at, slots):
        slots.problem = "a number that may be that of a vertebra or a level"
    elif whole and len(token.text) == 1 and value >= 1:
        if slots.dose or (at and tokens[at - 1].text == "("):
            slots.problem = "a number that may count copies"
        elif value >= 6 and not token.joined:
            slots.problem = "a number that may be an index or a dose"
        elif _may_be_phase(tokens, at, slots):
            slots.problem = "a number that may be that of a phase or plan"
        slots.put("number", token.text)
    elif (whole and 1000 <= value <= 9999) or (10 if slots.qualifier == "Boost" else 20) <= value <= 86:
        _set_dose(slots, value if value >= 1000 else value * 100)
    else:
        slots.problem = "a number that may be an index or a dose"
    return 1


def _may_be_station(tokens: Sequence[Token], at: int) -> bool:
    """``GTV 4R`` and ``GTV LN7`` may name a station of the mediastinum."""
    sided = at + 1 < len(tokens) and tokens[at + 1].joined and tokens[at + 1].text in ("l", "r")
    return tokens[at].text in _STATIONS and (
        sided or (tokens[at].text == "7" and tokens[at - 1].text == "ln")
    )


def _may_be_two(token: Token) -> bool:
    """``60.1`` may be the first copy of 60, and ``54,60`` two levels; no unit says that it is one number."""
    whole, _, fraction = token.text.partition(".")
    levels = "," in token.raw and len(fraction) == 2 and 20 <= int(whole) < int(fraction) <= 86
    return fraction == "1" or levels


def _take_fractions(tokens: Sequence[Token], at: int, slots: Slots) -> int:
    """Read ``3x18Gy`` and ``18Gy x 3`` as 3 fractions of 18 Gy (principle T7); the unit tells which number is the dose."""
    texts = [token.text for token in tokens[at : at + 4]]
    match texts:
        case [count, "x", dose, "gy"] if tokens[at + 2].is_number:
            used = 4
        case [dose, "gy", "x", count] if tokens[at + 3].is_number:
            used = 4
        case [dose, "gyx", count, *_] if tokens[at + 2].is_number:
            used = 3
        case _:
            return 0
    dose_cgy = float(dose) * 100
    if not count.isdecimal() or not 1 <= int(count) <= 45 or not dose_cgy.is_integer():
        slots.problem = "fractions that cannot be read"
    else:
        slots.put("dose", f"{dose_cgy:.0f}x{int(count)}")
    return used


def _may_be_vertebra(tokens: Sequence[Token], at: int, slots: Slots) -> bool:
    """``PTV T4`` and ``PTV L2`` may name a vertebra, ``CTVn_L4`` a level; ``PTV54L2`` counts what lies on one side."""
    letter = tokens[at - 1].text if at else ""
    if (
        at > 1
        and tokens[at - 1].raw == "t"
        and tokens[at - 1].joined
        and tokens[at - 2].text.upper() in TARGET_TYPES
    ):
        return False  # the small t of 'CTVt1' is a classifier
    return tokens[at].joined and letter in _VERTEBRAE and not slots.dose


def _may_be_phase(tokens: Sequence[Token], at: int, slots: Slots) -> bool:
    """``PTV_P1`` may be the first of primaries, plans or phases; ``PTVp1`` is written as the standard has it."""
    if slots.type != "PTV" or at < 2 or not tokens[at].joined or tokens[at - 1].text != "p":
        return False
    return not (tokens[at - 1].joined and tokens[at - 1].raw == "p")


def _set_dose(slots: Slots, dose_cgy: float) -> None:
    whole = round(dose_cgy)
    if abs(dose_cgy - whole) > 1e-6 or not 100 <= whole <= 12000:
        slots.problem = "a dose that is not a whole number of cGy from 100 to 12000"
    else:
        slots.put("dose", str(whole))
