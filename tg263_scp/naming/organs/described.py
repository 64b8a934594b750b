"""A name with its description behind a colon or in brackets: ``LN_Ax_L1_R: axillary level 1``, ``Level III (middle jugular)``.

The head is the name. The description may say it again in other words; it must not say another side or number, nor that the
contour is a copy, a helper or a dose level.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tg263_scp.naming.organs.parts import SEPARATORS
from tg263_scp.naming.query import Query
from tg263_scp.naming.standard.grammar import CLASSIFIERS
from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_DESCRIBED = re.compile(
    r"(?P<head>[^:()\[\]]*\w[^:()\[\]]*)(?::(?P<text>[^:]+)|[(\[](?P<inside>[^()\[\]]+)[)\]])\s*"
)
_JOINING_SIGNS = SEPARATORS | {"&"}
_SILENT_MARKS = frozenset({"partial", "union"})
"""Marks that describe where nodes lie (*upper* jugular nodes), and what is taken together."""
_SLOTS = frozenset({*CLASSIFIERS, "High", "Boost", "Eval", "Preop", "Postop"}) - {"n"}
"""What makes a contour a target; *low* and *mid* say where nodes lie too."""


def head_and_description(query: Query) -> tuple[Query, Query] | None:
    """Part a name from its description; None where it has none."""
    match = _DESCRIBED.fullmatch(query.text)
    if match is None:
        return None
    described = match["text"] or match["inside"]
    head, text = (replace(query, name=part.strip()) for part in (match["head"], described))
    return (head, text) if head.words and any(len(token.text) > 1 for token in text.words) else None


def only_describes(text: Query, head: Query, lexicon: Lexicon) -> bool:
    """Tell whether a text says nothing that the head does not: no side or number of its own, no mark, no slot of a target."""
    said = {token.text for token in (*head.words, *head.camel_words)}
    return all(_is_silent(token, said, lexicon) for token in text.words)


def sides_of(query: Query, lexicon: Lexicon) -> set[str]:
    """Return the sides that words of more than one letter say in a name or a description."""
    words = (token.text for token in (*query.words, *query.camel_words) if len(token.text) > 1)
    return {side for word in words for side in lexicon.sides.get(word, {}).values()}


def _is_silent(token: Token, said: set[str], lexicon: Lexicon) -> bool:
    word = token.text
    if token.is_number:
        return word in said
    if not token.is_word:
        return word in _JOINING_SIGNS
    marked = lexicon.marks.get(word, "partial") not in _SILENT_MARKS
    return not (marked or word in lexicon.types or lexicon.target_words.get(word) in _SLOTS)
