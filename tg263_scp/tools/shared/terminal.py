"""What reaches the screen: consoles, progress and JSON, the same way for every verb.

A ROI name is text from outside. Before it is shown, characters that a terminal would obey or hide (escape sequences,
text direction marks, zero-width letters) are written out, and it never passes as markup.
"""

from __future__ import annotations

import json
import os
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_PLAIN_WIDTH = 140
_PLAIN_INTERVAL_S = 5.0
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def open_console(*, errors: bool = False) -> Console:
    """Return a console on standard output, or on standard error.

    A file or a pipe has no width of its own; it gets 140 columns unless the environment's ``COLUMNS`` says otherwise.
    """
    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def visible(text: str) -> str:
    """Write out every control, format and unassigned character, so that what is printed is what is there.

    >>> visible("Lung\\x1b[31m_L")
    'Lung\\\\x1b[31m_L'
    """
    if text.isprintable() and text.isascii():
        return text
    return "".join(_written_out(char) if unicodedata.category(char) in _HIDDEN else char for char in text)


def _written_out(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def roi_text(name: str, style: str = "") -> Text:
    """A ROI name for a table cell: never markup, nothing hidden."""
    return Text(visible(name), style=style)


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json_text(value))


def print_table(text: str) -> None:
    """Write a rendered CSV table to standard output as it is: UTF-8, its own line ends."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    sys.stdout.write(text)


def json_text(value: Any) -> str:
    """One JSON document as text that ends its last line."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


@contextmanager
def progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show how far a long work is, on standard error; yields the function that takes steps.

    A terminal gets a bar. Anything else gets a plain line, at most every five seconds, and one at the end.
    """
    console = open_console(errors=True)
    if not console.is_terminal:
        yield from _plain_progress(what, total, console)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


def _plain_progress(what: str, total: int, console: Console) -> Iterator[Callable[[int], None]]:
    done = 0
    spoken_s = time.monotonic()

    def advance(steps: int) -> None:
        nonlocal done, spoken_s
        done += steps
        if time.monotonic() - spoken_s >= _PLAIN_INTERVAL_S:
            spoken_s = time.monotonic()
            console.print(f"{what}: {done} of {total}", markup=False)

    try:
        yield advance
    finally:
        console.print(f"{what}: {done} of {total}", markup=False)
