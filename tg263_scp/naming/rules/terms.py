"""What is combined in a name, and by what: its operators, and what the terms on both sides of each are.

An operator is a sign (``-``, ``+``, ``&``, ``/``, ``∩``) or a word of a pack (*minus*, *und*, *hors*). A term is read like a
name of its own: a target, the body, an organ, a length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tg263_scp.decision import Reason
from tg263_scp.naming.organs.reading import Finding, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.grammar import TARGET_TYPES
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.filling import has_slot
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_SIGNS = {"-": "minus", "+": "union", "&": "union", "∪": "union", "/": "either", "∩": "inside"}
_LONGEST_OPERATOR = 3
_LENGTHS = ("mm", "cm")
_UNITS = (*_LENGTHS, "Gy", "cGy", "weighted Gy")
_LONGER = 4
"""Letters from which a word beside unknown ones names an organ: the *sp* of ``mandible_SP`` is somebody's."""
_NAMED = (Finding.FOUND, Finding.SIDE_MISSING, Finding.NO_STANDARD_NAME)


class Sort(StrEnum):
    """What stands beside an operator."""

    NOTHING = "nothing"
    TARGET = "target"
    BODY = "body"
    ORGAN = "organ"
    ORGAN_IN_PART = "organ_in_part"
    """Some of its words are an organ: ``R globe PS``"""
    UNLISTED = "unlisted"
    LENGTH = "length"
    NUMBER = "number"
    OF_TARGET = "of_target"
    """Words that a target may hold itself, and sides: ``nodes``, ``L``"""
    AMBIGUOUS = "ambiguous"
    UNKNOWN = "unknown"


ORGANS = (Sort.ORGAN, Sort.ORGAN_IN_PART)


@dataclass(frozen=True, slots=True)
class Operand:
    """A term as it was read; ``structure`` where it names one of the list."""

    sort: Sort
    structure: str = ""


@dataclass(frozen=True, slots=True)
class Operator:
    """A sign or word between two terms: ``kind`` is ``minus``, ``union``, ``inside`` or ``either``."""

    kind: str
    text: str
    is_word: bool
    left: tuple[Token, ...]
    right: tuple[Token, ...]


def spelt_out(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Return the tokens with ``w/o`` as one word."""
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        if [t.text for t in tokens[at : at + 3]] == ["w", "/", "o"]:
            out.append(Token("wo", "w/o", False))
            at += 3
        else:
            out.append(tokens[at])
            at += 1
    return tuple(out)


def operators(tokens: tuple[Token, ...], in_target: bool, lexicon: Lexicon) -> Iterator[Operator]:
    """Yield the operators with the terms beside them: the nearest, then all that stands before and behind.

    Those of a bracket that only describes what stands before it are left out.
    """
    found = list(_places(tokens, in_target, lexicon))
    ends = [(0, 0), *((start, end) for start, end, _ in found), (len(tokens), len(tokens))]
    nearest = [(ends[at][1], ends[at + 2][0]) for at in range(len(found))]
    everything = [(0, len(tokens))] * len(found)
    for reach in (nearest, everything) if len(found) > 1 else (nearest,):
        for (start, end, kind), (first, last) in zip(found, reach, strict=True):
            if not _only_describes(tokens, start):
                text = " ".join(t.raw for t in tokens[start:end])
                left, right = _bare(tokens[first:start]), _bare(tokens[end:last])
                yield Operator(kind, text, tokens[start].is_word, left, right)


def _places(tokens: tuple[Token, ...], in_target: bool, lexicon: Lexicon) -> Iterator[tuple[int, int, str]]:
    """Yield where an operator begins and ends, and its kind; the longest wording first (``removed from``)."""
    at = 0
    while at < len(tokens):
        sign = _SIGNS.get(tokens[at].text)
        width = 1 if sign else 0
        for size in range(_LONGEST_OPERATOR, 0, -1) if not sign else ():
            window = tokens[at : at + size]
            mark = lexicon.marks.get("".join(t.text for t in window))
            if mark in ("minus", "union", "inside") and _is_operator(window, tokens, at, in_target, lexicon):
                sign, width = mark, len(window)
                break
        if sign:
            yield at, at + width, sign
        at += width or 1


def _is_operator(
    window: tuple[Token, ...], tokens: tuple[Token, ...], at: int, in_target: bool, lexicon: Lexicon
) -> bool:
    """A letter, and a word that is a side in any language, combine nothing: but ``sin`` beside a target is *without*."""
    if len(window) > 1:
        return True
    text = window[0].text
    if len(text) == 1 and text.isascii():
        return False
    following = tokens[at + 1 : at + 2]
    return text not in lexicon.sides or (in_target and bool(following) and following[0].is_word)


def _only_describes(tokens: tuple[Token, ...], at: int) -> bool:
    """Tell whether an operator stands in a bracket without a target, behind a word: ``Brainstem (not medulla)``."""
    opened = -1
    for place, token in enumerate(tokens[:at]):
        if token.text in _OPENING:
            opened = place
        elif token.text in _CLOSING:
            opened = -1
    if opened < 0 or not any(t.is_word for t in tokens[:opened]):
        return False
    rest = [t.text for t in tokens[opened:]]
    closed = next((place for place, text in enumerate(rest) if text in _CLOSING), len(rest))
    return not any(text.upper() in TARGET_TYPES for text in rest[:closed])


def _bare(tokens: Sequence[Token]) -> tuple[Token, ...]:
    return tuple(t for t in tokens if t.is_word or t.is_number or t.text == "%")


def operand_of(term: tuple[Token, ...], in_target: bool, query: Query, nomenclature: Nomenclature) -> Operand:
    """Read a term; ``in_target`` tells that the name holds a target type, whose own words name no structure."""
    lexicon = nomenclature.lexicon
    words = tuple(t for t in term if t.is_word)
    if not term:
        return Operand(Sort.NOTHING)
    if any(t.text.upper() in TARGET_TYPES for t in words):
        return Operand(Sort.TARGET)
    if not words or all(lexicon.number_words.get(w.text) in _UNITS for w in words):
        length = any(lexicon.number_words.get(w.text) in _LENGTHS for w in words)
        return Operand(Sort.LENGTH if length else Sort.NUMBER)
    if all(w.text in lexicon.sides or (in_target and has_slot(w.text, lexicon)) for w in words):
        return Operand(Sort.OF_TARGET)
    reading = read_words((term,), query, nomenclature)
    if reading.finding in _NAMED:
        body = reading.structure in ("External", "Body") and not reading.rebuilt
        return Operand(Sort.BODY if body else Sort.ORGAN, reading.structure)
    if reading.finding is Finding.UNLISTED:
        return Operand(Sort.UNLISTED)
    if reading.reason is Reason.BOTH_SIDES or any("prv" in w.text for w in words):
        return Operand(Sort.ORGAN_IN_PART)
    for shortest in (1, _LONGER):
        known = tuple(w for w in words if len(w.text) >= shortest and _may_name(w.text, lexicon))
        part = read_words((known,), query, nomenclature) if known else reading
        if part.finding in _NAMED:
            return Operand(Sort.ORGAN_IN_PART, part.structure)
    return Operand(Sort.AMBIGUOUS if reading.finding is Finding.AMBIGUOUS else Sort.UNKNOWN)


def _may_name(word: str, lexicon: Lexicon) -> bool:
    return lexicon.knows(word) and word not in lexicon.marks
