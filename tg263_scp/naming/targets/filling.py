"""The parts of a target name as they come: each word and number is given the slot it belongs to, or waits for a structure.

What may be read in two ways fills no slot but raises a doubt: a number that may be an index, a dose, a vertebra or a copy; a
second dose; a letter that is a side in one language and a classifier in all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.grammar import CLASSIFIERS, TARGET_TYPES
from tg263_scp.naming.targets import signs, single_words
from tg263_scp.naming.targets.bare_numbers import range_of_vertebrae
from tg263_scp.naming.targets.doubts import Doubt, first_doubt
from tg263_scp.naming.targets.numbers import image_set, take_number
from tg263_scp.naming.targets.signs import Sign
from tg263_scp.naming.targets.single_words import Word, has_slot, role_of, word_at
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.words.letters import Token, ends_in_capital, tokenise
from tg263_scp.naming.words.lexicon import Lexicon, Sense

__all__ = ["fill", "has_slot", "told_by_site", "type_tokens"]

DOUBTS_OF_WORDS: tuple[tuple[Callable[[Word, Slots], bool], Doubt], ...] = (
    (single_words.may_be_place, Doubt.PLACE_OR_CLASSIFIER),
    (single_words.may_be_vesicles, Doubt.BED_OR_VESICLES),
    (single_words.may_be_somebody, Doubt.RISK_OR_INITIALS),
    (single_words.is_taken_off, Doubt.CUT_OFF),
)
"""What a word may be instead of what fills its slot, in the order it is asked."""

WORDS: tuple[tuple[Callable[[Word, Slots], bool], Callable[[Word, Slots, Lexicon], None], str], ...] = (
    (single_words.is_type, single_words.take_type, "type"),
    (single_words.is_side, single_words.take_side, "side"),
    (single_words.is_classifier, single_words.take_classifier, "classifier"),
    (single_words.is_level, single_words.take_level, "word"),
    (single_words.is_qualifier, single_words.take_qualifier, "word"),
    (single_words.is_custom, single_words.take_custom, "custom"),
    (single_words.is_roman_index, single_words.take_roman_index, "word"),
    (single_words.is_classifier_and_side, single_words.take_classifier_and_side, "word"),
    (single_words.is_anything_else, single_words.keep_for_structure, "word"),
)
"""What a single word is, in the order it is asked: what is done with it, and what then stands last."""

DOUBTS_OF_SIGNS: tuple[tuple[Callable[[Sign], bool], Doubt], ...] = (
    (signs.has_no_slot, Doubt.SIGN_WITHOUT_SLOT),
    (signs.may_tell_versions_apart, Doubt.VERSION_MARK),
    (signs.combines_numbers, Doubt.NUMBERS_COMBINED),
    (signs.takes_something_off, Doubt.CUT_OFF),
)
"""What a sign may be instead of a separator, in the order it is asked."""

_LONGEST_WORDING = 4
"""Words of the longest way to write one part of a target name."""
_TYPE = re.compile(r"i?[gc]tv|itv|ptv")
_SLOTS = frozenset({*CLASSIFIERS, "High", "Mid", "Low"})
"""Roles of words that together are no structure; ``pelvic nodes`` and ``tumor bed`` are, though each word has its role."""
_MOST_VERTEBRAE_OF = {"c": 7, "t": 12, "l": 5, "s": 5}
_MOST_AXILLARY_LEVELS = 3
_WORDS_OF_SITES = {("head_and_neck", "int"): "intermediate"}
"""Site and abbreviation -> the word of a target that it stands for there."""
_COUNT = re.compile(r"\d\d?")
_SHORTEST_WITH_SIDE = 5
_SITE_WORDS = re.compile(r"(?<![^\W_])h\s*&\s*n(?![^\W_])", re.IGNORECASE)


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
    if not match and _has_glued_side(token.text, lexicon):
        return [Token(token.text[0], token.raw[0], token.joined), Token(token.text[1:], token.raw[1:], True)]
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


def _has_glued_side(word: str, lexicon: Lexicon) -> bool:
    """``Lneck`` and ``RNodes``: a side before a word of targets of at least four letters."""
    known = word in lexicon.target_words or len(word) < _SHORTEST_WITH_SIDE
    return not known and word[0] in "lr" and word[1:] in lexicon.target_words


def told_by_site(tokens: Sequence[Token], query: Query, lexicon: Lexicon) -> tuple[Token, ...]:
    """Put the word that the site implies before a letter and its number, or for an abbreviation.

    The ``L3`` of a spine is a vertebra (``vb L3``), the ``n L2`` of a breast a level of the axilla, the *int* of a head and
    neck the intermediate level.
    """
    out: list[Token] = []
    for at, token in enumerate(tokens):
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if range_of_vertebrae(tokens, at) or _is_named(tokens[at + 2 : at + 3], lexicon):
            following = None
        if following is not None and following.joined and _COUNT.fullmatch(following.text):
            out.extend(_implied(token, int(following.text), out, query, lexicon))
        meant = _WORDS_OF_SITES.get((query.site, token.text))
        out.append(replace(token, text=meant) if meant else token)
    return tuple(out)


def _is_named(behind: Sequence[Token], lexicon: Lexicon) -> bool:
    """Tell whether a word behind the number says what it counts: ``T8 vertebral body``."""
    words = [token.text for token in behind if token.is_word and len(token.text) > 1]
    return any(word not in lexicon.target_words and word not in lexicon.sides for word in words)


def _implied(
    letter: Token, number: int, before: Sequence[Token], query: Query, lexicon: Lexicon
) -> tuple[Token, ...]:
    word = before[-1].text if before else ""
    if query.site == "spine" and not letter.joined and 1 <= number <= _MOST_VERTEBRAE_OF.get(letter.text, 0):
        return () if word in ("vb", "vertebra") else (Token("vb", "VB", joined=False),)
    nodal = lexicon.number_words.get(word) == "node"
    if query.site == "breast" and letter.text == "l" and nodal and 1 <= number <= _MOST_AXILLARY_LEVELS:
        return (Token("axillary", "axillary", joined=False),)
    return ()


def fill(tokens: Sequence[Token], lexicon: Lexicon, slots: Slots | None = None) -> Slots:
    """Give every token of a target name its slot, from left to right, until all have one or a doubt arises."""
    slots = Slots() if slots is None else slots
    at = 0
    while at < len(tokens) and not slots.doubt:
        at += next(width for take in TAKINGS if (width := take(tokens, at, slots, lexicon)))
    return slots


def _number(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``54``, ``5400 cGy``, ``3x18Gy``."""
    return take_number(tokens, at, slots, lexicon.number_words) if tokens[at].is_number else 0


