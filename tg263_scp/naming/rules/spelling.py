"""Close matches: a misspelt word of the core, never the whole name, never a word that is right in itself.

Spelling is corrected word by word (``otpic nerve``, ``submandibular galnd``) before the corrected name is looked up as any
other. Names of different organs lie one letter apart (ileum and ilium, ureter and urethra, lens and dens), so a word that
any pack knows is never corrected, and a correction must lie clearly nearer than the next word.

The only home of rapidfuzz. Distance is optimal string alignment: one letter changed, lost, added, or two swapped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, takewhile

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.words.compounds import partings
from tg263_scp.naming.words.letters import is_unspaced, squeeze
from tg263_scp.naming.words.lexicon import Lexicon, Sense

_MOST_COMPARED = 60
_LONGEST_OFFERED = 40
_RAREST_TRIPLETS = 8
_LEAST_LIKE = 72.0
"""Likeness in per cent from which two words are worth comparing further."""
_BEGINNING = 0.85
"""Likeness of a word to one that it begins or that stands in it glued to others."""
_SHORTEST_PIECE = 4
_LEAST_LIKE_UNSPACED = 50.0
_SHORTEST_PIECE_UNSPACED = 2
_SHORTEST = 5
"""Letters below which a word is not corrected: between short words one letter is a third of the meaning."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A word and what it was corrected to, with the distance in letters."""

    written: str
    meant: str
    distance: int


@lru_cache(maxsize=2)
def _words(lexicon: Lexicon) -> dict[tuple[int, str], list[str]]:
    """Return every known word by its length, once for each first letter and once (under ``""``) for all of them."""
    words = {*lexicon.vocabulary, *(m for m in lexicon.marks if m.isalpha()), *lexicon.sides}
    words.update(key for key in lexicon.index if " " not in key)
    found: dict[tuple[int, str], list[str]] = {}
    for word in sorted(words):
        if word.isalpha():
            for letter in (word[0], ""):
                found.setdefault((len(word), letter), []).append(word)
    return found


def tolerance(length: int) -> int:
    """Return how many letters may be wrong in a word of this length."""
    return 0 if length < _SHORTEST else 1 if length < 9 else 2


@lru_cache(maxsize=16384)
def corrections(word: str, lexicon: Lexicon) -> tuple[Correction, ...]:
    """Return the known words within the tolerance of ``word``, nearest first; :func:`contested` says whether to believe them.

    The first letter has to agree, but for a swap of the first two. A known word with a letter added before or behind
    (``rectumx``) is no slip of the pen, nor one with two (``brainstemag``): they may be initials or a side. Nor are known
    words glued together (``sacrumplexus``).
    """
    allowed = tolerance(len(word))
    if not allowed or any(len(part) > 3 and lexicon.knows(part) for part in (word[:-1], word[1:])):
        return ()
    if partings(word, lexicon):
        return ()
    alike = _near(word, lexicon, allowed, word[:2])
    chosen = [c for c in alike if c.meant[0] == word[0] or c.meant[:2] == word[1::-1]]
    if any(part == c.meant for c in chosen for part in (word[:-2], word[2:])):
        return ()
    return tuple(sorted(chosen, key=lambda c: (c.distance, c.meant)))


