"""A beginning or an ending that most names of a set share: a protocol's, a vendor's, a planner's.

``HN_Parotid_L``, ``HN_Cord``, ``HN_PTV70`` ... share ``HN``; it tells the names of this set nothing apart and is taken out
before they are read. It is never taken out

* in sets of fewer than five names, nor where two names would become equal;
* where it says something: a side in any language, a target type, PRV, a margin, a dose, a number, a phase or a time, a helper
  word, an organ or a part of one; ``z`` and ``_`` mark what is not for dose evaluation.

Of the words that the packs know, only those for who or what drew a structure (``drawn_by``) and for a technique or a site
(``SBRT``, ``HN``) may be taken out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tg263_scp.naming.standard.nomenclature import relaxed
from tg263_scp.naming.words.compounds import partings
from tg263_scp.naming.words.letters import fold, squeeze
from tg263_scp.naming.words.lexicon import Lexicon

LEAST_NAMES = 5
"""Names of a set from which something can be called shared."""
LONGEST_NAME = 64
"""Characters of a ROI Name (LO, PS3.5 6.2); what is longer has no notation."""
_LONGEST_SHARED = 16
_SEPARATOR = r"[\s_.\-:#()\[\]]"
_FIRST = re.compile(rf"\W*?(?P<word>[^\W_]+){_SEPARATOR}+(?=[^\W\d])")
_LAST = re.compile(rf"(?<=[^\W_]){_SEPARATOR}+(?P<word>[^\W_]+)\W*$")
_FIRST_GLUED = re.compile(r"(?P<word>[a-z])(?=[A-Z][a-z])")
_LAST_GLUED = re.compile(r"(?<=[a-z]{3})(?P<word>[A-Z])$")
_PROTOCOL = re.compile(r"[a-z]{2,}0\d{2,3}")
"""``HN005`` and ``RTOG0617``; any other number may be a dose, a phase, a copy or a date."""
_TYPE = re.compile(r"[gcip]tv", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stripped:
    """A name without what it shares; ``notes`` say what was taken out, and how many names of the set share it."""

    text: str
    notes: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    """numbers that were taken out, as written: of a protocol, or ranks"""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to share something: the pattern whose ``word`` is shared, and its name in a note."""

    pattern: re.Pattern[str]
    called: str


_WAYS = (
    _Way(_FIRST, "beginning"),
    _Way(_FIRST_GLUED, "beginning"),
    _Way(_LAST, "ending"),
    _Way(_LAST_GLUED, "ending"),
)


def without_shared(names: Sequence[str], lexicon: Lexicon, *, share: float = 0.5) -> list[Stripped]:
    """Return every name without the beginning and the ending that most names of the set share, in their order.

    Args:
        names: the names of one set.
        lexicon: the packs.
        share: of the different names, 0 to 1; more than these have to share it.
    """
    stripped = [Stripped(name) for name in names]
    distinct = {relaxed(name) for name in names if name.strip()}
    if len(distinct) < LEAST_NAMES:
        return stripped
    for called in ("beginning", "ending"):
        stripped = _without(stripped, [way for way in _WAYS if way.called == called], lexicon, share)
    return stripped


def _without(names: list[Stripped], ways: Sequence[_Way], lexicon: Lexicon, share: float) -> list[Stripped]:
    """Take out the word that most names begin or end with, where it may be; at most one."""
    texts = {name.text for name in names if name.text.strip()}
    for way in ways:
        matches = {text: match for text in texts if (match := _matched(way.pattern, text))}
        if len(matches) <= share * len(texts):
            continue
        words = Counter(fold(match["word"]) for match in matches.values())
        ((word, count),) = words.most_common(1)
        if count < LEAST_NAMES or count <= share * len(texts) or not may_be_taken_out(word, lexicon):
            continue
        cut = {
            text: text[: match.start()] + text[match.end() :]
            for text, match in matches.items()
            if fold(match["word"]) == word
        }
        left = [relaxed(cut.get(text, text)) for text in texts]
        if len(set(left)) < len({relaxed(text) for text in texts}):
            return names
        note = f"the {way.called} '{word}' was taken out: {count} of {len(texts)} names share it"
        numbers = tuple(re.findall(r"\d+", word))
        return [
            Stripped(cut[name.text], (*name.notes, note), (*name.numbers, *numbers))
            if name.text in cut
            else name
            for name in names
        ]
    return names


def _matched(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    if len(text) > LONGEST_NAME:
        return None
    match = pattern.match(text) if pattern in (_FIRST, _FIRST_GLUED) else pattern.search(text)
    return match if match and squeeze(text[: match.start()] + text[match.end() :]) else None


def may_be_taken_out(word: str, lexicon: Lexicon) -> bool:
    """Tell whether a shared word says nothing about the structures whose names share it."""
    if len(word) > _LONGEST_SHARED or _TYPE.search(word) or word[0] == "z":
        return False
    if not word.isalpha():
        return bool(_PROTOCOL.fullmatch(word))
    if word in lexicon.usage.drawn_by:
        return True
    return word not in lexicon.usage.never_shared and not any(
        _says_something(piece, lexicon) for piece in _pieces(word, lexicon)
    )


def _pieces(word: str, lexicon: Lexicon) -> Iterator[str]:
    """Yield a word, and the known words that it may be glued of."""
    yield word
    for way in partings(word, lexicon):
        yield from way


def _says_something(word: str, lexicon: Lexicon) -> bool:
    if _is_technique(word, lexicon):
        return False
    alone = (lexicon.sides, lexicon.marks, lexicon.target_words, lexicon.types, lexicon.number_words)
    if len(word) == 1:  # a letter may be known as a part of some longer phrase only
        return any(word in known for known in alone) or bool(lexicon.find((word,)))
    return (
        lexicon.knows(word)
        or word in lexicon.number_words
        or word in lexicon.level_words
        or word in lexicon.usage.little_words
        or word in lexicon.usage.side_nouns
        or bool(lexicon.find((word,)))
    )


def _is_technique(word: str, lexicon: Lexicon) -> bool:
    """Tell whether a word names a technique or a site that a whole plan may have (``SBRT``, ``HN``), and no structure."""
    role = lexicon.target_words.get(word, "")
    others = (lexicon.sides, lexicon.marks, lexicon.types, lexicon.number_words)
    return role.isupper() and not any(word in known for known in others) and not lexicon.find((word,))
