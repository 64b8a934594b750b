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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from tg263_scp.naming import grammar
from tg263_scp.naming.grammar import CLASSIFIERS, TargetName
from tg263_scp.naming.lexicon import Lexicon
from tg263_scp.naming.nomenclature import Nomenclature
from tg263_scp.naming.organs import SEPARATORS, OrganReading, Verdict, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.text import Token, tokenise

_LONGEST_WORDING = 4
"""Words of the longest way to write one part of a target name."""
_TYPE = re.compile(r"i?[gc]tv|itv|ptv")
_LONGEST_INITIALS = 3
"""Letters before a target type up to which a dose level may be somebody's initials (``MDGTV``)."""
_GENITIVE_LIKE_PLURAL = frozenset({"pl", "cs", "ru"})
_VERTEBRAE = frozenset({"c", "t", "l", "s", "th", "d"})
_LEVELS = frozenset({"High", "Mid", "Low"})
_QUALIFIERS = frozenset({"Boost", "Eval", "Preop", "Postop", "TumorBed", "SurgicalBed", "ProstateBed"})
_DRAWN_AS_TARGETS = frozenset(
    "Prostate SeminalVes Breast Chestwall Tonsil Tongue Tongue_Base Cervix Uterus Vagina Parametrium LN_Pelvics LN_IMN".split()
)
"""Structures that ``CTV-SV`` names as the target's own; any other behind a minus may be what was cut off."""
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
    qualifier: str = ""
    sides: list[str] = field(default_factory=list)
    custom: list[str] = field(default_factory=list)
    words: list[Token] = field(default_factory=list)
    nodal: list[Token] = field(default_factory=list)
    behind_minus: bool = False
    cut_off: bool = False
    last: str = ""
    problem: str = ""

    def put(self, slot: str, value: str) -> None:
        """Fill a slot that may be filled once."""
        if getattr(self, slot) not in ("", value) or (slot == "dose" and self.dose):
            self.problem = f"more than one {slot}"
        setattr(self, slot, value)


def type_tokens(query: Query, lexicon: Lexicon) -> tuple[tuple[Token, ...], int]:
    """Return the tokens with each target type standing alone (``RtPTVn`` -> ``rt ptv n``), and how many types there are.

    ``h&n`` is a word for the site and is left out.
    """
    out: list[Token] = []
    count = 0
    for token in _joined_words(tokenise(_SITE_WORDS.sub(" ", query.name), camel=False), lexicon):
        pieces = list(_part_type(token, lexicon)) if token.is_word else [token]
        count += sum(piece.text.upper() in grammar.TARGET_TYPES for piece in pieces)
        out.extend(pieces)
    return tuple(out), count


