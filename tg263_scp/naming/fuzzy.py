"""Close matches: a misspelt word of the core, never the whole name, never a word that is right in itself.

Spelling is corrected word by word (``otpic nerve``, ``submandibular galnd``) before the corrected name is looked up as any
other. Names of different organs lie one letter apart (ileum and ilium, ureter and urethra, lens and dens), so a word that
any pack knows is never corrected, and a correction must lie clearly nearer than the next word.

The only home of rapidfuzz. Distance is optimal string alignment: one letter changed, lost, added, or two swapped.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from tg263_scp.naming.lexicon import Lexicon, Sense
from tg263_scp.naming.listing import Nomenclature
from tg263_scp.naming.text import squeeze

_MOST_COMPARED = 60
_LONGEST_OFFERED = 40
_SHORTEST = 5
"""Letters below which a word is not corrected: between short words one letter is a third of the meaning."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A word and what it was corrected to, with the distance in letters."""

    written: str
    meant: str
    distance: int


@lru_cache(maxsize=2)
def _words_by_start(lexicon: Lexicon) -> dict[tuple[int, str], list[str]]:
    words = {*lexicon.vocabulary, *(m for m in lexicon.marks if m.isalpha()), *lexicon.sides}
    words.update(key for key in lexicon.index if " " not in key)
    by_start: dict[tuple[int, str], list[str]] = {}
    for word in sorted(words):
        if word.isalpha():
            by_start.setdefault((len(word), word[0]), []).append(word)
    return by_start


def tolerance(length: int) -> int:
    """Return how many letters may be wrong in a word of this length."""
    return 0 if length < _SHORTEST else 1 if length < 9 else 2


@lru_cache(maxsize=16384)
def corrections(word: str, lexicon: Lexicon) -> tuple[Correction, ...]:
    """Return the known words within the tolerance of ``word``, nearest first.

    The first letter has to agree, but for a swap of the first two. A known word with one or two letters added before or
    behind (``brainstemag``) is no slip of the pen: they may be initials or a side.
    """
    allowed = tolerance(len(word))
    if not allowed:
        return ()
    by_start = _words_by_start(lexicon)
    near: list[Correction] = []
    lengths = range(max(_SHORTEST - 1, len(word) - allowed), len(word) + allowed + 1)
    for start in ((length, letter) for length in lengths for letter in {word[0], word[1]}):
        words = by_start.get(start, ())
        for found, distance, _ in process.extract(
            word, words, scorer=OSA.distance, score_cutoff=allowed, limit=8
        ):
            if distance and (found[0] == word[0] or found[:2] == word[1::-1]):
                near.append(Correction(word, found, int(distance)))
    added = any(part == c.meant for c in near for k in (1, 2) for part in (word[:-k], word[k:]))
    nearest = min((c.distance for c in near), default=0)
    if added and all(len(c.meant) != len(word) for c in near if c.distance == nearest):
        return ()
    return tuple(sorted(near, key=lambda c: (c.distance, c.meant)))


@dataclass(frozen=True, slots=True)
class _Offers:
    """What may be offered: glued words, the name or stem they mean, and which of them hold three letters in a row."""

    means: dict[str, str]
    holding: dict[str, list[str]]


def _triplets(text: str) -> set[str]:
    return {text[at : at + 3] for at in range(len(text) - 2)}


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
    shared = Counter(key for triplet in _triplets(text) for key in known.holding.get(triplet, ()))
    near = [key for key, _ in shared.most_common(_MOST_COMPARED)]
    best: dict[str, float] = {}
    for key, score, _ in process.extract(text, near, scorer=fuzz.ratio, score_cutoff=60, limit=limit * 3):
        best[known.means[key]] = max(best.get(known.means[key], 0.0), score / 100)
    return tuple(sorted(best.items(), key=lambda item: (-item[1], item[0]))[:limit])
