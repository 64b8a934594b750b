"""The parts of a target name as they come: each word and number is given the slot it belongs to, or waits for a structure.

What may be read in two ways fills no slot but is a ``problem``: a number that may be an index, a dose, a vertebra or a
copy; a second dose; a letter that is a side in one language and a classifier in all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from tg263_scp.naming.organs.parts import SEPARATORS, is_mark
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.grammar import CLASSIFIERS, TARGET_TYPES
from tg263_scp.naming.targets.numbers import image_set, take_number
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.letters import Token, ends_in_capital, tokenise
from tg263_scp.naming.words.lexicon import EVERYWHERE, Lexicon, Sense

_LONGEST_WORDING = 4
"""Words of the longest way to write one part of a target name."""
_LONGEST_INITIALS = 3
"""Letters before a target type up to which a dose level may be somebody's initials (``MDGTV``)."""
_RISKS = frozenset({"hr", "ir", "lr"})
"""Risk levels that brachytherapy writes before its CTVs (``HR-CTV``, GEC-ESTRO)."""
_TYPE = re.compile(r"i?[gc]tv|itv|ptv")
_SITE_WORDS = re.compile(r"(?<![^\W_])h\s*&\s*n(?![^\W_])", re.IGNORECASE)
_LEVELS = frozenset({"High", "Mid", "Low"})
_DOSE = re.compile("do[sz]|annos|δοσ|доз|剂量|劑量|線量|선량")
_RISK = re.compile("rie?s[ckqg]|rsk|ryzyk|rizi|κινδυν|риск|危|りすく|위험")
"""What tells that *high* is a dose's or a risk's, never that of a part of an organ."""
_LONGEST_LEVEL_LETTERS = 2
"""Letters of ``HR`` and ``BD``, which stand for a risk or a dose and never for a place."""
_QUALIFIERS = frozenset({"Boost", "Eval", "Preop", "Postop", "TumorBed", "SurgicalBed", "ProstateBed"})
PLACES = frozenset("Neck Pelvis Groin Hip Thigh Sternum Sup Inf Ant".split())
"""What is written behind ``^`` for a place; beside a structure it may be a part of that (*sup clav* is supraclavicular)."""
_PLACES_TOO = frozenset({"par", "vas", "lf", "br"})
"""Classifiers that are also parietal or parametrial, vaginal ..., and short words that are a place to some and to others a
side (left or left frontal) or a level (breast or *bas risque*)."""
_ROMAN_INDEX = {"ii": "2", "iii": "3"}
"""Roman numbers of targets; one letter alone may be anything, and *IV* is a vein's or a level's."""


@lru_cache(maxsize=4096)
def type_tokens(query: Query, lexicon: Lexicon) -> tuple[tuple[Token, ...], int]:
    """Return the tokens with each target type standing alone (``RtPTVn`` -> ``rt ptv n``), and how many types there are.

    ``h&n`` is a word for the site and is left out.
    """
    out: list[Token] = []
    count = 0
    for token in _joined_words(tokenise(_SITE_WORDS.sub(" ", query.text), camel=False), lexicon):
        pieces = list(_part_type(token, lexicon)) if token.is_word else [token]
        count += sum(piece.text.upper() in TARGET_TYPES for piece in pieces)
        out.extend(pieces)
    return tuple(out), count


def _joined_words(tokens: Sequence[Token], lexicon: Lexicon) -> Iterator[Token]:
    """Put words that mean one thing together into one token: ``gross tumor volume``, ``haute dose``."""
    at = 0
    while at < len(tokens):
        for size in range(min(_LONGEST_WORDING, len(tokens) - at), 1, -1):
            words = [t for t in tokens[at : at + size] if t.text != "-"]  # 'High-Risk'
            if len(words) < 2 or "-" in (tokens[at].text, tokens[at + size - 1].text):
                continue
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
    if len(token.raw) != len(token.text) or token.text in lexicon.vocabulary:
        return [token]  # the 'pitvar' is the atrium of Hungarian hearts
    match = _TYPE.search(token.text)
    if not match:
        if not ends_in_capital(token.raw) or token.text in lexicon.target_words:
            return [token]
        return [
            Token(token.text[:-1], token.raw[:-1], token.joined),
            Token(token.text[-1], token.raw[-1], True),
        ]
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
            at += take_number(tokens, at, slots)
        elif token.is_word and (imaging := image_set(tokens[at : at + 3])):
            slots.put("imaging", imaging)
            slots.last = "imaging"
            at += 2
        elif token.is_word and (size := _words_together(tokens[at : at + _LONGEST_WORDING], slots, lexicon)):
            slots.words.extend(tokens[at : at + size])
            slots.said.extend(tokens[at : at + size])
            slots.words_first = slots.words_first or not slots.type
            slots.last = "word"
            at += size
        elif token.is_word:
            _take_word(token, slots, lexicon)
            at += 1
        else:
            _take_sign(tokens, at, slots)
            at += 1
    return slots


