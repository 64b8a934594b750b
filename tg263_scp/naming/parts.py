"""An organ name taken apart: what is a side, a margin or a partial mark, and the core that has to be a structure.

A word is a side in the languages that say so. Where the set shows no language, short side words of single languages are
believed only with words of that language: ``Niere re``, but not ``Lung JO``, which has somebody's initials.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tg263_scp.naming.lexicon import EVERYWHERE, OWN_LANGUAGE, Lexicon
from tg263_scp.naming.margins import Margin, take_margin
from tg263_scp.naming.text import Token

SEPARATORS = frozenset("-()[],;:.*#'\"{}/\\")
"""Signs that part words and mean nothing else in an organ name."""


_TELLING_SIDES = frozenset("re li dx sx dt d e g v h".split())
"""Short side words that are met in many clinics beside English and Latin organ names."""
_LIKE_INITIALS = frozenset("sag sol bal dir".split())
"""Longer side words that are something else in English (sagittal) or anybody's initials."""
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
    margin: Margin | None = None

    @property
    def rebuilt(self) -> bool:
        """Something was taken out of the name."""
        return bool(self.sides or self.both or self.partial or self.margin)


def takings(tokens: tuple[Token, ...], lexicon: Lexicon) -> Iterator[Parts]:
    """Yield the name whole, then with the sides all languages share taken out, then with those of single languages."""
    tokens = _both_sides_named(tokens, lexicon)
    words = _plain(tokens)
    if words:
        yield Parts(words)
    margin, rest = take_margin(tokens, lexicon)
    words = _plain(rest)
    if not words or (margin and not margin.valid):
        return
    spelt_out = _take_sides(words, lexicon, letters=False)
    everywhere = _take_sides(words, lexicon)
    if spelt_out.rebuilt and spelt_out.core != everywhere.core:
        yield replace(spelt_out, margin=margin)  # in 'Ax L3 Lt' the first l is a level's
    yield replace(everywhere, margin=margin)
    local = _take_sides(words, lexicon, local=True)
    if local.core != everywhere.core:
        yield replace(local, margin=margin)


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


def _take_sides(
    words: tuple[str, ...], lexicon: Lexicon, *, local: bool = False, letters: bool = True
) -> Parts:
    """Take the side words met everywhere out, with ``local`` those of single languages too; ``letters`` are single ones."""
    core: list[str] = []
    sides: set[str] = set()
    spoken: frozenset[str] | None = None
    both = partial = bare_letter = False
    certain = telling = True
    for word in words:
        meanings = lexicon.sides.get(word, {}) if letters or len(word) > 1 else {}
        shared = {meanings[language] for language in meanings if language in EVERYWHERE}
        if shared and len(shared) == 1:
            side = next(iter(shared))
        elif meanings and local and len(set(meanings.values())) == 1:
            side = next(iter(meanings.values()))
            certain = certain and len(word) >= _PLAIN_SIDE
            bare_letter = bare_letter or len(word) == 1
            telling = telling and (
                word in _TELLING_SIDES or (len(word) >= _PLAIN_SIDE and word not in _LIKE_INITIALS)
            )
            spoken = frozenset(meanings) if spoken is None else spoken & frozenset(meanings)
        elif lexicon.marks.get(word) == "partial":
            partial = True
            continue
        else:
            core.append(word)
            continue
        if side == "both":
            both = True
        else:
            sides.add(side)
    if spoken is not None and not bare_letter:
        spoken |= {
            OWN_LANGUAGE,
            "la",
        }  # the list's own and Latin words are said in every language: 'Cochlea re'
    return Parts(tuple(core), frozenset(sides), spoken, certain, telling, both, partial)
