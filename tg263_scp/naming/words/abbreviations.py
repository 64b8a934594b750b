"""Words cut short or written without vowels: which known words ``brnst``, ``spnl`` or ``equ`` may be.

A short form keeps the order of the letters and skips nothing but vowels and one of two equal consonants, until it ends:
``spnl`` is *spinal*, ``esphg`` *esophagus*, ``gallb`` *gallbladder*, and ``spl`` is no *spinal*, since an n would be skipped.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile

from tg263_scp.naming.words.lexicon import Lexicon

_VOWELS = "aeiouyаеиоуыэюяєіїαεηιουω"
_SHORTEST_SKELETON = 2
"""Consonants (the first letter counts) from which a short form is looked up by them, not by its beginning alone."""


def skeleton(word: str) -> str:
    """Return the first letter and the consonants of a folded word, equal neighbours once.

    >>> skeleton("brainstem"), skeleton("gallbladder"), skeleton("oesophagus")
    ('brnstm', 'glbldr', 'osphgs')
    """
    kept = word[0] + "".join(letter for letter in word[1:] if letter not in _VOWELS)
    return re.sub(r"(.)\1+", r"\1", kept)


@lru_cache(maxsize=16384)
def written_out(short: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Return every known word, and every phrase written as one word, that ``short`` is a short form of, in order.

    Of words that begin with another of them only that one counts: what is cut off is the end of a word, and not a further
    word, so that ``brnst`` is no *brainstem core*.
    """
    bones = skeleton(short)
    index = _index(lexicon)
    if len(bones) < _SHORTEST_SKELETON:
        near = _beginning_with(short, index.words)
    else:
        places = takewhile(
            lambda place: index.skeletons[place].startswith(bones),
            range(bisect_left(index.skeletons, bones), len(index.skeletons)),
        )
        near = (index.by_skeleton[place] for place in places)
    form = _expression(short)
    found: list[str] = []
    for word in sorted({word for word in near if form.match(word) and word != short}):
        if not (found and word.startswith(found[-1])):
            found.append(word)
    return tuple(found)


def _expression(short: str) -> re.Pattern[str]:
    between = f"[{_VOWELS}]*"
    return re.compile(between.join(f"{re.escape(letter)}{{1,2}}" for letter in short))


class _Index:
    """All words in order, and once more in the order of their skeletons."""

    __slots__ = ("by_skeleton", "skeletons", "words")

    def __init__(self, words: Sequence[str]) -> None:
        self.words = words
        bones = sorted((skeleton(word), word) for word in words)
        self.skeletons = [skeleton for skeleton, _ in bones]
        self.by_skeleton = [word for _, word in bones]


@lru_cache(maxsize=2)
def _index(lexicon: Lexicon) -> _Index:
    words = {*lexicon.vocabulary, *lexicon.sides, *lexicon.marks, *lexicon.target_words}
    words.update(key for key in lexicon.index if " " not in key)
    return _Index(sorted(word for word in words if word.isalpha()))


def _beginning_with(short: str, words: Sequence[str]) -> Iterator[str]:
    first = bisect_left(words, short)
    return (
        words[place]
        for place in takewhile(lambda place: words[place].startswith(short), range(first, len(words)))
    )
