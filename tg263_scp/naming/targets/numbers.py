"""The numbers in a target name: a dose, an index, an image set, or one that may be something else and declines the name.

A bare number from 20 to 86 is Gy, from 1000 to 9999 cGy, from 1 to 9 an index; what may be a year, a phase of breathing, a
nodal station, a vertebra, a copy or a number of fractions is none of them.

Standard: AAPM TG-263 report, principles T3, T4, T6 and T7.
"""

from __future__ import annotations

from collections.abc import Sequence

from tg263_scp.naming.standard.grammar import TARGET_TYPES
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.letters import Token

_PHASES = frozenset({20.0, 30.0, 40.0, 50.0})
_BREATHING_TYPES = frozenset({"GTV", "ITV", "IGTV"})
_UNITS_CGY = {"cgy": 1, "gy": 100, "гр": 100, "gye": 100, "cge": 100, "gyrbe": 100}
"""Units of dose in cGy; of protons the dose is written weighted, as it is prescribed."""
_MODALITIES = {"ct": "CT", "mr": "MR", "mri": "MR", "mrt": "MR", "irm": "MR", "pet": "PT", "tep": "PT"}
_MODALITIES_IF_JOINED = {"pt": "PT", "rm": "MR", "tc": "CT", "tdm": "CT"}
"""What is a modality only in capitals with its number: ``PT1`` (never the stage ``pT1``), ``RM2``."""
_MOST_IMAGE_SETS = 3
"""Sets of one modality up to which a number that stands apart is believed to count them."""
_STATIONS = frozenset({"4", "7", "10", "11"})
"""Stations of the mediastinum that are spoken of at any site; in the thorax there are fourteen, 3 also with a and p."""
_MOST_STATIONS = 14
_NODE_WORDS = frozenset({"ln", "lns", "node", "nodes", "n"})
_ORDINAL_ENDINGS = frozenset({"st", "nd", "rd", "th", "er", "ere", "eme"})
_FIELD_STRENGTHS_T = frozenset({"1.5", "3", "7"})
_FRACTION_WORDS = frozenset(
    "f fx fxs fr frs frx fraction fractions fraktionen fraktion fracciones frazioni frac".split()
)
_UNSAFE_TOTAL = "a total and fractions that cannot be read safely"
MOST_CGY = 12000
"""No target is prescribed more."""
_DOSES_PER_FRACTION = frozenset({2, 3})
"""What is as often the dose of one fraction behind a total (``60/2``, ``60Gy/3``) as the number of them."""
_MOST_PER_FRACTION_CGY = 3400
_MOST_OF_LARGE_FRACTIONS_CGY = 7500
"""Total up to which a number of Gy may be that of one fraction (15 Gy five times)."""
_VERTEBRAE = frozenset({"c", "t", "l", "s", "th", "d"})


def take_number(tokens: Sequence[Token], at: int, slots: Slots) -> int:
    """Read a number as a dose or an index by its size, unit and place; return how many tokens that used."""
    token = tokens[at]
    value = float(token.text)
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    whole = "." not in token.text
    behind = slots.last
    slots.last, slots.behind_minus = "number", False
    used = (
        _take_fractions(tokens, at, slots)
        or _take_count_first(tokens, at, slots)
        or _take_total(tokens, at, slots)
    )
    if used:
        return used
    joined = after and tokens[at + 1].joined
    cgy, used = _unit(tokens, at + 1)
    if used or (after == "g" and value >= 10):
        _set_dose(slots, value * (cgy or 100))
        return 1 + (used or 1)
    if after in ("mm", "cm", "мм", "см", "x", "fx", "fr", "ph", "%"):
        slots.problem = "a length, a share or a number of fractions"
    elif joined and (after in _ORDINAL_ENDINGS or (after == "t" and _is_field_strength(token))):
        slots.problem = "an ordinal number, or the field strength of a magnet"
    elif whole and 1990 <= value <= 2035 and value % 50:
        slots.problem = "a number that may be a year"
    elif value in _PHASES and slots.type in _BREATHING_TYPES and slots.classifier in ("", "p"):
        slots.problem = "a number that may be a breathing phase or a dose"
    elif not whole and _may_be_two(token):
        slots.problem = "one number, or two"
    elif _may_be_station(tokens, at) and not slots.dose:
        slots.problem = "a number that may be that of a nodal station"
    elif whole and value <= 12 and _may_be_vertebra(tokens, at, slots):
        slots.problem = "a number that may be that of a vertebra or a level"
    elif whole and (len(token.text) == 1 or _is_padded(tokens, at, slots)) and value >= 1:
        slots.station = slots.station or _may_be_numbered_node(tokens, at, slots)
        if tokens[at - 1].text == "-" and (slots.words or slots.sides or not _is_glued(tokens, at)):
            slots.problem = "something may be taken off the target"
        elif token.joined and behind == "side" and not slots.dose:
            slots.problem = "a side, or the number of a revision"
        elif tokens[at - 1].text == "neck":
            slots.problem = "a number that may be that of a nodal level"
        elif slots.dose or (at and tokens[at - 1].text == "("):
            slots.problem = "a number that may count copies"
        elif value >= 6 and not token.joined and len(token.text) == 1:
            slots.problem = "a number that may be an index or a dose"
        elif _may_be_phase(tokens, at, slots):
            slots.problem = "a number that may be that of a phase or plan"
        slots.put("number", token.text.lstrip("0"))
    elif (whole and 1000 <= value <= 9999) or (10 if slots.qualifier == "Boost" else 20) <= value <= 86:
        _set_dose(slots, value if value >= 1000 else value * 100)
    else:
        slots.problem = "a number that may be an index or a dose"
    return 1


