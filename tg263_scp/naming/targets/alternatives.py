"""The readings between which the rules doubt, as candidates for whoever decides about a target.

Each is the name without the words that raise the doubt, read by all rules; those words are written behind ``^`` as they
stand, taken as index or dose, or left out as a copy, a version or initials. Nothing here is ever applied by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice

from tg263_scp.naming.organs.reading import Finding, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.grammar import TARGET_TYPES, TargetName
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.bare_numbers import BARE_CGY, BARE_GY
from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.targets.filling import fill, type_tokens
from tg263_scp.naming.targets.reading import as_name, filled_slots
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.targets.structures import place_words
from tg263_scp.naming.words.letters import Token

_MOST_OFFERED = 5
_MOST_TOKENS = 12
"""Tokens up to which a name is taken apart; a longer one is no name of a target but a text."""
_LONGEST_LEFT_OUT = 3
"""Tokens side by side that are taken out together: ``T1-3``, ``pre chemo``."""


class _Believing(Slots):
    """Slots that are filled whatever may be doubted."""

    def leave(self, doubt: Doubt | None) -> None:
        """Fill on."""


@lru_cache(maxsize=4096)
def readings_offered(query: Query, nomenclature: Nomenclature) -> tuple[str, ...]:
    """Return the names that a doubtful target may have, the one that keeps most of what is written first; at most five."""
    tokens, types = type_tokens(query, nomenclature.lexicon)
    if not types or len(tokens) > _MOST_TOKENS:
        return ()
    ways: Iterator[grammar.Name] = chain(
        _believed(tokens, query, nomenclature),
        _as_numbers(tokens, query, nomenclature),
        _behind_caret(tokens, query, nomenclature),
        _organ_without(tokens, query, nomenclature),
        _left_out(tokens, query, nomenclature),
    )
    spelt = (name for way in ways if (name := grammar.spell(way, nomenclature)))
    return tuple(islice(dict.fromkeys(spelt), _MOST_OFFERED))


def _believed(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> Iterator[TargetName]:
    """Yield the name as it reads where every doubt is put aside, its structure in the slot."""
    slots = fill(tokens, nomenclature.lexicon, _Believing())
    said = sum(token.is_number for token in tokens) - bool(slots.number) - bool(slots.dose or slots.imaging)
    if not slots.type or not slots.words or said > 0 or len(set(slots.sides)) > 1:
        return
    place_words(slots, query, nomenclature)
    if slots.qualifier:
        yield as_name(slots)


def _as_numbers(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> Iterator[TargetName]:
    """Yield the name with each of its numbers taken as an index, and as a dose."""
    for at, token in enumerate(tokens):
        rest = _read((*tokens[:at], *tokens[at + 1 :]), query, nomenclature) if token.is_number else None
        if rest is None:
            continue
        value = float(token.text)
        if not rest.number and value.is_integer() and 1 <= value < BARE_GY[0]:
            yield replace(rest, number=f"{value:.0f}")
        least_gy, most_gy = BARE_GY
        if not rest.dose and (least_gy // 4 < value <= most_gy or BARE_CGY[0] <= value <= BARE_CGY[1]):
            yield replace(rest, dose=f"{value if value >= BARE_CGY[0] else value * 100:.0f}")


def _behind_caret(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> Iterator[TargetName]:
    """Yield the name with the words that raise the doubt behind ``^``, as they are written."""
    for at, out, rest in _parted(tokens):
        named = _read(rest, query, nomenclature)
        text = _as_written(out)
        if named is not None and text:
            behind_word = (
                at > 0 and tokens[at - 1].is_word and tokens[at - 1].text.upper() not in TARGET_TYPES
            )
            custom = (named.custom, text) if behind_word else (text, named.custom)
            yield replace(named, custom="_".join(part for part in custom if part))


def _organ_without(
    tokens: Sequence[Token], query: Query, nomenclature: Nomenclature
) -> Iterator[grammar.DerivedName]:
    """Yield the organ without the target, for a name that may be so meant: ``Lungs_PTV``."""
    at = next((at for at, token in enumerate(tokens) if token.text.upper() in TARGET_TYPES), 0)
    found = read_words((tuple(tokens[:at]),), query, nomenclature) if at else None
    target = "".join(token.raw for token in tokens[at:])
    if found is not None and found.finding is Finding.FOUND:
        parsed = grammar.parse(f"{found.name}-{target.upper()}", nomenclature)
        if isinstance(parsed, grammar.DerivedName):
            yield parsed


def _left_out(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> Iterator[TargetName]:
    """Yield the name without the words that raise the doubt: they may tell a copy, a version or who drew it."""
    for _, _, rest in _parted(tokens):
        named = _read(rest, query, nomenclature)
        if named is not None:
            yield named


def _parted(tokens: Sequence[Token]) -> Iterator[tuple[int, Sequence[Token], tuple[Token, ...]]]:
    """Yield the ways to take up to three tokens out that stand side by side, fewest first; the type stays."""
    for size in range(1, _LONGEST_LEFT_OUT + 1):
        for at in range(len(tokens) - size + 1):
            out = tokens[at : at + size]
            if not any(token.text.upper() in TARGET_TYPES for token in out):
                yield at, out, (*tokens[:at], *tokens[at + size :])


def _read(tokens: tuple[Token, ...], query: Query, nomenclature: Nomenclature) -> TargetName | None:
    """Read what is left by all rules; None where one of them still doubts."""
    slots = filled_slots(tokens, query, nomenclature)
    return None if slots.doubt or not slots.type else as_name(slots)


def _as_written(tokens: Sequence[Token]) -> str:
    """Return words and numbers as they stand, with an underscore where a separator parted them."""
    kept = [token for token in tokens if token.is_word or token.is_number]
    text = "".join(
        token.raw if at and token.joined else f"_{_capitalised(token.raw)}" for at, token in enumerate(kept)
    ).removeprefix("_")
    return text if text.isascii() and text.replace("_", "").isalnum() else ""


def _capitalised(word: str) -> str:
    return word[:1].upper() + word[1:] if word.islower() and len(word) > 1 else word
