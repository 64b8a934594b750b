"""Words glued together: ``rightopticnerve``, ``cordprv``, ``smgr``, ``lensopt``, parted into words the packs know."""

from __future__ import annotations

from functools import lru_cache

from tg263_scp.naming.lexicon import LITTLE_WORDS, Lexicon
from tg263_scp.naming.text import Token

_LONGEST = 40
_MOST_PIECES = 4


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


@lru_cache(maxsize=8192)
def part(word: str, lexicon: Lexicon) -> tuple[str, ...] | None:
    """Return the one way to part ``word`` into the fewest known words; None where there is none or more than one.

    A piece has at least three letters (one in scripts written without spaces); a side at either end may be shorter.
    """
    if not (3 if word.isascii() else 2) <= len(word) <= _LONGEST:
        return None
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
    ways = best[len(word)]
    return ways[0] if len(ways) == 1 and len(ways[0]) > 1 else None


def _is_piece(word: str, start: int, end: int, lexicon: Lexicon) -> bool:
    piece = word[start:end]
    at_edge = start == 0 or end == len(word)
    if at_edge and piece in lexicon.sides and (len(piece) > 1 or piece in "lr" or not piece.isascii()):
        return True
    shortest = 3 if piece.isascii() else 1
    return len(piece) >= shortest and piece not in LITTLE_WORDS and lexicon.knows(piece)