def _image_set(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``MR 2``, ``PET1``."""
    imaging = image_set(tokens[at : at + 3], lexicon.number_words)
    if not imaging:
        return 0
    slots.put("imaging", imaging)
    slots.used.append(("number_words", tokens[at].text))
    slots.last = "imaging"
    return 2


def _vertebrae(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``T5-T7``, ``L2-4``: from one to another, which the list cannot say; it goes behind ``^`` as it stands."""
    used = range_of_vertebrae(tokens, at)
    if not used or not slots.type:
        return 0
    slots.custom.append("".join(token.raw for token in tokens[at : at + used]))
    slots.last = "word"
    return used


def _words_of_one_structure(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``BWK 8``, ``loge prostatique``."""
    if not tokens[at].is_word:
        return 0
    width = _words_together(tokens[at : at + _LONGEST_WORDING], slots, lexicon)
    if width:
        slots.words.extend(tokens[at : at + width])
        slots.said.extend(tokens[at : at + width])
        slots.words_first = slots.words_first or not slots.type
        slots.last = "word"
    return width


def _single_word(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``larynx``, ``boost``, ``L``."""
    if not tokens[at].is_word:
        return 0
    _take_word(tokens[at], slots, lexicon)
    return 1


def _sign(tokens: Sequence[Token], at: int, slots: Slots, lexicon: Lexicon) -> int:
    """``-``, ``(``, ``!``."""
    _take_sign(tokens, at, slots)
    return 1


TAKINGS: tuple[Callable[[Sequence[Token], int, Slots, Lexicon], int], ...] = (
    _number,
    _image_set,
    _vertebrae,
    _words_of_one_structure,
    _single_word,
    _sign,
)
"""What stands next in a name, in the order it is asked; each returns how many tokens it took, 0 where it is something else."""


def _words_together(ahead: Sequence[Token], slots: Slots, lexicon: Lexicon) -> int:
    """Return how many of the tokens ahead mean one thing and may not be taken word by word; 0 where none do.

    These are numbered structures (``BWK 8``, ``rib 5``, ``VB L3``) and phrases with a word that has a role of its own when
    alone (``loge prostatique``, ``mid esophagus``, ``mid brain``).
    """
    if len(ahead[0].text) < 2:
        return _vertebra_and_word(ahead, lexicon)
    for size in range(len(ahead), 1, -1):
        window = ahead[:size]
        roles = [role_of(token, lexicon) for token in window]
        if not all(t.is_word for t in window[:-1]) or not (window[-1].is_word or window[-1].is_number):
            continue
        if not (window[-1].is_number or any(roles)) or (all(roles) and _SLOTS.issuperset(roles)):
            continue
        senses = {phrase.sense for phrase in lexicon.find([token.text for token in window])}
        if Sense.STRUCTURE in senses:
            return 0 if not window[-1].is_number and set(roles) <= {"", "n"} else size
        if senses and "n" not in roles and not all(roles):
            return size  # in 'neck nodes' the nodes are the classifier, the place goes behind ^
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


def _take_sign(tokens: Sequence[Token], at: int, slots: Slots) -> None:
    sign = Sign(tokens, at)
    if sign.text == "!":
        slots.segmented = True
        return
    slots.leave(first_doubt(DOUBTS_OF_SIGNS, sign))
    slots.behind_minus = sign.text == "-" and bool(slots.type)
    slots.last = "sign"


def _take_word(token: Token, slots: Slots, lexicon: Lexicon) -> None:
    """Give a word its slot: type, side, classifier, dose level, qualifier or custom; else it waits for the structure slot."""
    word = word_at(token, slots, lexicon)
    slots.leave(first_doubt(DOUBTS_OF_WORDS, word, slots))
    letter = len(word.text) == 1 and word.role in CLASSIFIERS
    slots.prefixed = slots.prefixed or (letter and not slots.type)
    take, last = next((take, last) for is_it, take, last in WORDS if is_it(word, slots))
    take(word, slots, lexicon)
    slots.last = last
    slots.behind_minus = False
