"""Fractions in a target name: dose per fraction times their number, or a total and the number of its fractions.

``3x18Gy`` is written as it stands, ``40Gy/5`` and ``2700 3fx`` as what one fraction gets. A total is declined where it does
not divide to whole cGy, and where the first number may be the dose of one fraction: ``60/2``, ``PTV 16Gy/2``.

Standard: AAPM TG-263 report, principle T7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.letters import Token

MOST_CGY = 12000
"""No target is prescribed more."""
MOST_FRACTIONS = 45
"""No course has more."""
_DOSES_PER_FRACTION_GY = frozenset({2, 3})
"""What is as often the dose of one fraction behind a total (``60/2``, ``60Gy/3``) as the number of them."""
_LEAST_PER_FRACTION_CGY = 100
_MOST_PER_FRACTION_CGY = 3400
_LEAST_USUAL_CGY = 180
_MOST_USUAL_CGY = 300
"""Dose of one fraction that goes with more fractions than ``_FEW_FRACTIONS``."""
_FEW_FRACTIONS = 10
_MOST_OF_LARGE_FRACTIONS_CGY = 7500
"""Total up to which a number of Gy may be that of one fraction (15 Gy five times)."""
_LEAST_TOTAL_GY = 20
"""Number without a unit from which it may be a total in Gy."""
_LEAST_TOTAL_CGY = 1000
"""Number without a unit from which it is a total in cGy."""


def with_fractions(tokens: Sequence[Token], at: int, slots: Slots, number_words: Mapping[str, str]) -> int:
    """Read ``3x18Gy`` and ``18Gy x 3`` as 3 fractions of 18 Gy; the unit or the decimals tell which number is the dose."""
    match [token.text for token in tokens[at : at + 4]]:
        case [count, "x", dose, "gy"] if tokens[at + 2].is_number:
            used = 4
        case [dose, "gy", "x", count] if tokens[at + 3].is_number:
            used = 4
        case [dose, "gyx", count, *_] if tokens[at + 2].is_number:
            used = 3
        case [dose, "x", count, *_] if "." in dose and count.isdecimal():
            used = 3
        case [count, "x", dose, *_] if "." in dose and count.isdecimal():
            used = 3
        case _:
            return 0
    dose_cgy = float(dose) * 100
    if not count.isdecimal() or not 1 <= int(count) <= MOST_FRACTIONS or not dose_cgy.is_integer():
        slots.leave(Doubt.FRACTIONS_UNREADABLE)
    elif dose_cgy * int(count) > MOST_CGY:
        slots.leave(Doubt.FRACTIONS_TOO_LARGE)
    else:
        slots.used.append(("number_words", "gy"))
        slots.put("dose", f"{dose_cgy:.0f}x{int(count)}")
    return used


def with_count_first(tokens: Sequence[Token], at: int, slots: Slots, number_words: Mapping[str, str]) -> int:
    """Read ``20fx 60Gy`` as fractions and their total, where 60 Gy cannot be what each of them gets."""
    match [token.text for token in tokens[at : at + 4]]:
        case [count, word, total, "gy"] if (
            count.isdecimal() and number_words.get(word) == "fractions" and tokens[at + 2].is_number
        ):
            slots.used += [("number_words", word), ("number_words", "gy")]
            _put_total(slots, Total(float(total) * 100, int(count), sure=True))
            return 4
    return 0


def with_total(tokens: Sequence[Token], at: int, slots: Slots, number_words: Mapping[str, str]) -> int:
    """Read ``40Gy/5``, ``60 Gy in 20`` and ``2700 3fx`` as a total and its fractions; write what one fraction gets."""
    texts = [token.text for token in tokens]
    roles = [number_words.get(text, "") for text in texts]
    value, here = float(texts[at]), at + 1
    unit = roles[here] if here < len(texts) and roles[here] in ("Gy", "cGy") else ""
    here += bool(unit)
    linked = here < len(texts) and (texts[here] == "/" or roles[here] == "joining")
    here += linked
    if here >= len(texts) or not texts[here].isdecimal():
        return 0
    count = int(texts[here])
    named = here + 1 < len(texts) and roles[here + 1] == "fractions"
    named = named and (len(texts[here + 1]) > 1 or tokens[here + 1].joined)  # 'f' apart may be anything
    too_large = bool(unit) and value >= _LEAST_TOTAL_CGY and "cgy" not in texts
    if not (linked or named) or not (unit or value >= _LEAST_TOTAL_GY) or too_large:
        return 0
    here += 1 + named
    slots.used += [("number_words", text) for text in texts[at:here] if text in number_words]
    if texts[here : here + 1] in (["/"], ["gy"]):
        slots.leave(Doubt.UNSAFE_TOTAL)
    else:
        in_cgy = value >= _LEAST_TOTAL_CGY or unit == "cGy"
        sure = bool(unit or named) and (named or count not in _DOSES_PER_FRACTION_GY)
        _put_total(slots, Total(value * (1 if in_cgy else 100), count, sure))
    return here - at


@dataclass(frozen=True, slots=True)
class Total:
    """A total dose in cGy and its fractions; ``sure`` tells that the name leaves no doubt which number is which."""

    cgy: float
    count: int
    sure: bool

    @property
    def per_fraction_cgy(self) -> int:
        """What one fraction gets, rounded."""
        return round(self.cgy / self.count) if self.count else 0


def is_counted(total: Total) -> bool:
    """From 1 to 45 fractions."""
    return 1 <= total.count <= MOST_FRACTIONS


def divides(total: Total) -> bool:
    """``50/3`` does not divide to whole cGy."""
    return abs(total.per_fraction_cgy * total.count - total.cgy) < 1e-6


def is_prescribed(total: Total) -> bool:
    """From 1 to 34 Gy a fraction, and at most 120 Gy in all."""
    in_range = _LEAST_PER_FRACTION_CGY <= total.per_fraction_cgy <= _MOST_PER_FRACTION_CGY
    return in_range and total.cgy <= MOST_CGY


def is_no_fraction_itself(total: Total) -> bool:
    """``15 Gy / 5`` may be 15 Gy five times; 60 Gy twenty times is never given."""
    return total.count == 1 or total.cgy * total.count > _MOST_OF_LARGE_FRACTIONS_CGY


def is_told_apart(total: Total) -> bool:
    """A unit or a word tells total and fractions apart, or their sizes do: ``60/20``, but not ``60/40``."""
    return total.sure or (
        total.per_fraction_cgy >= _LEAST_USUAL_CGY
        and (total.count <= _FEW_FRACTIONS or total.per_fraction_cgy <= _MOST_USUAL_CGY)
        and total.count not in _DOSES_PER_FRACTION_GY
    )


SAFE_TOTALS: tuple[Callable[[Total], bool], ...] = (
    is_counted,
    divides,
    is_prescribed,
    is_no_fraction_itself,
    is_told_apart,
)
"""What has to hold of a total and its fractions before they are written as dose per fraction x fractions."""


def _put_total(slots: Slots, total: Total) -> None:
    if all(holds(total) for holds in SAFE_TOTALS):
        slots.put("dose", f"{total.per_fraction_cgy}x{total.count}")
    else:
        slots.leave(Doubt.UNSAFE_TOTAL)
