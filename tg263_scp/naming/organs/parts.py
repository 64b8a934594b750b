"""An organ name taken apart: what is a side, a margin or a partial mark, and the core that has to be a structure.

A word is a side in the languages that say so. Where the set shows no language, short side words of single languages are
believed only with words of that language: ``Niere re``, but not ``Lung JO``, which has somebody's initials.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tg263_scp.naming.organs.idle_words import without_idle_words
from tg263_scp.naming.organs.margins import Margin, take_margin, take_padded
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import EVERYWHERE, OWN_LANGUAGE, Lexicon

SEPARATORS = frozenset("-()[],;:.*#'\"{}/\\")
"""Signs that part words and mean nothing else in an organ name."""


_LEVEL = re.compile(r"[ivx]+[ab]?|\d")
_ROMAN_LEVEL = re.compile(r"(?:i{1,3}|iv|v|vii?)[abc]?")
_MOST_SIDE_WORDS = 6
"""Side words up to which a name is read with one of them as a side; a text with more is no name."""
_PLAIN_SIDE = 3
"""Letters from which a side word of any language stands with words of every language: ``Cochlea der``, ``Lens izq``."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A name taken apart: ``core`` is what has to be a structure."""

    core: tuple[str, ...]
    sides: frozenset[str] = frozenset()
    side_languages: frozenset[str] | None = None
    side_certain: bool = True
    side_telling: bool = True
    both: bool = False
    partial: bool = False
    counting: bool = False
    tongues: frozenset[str] = frozenset()
    margin: Margin | None = None
    written: tuple[str, ...] = ()
    """the words before sides and parts were taken out; empty where none were looked for"""
    grown: tuple[str, ...] = ()
    """the words that say a margin"""
    idle: tuple[str, ...] = ()
    """the words left out because they change nothing"""

    @property
    def rebuilt(self) -> bool:
        """Something was taken out of the name."""
        return bool(self.sides or self.both or self.partial or self.margin or self.idle)

    @property
    def taken(self) -> tuple[str, ...]:
        """The words taken out: sides, parts, and those that say a margin."""
        return (*(Counter(self.written) - Counter(self.core)).elements(), *self.grown, *self.idle)


def is_mark(tokens: Sequence[Token], at: int) -> bool:
    """Tell whether a sign marks a version (``Heart*``, ``rectum'``); the apostrophe of ``l'aorte`` only parts words."""
    if tokens[at].text not in "*'\"":
        return False
    inside = 0 < at < len(tokens) - 1 and tokens[at].joined and tokens[at + 1].joined
    return not (tokens[at].text == "'" and inside and tokens[at - 1].is_word and tokens[at + 1].is_word)


def takings(tokens: tuple[Token, ...], lexicon: Lexicon) -> Iterator[Parts]:
    """Yield the name whole, then with the sides all languages share taken out, then with those of single languages.

    All of this again without the words that change nothing, where the name has any.
    """
    tokens = _both_sides_named(tokens, lexicon)
    if _is_range(tokens) or any(is_mark(tokens, at) for at in range(len(tokens))):
        return
    yield from _taken_apart(tokens, lexicon)
    said, idle = without_idle_words(tokens, lexicon)
    if idle and said:
        yield from (replace(parts, idle=idle) for parts in _taken_apart(said, lexicon))


def _taken_apart(tokens: tuple[Token, ...], lexicon: Lexicon) -> Iterator[Parts]:
    words = _plain(tokens)
    if words:
        yield Parts(words)
    margin, rest = take_margin(tokens, lexicon)
    yield from _without_margin(tokens, margin, rest, lexicon)
    if margin is None:
        margin, rest = take_padded(tokens)
        if margin is not None:
            yield from _without_margin(tokens, margin, rest, lexicon)


def _without_margin(
    tokens: tuple[Token, ...], margin: Margin | None, rest: tuple[Token, ...], lexicon: Lexicon
) -> Iterator[Parts]:
    """Yield the ways to take a name apart whose margin is taken out already."""
    words = _plain(rest)
    if not words or (margin and not margin.valid):
        return
    grown = _margin_words(tokens, lexicon) if margin else ()
    if not any(word in lexicon.sides or lexicon.marks.get(word) == "partial" for word in words):
        if margin:
            yield Parts(words, margin=margin, grown=grown)
        return
    tried = [] if margin else [words]
    for taken in _ways_to_take(words, _of_the_name(rest, lexicon), lexicon):
        if taken.core not in tried:
            tried.append(taken.core)
            yield replace(taken, margin=margin, written=words, grown=grown)


def _margin_words(tokens: Sequence[Token], lexicon: Lexicon) -> tuple[str, ...]:
    """Return the words that make a number the margin of a PRV: ``prv``, ``plus``."""
    return tuple(t.text for t in tokens if lexicon.marks.get(t.text) in ("prv", "expansion"))


def _ways_to_take(words: tuple[str, ...], kept: frozenset[int], lexicon: Lexicon) -> Iterator[Parts]:
    """Yield the ways to take sides and parts out, nearest the written name first; words at ``kept`` may belong to it."""
    sides = [word for word in words if word in lexicon.sides]
    of_one_language = any(_is_of_one_language(word, lexicon) for word in sides)
    if kept:
        yield _take_sides(words, lexicon, kept=kept)
    yield _take_sides(words, lexicon, letters=False)  # in 'VB L Lt' the first l is the lumbar's
    if any(len(word) == 1 for word in sides):
        yield _take_sides(words, lexicon)
    if kept and of_one_language:
        yield _take_sides(words, lexicon, local=True, kept=kept)
    if of_one_language:
        yield _take_sides(words, lexicon, local=True)
    yield from _single_sides(words, lexicon)


