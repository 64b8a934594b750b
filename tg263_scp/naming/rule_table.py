"""Every code that a decision can carry, with its sentence, its text and its function: the one table of them.

``conformance/rules.md``, ``explain`` and the verb ``rules`` all show what stands here. It is made of the tables that are
asked and of the docstrings of the functions in them.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from tg263_scp.naming.decide import RULES
from tg263_scp.naming.llm.choice import llm_choice
from tg263_scp.naming.notation.second_look import SET_RULES
from tg263_scp.naming.rules.sides_by_contours import SIDE_RULES
from tg263_scp.naming.rules.vetoes import VETOES
from tg263_scp.naming.rules.whole_set import WHOLE_SET_RULES

_TITLES = {
    "S010": "same new name",
    "S020": "name kept by another",
    "S030": "side from contours",
    "S050": "shared words taken out",
    "S060": "mirror name",
    "S070": "numbers of the set",
    "V080": "contours agree",
    "V090": "can be written",
}
"""Of codes whose function is not named for them alone."""
_CODE = re.compile(r"([RSV]\d{3}): ")


class Section(StrEnum):
    """What sort of rule a code stands for, in the words of the table."""

    RULES = "Rules"
    MODEL = "The language model, where one is asked"
    VETOES = "Vetoes"
    WHOLE_SET = "Whole-set rules"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One code. ``title`` is a word or two; ``function`` is where it stands: ``tg263_scp/naming/rules/rules.py: rebuilt``."""

    code: str
    title: str
    section: Section
    sentence: str
    text: str
    function: str


@lru_cache(maxsize=1)
def rule_table() -> tuple[RuleRow, ...]:
    """Return all codes, in the order they are asked."""
    return tuple(_row(code, section, function) for section, rules in _sections() for code, function in rules)


def rule_row(code: str) -> RuleRow | None:
    """Return the row of a code; None where there is no such code."""
    return next((row for row in rule_table() if row.code == code), None)


def _sections() -> Iterator[tuple[Section, Iterable[tuple[str, Callable[..., object]]]]]:
    yield Section.RULES, RULES
    yield Section.MODEL, (("R090", llm_choice),)
    yield Section.VETOES, [(code, veto) for code, _, veto in VETOES]
    yield Section.WHOLE_SET, (*SET_RULES, *SIDE_RULES, *WHOLE_SET_RULES)


def _row(code: str, section: Section, function: Callable[..., object]) -> RuleRow:
    paragraphs = _paragraphs(code, inspect.getdoc(function) or "")
    place = f"{function.__module__.replace('.', '/')}.py: {function.__name__}"
    title = _TITLES.get(code) or function.__name__.replace("_", " ")
    sentence = " ".join(paragraphs[0].split())
    return RuleRow(code, title, section, sentence, "\n\n".join(paragraphs), place)


def _paragraphs(code: str, text: str) -> list[str]:
    """Return what a docstring says of one code, its sentence first.

    A function that serves several codes gives each a paragraph that begins with it; the paragraphs without a code are about
    all of them.
    """
    own, shared = "", []
    for paragraph in text.split("\n\n"):
        marked = _CODE.match(paragraph)
        if marked is None:
            shared.append(paragraph)
        elif marked[1] == code:
            own = paragraph[marked.end() :]
    return [own[:1].upper() + own[1:], *shared] if own else shared
