"""A name that no rule could read, taken apart all the same: what is certainly a side or a margin, and the words that remain.

Here a glued letter may be a side (``lon``) and a number beside PRV a margin (``Brainstem 3PRV``): both are only offered.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tg263_scp.naming.organs.margins import Margin, take_margin
from tg263_scp.naming.query import Query
from tg263_scp.naming.words.compounds import partings
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_MOST_CM = 2.0
"""Decimal without a unit up to which it may be a margin in cm."""
_MOST_MM = 20
_GLUED = (("left", "L"), ("right", "R"), ("lt", "L"), ("rt", "R"), ("l", "L"), ("r", "R"))
_SHORTEST_REST = 2
_LONGEST_CODE = 4
"""Letters up to which a known word may be a side and an abbreviation all the same."""
_DESCRIBING = frozenset(":(")
_LESS_LIKELY, _GLUED_LETTER, _OTHER_LANGUAGE = 0.97, 0.88, 0.93
"""How much a parted word, and a letter taken for a side, count against a word as it was written."""


@dataclass(frozen=True, slots=True)
class Form:
    """What is put back on the structure that a name means."""

    sides: frozenset[str] = frozenset()
    both: bool = False
    partial: bool = False
    margin: Margin | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """One way to take a name apart: the words that mean a structure, and its form; ``share`` says how likely it is."""

    words: tuple[str, ...]
    form: Form
    share: float = 1.0


def ways_of(query: Query, lexicon: Lexicon) -> tuple[Written, ...]:
    """Return the ways to take a name apart, the likeliest first."""
    tokens = _prv_apart(query.camel_words, lexicon)
    ways = [_taken(tokens, lexicon)]
    described = next((at for at, token in enumerate(tokens) if token.text in _DESCRIBING), 0)
    if described:  # 'Level II left: upper jugular nodes'
        before, whole = _taken(tokens[:described], lexicon), ways[0]
        ways.append(Written(before.words, whole.form))
    ways += [
        other for way in list(ways) for other in (*_sided(way, lexicon), *_with_glued_side(way, lexicon))
    ]
    ways += [parted for way in list(ways) for parted in _parted(way, lexicon)]
    return tuple(dict.fromkeys(way for way in ways if way.words))


def _taken(tokens: Sequence[Token], lexicon: Lexicon) -> Written:
    margin, rest = _number_beside(*take_margin(tuple(tokens), lexicon))
    words: list[str] = []
    sides: set[str] = set()
    both = partial = False
    for token in rest:
        side = side_of(token.text, lexicon) if token.is_word else ""
        if side == "both":
            both = True
        elif side:
            sides.add(side)
        elif lexicon.marks.get(token.text) == "partial":
            partial = True
        elif token.is_number:
            words.append(token.text.lstrip("0") or "0")
        elif token.is_word and token.text not in lexicon.usage.little_words:
            words.append(token.text)
    return Written(tuple(words), Form(frozenset(sides), both, partial, margin))


def _prv_apart(tokens: tuple[Token, ...], lexicon: Lexicon) -> tuple[Token, ...]:
    """Part a PRV that is glued to an unknown word: ``PRVSPINE``."""
    out: list[Token] = []
    for token in tokens:
        text = token.text
        if "prv" in (text[:3], text[-3:]) and len(text) > 4 and not lexicon.knows(text):
            first = text[:3] == "prv"
            pieces = (text[:3], text[3:]) if first else (text[:-3], text[-3:])
            out += [Token(piece, piece, token.joined or at > 0) for at, piece in enumerate(pieces)]
        else:
            out.append(token)
    return tuple(out)


def _number_beside(margin: Margin | None, rest: Sequence[Token]) -> tuple[Margin | None, Sequence[Token]]:
    """Take a number for the margin of a PRV that has none (``3PRV``), and a small decimal for a margin in cm (``_0.5``)."""
    numbers = [token for token in rest if token.is_number]
    if len(numbers) != 1 or (margin is not None and (margin.mm is not None or not margin.named)):
        return margin, rest
    value, decimal = float(numbers[0].text), "." in numbers[0].text
    mm = round(value * 10) if decimal and value <= _MOST_CM else int(min(value, _MOST_MM + 1))
    if (margin is None and not decimal) or not 1 <= mm <= _MOST_MM:
        return margin, rest
    return Margin(mm, named=True), [token for token in rest if token is not numbers[0]]


def side_of(word: str, lexicon: Lexicon) -> str:
    """Return the side that a word says in English or Latin, or in every language that has it as one; else nothing."""
    meanings = lexicon.sides.get(word, {})
    for language in ("en", "la"):
        if language in meanings:
            return meanings[language]
    told = set(meanings.values())
    return told.pop() if len(told) == 1 and (len(word) > 1 or not word.isascii()) else ""


def _sided(way: Written, lexicon: Lexicon) -> Iterator[Written]:
    """Yield the ways to take a word for a side that says another side in another language: the d of ``Cóclea D``."""
    if way.form.sides or way.form.both or len(way.words) < 2:
        return
    for at, word in enumerate(way.words):
        for side in sorted({*lexicon.sides.get(word, {}).values()} & {"L", "R"}):
            rest = (*way.words[:at], *way.words[at + 1 :])
            yield Written(rest, replace(way.form, sides=frozenset(side)), _OTHER_LANGUAGE)


def _with_glued_side(way: Written, lexicon: Lexicon) -> Iterator[Written]:
    """Yield the ways to take a letter off an unknown word for its side."""
    if way.form.sides or way.form.both:
        return
    for at, word in enumerate(way.words):
        if not (word.isascii() and word.isalpha()) or (len(word) > _LONGEST_CODE and lexicon.knows(word)):
            continue
        for letters, side in _GLUED:
            for rest in (word.removeprefix(letters), word.removesuffix(letters)):
                if rest != word and len(rest) >= _SHORTEST_REST:
                    words = (*way.words[:at], rest, *way.words[at + 1 :])
                    yield Written(words, replace(way.form, sides=frozenset(side)), _GLUED_LETTER)


def _parted(way: Written, lexicon: Lexicon) -> Iterator[Written]:
    """Yield the ways to part an unknown word into known ones."""
    for at, word in enumerate(way.words):
        if lexicon.knows(word) or not word.isalpha():
            continue
        for pieces in partings(word, lexicon):
            sides = {side for piece in pieces if (side := side_of(piece, lexicon)) in ("L", "R")}
            known = tuple(piece for piece in pieces if not side_of(piece, lexicon))
            words = (*way.words[:at], *known, *way.words[at + 1 :])
            form = replace(way.form, sides=way.form.sides | sides)
            yield Written(words, form, way.share * _LESS_LIKELY)
