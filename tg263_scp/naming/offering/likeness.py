"""How much a word or a whole name looks like one that means a structure: misspelt, cut short, without its vowels.

A likeness lies between 0 and 1. It ranks what is offered; no rule renames on it.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import lru_cache

from tg263_scp.naming.offering.vocabulary import Spelling, Vocabulary, letters_of, skeleton, vocabulary_of
from tg263_scp.naming.rules.spelling import corrections, one_letter_off
from tg263_scp.naming.standard.nomenclature import Nomenclature

_VARIANT, _MISSPELT, _SAME_SKELETON, _SKELETON_BEGINS = 0.98, 0.85, 0.85, 0.7
_BEGINS = 0.6
"""Likeness of a word to one that it begins; the more of it there is, the nearer to :data:`_WHOLE`."""
_WHOLE = 0.9
_SHORT_MISSPELT = 0.7
"""Likeness of a short word that is one letter off: between short words one letter is a third of the meaning."""
_SHORTEST_SKELETON = 3
_MOST_ALIKE = 12
_LETTERS_LEFT_OUT = 3.2
"""A shortened name is at most so many times shorter than what it means."""


@lru_cache(maxsize=16384)
def alike(word: str, nomenclature: Nomenclature) -> dict[str, float]:
    """Return the words of all wordings that ``word`` may stand for, with their likeness."""
    vocabulary, lexicon = vocabulary_of(nomenclature), nomenclature.lexicon
    found = {
        meant: _VARIANT for meant in lexicon.variants.get(word, {}).values() if meant in vocabulary.holding
    }
    if word in vocabulary.holding:
        found[word] = 1.0
    if not (word.isascii() and word.isalpha()):
        return found
    near = {_spoken(c.meant, nomenclature): _MISSPELT for c in corrections(word, lexicon)}
    near |= {_spoken(other, nomenclature): _SHORT_MISSPELT for other in one_letter_off(word, lexicon)}
    for other, likeness in (*near.items(), *_shortened(word, vocabulary).items()):
        if other in vocabulary.holding:
            found[other] = max(found.get(other, 0.0), likeness)
    best = sorted(found, key=lambda meant: (-found[meant], meant))[:_MOST_ALIKE]
    return {meant: found[meant] for meant in best}


def _spoken(word: str, nomenclature: Nomenclature) -> str:
    """Return the form that a variant stands for in English, else the word itself."""
    return nomenclature.lexicon.variants.get(word, {}).get("en", word)


def _shortened(word: str, vocabulary: Vocabulary) -> dict[str, float]:
    """Return words of which ``word`` is the beginning, or the skeleton, or the beginning of the skeleton."""
    found: dict[str, float] = {}
    if len(word) > 1:
        for longer in vocabulary.beginning_with(word):
            found[longer] = _BEGINS + (_WHOLE - _BEGINS) * len(word) / len(longer)
    own = skeleton(word)
    if len(own) >= _SHORTEST_SKELETON:
        for other, longer in vocabulary.with_skeleton(own):
            if len(longer) >= len(word):
                likeness = _SAME_SKELETON if other == own else _SKELETON_BEGINS
                found[longer] = max(found.get(longer, 0.0), likeness)
    return found


def abbreviated(text: str, vocabulary: Vocabulary) -> dict[str, float]:
    """Return structures of which ``text`` holds letters in their order, the first among them: ``slplxs``, ``spnlcrd``."""
    found: dict[str, float] = {}
    if len(text) < _SHORTEST_SKELETON or not text.isascii():
        return found
    letters, most = letters_of(text), len(text) * _LETTERS_LEFT_OUT
    spellings = vocabulary.spellings.get(text[0], ())
    longest = bisect_right(spellings, most, key=_length)
    for spelling in spellings[bisect_right(spellings, len(text), key=_length) : longest]:
        longer = spelling.text
        if spelling.letters & letters == letters and _holds(longer, text):
            likeness = 0.32 + 0.4 * len(text) / len(longer)
            likeness += 0.07 * (text[-1] == longer[-1]) + 0.05 * (text[:2] == longer[:2])
            found[spelling.structure] = max(found.get(spelling.structure, 0.0), likeness)
    return found


def _length(spelling: Spelling) -> int:
    return len(spelling.text)


def _holds(longer: str, letters: str) -> bool:
    """Tell whether the letters stand in a text in their order."""
    at = 0
    for letter in letters:
        at = longer.find(letter, at) + 1
        if not at:
            return False
    return True
