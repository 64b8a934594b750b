"""Margins and the word PRV: how far a structure was grown, in millimetres, read out of a name.

``Cord+5mm``, ``cord plus 0.5 cm``, ``PRV05``, ``Cord 5PRV``, ``Cord exp 5``, ``Cord_5mm``, ``Cord_05`` and ``Cord+0.5`` all say
5 mm. Without a unit a decimal up to 2 is read as centimetres (no clinic plans a margin of half a millimetre) and a whole
number from 2 to 20 as millimetres; a bare ``+1`` may be either and is not read.

A margin is *bare* where neither PRV nor a plus nor a word such as *expanded* says that something was grown: ``Cord 5mm``,
``Cord_05``. One rule holds for all structures: a bare length of at most 10 mm, or a bare number of 03 to 10 written in two
digits, is the margin of a PRV, unless the structure is one that is never grown (``never_grown`` of ``anatomy.yaml``). Any
other bare number may count copies, and is left where it stands.

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
"""Millimetres from which a bare number is a margin and counts no copies."""
_MOST_UNSAID_MM = 10
"""Millimetres up to which a bare length grows a structure; longer ones measure a part of it, a rind or a distance."""
_OPENING = frozenset("+(-.")
"""Signs that may stand between PRV and its number: ``PRV+5``, ``PRV (5mm)``, ``PRV-5mm``."""


@dataclass(frozen=True, slots=True)
class Margin:
    """A margin: ``mm`` is None where only ``PRV`` was said, ``named`` tells that it was, ``signed`` that a plus was.

    ``padded`` tells that nothing but two digits says it (``Cord_05``).
    """

    mm: int | None
    named: bool
    signed: bool = True
    valid: bool = True
    padded: bool = False

    @property
    def bare(self) -> bool:
        """Neither PRV nor a plus nor a word says that something was grown."""
        return not self.named and not self.signed

    @property
    def too_long(self) -> bool:
        """Longer than a bare length that grows a structure."""
        return self.mm is not None and self.mm > _MOST_UNSAID_MM

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
    at = behind = 0
    while at < len(tokens):
        near = bool(pieces) and behind == at
        piece = next((piece for way in WAYS if (piece := way(tokens, at, lexicon))), None)
        if piece is None and near and _says_grown(tokens[at], lexicon):
            piece = Piece(1, signed=True)  # the second word of '+5mm margin'
        if piece is None:
            rest.append(tokens[at])
            at += 1
            continue
        if rest and rest[-1].text == "-" and not piece.named and not _is_dash(tokens, at, lexicon):
            piece = replace(piece, amounts=(None,))  # 'Cord -3mm' was shrunk
        pieces.append(piece)
        at = behind = at + piece.width
    if not pieces:
        return None, tokens
    amounts = [amount for piece in pieces for amount in piece.amounts]
    if not amounts and (last := _amount_at_the_end(tokens, rest, lexicon)):
        amounts, rest = [last], rest[:-1]
    mm = amounts[0] if len(amounts) == 1 else None
    named, signed = any(piece.named for piece in pieces), any(piece.signed for piece in pieces)
    return Margin(mm, named, signed, valid=not amounts or mm is not None), tuple(rest)


def take_padded(tokens: tuple[Token, ...]) -> tuple[Margin | None, tuple[Token, ...]]:
    """Take a bare margin of two digits out of a name (``Cord_05``, ``OpticNrv_L_03``); None where it may be something else.

    It stands behind a word, no other number stands in the name, and 01 and 02 are left: they count copies. So is a decimal of
    0.3 to 1.0, which is in centimetres: ``SpinalCanal_0.5``.
    """
    numbers = [at for at, token in enumerate(tokens) if token.is_number]
    if len(numbers) != 1 or not numbers[0]:
        return None, tokens
    (at,) = numbers
    text = tokens[at].text
    value = _bare_mm(text) if "." in text or len(text) == len("05") else None
    if value is None or not (_LEAST_LAST <= value <= _MOST_UNSAID_MM and tokens[at - 1].is_word):
        return None, tokens
    return Margin(value, named=False, signed=False, padded=True), (*tokens[:at], *tokens[at + 1 :])


def prv(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> Piece | None:
    """``PRV``, ``PRV05``, ``PRV+5``, ``PRV (5mm)``: a plus behind it belongs to the margin."""
    if lexicon.marks.get(tokens[at].text) != "prv":
        return None
    behind = tokens[at + 1 :]
    number_at = at + 2 if behind and behind[0].text in _OPENING and _is_close(behind) else at + 1
    amount, width = _amount(tokens, number_at, lexicon, bare=True)
    if not width:
        return Piece(1, named=True)
    return Piece(number_at + width - at, (amount,), named=True)


def before_prv(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> Piece | None:
    """``5PRV``, ``03 PRV``: a number written at the word, or in two digits before it."""
    if not tokens[at].is_number or at + 1 >= len(tokens) or lexicon.marks.get(tokens[at + 1].text) != "prv":
        return None
    if not tokens[at + 1].joined and not _is_padded(tokens[at]):
        return None
    return Piece(2, (_bare_mm(tokens[at].text),), named=True)


def plus(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> Piece | None:
    """``+5mm``, ``plus 5``, ``exp 5``; *expanded* says it without a number too."""
    if tokens[at].text != "+" and not _says_grown(tokens[at], lexicon):
        return None
    behind = tokens[at + 1 :]
    if behind and lexicon.marks.get(behind[0].text) == "prv":
        return Piece(1, signed=True)
    amount, width = _amount(tokens, at + 1, lexicon, bare=True)
    if width:
        return Piece(1 + width, (amount,), signed=True)
    return Piece(1, signed=True) if tokens[at].text in lexicon.usage.grown_words else None


def length(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> Piece | None:
    """``5 mm``."""
    amount, width = _amount(tokens, at, lexicon, bare=False)
    return Piece(width, (amount,)) if width else None


WAYS: tuple[Callable[[Sequence[Token], int, Lexicon], Piece | None], ...] = (prv, before_prv, plus, length)
"""Ways to write a margin, in the order they are asked at each place of a name."""


def _says_grown(token: Token, lexicon: Lexicon) -> bool:
    return lexicon.marks.get(token.text) == "expansion"


def _is_close(behind: Sequence[Token]) -> bool:
    """Tell whether a sign and what follows it are written without a space; a plus and a bracket may stand apart."""
    return behind[0].text in "+(" or (behind[0].joined and len(behind) > 1 and behind[1].joined)


def _is_dash(tokens: Sequence[Token], at: int, lexicon: Lexicon) -> bool:
    """Tell whether the ``-`` before a length only parts words, as it does before and behind every word of ``PRV-Cord-5mm``."""
    signs = [number for number, token in enumerate(tokens) if token.text == "-"]
    return (
        lexicon.marks.get(tokens[0].text) == "prv"
        and len(signs) > 1
        and signs[-1] == at - 1
        and all(token.joined for token in tokens[1:])
    )


def _amount_at_the_end(tokens: Sequence[Token], rest: Sequence[Token], lexicon: Lexicon) -> int | None:
    """Read ``PRV cord 5`` and ``PRV_Brainstem05``; a smaller number may count copies."""
    if lexicon.marks.get(tokens[0].text) != "prv" or len(rest) < 2:
        return None
    amount, width = _amount(rest, len(rest) - 1, lexicon, bare=True)
    apart = not rest[-1].joined or _is_padded(rest[-1])
    return amount if width and amount and amount >= _LEAST_LAST and apart else None


def _amount(tokens: Sequence[Token], at: int, lexicon: Lexicon, *, bare: bool) -> tuple[int | None, int]:
    """Read a number of millimetres at ``at``; return it (None: a number, but no safe margin) and how many tokens it took."""
    width = 0
    if at + 1 < len(tokens) and tokens[at].text == "." and tokens[at + 1].is_number and tokens[at + 1].joined:
        at, width = at + 1, 1  # '.5cm'
    if at >= len(tokens) or not tokens[at].is_number:
        return None, 0
    text = tokens[at].text
    if width:
        text = "0." + text.replace(".", "")
    unit = lexicon.number_words.get(tokens[at + 1].text, "") if at + 1 < len(tokens) else ""
    if unit in _MM_OF:
        return _whole(float(text) * _MM_OF[unit]), width + 2
    return (_bare_mm(text), width + 1) if bare else (None, 0)


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
