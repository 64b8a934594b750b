"""Every phrase that means a structure, by its words: what a name is compared with when candidates are looked for.

Words are indexed exactly, by their beginning and by their skeleton (``cochlea`` and ``cchl`` have the same one), whole phrases
by the letters they hold, so that ``Slplxs`` finds *sacral plexus*. The index is made once, at the first name that is open.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.lexicon import OWN_LANGUAGE, WIDE_LANGUAGES, Lexicon, Phrase, Sense, phrase_words

_VOWELS = frozenset("aeiouy")
_DOUBLED = re.compile(r"(.)\1+")
_SHORTEST_SPELLING = 4
"""Letters of a glued phrase from which a shortened name is compared with it."""
_MOST_AHEAD = 40
"""Words with one beginning that are looked at."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to say a structure: its words, how rare they are together, and its language and treatment site."""

    words: tuple[str, ...]
    weight: float
    means: str
    spoken: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A wording glued together, with a bit for each letter it holds."""

    text: str
    letters: int
    structure: str


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """All wordings, indexed."""

    wordings: tuple[Wording, ...]
    holding: Mapping[str, tuple[int, ...]]
    """word -> places of the wordings that hold it, those that say least beside it first"""
    rarity: Mapping[str, float]
    words: tuple[str, ...]
    """all words of Latin letters, sorted"""
    skeletons: tuple[tuple[str, str], ...]
    """skeleton and word, sorted"""
    spellings: Mapping[str, tuple[Spelling, ...]]
    """first letter -> wordings of English, of Latin and of the list, glued, the shortest first"""

    def beginning_with(self, beginning: str) -> Iterator[str]:
        """Yield words that begin so, in alphabetical order."""
        first = bisect_left(self.words, beginning)
        ahead = self.words[first : first + _MOST_AHEAD]
        return takewhile(lambda word: word.startswith(beginning), ahead)

    def with_skeleton(self, beginning: str) -> Iterator[tuple[str, str]]:
        """Yield skeletons that begin so, each with its word, in alphabetical order."""
        first = bisect_left(self.skeletons, (beginning, ""))
        ahead = self.skeletons[first : first + _MOST_AHEAD]
        return takewhile(lambda pair: pair[0].startswith(beginning), ahead)


def skeleton(word: str) -> str:
    """Return the first letter and the consonants behind it, doubled ones once.

    >>> skeleton("cochlea"), skeleton("cchl"), skeleton("esophagus"), skeleton("oesophagus")
    ('chl', 'chl', 'esphgs', 'osphgs')
    """
    return _DOUBLED.sub(r"\1", word[0] + "".join(letter for letter in word[1:] if letter not in _VOWELS))


def letters_of(text: str) -> int:
    """Return a number with one bit for each letter from a to z that stands in a text."""
    bits = 0
    for letter in text:
        place = ord(letter) - 97
        if 0 <= place < 26:
            bits |= 1 << place
    return bits


@lru_cache(maxsize=2)
def vocabulary_of(nomenclature: Nomenclature) -> Vocabulary:
    """Return the index of all phrases of a nomenclature."""
    said = list(_said(nomenclature.lexicon))
    meaning: dict[str, set[str]] = {}
    for words, phrase in said:
        for word in words:
            meaning.setdefault(word, set()).add(phrase.means)
    structures = len({phrase.means for _, phrase in said})
    rarity = {word: math.log(1 + structures / len(found)) for word, found in meaning.items()}
    wordings = tuple(
        Wording(words, sum(rarity[w] for w in words), phrase.means, (phrase.language, phrase.site))
        for words, phrase in said
    )
    holding: dict[str, list[int]] = {}
    for place, wording in enumerate(wordings):
        for word in dict.fromkeys(wording.words):
            holding.setdefault(word, []).append(place)
    for places in holding.values():
        places.sort(key=lambda place: (wordings[place].weight, place))
    latin = sorted(word for word in holding if word.isascii() and word.isalpha() and len(word) > 1)
    return Vocabulary(
        wordings,
        {word: tuple(places) for word, places in holding.items()},
        rarity,
        tuple(latin),
        tuple(sorted((skeleton(word), word) for word in latin if len(word) > 2)),
        _spellings(wordings),
    )


def _said(lexicon: Lexicon) -> Iterator[tuple[tuple[str, ...], Phrase]]:
    """Yield each wording of a structure once, its words in the form that their variants stand for."""
    seen: set[tuple[tuple[str, ...], str, str]] = set()
    little = lexicon.usage.little_words
    for key, phrases in lexicon.index.items():
        for phrase in phrases:
            if phrase.sense is not Sense.STRUCTURE or (" " not in key and " " in phrase.text):
                continue  # the glued key of a phrase of several words
            language = "en" if phrase.language == OWN_LANGUAGE else phrase.language
            for written in phrase_words(phrase):
                words = tuple(
                    lexicon.variants.get(word, {}).get(language, word)
                    for word in written
                    if word not in little
                )
                if words and (words, phrase.means, phrase.site) not in seen:
                    seen.add((words, phrase.means, phrase.site))
                    yield words, phrase


def _spellings(wordings: Sequence[Wording]) -> dict[str, tuple[Spelling, ...]]:
    found: dict[str, dict[tuple[str, str], Spelling]] = {}
    for wording in wordings:
        if wording.spoken[0] not in WIDE_LANGUAGES:
            continue
        text = "".join(wording.words)
        if text.isascii() and len(text) >= _SHORTEST_SPELLING:
            spelling = Spelling(text, letters_of(text), wording.means)
            found.setdefault(text[0], {})[text, wording.means] = spelling
    return {
        letter: tuple(sorted(spellings.values(), key=lambda spelling: len(spelling.text)))
        for letter, spellings in found.items()
    }