def _is_of_one_language(side: str, lexicon: Lexicon) -> bool:
    """Tell whether English and Latin give a side word no meaning, or two: then only single languages say what it is."""
    meanings = lexicon.sides[side]
    return len({meanings[language] for language in meanings.keys() & EVERYWHERE}) != 1


def _is_range(tokens: Sequence[Token]) -> bool:
    """Tell whether levels from one to another are named, as in ``II-V`` (whose V is no Swedish side) and ``2-4``."""
    ends = [bool(_LEVEL.fullmatch(t.text)) for t in tokens]
    return any(
        t.text in ("-", "–") and 0 < at < len(tokens) - 1 and ends[at - 1] and ends[at + 1]
        for at, t in enumerate(tokens)
    )


def _single_sides(words: tuple[str, ...], lexicon: Lexicon) -> Iterator[Parts]:
    """Yield a name of several side words with one taken out at a time: in Turkish *ven* is a vein, in Danish left.

    The last comes first: of ``nivå v vä`` the v is the level.
    """
    places = [at for at, word in enumerate(words) if word in lexicon.sides]
    for place in reversed(places if 1 < len(places) <= _MOST_SIDE_WORDS else ()):
        yield _take_sides(words, lexicon, local=True, kept=frozenset(places) - {place})


def _of_the_name(tokens: Sequence[Token], lexicon: Lexicon) -> frozenset[int]:
    """Return the places of words that look like a side or a part and may belong to the name itself.

    These are letters of a level (``Ax_L2_R``, ``Level Va links``, ``hals 2b v``) and the part in the name of a part, as
    the Hungarian oral tongue has it.
    """
    said = [t for t in tokens if t.is_word or t.is_number]
    partial = {at for at, token in enumerate(said) if lexicon.marks.get(token.text) == "partial"}
    roman = {at for at, token in enumerate(said) if _ROMAN_LEVEL.fullmatch(token.text)}
    if not any(token.is_number for token in said):
        return frozenset(partial | roman)
    behind = {at for at, (token, following) in enumerate(pairwise(said)) if _belongs(token, following)}
    before = {at + 1 for at, (token, letter) in enumerate(pairwise(said)) if _belongs(letter, token, "abc")}
    before = {at for at in before if said[at].joined}
    return frozenset(behind | before | roman | partial)


def _belongs(letter: Token, number: Token, letters: str = "lr") -> bool:
    return letter.text in tuple(letters) and number.is_number and (number.joined or letter.joined)


def _both_sides_named(tokens: tuple[Token, ...], lexicon: Lexicon) -> tuple[Token, ...]:
    """Put *both* for a left and a right joined by plus: ``Lungs L+R``, ``Lunge h+v``."""
    for at in range(1, len(tokens) - 1):
        if tokens[at].text in ("+", "&"):
            first, second = (lexicon.sides.get(tokens[near].text, {}) for near in (at - 1, at + 1))
            if any(
                {first[language], second[language]} == {"L", "R"} for language in first.keys() & second.keys()
            ):
                return (*tokens[: at - 1], Token("bilateral", "bilateral", False), *tokens[at + 2 :])
    return tokens


def _plain(tokens: Sequence[Token]) -> tuple[str, ...]:
    """Return the words and numbers, or nothing where a sign stands among them that is more than a separator."""
    if any(not (t.is_word or t.is_number) and t.text not in SEPARATORS for t in tokens):
        return ()
    return tuple(t.text for t in tokens if t.is_word or t.is_number)


def _is_telling(word: str, lexicon: Lexicon, *, first: bool) -> bool:
    """Tell whether a side word of a single language is believed beside English and Latin organ names."""
    usage = lexicon.usage
    return (
        word in usage.telling_sides
        or (len(word) >= _PLAIN_SIDE and word not in usage.initial_sides)
        or (first and word in usage.leading_sides)
    )


def _take_sides(
    words: tuple[str, ...],
    lexicon: Lexicon,
    *,
    local: bool = False,
    letters: bool = True,
    kept: frozenset[int] = frozenset(),
) -> Parts:
    """Take the side words met everywhere out, with ``local`` those of single languages too.

    ``letters`` are single ones; a word at a place of ``kept`` stays in the core.
    """
    core: list[str] = []
    sides: set[str] = set()
    spoken: frozenset[str] | None = None
    both = partial = bare_letter = counting = False
    certain = telling = True
    tongues: frozenset[str] | None = None
    for at, word in enumerate(words):
        if at in kept:
            core.append(word)
            continue
        meanings = lexicon.sides.get(word, {}) if letters or len(word) > 1 else {}
        shared = {meanings[language] for language in meanings if language in EVERYWHERE}
        if shared and len(shared) == 1:
            side = next(iter(shared))
        elif meanings and local and len(set(meanings.values())) == 1:
            side = next(iter(meanings.values()))
            certain = certain and len(word) >= _PLAIN_SIDE
            bare_letter = bare_letter or len(word) == 1
            counting = counting or word in lexicon.usage.counting_sides
            telling = telling and _is_telling(word, lexicon, first=at == 0)
            spoken = frozenset(meanings) if spoken is None else spoken & frozenset(meanings)
        elif lexicon.marks.get(word) == "partial":
            partial = True
            continue
        else:
            core.append(word)
            continue
        if "en" not in meanings:
            tongues = frozenset(meanings) if tongues is None else tongues & frozenset(meanings)
        if side == "both":
            both = True
        else:
            sides.add(side)
    if spoken is not None and not bare_letter:
        spoken |= {
            OWN_LANGUAGE,
            "la",
        }  # the list's own and Latin words are said in every language: 'Cochlea re'
    return Parts(
        tuple(core),
        frozenset(sides),
        spoken,
        certain,
        telling,
        both,
        partial,
        counting,
        tongues or frozenset(),
    )
