"""Words cut short or written without vowels: which known words ``brnst``, ``spnl`` or ``equ`` may be.

A short form begins as the word does, and may end before it. From the first vowel that it skips on it has no vowel any more,
and it skips nothing else but one of two equal consonants: ``spnl`` is *spinal*, ``esphg`` *esophagus*, ``gallb`` *gallbladder*.
``spl`` is not *spinal*, since an n would be skipped, and ``proto`` not *parotid*, since vowels follow the one that is lacking.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile

from tg263_scp.naming.words.lexicon import Lexicon

_VOWELS = "aeiouyаеиоуыэюяєіїαεηιουω"
_WITHOUT_VOWELS = str.maketrans("", "", _VOWELS)
_DOUBLED = re.compile(r"(.)\1+")
_SHORTEST_GLUED = 3
"""Letters of every word of a phrase that is known written as one word: ``spinalcord``."""
_SHORTEST_SKELETON = 2
"""Consonants (the first letter counts) from which a short form is looked up by them, not by its beginning alone."""


def skeleton(word: str) -> str:
    """Return the first letter and the consonants of a folded word, equal neighbours once.

    >>> skeleton("brainstem"), skeleton("gallbladder"), skeleton("oesophagus")
    ('brnstm', 'glbldr', 'osphgs')
    """
    return _DOUBLED.sub(r"\1", word[0] + word[1:].translate(_WITHOUT_VOWELS))


@lru_cache(maxsize=16384)
def written_out(short: str, lexicon: Lexicon) -> dict[str, frozenset[str]]:
    """Return every known word, and phrase written as one word, that ``short`` is a short form of, with the languages it is of.

    Of words that begin with another of them only that one counts, in the languages of all of them: what is cut off is the end
    of a word, and not a further word, so that ``brnst`` is no *brainstem core*.
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
    found: dict[str, frozenset[str]] = {}
    first = ""
    for word in sorted({word for word in near if word != short and _is_short_for(short, word)}):
        first = first if first and word.startswith(first) else word
        found[first] = found.get(first, frozenset()) | index.languages[word]
    return found


def _is_short_for(short: str, word: str) -> bool:
    """Tell whether the letters of ``short`` are those of ``word`` but for vowels; none of its own follows a skipped one."""
    at = 0
    skipped = False
    for letter in short:
        if skipped and letter in _VOWELS:
            return False
        while at < len(word) and word[at] != letter:
            doubled = at and word[at] == word[at - 1]
            if word[at] not in _VOWELS and not doubled:
                return False
            skipped = skipped or word[at] in _VOWELS
            at += 1
        if at == len(word) or (skipped and letter in _VOWELS):
            return False
        at += 1
    return True


class _Index:
    """All words in order, once more in the order of their skeletons, and the languages of each."""

    __slots__ = ("by_skeleton", "languages", "skeletons", "words")

    def __init__(self, languages: dict[str, frozenset[str]]) -> None:
        self.languages = languages
        self.words = sorted(languages)
        bones = sorted((skeleton(word), word) for word in languages)
        self.skeletons = [skeleton for skeleton, _ in bones]
        self.by_skeleton = [word for _, word in bones]


@lru_cache(maxsize=2)
def _index(lexicon: Lexicon) -> _Index:
    """Index the words of all phrases and their variants, each with its languages, and sides, marks and target words."""
    spoken: dict[str, set[str]] = {word: set(languages) for word, languages in lexicon.variants.items()}
    for key, phrases in lexicon.index.items():
        said = {phrase.language for phrase in phrases if " " in key or _is_known_glued(phrase.text)}
        for word in key.split() if said else ():
            spoken.setdefault(word, set()).update(said)
    for word in (*lexicon.sides, *lexicon.marks, *lexicon.target_words):
        spoken.setdefault(word, set())
    return _Index({word: frozenset(languages) for word, languages in spoken.items() if word.isalpha()})


def _is_known_glued(text: str) -> bool:
    words = text.split()
    return len(words) == 1 or all(len(word) >= _SHORTEST_GLUED for word in words)


def _beginning_with(short: str, words: Sequence[str]) -> Iterator[str]:
    first = bisect_left(words, short)
    return (
        words[place]
        for place in takewhile(lambda place: words[place].startswith(short), range(first, len(words)))
    )
