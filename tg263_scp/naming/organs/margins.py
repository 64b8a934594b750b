"""Margins and the word PRV: how far a structure was grown, in millimetres, read out of a name.

``Cord+5mm``, ``cord plus 0.5 cm``, ``PRV05``, ``Cord_5mm`` and ``Cord+0.5`` all say 5 mm. Without a unit a decimal
up to 2 is read as centimetres (no clinic plans a margin of half a millimetre) and a whole number from 2 to 20 as millimetres;
a bare ``+1`` may be either and is not read. A number that no sign, word or unit makes a margin is left where it stands.

Standard: AAPM TG-263 report, principle N8 (PRV, two digits of millimetres, one where two do not fit).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_MM_OF = {"mm": 1.0, "cm": 10.0}
_MOST_BARE_CM = 2
"""Decimal without a unit up to which it is in cm: no clinic plans a margin of half a millimetre."""
_BARE_MM = (2, 20)
"""Whole numbers without a unit, least and most, that are in mm; written in two digits ``01`` is one too."""
_MOST_MM = 50
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


@dataclass(frozen=True, slots=True)
class Piece:
    """What one place of a name says about a margin: how many tokens say it, and the amounts among them.

    An amount is None where a number stands there that is no safe margin.
    """

    width: int
    amounts: tuple[int | None, ...] = ()
    named: bool = False
    signed: bool = False


def take_margin(tokens: tuple[Token, ...], lexicon: Lexicon) -> tuple[Margin | None, tuple[Token, ...]]:
    """Take a margin out of a name; return it with the remaining tokens.

    A margin that cannot be read safely (two of them, ``-3mm``, not whole millimetres, ``+1`` without unit) is not ``valid``.
    """
    pieces: list[Piece] = []
    rest: list[Token] = []
    at = 0
    while at < len(tokens):
        piece = next((piece for way in WAYS if (piece := way(tokens, at, lexicon))), None)
        if piece is None:
            rest.append(tokens[at])
            at += 1
            continue
        if rest and rest[-1].text == "-" and not piece.named:
            piece = replace(piece, amounts=(None,))  # 'Cord -3mm' was shrunk
        pieces.append(piece)
        at += piece.width
    if not pieces:
        return None, tokens
    amounts = [amount for piece in pieces for amount in piece.amounts]
    if not amounts and (last := _amount_at_the_end(tokens, rest, lexicon)):
        amounts, rest = [last], rest[:-1]
    mm = amounts[0] if len(amounts) == 1 else None
    named, signed = any(piece.named for piece in pieces), any(piece.signed for piece in pieces)
    return Margin(mm, named, signed, valid=not amounts or mm is not None), tuple(rest)


def prv(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> Piece | None:
    """``PRV``, ``PRV05``, ``PRV+5``: a plus behind it belongs to the margin."""
    if lexicon.marks.get(tokens[at].text) != "prv":
        return None
    number_at = at + 2 if tokens[at + 1 : at + 2] and tokens[at + 1].text == "+" else at + 1
    amount, width = _amount(tokens, number_at, lexicon, bare=True)
    if not width:
        return Piece(1, named=True)
    return Piece(number_at + width - at, (amount,), named=True)


def plus(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> Piece | None:
    """``+5mm``, ``plus 5``."""
    if tokens[at].text != "+" and lexicon.marks.get(tokens[at].text) != "expansion":
        return None
    amount, width = _amount(tokens, at + 1, lexicon, bare=True)
    return Piece(1 + width, (amount,), signed=True) if width else None


def length(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> Piece | None:
    """``5 mm``."""
    amount, width = _amount(tokens, at, lexicon, bare=False)
    return Piece(width, (amount,)) if width else None


WAYS: tuple[Callable[[Sequence[Token], int, Lexicon], Piece | None], ...] = (prv, plus, length)
"""Ways to write a margin, in the order they are asked at each place of a name."""


def _amount_at_the_end(tokens: Sequence[Token], rest: Sequence[Token], lexicon: Lexicon) -> int | None:
    """Read ``PRV cord 5`` and ``PRV_Brainstem05``; a smaller number may count copies."""
    if lexicon.marks.get(tokens[0].text) != "prv" or len(rest) < 2:
        return None
    amount, width = _amount(rest, len(rest) - 1, lexicon, bare=True)
    apart = not rest[-1].joined or _is_padded(rest[-1])
    return amount if width and amount and amount >= _LEAST_LAST and apart else None


def _amount(tokens: Sequence[Token], at: int, lexicon: Lexicon, *, bare: bool) -> tuple[int | None, int]:
    """Read a number of millimetres at ``at``; return it (None: a number, but no safe margin) and how many tokens it took."""
    if at >= len(tokens) or not tokens[at].is_number:
        return None, 0
    text = tokens[at].text
    unit = lexicon.number_words.get(tokens[at + 1].text, "") if at + 1 < len(tokens) else ""
    if unit in _MM_OF:
        return _whole(float(text) * _MM_OF[unit]), 2
    return (_bare_mm(text), 1) if bare else (None, 0)


def _bare_mm(text: str) -> int | None:
    """Read a number without a unit: ``0.5`` is 5 mm, ``5`` and ``05`` too; ``1`` may be either."""
    value = float(text)
    if "." in text:
        return _whole(value * 10) if value <= _MOST_BARE_CM else None
    least, most = _BARE_MM
    return int(value) if (1 if len(text) == 2 else least) <= value <= most else None


def _is_padded(token: Token) -> bool:
    """Tell whether a number is written in two digits, as margins are and copies seldom."""
    return len(token.text) == 2 and token.text[0] == "0"


def _whole(mm: float) -> int | None:
    return round(mm) if abs(mm - round(mm)) < 1e-6 and 1 <= mm <= _MOST_MM else None
