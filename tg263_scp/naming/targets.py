"""Targets as clinics write them: every word gets its slot, or the name stays.

``Lt PTV54``, ``PTV 54 Gy L`` and ``LPTV_5400`` become ``PTV_5400^L``; ``larynx ptv 1 (54 gy)`` becomes
``PTV1_Larynx_5400``. Doses are written in cGy; a bare number from 20 to 90 is Gy, from 1000 to 9999 cGy, from 1 to 9 an
index. What has no slot goes behind ``^`` where it is a word for a place or a sum (neck, all), else the name stays.

It is declined where a number may be read in two ways (``PTV 12``, ``CTV 40-56``), where two targets or a target and an
organ are combined, where a helper word stands in it, and where 16 characters cannot hold every part.

Standard: AAPM TG-263 report, principles T1-T10.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from tg263_scp.naming import grammar
from tg263_scp.naming.grammar import CLASSIFIERS, TargetName
from tg263_scp.naming.lexicon import Lexicon
from tg263_scp.naming.nomenclature import Nomenclature
from tg263_scp.naming.organs import SEPARATORS, Verdict, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.text import Token, tokenise

_TYPE = re.compile(r"i?[gc]tv|itv|ptv")
_LEVELS = frozenset({"High", "Mid", "Low"})
_QUALIFIERS = frozenset({"Boost", "Eval", "Preop", "Postop", "TumorBed", "SurgicalBed", "ProstateBed"})
_SITE_WORDS = re.compile(r"(?<![^\W_])h\s*&\s*n(?![^\W_])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TargetReading:
    """How a name with a target type reads. ``name`` is empty where it is declined; ``note`` says why."""

    types: int
    name: str = ""
    note: str = ""


@dataclass
class _Slots:
    type: str = ""
    segmented: bool = False
    classifier: str = ""
    number: str = ""
    dose: str = ""
    sides: list[str] = field(default_factory=list)
    custom: list[str] = field(default_factory=list)
    words: list[Token] = field(default_factory=list)
    qualifier: str = ""
    problem: str = ""


def type_tokens(query: Query, lexicon: Lexicon) -> tuple[tuple[Token, ...], int]:
    """Return the tokens with each target type standing alone (``RtPTVn`` -> ``rt ptv n``), and how many types there are.

    ``h&n`` is a word for the site and is left out.
    """
    out: list[Token] = []
    count = 0
    for token in tokenise(_SITE_WORDS.sub(" ", query.name), camel=False):
        pieces = list(_part_type(token, lexicon)) if token.is_word else [token]
        count += sum(piece.text.upper() in grammar.TARGET_TYPES for piece in pieces)
        out.extend(pieces)
    return tuple(out), count


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


@lru_cache(maxsize=4096)
def read_target(query: Query, nomenclature: Nomenclature) -> TargetReading:
    """Read a name that holds one target type; the standard name is given only where every part of it has its slot."""
    tokens, types = type_tokens(query, nomenclature.lexicon)
    if types != 1:
        return TargetReading(types, note="no target type" if not types else "more than one target type")
    slots = _fill(tokens, nomenclature.lexicon)
    if not slots.problem:
        _place_words(slots, query, nomenclature)
    if slots.problem:
        return TargetReading(types, note=slots.problem)
    name = _spelt(slots, nomenclature)
    return TargetReading(types, name or "", "" if name else "16 characters cannot hold every part of it")


def _fill(tokens: Sequence[Token], lexicon: Lexicon) -> _Slots:
    slots = _Slots()
    at = 0
    while at < len(tokens) and not slots.problem:
        at += _take(tokens, at, slots, lexicon)
    return slots


def _take(tokens: Sequence[Token], at: int, slots: _Slots, lexicon: Lexicon) -> int:
    """Give the token at ``at`` its slot; return how many tokens that used."""
    token = tokens[at]
    if token.text.upper() in grammar.TARGET_TYPES:
        slots.type = token.text.upper()
    elif token.text == "!":
        slots.segmented = True
    elif token.is_number:
        return _take_number(tokens, at, slots)
    elif not token.is_word:
        if token.text not in SEPARATORS:
            slots.problem = f"'{token.text}' has no place in a target name"
        elif (
            token.text in "-/"
            and at
            and at + 1 < len(tokens)
            and tokens[at - 1].is_number
            and tokens[at + 1].is_number
        ):
            slots.problem = "two numbers are combined"
    elif not (_take_role(token, slots, lexicon) or _take_glued_role(token, slots, lexicon)):
        slots.words.append(token)
    return 1


def _take_role(token: Token, slots: _Slots, lexicon: Lexicon) -> bool:
    word = token.text
    side = _side(word, lexicon)
    if side:
        slots.sides.append(side)
        return True
    role = (
        word
        if word in CLASSIFIERS and token.joined and not slots.classifier
        else lexicon.target_words.get(word, "")
    )
    if role in CLASSIFIERS:
        if slots.classifier not in ("", role):
            slots.problem = "two classifiers"
        slots.classifier = role
    elif role in _LEVELS:
        if slots.dose:
            slots.problem = "two doses"
        slots.dose = role
    elif role in _QUALIFIERS:
        if slots.qualifier not in ("", role):
            slots.problem = "two structures"
        slots.qualifier = role
    elif role:
        slots.custom.append(role)
    else:
        return False
    return True


def _take_glued_role(token: Token, slots: _Slots, lexicon: Lexicon) -> bool:
    """Take a classifier, dose level or side glued to what precedes it, as in ``PTVnR`` or ``CTVsbL``."""
    if not token.joined or len(token.text) > 3:
        return False
    for size in (2, 1):
        head, tail = token.text[:size], token.text[size:]
        if head in CLASSIFIERS and tail in ("l", "r") and not slots.classifier:
            slots.classifier = head
            slots.sides.append(tail.upper())
            return True
    return False


def _side(word: str, lexicon: Lexicon) -> str:
    meanings = lexicon.sides.get(word, {})
    everywhere = {meanings[language] for language in meanings if language in ("en", "la")}
    sides = everywhere or (set(meanings.values()) if len(word) > 2 else set())
    side = next(iter(sides)) if len(sides) == 1 else ""
    return side if side in ("L", "R") else ""


def _take_number(tokens: Sequence[Token], at: int, slots: _Slots) -> int:
    token = tokens[at]
    value = float(token.text)
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    if after in ("gy", "cgy", "g"):
        _set_dose(slots, value * (1 if after == "cgy" else 100))
        return 2
    if after in ("mm", "cm", "x", "fx", "fr", "ph") or after == "%":
        slots.problem = "a length, a share or a number of fractions"
    elif "." not in token.text and 1 <= value <= 9 and len(token.text) == 1:
        if slots.number:
            slots.problem = "two index numbers"
        slots.number = token.text
    elif "." not in token.text and 1000 <= value <= 9999:
        _set_dose(slots, value)
    elif 20 <= value <= 90:
        _set_dose(slots, value * 100)
    elif (
        "." not in token.text
        and len(token.text) == 2
        and value < 20
        and at
        and tokens[at - 1].text.upper() in grammar.TARGET_TYPES
    ):
        if token.joined and not slots.number:
            slots.number = token.text
        else:
            slots.problem = "a number that may be an index or a dose"
    else:
        slots.problem = "a number that may be an index or a dose"
    return 1


def _set_dose(slots: _Slots, dose_cgy: float) -> None:
    whole = round(dose_cgy)
    if slots.dose:
        slots.problem = "two doses"
    elif abs(dose_cgy - whole) > 1e-6 or not 100 <= whole <= 12000:
        slots.problem = "a dose that is not a whole number of cGy from 100 to 12000"
    else:
        slots.dose = str(whole)


def _place_words(slots: _Slots, query: Query, nomenclature: Nomenclature) -> None:
    """Find the structure slot for the words that are left; a side goes to the structure, else behind ``^``."""
    sides = tuple(dict.fromkeys(slots.sides))
    if len(sides) > 1:
        slots.problem = "both sides are named"
        return
    structure = slots.qualifier
    if slots.words:
        found = read_words((tuple(slots.words),), query, nomenclature)
        stem = nomenclature.stems.get(found.structure)
        if found.structure == "LN" and not structure:
            slots.classifier = slots.classifier or "n"
        elif (
            structure
            or found.verdict not in (Verdict.FOUND, Verdict.SIDE_MISSING)
            or found.rebuilt
            or not stem
        ):
            slots.problem = "a word that has no slot"
            return
        elif sides and stem.paired:
            structure, sides = f"{found.structure}_{sides[0]}", ()
        else:
            structure = found.structure
    slots.qualifier = structure
    slots.custom.extend(sides)


def _spelt(slots: _Slots, nomenclature: Nomenclature) -> str | None:
    name = TargetName(
        type=slots.type,
        segmented=slots.segmented,
        classifier=slots.classifier,
        number=slots.number,
        structure=slots.qualifier,
        dose=slots.dose,
        custom="_".join(slots.custom),
    )
    return grammar.spell(name, nomenclature)