def _words_together(ahead: Sequence[Token], slots: Slots, lexicon: Lexicon) -> int:
    """Return how many of the tokens ahead mean one thing and may not be taken word by word; 0 where none do.

    These are numbered structures (``BWK 8``, ``rib 5``, ``VB L3``) and phrases with a word that has a role of its own when
    alone (``loge prostatique``, ``mid esophagus``). It is a problem where the list has no such structure (the midbrain).
    """
    if len(ahead[0].text) < 2:
        return _vertebra_and_word(ahead, lexicon)
    for size in range(len(ahead), 1, -1):
        window = ahead[:size]
        roles = [_role(token, lexicon) for token in window]
        if not all(t.is_word for t in window[:-1]) or not (window[-1].is_word or window[-1].is_number):
            continue
        if all(roles) or not (window[-1].is_number or any(roles)):
            continue
        senses = {phrase.sense for phrase in lexicon.find([token.text for token in window])}
        if Sense.STRUCTURE in senses:
            return 0 if not window[-1].is_number and set(roles) <= {"", "n"} else size
        if senses:
            slots.problem = "a place that the list does not have"
    return 0


def _vertebra_and_word(ahead: Sequence[Token], lexicon: Lexicon) -> int:
    """Return how many tokens name a vertebra whose number comes first: ``L4 vertebra``, ``T8 vertebral body``."""
    for size in range(len(ahead), 2, -1):
        words = ahead[2:size]
        if not (ahead[1].is_number and ahead[1].joined and all(len(t.text) > 1 and t.is_word for t in words)):
            continue
        found = lexicon.find([token.text for token in ahead[:size]])
        if found and all(phrase.means.startswith("VB_") for phrase in found):
            return size
    return 0


def has_slot(word: str, lexicon: Lexicon) -> bool:
    """Tell whether a word fills a slot of a target by itself and names no place or technique (``n``, ``high``, ``boost``)."""
    return lexicon.target_words.get(word) in {*CLASSIFIERS, *_LEVELS, *_QUALIFIERS}


def _role(token: Token, lexicon: Lexicon) -> str:
    return lexicon.target_words.get(token.text, "")


def _take_sign(tokens: Sequence[Token], at: int, slots: Slots) -> None:
    sign = tokens[at].text
    if sign == "!":
        slots.segmented = True
    elif sign not in SEPARATORS:
        slots.problem = f"'{sign}' has no place in a target name"
    elif is_mark(tokens, at):
        slots.problem = f"'{sign}' may tell versions apart"
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
    spelt_out = word in CLASSIFIERS and token.joined and slots.last == "type" and token.raw != "V"
    role = word if spelt_out else lexicon.target_words.get(word, "")
    if word in _PLACES_TOO and not spelt_out:
        slots.problem = "a word that may be a place or a classifier"
    slots.prefixed = slots.prefixed or (
        bool(role) and len(word) == 1 and not slots.type and role in CLASSIFIERS
    )
    if role in _LEVELS and not slots.type and len(word) <= _LONGEST_INITIALS and word not in ("mid", "low"):
        slots.risk_first = word in _RISKS
        role = role if slots.risk_first else ""
    if word == "sb" and role == "sb" and not spelt_out:
        slots.problem = "SB may be a surgical bed or seminal vesicles"
    glued = _classifier_and_side(token) if slots.last == "type" else None
    behind_type = slots.last == "type"
    slots.last = "word"
    if word.upper() in TARGET_TYPES:
        slots.type, slots.last = word.upper(), "type"
        if slots.risk_first and slots.type != "CTV":
            slots.problem = "a risk level, or somebody's initials"
    elif side:
        slots.sides.append(side)
        slots.last = "side"
        slots.said.append(token)
        slots.small = slots.small or token.raw in ("l", "r")
    elif role in CLASSIFIERS:
        slots.put("classifier", role)
        slots.last = "classifier"
        slots.letters.update({word} if len(word) == 1 and not spelt_out else ())
        slots.nodal.extend([token] if role == "n" and len(word) > 1 else [])
    elif role in _LEVELS:
        slots.put("level", role)
        slots.risk = word in _RISKS or bool(_RISK.search(word))
        placed = len(word) > _LONGEST_LEVEL_LETTERS or word in ("hi", "lo")
        slots.place_level = placed and not (
            slots.risk or _DOSE.search(word) or (behind_type and token.joined)
        )
    elif role in _QUALIFIERS:
        slots.put("qualifier", role)
    elif role and slots.type:
        slots.custom.append(role)
        if slots.behind_minus:
            slots.problem = "something may be taken off the target"
    elif word in _ROMAN_INDEX and behind_type:
        slots.roman = True
        slots.put("number", _ROMAN_INDEX[word])
    elif glued:
        slots.put("classifier", glued[0])
        slots.sides.append(glued[1])
    else:
        slots.cut_off = slots.cut_off or slots.behind_minus
        slots.words_first = slots.words_first or not slots.type
        slots.words.append(token)
        slots.said.append(token)
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