@lru_cache(maxsize=16384)
def look_alikes(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Return every known word within the tolerance of ``word``, in alphabetical order, whatever its first letter."""
    allowed = tolerance(len(word))
    return tuple(sorted({c.meant for c in _near(word, lexicon, allowed, "")})) if allowed else ()


@lru_cache(maxsize=16384)
def one_letter_off(word: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Return the known words that a word of three or four letters is one letter off, with its first letter or a swap of it.

    Far too many for a correction: to be offered only.
    """
    if not _SHORTEST - 2 <= len(word) < _SHORTEST or lexicon.knows(word):
        return ()
    words = _words(lexicon)
    choices = [
        other
        for length in range(max(_SHORTEST - 2, len(word) - 1), len(word) + 2)
        for letter in dict.fromkeys(word[:2])
        for other in words.get((length, letter), ())
    ]
    near = process.extract(word, choices, scorer=OSA.distance, score_cutoff=1, limit=None)
    return tuple(sorted(other for other, _, _ in near if other[0] == word[0] or other[:2] == word[1::-1]))


@lru_cache(maxsize=4096)
def completions(beginning: str, lexicon: Lexicon) -> tuple[str, ...]:
    """Return the single words and side words that begin so, in alphabetical order."""
    words = {*lexicon.vocabulary, *lexicon.sides}
    return tuple(sorted(word for word in words if word.startswith(beginning)))


@lru_cache(maxsize=16384)
def contested(word: str, lexicon: Lexicon) -> bool:
    """Tell whether the nearest correction of ``word`` has a rival among all words, whatever their first letter.

    A rival is as near and a side, a mark (a planning word, say), or a word of another meaning: ``parynx`` is as near to
    larynx as to pharynx, ``constrait`` nearer to a constraint than to any muscle.
    """
    chosen = corrections(word, lexicon)
    nearest = chosen[0].distance
    meanings = {meaning for c in chosen if c.distance == nearest for meaning in _meanings(c.meant, lexicon)}
    for rival in _near(word, lexicon, nearest, ""):
        a_mark = rival.meant in lexicon.marks or rival.meant in lexicon.sides
        if a_mark or meanings.isdisjoint(_meanings(rival.meant, lexicon)):
            return True
    return False


def _near(word: str, lexicon: Lexicon, allowed: int, starts: str) -> list[Correction]:
    """Return the known words within ``allowed`` letters of ``word`` that begin with one of ``starts``; all without any."""
    words = _words(lexicon)
    near: list[Correction] = []
    for length in range(max(_SHORTEST - 1, len(word) - allowed), len(word) + allowed + 1):
        for letter in dict.fromkeys(starts) or ("",):
            choices = words.get((length, letter), ())
            found = process.extract(word, choices, scorer=OSA.distance, score_cutoff=allowed, limit=None)
            near.extend(Correction(word, meant, int(distance)) for meant, distance, _ in found)
    return near


def _meanings(word: str, lexicon: Lexicon) -> set[str]:
    """Return what a word means by itself; a word that is only part of phrases means itself, and its variants' word."""
    alone = {phrase.means or phrase.sense for phrase in lexicon.index.get(word, ())}
    variants = set(lexicon.variants.get(word, {}).values())
    return alone | variants | ({word} if not alone else set())


@dataclass(frozen=True, slots=True)
class _Offers:
    """What may be offered: glued words, the name or stem they mean, and which of them hold three letters in a row."""

    means: dict[str, str]
    holding: dict[str, list[str]]


def _triplets(text: str) -> list[str]:
    """Return the runs of three letters in a text, each once and in alphabetical order: a set has none between two runs."""
    return sorted({text[at : at + 3] for at in range(len(text) - 2)})


@lru_cache(maxsize=2)
def _offers(nomenclature: Nomenclature) -> _Offers:
    means = {squeeze(name): name for name in nomenclature.names}
    for key, phrases in nomenclature.lexicon.index.items():
        if " " in key:
            continue  # the same phrase stands there once more, glued
        for phrase in phrases:
            if phrase.sense is Sense.STRUCTURE and not phrase.site:
                means.setdefault(key, phrase.means)
    holding: dict[str, list[str]] = {}
    for key in means:
        for triplet in _triplets(key):
            holding.setdefault(triplet, []).append(key)
    return _Offers(means, holding)


@lru_cache(maxsize=4096)
def offers(name: str, nomenclature: Nomenclature, limit: int = 5) -> tuple[tuple[str, float], ...]:
    """Return listed names or stems that look like ``name``, best first, with a score of 0 to 1.

    For a person to choose from; no rule renames on it.
    """
    text = squeeze(name)[:_LONGEST_OFFERED]
    known = _offers(nomenclature)
    held = sorted((known.holding.get(triplet, []) for triplet in _triplets(text)), key=len)
    shared = Counter(chain.from_iterable(held[:_RAREST_TRIPLETS]))
    near = sorted(shared, key=shared.__getitem__, reverse=True)[:_MOST_COMPARED]
    best: dict[str, float] = {}
    for key, score, _ in process.extract(text, near, scorer=fuzz.ratio, score_cutoff=60, limit=limit * 3):
        best[known.means[key]] = max(best.get(known.means[key], 0.0), score / 100)
    return tuple(sorted(best.items(), key=lambda item: (-item[1], item[0]))[:limit])


def similar_words(word: str, words: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Yield those of ``words`` (sorted) that look like ``word``, that it begins, or that stand in it, with a likeness to 1.

    In scripts written without spaces a character is a syllable or a word: half of them say as much as most letters.
    """
    unspaced = is_unspaced(word)
    least = _LEAST_LIKE_UNSPACED if unspaced else _LEAST_LIKE
    for near, score, _ in process.extract(word, words, scorer=fuzz.ratio, score_cutoff=least, limit=12):
        yield near, score / 100
    if len(word) >= _SHORTEST_PIECE - 1:
        first = bisect_left(words, word)
        yield from (
            (longer, _BEGINNING)
            for longer in takewhile(lambda w: w.startswith(word), words[first : first + 24])
        )
    shortest = _SHORTEST_PIECE_UNSPACED if unspaced else _SHORTEST_PIECE
    pieces = {word[start:end] for start in range(len(word)) for end in range(start + shortest, len(word) + 1)}
    for piece in sorted(pieces - {word}):
        at = bisect_left(words, piece)
        if at < len(words) and words[at] == piece:
            yield piece, _BEGINNING
