"""Markdown as the conformance statement wants it: tables, and links that lead to a heading."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_HEADING = re.compile(r"^(#{2,6}) (.+)$", re.MULTILINE)
_NOT_IN_A_SLUG = re.compile(r"[^\w\- ]")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without the line end behind it; what would end a cell is written out."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def contents(text: str, *, depth: int) -> str:
    """Return links to the headings of a document, from ``##`` down to ``depth`` levels."""
    return "\n".join(
        f"{'  ' * (len(marks) - 2)}- [{title}](#{_slug(title)})"
        for marks, title in _HEADING.findall(text)
        if len(marks) - 1 <= depth
    )


def _slug(title: str) -> str:
    return _NOT_IN_A_SLUG.sub("", title.lower()).replace(" ", "-")