def _unit(tokens: Sequence[Token], at: int) -> tuple[int, int]:
    """Read a unit of dose, with the *RBE* of protons; return its cGy and how many tokens it has, 0 where there is none."""
    texts = [token.text for token in tokens[at : at + 4]]
    cgy = _UNITS_CGY.get(texts[0], 0) if texts else 0
    if not cgy:
        return 0, 0
    if texts[0] == "gy" and texts[1:2] == ["e"] and tokens[at + 1].joined:  # 'GyE' ends in a capital
        return cgy, 2
    return cgy, 4 if texts[1:] == ["(", "rbe", ")"] else 2 if texts[1:2] == ["rbe"] else 1


def _is_glued(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether number and minus stand directly behind what is before them: ``PTV-1``, not ``PTV - 1``."""
    return tokens[at].joined and tokens[at - 1].joined


def _is_padded(tokens: Sequence[Token], at: int, slots: Slots) -> bool:
    """Tell whether a number is an index by its leading zero: ``GTV 03``; ``PTV_05`` may be a margin, ``- 05`` a crop."""
    text = tokens[at].text
    small = len(text) == 2 and text[0] == "0" and tokens[at - 1].text != "-" and bool(slots.type)
    return small and (slots.type == "GTV" or int(text) <= 2)


def _may_be_station(tokens: Sequence[Token], at: int) -> bool:
    """``GTV 4R`` and ``GTV LN7`` may name a station of the mediastinum."""
    spoken_of = at > 0 and tokens[at - 1].text in _NODE_WORDS - {"n"}
    if _sided(tokens, at):
        return tokens[at].text in _STATIONS or (spoken_of and float(tokens[at].text) <= _MOST_STATIONS)
    return tokens[at].text == "7" and spoken_of


def _sided(tokens: Sequence[Token], at: int) -> bool:
    return at + 1 < len(tokens) and tokens[at + 1].joined and tokens[at + 1].text in ("l", "r")


def _may_be_numbered_node(tokens: Sequence[Token], at: int, slots: Slots) -> bool:
    """Tell whether a number would be that of a station if the target lies in the thorax: ``GTV 2R``, ``CTV N7``, ``3P``."""
    before = tokens[at - 1].text if at else ""
    after = tokens[at + 1 : at + 2]
    if tokens[at].text == "3" and after and after[0].joined and after[0].text in ("a", "p"):
        return True
    return _sided(tokens, at) or (int(tokens[at].text) >= 5 and before in _NODE_WORDS)


def _is_field_strength(token: Token) -> bool:
    return token.text in _FIELD_STRENGTHS_T and not token.joined


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
    elif dose_cgy * int(count) > MOST_CGY:
        slots.problem = f"fractions of {dose} Gy are too large: perhaps the total dose"
    else:
        slots.put("dose", f"{dose_cgy:.0f}x{int(count)}")
    return used


def _take_total(tokens: Sequence[Token], at: int, slots: Slots) -> int:
    """Read ``40Gy/5``, ``60 Gy in 20`` and ``2700 3fx`` as a total and its fractions; write what one fraction gets.

    It is a problem where the total does not divide to whole cGy, or where the first number may be one fraction's dose.
    """
    texts = [token.text for token in tokens]
    value, here = float(texts[at]), at + 1
    unit = here < len(texts) and texts[here] in ("gy", "cgy", "гр")
    total_cgy = value * (1 if value >= 1000 or (unit and texts[here] == "cgy") else 100)
    here += unit
    linked = here < len(texts) and texts[here] in ("/", "in")
    here += linked
    if here >= len(texts) or not texts[here].isdecimal():
        return 0
    count = int(texts[here])
    named = here + 1 < len(texts) and texts[here + 1] in _FRACTION_WORDS
    named = named and (len(texts[here + 1]) > 1 or tokens[here + 1].joined)
    if not (linked or named) or not (unit or value >= 20) or (unit and value >= 1000 and "cgy" not in texts):
        return 0
    here += 1 + named
    sure = bool(unit or named) and (named or count not in _DOSES_PER_FRACTION)
    if texts[here : here + 1] in (["/"], ["gy"]):
        slots.problem = _UNSAFE_TOTAL
    else:
        _put_total(slots, total_cgy, count, sure=sure)
    return here - at


def _take_count_first(tokens: Sequence[Token], at: int, slots: Slots) -> int:
    """Read ``20fx 60Gy`` as fractions and their total, where 60 Gy cannot be what each of them gets."""
    texts = [token.text for token in tokens[at : at + 4]]
    match texts:
        case [count, word, total, "gy"] if (
            count.isdecimal() and word in _FRACTION_WORDS and tokens[at + 2].is_number
        ):
            _put_total(slots, float(total) * 100, int(count), sure=True)
            return 4
    return 0


def _put_total(slots: Slots, total_cgy: float, count: int, *, sure: bool) -> None:
    """Write a total and its fractions as dose per fraction x fractions (principle T7), if nothing else can be meant."""
    per_fraction_cgy = round(total_cgy / count) if count else 0
    usual = (
        per_fraction_cgy >= 180
        and (count <= 10 or per_fraction_cgy <= 300)
        and count not in _DOSES_PER_FRACTION
    )
    possible = (
        1 <= count <= 45
        and abs(per_fraction_cgy * count - total_cgy) < 1e-6
        and 100 <= per_fraction_cgy <= _MOST_PER_FRACTION_CGY
        and total_cgy <= MOST_CGY
        and (count == 1 or total_cgy * count > _MOST_OF_LARGE_FRACTIONS_CGY)
    )
    if (sure or usual) and possible:
        slots.put("dose", f"{per_fraction_cgy}x{count}")
    else:
        slots.problem = _UNSAFE_TOTAL


def is_possible(dose: str) -> bool:
    """Tell whether the dose of a legal name can be a prescription: ``PTV_20210514`` and ``PTV_54Gyx3`` hold none."""
    amount, _, count = dose.partition("x")
    text = amount.removesuffix("Gy").replace("p", ".")
    if not text[:1].isdecimal():
        return True  # High, Mid01
    return float(text) * (100 if amount.endswith("Gy") else 1) * int(count or 1) <= MOST_CGY


def image_set(ahead: Sequence[Token]) -> str:
    """Return modality and number of an image set (principle T4): ``MR 2``, ``PET1``; empty for ``MR3T``, ``PET 41``."""
    if len(ahead) < 2 or len(ahead[1].text) != 1 or not ahead[1].is_number:
        return ""
    certain = ahead[1].joined or int(ahead[1].text) <= _MOST_IMAGE_SETS  # 'PET 4' may be a threshold
    modality = _MODALITIES.get(ahead[0].text, "") if certain else ""
    if ahead[0].text in _MODALITIES_IF_JOINED and ahead[0].raw.isupper() and ahead[1].joined:
        modality = _MODALITIES_IF_JOINED[ahead[0].text]
    goes_on = len(ahead) == 3 and ahead[2].text in ("t", "gy", "mm", "cm", "x", "%")
    return f"{modality}{ahead[1].text}" if modality and ahead[1].text != "0" and not goes_on else ""


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
    if abs(dose_cgy - whole) > 1e-6 or not 100 <= whole <= MOST_CGY:
        slots.problem = f"a dose that is not a whole number of cGy from 100 to {MOST_CGY}"
    else:
        slots.put("dose", str(whole))
