"""Close matches: a misspelt word of the core, never the whole name, never a word that is right in itself.

Spelling is corrected word by word (``otpic nerve``, ``submandibular galnd``) before the corrected name is looked up as any
other. Names of different organs lie one letter apart (ileum and ilium, ureter and urethra, lens and dens), so a word that
any pack knows is never corrected, and a correction must lie clearly nearer than the next word.

The only home of rapidfuzz. Distance is optimal string alignment: one letter changed, lost, added, or two swapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from tg263_scp.naming.lexicon import Lexicon, Sense
from tg263_scp.naming.nomenclature import Nomenclature
from tg263_scp.naming.text import squeeze

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
    for key, _ in lexicon.phrases():
        if " " not in key and key.isalpha():
            words.add(key)
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
    """Return the known words at the smallest distance from ``word`` within the tolerance, nearest first.

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
    if not near:
        return ()
    nearest = min(c.distance for c in near)
    closest = sorted((c for c in near if c.distance == nearest), key=lambda c: c.meant)
    added = any(part == c.meant for c in near for k in (1, 2) for part in (word[:-k], word[k:]))
    if added and all(len(c.meant) != len(word) for c in closest):
        return ()
    return tuple(closest)


@lru_cache(maxsize=2)
def _offers(nomenclature: Nomenclature) -> dict[int, dict[str, str]]:
    """Return what may be offered, by length: glued words and the name or stem they mean."""
    found = {squeeze(name): name for name in nomenclature.names}
    for key, phrases in nomenclature.lexicon.phrases():
        if " " in key:
            continue  # the same phrase stands there once more, glued
        for phrase in phrases:
            if phrase.sense is Sense.STRUCTURE and not phrase.site:
                found.setdefault(key, phrase.means)
    by_length: dict[int, dict[str, str]] = {}
    for key, name in found.items():
        by_length.setdefault(len(key), {})[key] = name
    return by_length


@lru_cache(maxsize=4096)
def offers(name: str, nomenclature: Nomenclature, limit: int = 5) -> tuple[tuple[str, float], ...]:
    """Return listed names or stems that look like ``name``, best first, with a score of 0 to 1.

    For a person to choose from; no rule renames on it.
    """
    text = squeeze(name)
    best: dict[str, float] = {}
    by_length = _offers(nomenclature)
    # a ratio of 0.7 needs lengths within 0.7 / 1.3 of each other
    for length in range(round(len(text) * 0.7 / 1.3), round(len(text) * 1.3 / 0.7) + 1):
        choices = by_length.get(length, {})
        for key, score, _ in process.extract(
            text, choices.keys(), scorer=fuzz.ratio, score_cutoff=70, limit=limit
        ):
            best[choices[key]] = max(best.get(choices[key], 0.0), score / 100)
    return tuple(sorted(best.items(), key=lambda item: (-item[1], item[0]))[:limit])
