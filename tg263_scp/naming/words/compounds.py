"""Words glued together: ``rightopticnerve``, ``cordprv``, ``smgr``, ``lensopt``, parted into words the packs know."""

from __future__ import annotations

from functools import lru_cache

from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import EVERYWHERE, WIDE_LANGUAGES, Lexicon

_LONGEST = 40
_MOST_PIECES = 4
_LONGEST_CODE = 2
"""Letters of a word that is a code: a side of a single language among them is not believed glued to another's word."""


def segmented(tokens: tuple[Token, ...], lexicon: Lexicon) -> tuple[Token, ...] | None:
    """Part every unknown word of a name into known ones; None where that changes nothing."""
    changed = False
    parted: list[Token] = []
    for token in tokens:
        pieces = part(token.text, lexicon) if token.is_word and not lexicon.knows(token.text) else None
        if pieces:
            changed = True
            parted.extend(Token(piece, piece, token.joined or i > 0) for i, piece in enumerate(pieces))
        else:
            parted.append(token)
    return tuple(parted) if changed else None


def part(word: str, lexicon: Lexicon) -> tuple[str, ...] | None:
    """Return the one way to part ``word`` into the fewest known words; None where there is none or more than one."""
    ways = partings(word, lexicon)
    return ways[0] if len(ways) == 1 else None


@lru_cache(maxsize=8192)
def partings(word: str, lexicon: Lexicon) -> tuple[tuple[str, ...], ...]:
    """Return the ways to part ``word`` into the fewest known words, at most three.

    A piece has at least three letters (one in scripts written without spaces); a side at either end may be shorter. A single
    ``l`` or ``r`` is a side only with a word of English, Latin or the list, and never behind a vowel or its like:
    ``cochlear`` and ``femurr`` are words, ``smgr`` has a side.
    """
    if not (3 if word.isascii() else 2) <= len(word) <= _LONGEST:
        return ()
    if code := _code_and_side(word, lexicon):
        return (code,)
    best: list[list[tuple[str, ...]]] = [[] for _ in range(len(word) + 1)]
    best[0] = [()]
    for end in range(1, len(word) + 1):
        ways = [
            (*way, word[start:end])
            for start in range(end)
            for way in best[start]
            if len(way) < _MOST_PIECES and _is_piece(word, start, end, lexicon)
        ]
        fewest = min(map(len, ways), default=0)
        best[end] = [way for way in ways if len(way) == fewest][:3]
    return tuple(way for way in best[len(word)] if len(way) > 1 and _goes_together(way, lexicon))


def _code_and_side(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Return a code of two letters and what is glued to it: a side before it, PRV on either side (``ron``, ``bsprv``).

    A code means something at its treatment site only, so that this is never evidence by itself.
    """
    for pieces in ((word[:1], word[1:]), (word[:-3], word[-3:]), (word[:3], word[3:])):
        others = [piece for piece in pieces if piece not in ("l", "r") and lexicon.marks.get(piece) != "prv"]
        if len(others) == 1 and len(others[0]) == _LONGEST_CODE and _is_english_code(others[0], lexicon):
            return pieces
    return ()


def _is_english_code(word: str, lexicon: Lexicon) -> bool:
    return any(phrase.site and phrase.language == "en" for phrase in lexicon.index.get(word, ()))


def _goes_together(way: tuple[str, ...], lexicon: Lexicon) -> bool:
    """Tell whether a side at an end may be one of what is left: no Spanish *der* behind ``stimmband``."""
    core = [piece for piece in way if piece not in lexicon.sides and piece not in lexicon.marks]
    sides = [frozenset(lexicon.sides[piece]) for piece in (way[0], way[-1]) if piece in lexicon.sides]
    spoken = {phrase.language for phrase in lexicon.find(core)} if core and sides else set()
    if not spoken:
        return True
    if spoken & WIDE_LANGUAGES:
        ends = [piece for piece in (way[0], way[-1]) if piece in lexicon.sides]
        return all(_is_met_everywhere(piece, lexicon) for piece in ends)
    letters = {"l", "r"} & {way[0], way[-1]}
    return not letters and all(side & (spoken | EVERYWHERE) for side in sides)


def _is_met_everywhere(side: str, lexicon: Lexicon) -> bool:
    """Tell whether a side is glued to English and Latin words too: not the *st* of Romanian to *brn*."""
    shared = not EVERYWHERE.isdisjoint(lexicon.sides[side])
    return shared or len(side) > _LONGEST_CODE or side in lexicon.usage.telling_sides


def ends_in_false_side(word: str) -> bool:
    """Tell whether a final l or r belongs to the word (``retinal``, ``ureterr``) and is not a side glued to it."""
    return len(word) > 2 and word[-1] in "lr" and (word[-2] in "aeiou" or word[-2] == word[-1])


def _is_piece(word: str, start: int, end: int, lexicon: Lexicon) -> bool:
    piece = word[start:end]
    if piece in ("l", "r") and end == len(word) and ends_in_false_side(word):
        return False
    at_edge = start == 0 or end == len(word)
    if at_edge and piece in lexicon.sides and (len(piece) > 1 or piece in "lr" or not piece.isascii()):
        return True
    shortest = 3 if piece.isascii() else 1
    return len(piece) >= shortest and piece not in lexicon.usage.little_words and lexicon.knows(piece)
