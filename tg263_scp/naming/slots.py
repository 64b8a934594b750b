"""The parts of a target name as they come: each word and number is given the slot it belongs to, or waits for a structure.

What may be read in two ways fills no slot but is a ``problem``: a number that may be an index, a dose, a vertebra or a
copy; a second dose; a letter that is a side in one language and a classifier in all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from tg263_scp.naming.grammar import CLASSIFIERS, TARGET_TYPES
from tg263_scp.naming.lexicon import EVERYWHERE, Lexicon, Sense
from tg263_scp.naming.parts import SEPARATORS
from tg263_scp.naming.query import Query
from tg263_scp.naming.text import Token, tokenise

_LONGEST_WORDING = 4
"""Words of the longest way to write one part of a target name."""
_LONGEST_INITIALS = 3
"""Letters before a target type up to which a dose level may be somebody's initials (``MDGTV``)."""
_TYPE = re.compile(r"i?[gc]tv|itv|ptv")
_SITE_WORDS = re.compile(r"(?<![^\W_])h\s*&\s*n(?![^\W_])", re.IGNORECASE)
_LEVELS = frozenset({"High", "Mid", "Low"})
_QUALIFIERS = frozenset({"Boost", "Eval", "Preop", "Postop", "TumorBed", "SurgicalBed", "ProstateBed"})
_PLACES_TOO = frozenset({"par", "vas", "lf"})
"""Classifiers that are also parietal or parametrial, vaginal ..., and a slip for *left* that is also the left frontal lobe."""
_PHASES = frozenset({20.0, 30.0, 40.0, 50.0})
_BREATHING_TYPES = frozenset({"GTV", "ITV", "IGTV"})
_STATIONS = frozenset({"4", "7", "10", "11"})
_VERTEBRAE = frozenset({"c", "t", "l", "s", "th", "d"})


@dataclass
class Slots:
    """The slots of a target while they are filled; ``problem`` says why the name is declined."""

    type: str = ""
    segmented: bool = False
    classifier: str = ""
    number: str = ""
    dose: str = ""
    qualifier: str = ""
    sides: list[str] = field(default_factory=list)
    custom: list[str] = field(default_factory=list)
    words: list[Token] = field(default_factory=list)
    nodal: list[Token] = field(default_factory=list)
    letters: set[str] = field(default_factory=set)
    prefixed: bool = False
    behind_minus: bool = False
    cut_off: bool = False
    last: str = ""
    problem: str = ""

    def put(self, slot: str, value: str) -> None:
        """Fill a slot that may be filled once."""
        if getattr(self, slot) not in ("", value) or (slot == "dose" and self.dose):
            self.problem = f"more than one {slot}"
        setattr(self, slot, value)


@lru_cache(maxsize=4096)
def type_tokens(query: Query, lexicon: Lexicon) -> tuple[tuple[Token, ...], int]:
    """Return the tokens with each target type standing alone (``RtPTVn`` -> ``rt ptv n``), and how many types there are.

    ``h&n`` is a word for the site and is left out.
    """
    out: list[Token] = []
    count = 0
    for token in _joined_words(tokenise(_SITE_WORDS.sub(" ", query.name), camel=False), lexicon):
        pieces = list(_part_type(token, lexicon)) if token.is_word else [token]
        count += sum(piece.text.upper() in TARGET_TYPES for piece in pieces)
        out.extend(pieces)
    return tuple(out), count


