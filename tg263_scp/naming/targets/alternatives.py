"""The readings between which the rules doubt, as candidates for review of a target.

Each is the name without the words that raise the doubt, read by all rules; those words are written behind ``^`` as they
stand, taken as index or dose, or left out as a copy, a version or initials. Nothing here is ever applied by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice, pairwise

from tg263_scp.naming.organs.reading import Finding, read_words
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard import grammar
from tg263_scp.naming.standard.grammar import TARGET_TYPES, TargetName
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.naming.targets.bare_numbers import BARE_CGY, BARE_GY
from tg263_scp.naming.targets.doubts import Doubt
from tg263_scp.naming.targets.filling import fill, type_tokens
from tg263_scp.naming.targets.fractions import MOST_FRACTIONS
from tg263_scp.naming.targets.reading import as_name, filled_slots
from tg263_scp.naming.targets.slots import Slots
from tg263_scp.naming.targets.structures import place_words
from tg263_scp.naming.words.compounds import part
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_MOST_OFFERED = 5
_MOST_TOKENS = 12
"""Tokens up to which a name is taken apart; a longer one is no name of a target but a text."""
_LONGEST_CODE = 3
"""Letters of a code, which is offered as it is written; a word gets a capital."""
_TELLING_SITES = ("head_and_neck", "breast", "prostate", "gyn", "spine")
_MOST_READ = 12
"""Ways to take words out that are tried."""


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
    unknown = _unknown(tokens, nomenclature.lexicon)
    ways: Iterator[grammar.Name] = chain(
        _planned_from(tokens, query, nomenclature), _without_doubtful(tokens, unknown, query, nomenclature)
    )
    if not unknown:
        ways = chain(
            _at_other_sites(tokens, query, nomenclature),
            _believed(tokens, query, nomenclature),
            _as_fractions(tokens, query, nomenclature),
            _as_numbers(tokens, query, nomenclature),
            ways,
        )
    offered: dict[str, None] = {}
    for way in ways:
        name = grammar.spell(way, nomenclature)
        offered |= {name: None} if name else {}
        if len(offered) == _MOST_OFFERED:
            break
    return tuple(offered)


def _at_other_sites(
    tokens: tuple[Token, ...], query: Query, nomenclature: Nomenclature
) -> Iterator[TargetName]:
    """Yield what a name would be at each site where abbreviations have meanings of their own, where the site is unknown."""
    for site in () if query.site else _TELLING_SITES:
        named = _read(tokens, replace(query, site=site), nomenclature)
        if named is not None:
            yield named


def _planned_from(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> Iterator[TargetName]:
    """Yield ``PGTV`` as the PTV of the GTV, as it is written in China."""
    for at, (letter, target) in enumerate(pairwise(tokens)):
        if letter.text == "p" and target.joined and target.text in ("gtv", "ctv"):
            planned = replace(target, text="ptv", joined=letter.joined)
            named = _read((*tokens[:at], planned, *tokens[at + 2 :]), query, nomenclature)
            if named is not None:
                custom = ("P" + target.text.upper(), named.custom)
                yield replace(named, custom="_".join(said for said in custom if said))
                yield named


def _believed(tokens: Sequence[Token], query: Query, nomenclature: Nomenclature) -> Iterator[TargetName]:
    """Yield the name as it reads where every doubt is put aside, its structure in the slot."""
    slots = fill(tokens, nomenclature.lexicon, _Believing())
    said = sum(token.is_number for token in tokens) - sum(token.is_number for token in slots.words)
    said -= bool(slots.number) + bool(slots.dose or slots.imaging)
    if not slots.type or not slots.words or said > 0 or len(set(slots.sides)) > 1:
        return
    place_words(slots, query, nomenclature)
    if slots.qualifier:
        yield as_name(slots)


def _as_fractions(
    tokens: tuple[Token, ...], query: Query, nomenclature: Nomenclature
) -> Iterator[TargetName]:
    """Yield the name with two numbers side by side taken as fractions: ``54/3`` and ``5x11``."""
    numbers = [at for at, token in enumerate(tokens) if token.is_number]
    for first, second in pairwise(numbers):
        between = [token.text for token in tokens[first + 1 : second]]
        rest = _read((*tokens[:first], *tokens[second + 1 :]), query, nomenclature)
        values = float(tokens[first].text), float(tokens[second].text)
        if rest is None or rest.dose or between not in ([], ["/"], ["x"]) or not all(values):
            continue
        pairs = (values, values[::-1]) if between == ["x"] else ((values[0] / values[1], values[1]),)
        for dose_gy, count in pairs:
            if count.is_integer() and 1 <= count <= MOST_FRACTIONS and (dose_gy * 100).is_integer():
                yield replace(rest, dose=f"{dose_gy * 100:.0f}x{count:.0f}")


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


def _without_doubtful(
    tokens: Sequence[Token], unknown: frozenset[int], query: Query, nomenclature: Nomenclature
) -> Iterator[grammar.Name]:
    """Yield the name with what raises the doubt behind ``^``, and without it: it may tell a copy or who drew it.

    Between the two stands the organ without the target.
    """
    organ = list(_organ_without(tokens, query, nomenclature))
    for out in islice(_ways_to_take_out(tokens, unknown), _MOST_READ):
        rest = tuple(token for at, token in enumerate(tokens) if at not in out)
        named = _read(rest, query, nomenclature)
        if named is not None:
            yield from _behind_caret(named, tokens, out)
            yield from organ
            yield named
    yield from organ


def _ways_to_take_out(tokens: Sequence[Token], unknown: frozenset[int]) -> Iterator[tuple[int, ...]]:
    """Yield the places of tokens to take out: all that are unknown, then words as written, tokens and neighbours,
    the last first, where copies and remarks stand.
    """
    written = _written_together(tokens)[::-1]
    single = [(at,) for at, token in enumerate(tokens) if not (token.joined and tokens[at - 1].is_number)][
        ::-1
    ]
    pairs = [(*first, *second) for second, first in pairwise(written)]
    letters = {
        at
        for at, (letter, target) in enumerate(pairwise(tokens))
        if _is_type(target) and len(letter.text) == 1
    }
    all_unknown = (tuple(sorted(unknown)), tuple(sorted(unknown | letters)))
    for out in dict.fromkeys((*all_unknown, *written, *single, *pairs)):
        if out and unknown.issubset(out) and not any(_is_type(tokens[at]) for at in out):
            yield out


def _written_together(tokens: Sequence[Token]) -> list[tuple[int, ...]]:
    """Return the places of tokens that no separator parts (``T1Gd``, ``3ph``); a type stands alone."""
    groups: list[list[int]] = []
    for at, token in enumerate(tokens):
        if groups and token.joined and not _is_type(token) and not _is_type(tokens[at - 1]):
            groups[-1].append(at)
        else:
            groups.append([at])
    return [tuple(group) for group in groups]


def _unknown(tokens: Sequence[Token], lexicon: Lexicon) -> frozenset[int]:
    """Return the places of words that no pack knows, whole or in parts."""
    words = [(at, token.text) for at, token in enumerate(tokens) if token.is_word and not _is_type(token)]
    return frozenset(at for at, word in words if not (lexicon.knows(word) or part(word, lexicon)))


def _is_type(token: Token) -> bool:
    return token.text.upper() in TARGET_TYPES


def _behind_caret(named: TargetName, tokens: Sequence[Token], out: Sequence[int]) -> Iterator[TargetName]:
    """Yield the name of the rest with what was taken out behind ``^``, as it is written and where it stands."""
    text = _as_written([tokens[at] for at in out])
    before = tokens[out[0] - 1] if out[0] else None
    follows = before is not None and before.is_word and not _is_type(before)
    custom = (named.custom, text) if follows else (text, named.custom)
    if text:
        yield replace(named, custom="_".join(said for said in custom if said))


def _organ_without(
    tokens: Sequence[Token], query: Query, nomenclature: Nomenclature
) -> Iterator[grammar.DerivedName]:
    """Yield the organ without the target, for a name that may be so meant: ``Lungs_PTV``."""
    at = next((at for at, token in enumerate(tokens) if _is_type(token)), 0)
    found = read_words((tuple(tokens[:at]),), query, nomenclature) if at else None
    target = "".join(token.raw for token in tokens[at:])
    if found is not None and found.finding is Finding.FOUND:
        parsed = grammar.parse(f"{found.name}-{target.upper()}", nomenclature)
        if isinstance(parsed, grammar.DerivedName):
            yield parsed


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
    return word[:1].upper() + word[1:] if word.islower() and len(word) > _LONGEST_CODE else word
