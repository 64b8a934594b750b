"""Words that change nothing beside a structure: ``Whole Liver``, ``Bladder outline``, ``Rectum (including gas)``.

Which words these are, and why, is data: ``idle_words`` of a pack gives each group its reason. Its counterpart ``remarks``
lists the words that say another volume than the structure alone (a copy, an evaluation, another image); those are never
left out here.
"""

from __future__ import annotations

from collections.abc import Sequence

from tg263_scp.naming.words.letters import Token
from tg263_scp.naming.words.lexicon import Lexicon

_TAKING = frozenset({"minus", "union"})
"""Marks of the words that include or exclude: *excluding*, *without*, *including*, *with*."""
_BETWEEN = frozenset({"and", "or", "the", ".", ",", "/"})


def without_idle_words(
    tokens: Sequence[Token], lexicon: Lexicon
) -> tuple[tuple[Token, ...], tuple[str, ...]]:
    """Return a name without the words that change nothing, and these words.

    A remark that only includes or excludes what the organ holds goes as a whole: its words are then all returned.
    """
    start = _remark_about_contents(tokens, lexicon)
    kept, remark = (tokens[:start], tokens[start:]) if start else (tokens, ())
    idle = [token.text for token in (*kept, *remark) if token.text in lexicon.idle_words or token in remark]
    return tuple(t for t in kept if t.text not in lexicon.idle_words), tuple(idle)


def _remark_about_contents(tokens: Sequence[Token], lexicon: Lexicon) -> int:
    """Return where a remark of the contents begins that reaches to the end of the name; 0 where none does."""
    for at in range(1, len(tokens) - 1):
        if lexicon.marks.get(tokens[at].text) not in _TAKING:
            continue
        said = [token for token in tokens[at + 1 :] if token.text not in _BETWEEN]
        if said and said[-1].text in ")]":
            said.pop()
        if said and all(token.text in lexicon.usage.contents for token in said):
            return at - 1 if tokens[at - 1].text in "([" and at > 1 else at
    return 0