def _joined_words(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[Token]:
    """Put words that mean one thing together into one token: ``gross tumor volume``, ``haute dose``."""
    at = 0
    while at < len(tokens):
        for size in range(min(_LONGEST_WORDING, len(tokens) - at), 1, -1):
            words = tokens[at : at + size]
            text = "".join(t.text for t in words) if all(len(t.text) > 1 for t in words) else ""
            own = lexicon.types.get(text, "").lower() or (text if text in lexicon.target_words else "")
            if own:
                yield Token(own, " ".join(t.raw for t in words), tokens[at].joined)
                at += size
                break
        else:
            yield tokens[at]
            at += 1


def _part_type(token: Token, lexicon: Lexicon) -> Sequence[Token]:
    own = lexicon.types.get(token.text)
    if own:
        return [Token(own.lower(), token.raw, token.joined)]
    match = _TYPE.search(token.text)
    if not match or len(token.raw) != len(token.text):
        return [token]
    # in 'sigtv' or 'rigtv' the i belongs to the type; in 'larynxgtv' nothing precedes it
    cuts = [token.raw[: match.start()], match.group(), token.raw[match.end() :]]
    joined = [token.joined, bool(cuts[0]) or token.joined, True]
    rest = _part_type(Token(cuts[2].casefold(), cuts[2], True), lexicon) if cuts[2] else []
    before = [Token(cuts[0].casefold(), cuts[0], joined[0])] if cuts[0] else []
    return [*before, Token(cuts[1], cuts[1], joined[1]), *rest]


def fill(tokens: Sequence[Token], lexicon: Lexicon) -> Slots:
    """Give every token of a target name its slot, from left to right, until all have one or a problem shows."""
    slots = Slots()
    at = 0
    while at < len(tokens) and not slots.problem:
        token = tokens[at]
        if token.is_number:
            at += _take_number(tokens, at, slots)
        elif token.is_word and _is_numbered(tokens[at : at + 2], lexicon):
            slots.words.extend(tokens[at : at + 2])
            at += 2
        elif token.is_word:
            _take_word(token, slots, lexicon)
            at += 1
        else:
            _take_sign(tokens, at, slots)
            at += 1
    return slots


def _is_numbered(pair: Sequence[Token], lexicon: Lexicon) -> bool:
    """Tell whether a word and the number behind it are one structure: ``BWK 8``, ``rib 5``; single letters never are."""
    if len(pair) < 2 or len(pair[0].text) < 2 or not pair[1].is_number:
        return False
    return any(phrase.sense is Sense.STRUCTURE for phrase in lexicon.find((pair[0].text, pair[1].text)))


def _take_sign(tokens: Sequence[Token], at: int, slots: Slots) -> None:
    sign = tokens[at].text
    if sign == "!":
        slots.segmented = True
    elif sign not in SEPARATORS:
        slots.problem = f"'{sign}' has no place in a target name"
    elif _combines(tokens[max(0, at - 1) : at + 2], sign):
        slots.problem = "two numbers are combined"
    else:
        crops = (
            at + 1 < len(tokens)
            and tokens[at + 1].is_number
            and tokens[at + 1].joined
            and not tokens[at].joined
        )
        if sign == "-" and (crops or at == len(tokens) - 1):
            slots.problem = "something may be taken off the target"
        slots.behind_minus = sign == "-" and bool(slots.type)
        slots.last = "sign"


def _combines(around: Sequence[Token], sign: str) -> bool:
    """``40-56`` is a range, a difference or two levels; ``N3-57.5`` an index and a dose."""
    if sign not in "-/" or len(around) < 3 or not (around[0].is_number and around[2].is_number):
        return False
    return not (len(around[0].text) == 1 and float(around[2].text) >= 20)


def _take_word(token: Token, slots: Slots, lexicon: Lexicon) -> None:
    """Give a word its slot: type, side, classifier, dose level, qualifier or custom; else it waits for the structure slot."""
    word, side = token.text, _side(token.text, lexicon)
    spelt_out = word in CLASSIFIERS and token.joined and slots.last == "type"
    role = word if spelt_out else lexicon.target_words.get(word, "")
    if word in _PLACES_TOO and not spelt_out:
        slots.problem = "a word that may be a place or a classifier"
    slots.prefixed = slots.prefixed or (
        bool(role) and len(word) == 1 and not slots.type and role in CLASSIFIERS
    )
    if role in _LEVELS and not slots.type and len(word) <= _LONGEST_INITIALS:
        role = ""
    if word == "sb" and role == "sb" and not spelt_out:
        slots.problem = "SB may be a surgical bed or seminal vesicles"
    glued = _classifier_and_side(token) if slots.last == "type" else None
    slots.last = "word"
    if word.upper() in TARGET_TYPES:
        slots.type, slots.last = word.upper(), "type"
    elif side:
        slots.sides.append(side)
        slots.last = "side"
    elif role in CLASSIFIERS:
        slots.put("classifier", role)
        slots.last = "classifier"
        slots.letters.update({word} if len(word) == 1 and not spelt_out else ())
        slots.nodal.extend([token] if role == "n" and len(word) > 1 else [])
    elif role in _LEVELS:
        slots.put("dose", role)
    elif role in _QUALIFIERS:
        slots.put("qualifier", role)
    elif role:
        slots.custom.append(role)
    elif glued:
        slots.put("classifier", glued[0])
        slots.sides.append(glued[1])
    else:
        slots.cut_off = slots.cut_off or slots.behind_minus
        slots.words.append(token)
    slots.behind_minus = False


def _classifier_and_side(token: Token) -> tuple[str, str] | None:
    """Part a classifier from the side glued to it, as in ``PTVnR`` and ``CTVsbL``."""
    classifier, side = token.text[:-1], token.text[-1:].upper()
    return (classifier, side) if token.joined and classifier in CLASSIFIERS and side in ("L", "R") else None


def _side(word: str, lexicon: Lexicon) -> str:
    meanings = lexicon.sides.get(word, {})
    everywhere = {meanings[language] for language in meanings if language in EVERYWHERE}
    sides = everywhere or (set(meanings.values()) if len(word) > 2 else set())
    side = next(iter(sides)) if len(sides) == 1 else ""
    return side if side in ("L", "R") else ""


def _take_number(tokens: Sequence[Token], at: int, slots: Slots) -> int:
    """Read a number as a dose or an index by its size, unit and place; return how many tokens that used."""
    token = tokens[at]
    value = float(token.text)
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    whole = "." not in token.text
    place, slots.last, slots.behind_minus = slots.last, "number", False
    used = _take_fractions(tokens, at, slots)
    if used:
        return used
    if after in ("gy", "cgy", "g"):
        _set_dose(slots, value * (1 if after == "cgy" else 100))
        return 2
    if after in ("mm", "cm", "x", "fx", "fr", "ph", "%"):
        slots.problem = "a length, a share or a number of fractions"
    elif whole and 2010 <= value <= 2035 and value % 50:
        slots.problem = "a number that may be a year"
    elif value in _PHASES and slots.type in _BREATHING_TYPES and slots.classifier in ("", "p"):
        slots.problem = "a number that may be a breathing phase or a dose"
    elif token.text in _STATIONS and after in ("l", "r") and tokens[at + 1].joined and not slots.dose:
        slots.problem = "a number that may be that of a nodal station"
    elif whole and value <= 12 and _may_be_vertebra(tokens, at, slots):
        slots.problem = "a number that may be that of a vertebra or a level"
    elif whole and len(token.text) == 1 and value >= 1:
        if slots.dose and place != "side":
            slots.problem = "a number behind the dose may count copies"
        elif value >= 6 and not token.joined:
            slots.problem = "a number that may be an index or a dose"
        slots.put("number", token.text)
    elif (whole and 1000 <= value <= 9999) or (10 if slots.qualifier == "Boost" else 20) <= value <= 86:
        _set_dose(slots, value if value >= 1000 else value * 100)
    else:
        slots.problem = "a number that may be an index or a dose"
    return 1


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


def _set_dose(slots: Slots, dose_cgy: float) -> None:
    whole = round(dose_cgy)
    if abs(dose_cgy - whole) > 1e-6 or not 100 <= whole <= 12000:
        slots.problem = "a dose that is not a whole number of cGy from 100 to 12000"
    else:
        slots.put("dose", str(whole))
