"""Margins and the word PRV: how far a structure was grown, in millimetres, read out of a name.

``Cord+5mm``, ``cord plus 0.5 cm``, ``PRV05``, ``Cord_5mm`` and ``Cord+0.5`` all say 5 mm. Without a unit a decimal
up to 2 is read as centimetres (nobody plans a margin of half a millimetre) and a whole number from 2 to 20 as millimetres;
a bare ``+1`` may be either and is not read. A number that no sign, word or unit makes a margin is left where it stands.

Standard: AAPM TG-263 report, principle N8 (PRV, two digits of millimetres, one where two do not fit).
"""

from __future__ import annotations

from dataclasses import dataclass

from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_UNITS_MM = {"mm": 1.0, "cm": 10.0, "мм": 1.0, "см": 10.0}
_LEAST_LAST = 3
"""Millimetres from which a bare number at the end of a name that begins with PRV is the margin and counts no copies."""


@dataclass(frozen=True, slots=True)
class Margin:
    """A margin: ``mm`` is None where only ``PRV`` was said, ``named`` tells that it was, ``signed`` that a plus was."""

    mm: int | None
    named: bool
    signed: bool = True
    valid: bool = True

    @property
    def digits(self) -> tuple[str, ...]:
        """The spellings TG-263 allows behind PRV, preferred first."""
        if self.mm is None:
            return ("",)
        return (f"{self.mm:02d}", f"{self.mm:d}") if self.mm < 10 else (f"{self.mm:d}",)


def take_margin(tokens: tuple[Token, ...], lexicon: Lexicon) -> tuple[Margin | None, tuple[Token, ...]]:
    """Take a margin out of a name; return it with the remaining tokens.

    A margin that cannot be read safely (two of them, ``-3mm``, not whole millimetres, ``+1`` without unit) is not ``valid``.
    """
    rest: list[Token] = []
    named, plus, amounts, at = False, False, [], 0
    while at < len(tokens):
        token = tokens[at]
        mark = lexicon.marks.get(token.text)
        signed = token.text == "+" or mark == "expansion"
        number_at = at + 1 if signed or mark == "prv" else at
        if mark == "prv":
            named = True
            # "PRV+5": the sign belongs to the margin
            if number_at < len(tokens) and tokens[number_at].text == "+":
                number_at += 1
        amount, width = _amount(tokens, number_at, bare=signed or mark == "prv")
        if width:
            plus = plus or signed
            shrunk = bool(rest) and rest[-1].text == "-" and mark != "prv"
            amounts.append(None if shrunk else amount)
            at = number_at + width
        elif mark == "prv":
            at += 1
        else:
            rest.append(token)
            at += 1
    if not named and not amounts:
        return None, tokens
    if named and not amounts and lexicon.marks.get(tokens[0].text) == "prv" and len(rest) > 1:
        amount, width = _amount(tuple(rest), len(rest) - 1, bare=True)
        apart = not rest[-1].joined or _is_padded(rest[-1])
        if width and amount and amount >= _LEAST_LAST and apart:  # 'PRV cord 5', 'PRV_Brainstem05'
            amounts, rest = [amount], rest[:-1]
    mm = amounts[0] if len(amounts) == 1 else None
    valid = not amounts or mm is not None
    return Margin(mm, named, plus, valid), tuple(rest)


def _amount(tokens: tuple[Token, ...], at: int, *, bare: bool) -> tuple[int | None, int]:
    """Read a number of millimetres at ``at``; return it (None: a number, but no safe margin) and how many tokens it took."""
    if at >= len(tokens) or not tokens[at].is_number:
        return None, 0
    value = float(tokens[at].text)
    unit = _UNITS_MM.get(tokens[at + 1].text) if at + 1 < len(tokens) else None
    if unit is not None:
        return _whole(value * unit), 2
    if not bare:
        return None, 0
    if "." in tokens[at].text:
        return (_whole(value * 10) if value <= 2 else None), 1
    padded = len(tokens[at].text) == 2
    return (int(value) if 2 <= value <= 20 or (padded and 1 <= value <= 20) else None), 1


def _is_padded(token: Token) -> bool:
    """Tell whether a number is written in two digits, as margins are and copies seldom."""
    return len(token.text) == 2 and token.text[0] == "0"


def _whole(mm: float) -> int | None:
    return round(mm) if abs(mm - round(mm)) < 1e-6 and 1 <= mm <= 50 else None