def _joined_words(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[Token]:
    """Put words that mean one thing together into one token: ``gross tumor volume``, ``haute dose``."""
    at = 0
    while at < len(tokens):
        for size in range(min(_LONGEST_WORDING, len(tokens) - at), 1, -1):
            text = "".join(t.text for t in tokens[at : at + size])
            own = lexicon.types.get(text, "").lower() or (text if text in lexicon.target_words else "")
            if own:
                yield Token(own, " ".join(t.raw for t in tokens[at : at + size]), tokens[at].joined)
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
        token = tokens[at]
        if token.is_number:
            at += _take_number(tokens, at, slots)
        elif token.is_word:
            _take_word(token, slots, lexicon)
            at += 1
        else:
            _take_sign(tokens, at, slots)
            at += 1
    return slots


def _take_sign(tokens: Sequence[Token], at: int, slots: _Slots) -> None:
    sign = tokens[at].text
    if sign == "!":
        slots.segmented = True
    elif sign not in SEPARATORS:
        slots.problem = f"'{sign}' has no place in a target name"
    elif sign in "-/" and 0 < at < len(tokens) - 1 and tokens[at - 1].is_number and tokens[at + 1].is_number:
        slots.problem = "two numbers are combined"
    else:
        slots.behind_minus = sign == "-" and bool(slots.type)
        slots.last = "sign"


def _take_word(token: Token, slots: _Slots, lexicon: Lexicon) -> None:
    """Give a word its slot: type, side, classifier, dose level, qualifier or custom; else it waits for the structure slot."""
    word, side = token.text, _side(token.text, lexicon)
    spelt_out = word in CLASSIFIERS and token.joined and slots.last == "type"
    role = word if spelt_out else lexicon.target_words.get(word, "")
    if role in _LEVELS and not slots.type and len(word) <= _LONGEST_INITIALS:
        role = ""
    glued = _classifier_and_side(token) if slots.last == "type" else None
    slots.last = "word"
    if word.upper() in grammar.TARGET_TYPES:
        slots.type, slots.last = word.upper(), "type"
    elif side:
        slots.sides.append(side)
        slots.last = "side"
    elif role in CLASSIFIERS:
        slots.put("classifier", role)
        slots.last = "classifier"
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
    everywhere = {meanings[language] for language in meanings if language in ("en", "la")}
    sides = everywhere or (set(meanings.values()) if len(word) > 2 else set())
    side = next(iter(sides)) if len(sides) == 1 else ""
    return side if side in ("L", "R") else ""


def _take_number(tokens: Sequence[Token], at: int, slots: _Slots) -> int:
    """Read a number as a dose or an index by its size, unit and place; return how many tokens that used."""
    token = tokens[at]
    value = float(token.text)
    after = tokens[at + 1].text if at + 1 < len(tokens) else ""
    whole = "." not in token.text
    place, slots.last, slots.behind_minus = slots.last, "number", False
    if after in ("gy", "cgy", "g"):
        _set_dose(slots, value * (1 if after == "cgy" else 100))
        return 2
    if after in ("mm", "cm", "x", "fx", "fr", "ph", "%"):
        slots.problem = "a length, a share or a number of fractions"
    elif whole and value <= 12 and _may_be_vertebra(tokens, at, slots):
        slots.problem = "a number that may be a vertebra's"
    elif whole and len(token.text) == 1 and value >= 1:
        if slots.dose and place != "side":
            slots.problem = "a number behind the dose may count copies"
        slots.put("number", token.text)
    elif (whole and 1000 <= value <= 9999) or 20 <= value <= 90:
        _set_dose(slots, value if value >= 1000 else value * 100)
    else:
        slots.problem = "a number that may be an index or a dose"
    return 1


def _may_be_vertebra(tokens: Sequence[Token], at: int, slots: _Slots) -> bool:
    """``PTV T4`` and ``PTV L2`` may name a vertebra; ``GTVn L2`` and ``PTV54L2`` count what lies on one side."""
    letter = tokens[at - 1].text if at else ""
    return tokens[at].joined and letter in _VERTEBRAE and not (slots.dose or slots.classifier in ("n", "sb"))


def _set_dose(slots: _Slots, dose_cgy: float) -> None:
    whole = round(dose_cgy)
    if abs(dose_cgy - whole) > 1e-6 or not 100 <= whole <= 12000:
        slots.problem = "a dose that is not a whole number of cGy from 100 to 12000"
    else:
        slots.put("dose", str(whole))


def _place_words(slots: _Slots, query: Query, nomenclature: Nomenclature) -> None:
    """Find the structure slot for the words that are left; a side goes to the structure, else behind ``^``."""
    sides = tuple(dict.fromkeys(slots.sides))
    if len(sides) > 1:
        slots.problem = "both sides are named"
        return
    structure = slots.qualifier
    if slots.words:
        found = read_words((tuple(slots.words),), query, nomenclature)
        if (
            found.verdict is Verdict.NOTHING and slots.nodal
        ):  # 'CTV pelvic nodes': the nodes belong to the structure
            found = read_words(((*slots.nodal, *slots.words),), query, nomenclature)
        stem = nomenclature.stems.get(found.structure)
        if found.structure == "LN" and not structure:
            slots.classifier = slots.classifier or "n"
        elif not sides and _may_be_genitive(found, nomenclature):
            slots.problem = "one or both sides: the language spells them alike"
            return
        elif (
            structure
            or found.verdict not in (Verdict.FOUND, Verdict.SIDE_MISSING)
            or found.rebuilt
            or not stem
        ):
            slots.problem = "a word that has no slot"
            return
        elif slots.cut_off and found.structure not in _DRAWN_AS_TARGETS:
            slots.problem = "something may be taken off the target"
            return
        elif sides and stem.paired:
            structure, sides = f"{found.structure}_{sides[0]}", ()
        else:
            structure = found.structure
    slots.qualifier = structure
    slots.custom.extend(sides)


def _may_be_genitive(found: OrganReading, nomenclature: Nomenclature) -> bool:
    """``PTV nerki`` is the PTV of one kidney in Polish, where the word also means both; so in Czech and Russian."""
    entry = nomenclature.entries.get(found.name)
    languages = {phrase.language for phrase in found.phrases}
    return entry is not None and bool(entry.plural_of) and languages <= _GENITIVE_LIKE_PLURAL


def _spelt(slots: _Slots, nomenclature: Nomenclature) -> str | None:
    """Write the slots as a name; at most one underscore may be given up for the 16 characters (principle T10)."""
    name = TargetName(
        type=slots.type,
        segmented=slots.segmented,
        classifier=slots.classifier,
        number=slots.number,
        structure=slots.qualifier,
        dose=slots.dose,
        custom="_".join(slots.custom),
    )
    text = grammar.spell(name, nomenclature)
    parts = 1 + bool(name.structure) + bool(name.dose)
    whole = text is not None and text.count("_") + 1 >= parts - 1 + name.structure.count(
        "_"
    ) + name.custom.count("_")
    return text if whole else None
