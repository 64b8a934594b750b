"""What letter and number mean at one site only: the ``L3`` of a spine is a vertebra, the ``n L2`` of a breast a level."""

from __future__ import annotations

from collections.abc import Sequence

from tg263_scp.naming.query import Query
from tg263_scp.naming.targets.bare_numbers import range_of_vertebrae
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_MOST_VERTEBRAE = {"c": 7, "t": 12, "l": 5, "s": 5}
_MOST_AXILLARY_LEVELS = 3


def told_by_site(tokens: Sequence[Token], query: Query, lexicon: Lexicon) -> tuple[Token, ...]:
    """Put the word that the site implies before a letter and its number: ``T 12`` -> ``vb T 12``."""
    out: list[Token] = []
    for at, token in enumerate(tokens):
        following = tokens[at + 1] if at + 1 < len(tokens) else None
        if range_of_vertebrae(tokens, at) or _is_named(tokens[at + 2 : at + 3], lexicon):
            following = None
        if following is not None and following.is_number and following.joined and following.text.isdecimal():
            out.extend(_implied(token, int(following.text), out, query, lexicon))
        out.append(token)
    return tuple(out)


def _is_named(behind: Sequence[Token], lexicon: Lexicon) -> bool:
    """Tell whether a word behind the number says what it counts: ``T8 vertebral body``."""
    words = [token.text for token in behind if token.is_word and len(token.text) > 1]
    return any(word not in lexicon.target_words and word not in lexicon.sides for word in words)


def _implied(
    letter: Token, number: int, before: Sequence[Token], query: Query, lexicon: Lexicon
) -> tuple[Token, ...]:
    word = before[-1].text if before else ""
    if query.site == "spine" and not letter.joined and 1 <= number <= _MOST_VERTEBRAE.get(letter.text, 0):
        return () if word in ("vb", "vertebra") else (Token("vb", "VB", joined=False),)
    nodal = lexicon.number_words.get(word) == "node"
    if query.site == "breast" and letter.text == "l" and nodal and 1 <= number <= _MOST_AXILLARY_LEVELS:
        return (Token("axillary", "axillary", joined=False),)
    return ()
