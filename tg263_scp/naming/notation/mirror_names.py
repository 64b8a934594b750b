"""Mirror names: two names of a set that differ in one side letter only, at the same place.

``LLACR`` beside ``RLACR`` and ``COCHLEAL`` beside ``COCHLEAR`` show that the letter is a side and no part of the word, which
neither name shows alone. Which letter is left comes from one language: both letters have to be side words of the same pack,
and of two packs that disagree the language of the set decides. A letter beyond L and R is believed where the set shows that
language, or where two structures have such a pair.

A set with three such pairs has a notation: a name with the same letter at the same place is read alike without its mirror.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tg263_scp.naming.notation.shared_words import LONGEST_NAME
from tg263_scp.naming.words.letters import fold
from tg263_scp.naming.words.lexicon import EVERYWHERE, Lexicon

_RUN = re.compile(r"[^\W\d_]+")
_LONGEST_MARKER = 3
_SHORTEST_STEM = 2
_ENGLISH_SIDE = {"L": "left", "R": "right"}
_OTHER = {"L": "R", "R": "L"}


@dataclass(frozen=True, slots=True, order=True)
class Style:
    """How a side is written: the marker of left and of right, whether it is first or last, glued to a word or apart."""

    left: str
    right: str
    first: bool
    glued: bool

    @property
    def said(self) -> str:
        """The style in words, for a note."""
        where = "before" if self.first else "behind"
        glued = "glued " if self.glued else ""
        return f"'{self.left}' and '{self.right}' {glued}{where} the word"


@dataclass(frozen=True, slots=True)
class Place:
    """A marker in a name, and the name round it; equal ``around`` with another marker is a mirror name."""

    around: tuple[str, str]
    marker: str
    first: bool
    glued: bool

    def with_side(self, side: str) -> str:
        """The name with the side spelt out behind it."""
        return " ".join(f"{self.around[0]} {self.around[1]} {_ENGLISH_SIDE[side]}".split())

    def without_side(self) -> str:
        """The name without the marker."""
        return " ".join(f"{self.around[0]} {self.around[1]}".split())


@dataclass(frozen=True, slots=True)
class Mirror:
    """A name and its mirror: the indices of both, where the side stands, and which side it is."""

    index: int
    other: int
    place: Place
    side: str
    style: Style

    def texts(self) -> tuple[str, str]:
        """Return how this name reads, and how its mirror does."""
        return self.place.with_side(self.side), self.place.with_side(_OTHER[self.side])


@lru_cache(maxsize=16384)
def places(text: str, lexicon: Lexicon) -> tuple[Place, ...]:
    """Return where a side marker of at most three letters may stand: alone, or at an end of a word."""
    return tuple(_places(text, lexicon)) if len(text) <= LONGEST_NAME else ()


def _places(text: str, lexicon: Lexicon) -> Iterator[Place]:
    for run in _RUN.finditer(text):
        word = fold(run.group())
        if len(word) != len(run.group()):
            continue
        before, behind = fold(text[: run.start()]), fold(text[run.end() :])
        if _is_marker(word, lexicon) and _RUN.search(before + behind):
            yield Place((before, behind), word, first=not before.strip(" _-"), glued=False)
        for size in range(1, min(_LONGEST_MARKER, len(word) - _SHORTEST_STEM) + 1):
            if _is_marker(word[:size], lexicon):
                yield Place((before, word[size:] + behind), word[:size], first=True, glued=True)
            if _is_marker(word[-size:], lexicon):
                yield Place((before + word[:-size], behind), word[-size:], first=False, glued=True)


def _is_marker(word: str, lexicon: Lexicon) -> bool:
    return len(word) <= _LONGEST_MARKER and not {"L", "R"}.isdisjoint(lexicon.sides.get(word, {}).values())


def mirrors(texts: Sequence[str], lexicon: Lexicon, languages: frozenset[str]) -> list[Mirror]:
    """Return every mirror of every name, in the order of the names; names that are equal have none.

    ``languages`` are those that the set shows.
    """
    at: dict[tuple[object, ...], dict[str, list[tuple[int, Place]]]] = defaultdict(lambda: defaultdict(list))
    for index, text in enumerate(texts):
        for place in places(text, lexicon):
            at[place.around, place.first, place.glued][place.marker].append((index, place))
    found: list[Mirror] = []
    for markers in at.values():
        if len(markers) == 2 and all(len(named) == 1 for named in markers.values()):
            ((index, place),), ((other, mirrored),) = markers.values()
            style = _style(place, mirrored, lexicon, languages)
            if style and index != other:
                left = place.marker == style.left
                found.append(Mirror(index, other, place, "L" if left else "R", style))
                found.append(Mirror(other, index, mirrored, "R" if left else "L", style))
    return sorted(found, key=lambda mirror: (mirror.index, mirror.other, mirror.place.around))


def is_spoken(style: Style, lexicon: Lexicon, languages: frozenset[str]) -> bool:
    """Tell whether the markers of a style are sides everywhere, or in a language that the set shows."""
    return not (languages | EVERYWHERE).isdisjoint(_languages(style, lexicon))


def _style(one: Place, two: Place, lexicon: Lexicon, languages: frozenset[str]) -> Style | None:
    """Return the style in which two markers are left and right; None where languages disagree about which is which."""
    ways = [
        Style(left.marker, right.marker, one.first, one.glued) for left, right in ((one, two), (two, one))
    ]
    spoken = [(way, _languages(way, lexicon)) for way in ways]
    said = [way for way, found in spoken if found]
    if len(said) == 2:
        said = [way for way, found in spoken if found & languages]
    return said[0] if len(said) == 1 else None


def _languages(style: Style, lexicon: Lexicon) -> frozenset[str]:
    """Return the languages in which both markers of a style are what it says."""
    left, right = lexicon.sides[style.left], lexicon.sides[style.right]
    return frozenset(said for said in left.keys() & right.keys() if (left[said], right[said]) == ("L", "R"))


def unpaired(
    texts: Sequence[str], styles: Mapping[Style, int], lexicon: Lexicon
) -> Iterator[tuple[int, Place, str, Style]]:
    """Yield the names that bear a marker in the style of the set, with the side it then is."""
    for index, text in enumerate(texts):
        for place in places(text, lexicon):
            for style in styles:
                if (place.first, place.glued) == (style.first, style.glued) and place.marker in (
                    style.left,
                    style.right,
                ):
                    yield index, place, "L" if place.marker == style.left else "R", style
