"""What reaches the screen: consoles, progress and JSON, the same way for every verb.

Names, AE titles, answers and paths are text from outside. Whatever a verb shows goes through this module, and here
characters that a terminal would obey or hide (escape sequences, text direction marks, zero-width letters) are written out
and square brackets stay square brackets. So a verb cannot forget it; ``print`` and consoles made elsewhere are refused by
the linter and by a test.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.segment import Segment
from rich.text import Text

from tg263_scp.errors import Tg263Error
from tg263_scp.hidden import replaced, visible_json

_PLAIN_WIDTH = 140
_PLAIN_INTERVAL_S = 5.0


def open_console(*, errors: bool = False) -> Console:
    """Return a console on standard output, or on standard error.

    A file or a pipe has no width of its own; it gets 140 columns unless the environment's ``COLUMNS`` says otherwise.
    """
    stream = sys.stderr if errors else sys.stdout
    width = None if stream.isatty() or os.environ.get("COLUMNS") else _PLAIN_WIDTH
    return _LiteralConsole(file=stream, width=width, markup=False, emoji=False, highlight=False)


class _LiteralConsole(Console):
    """Shows a ``str`` as it is, in one line: no markup, nothing that the terminal obeys, nothing hidden.

    Lines, styles and colours are made with the classes of rich, never with characters of the text.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Make the text that stands for a ``str``, also in the cells and titles of tables."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is written; a ``Text`` made of a raw name comes out harmless too, though perhaps not aligned."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible_lines(segment.text), segment.style)


class LogFormatter(logging.Formatter):
    """Formats each message as one line: the AE title or the answer of a peer can neither begin another nor hide in it."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (the name is logging's)
        """Return the message with its head, in one line."""
        return visible(super().formatMessage(record))


class TimedFormatter(LogFormatter):
    """Formats each message as one line with its local time and the offset of that from UTC (ISO 8601)."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        """Return the time of the message to the millisecond."""
        return _local_time(record)


class JsonFormatter(logging.Formatter):
    """Formats each message as one JSON object, for programs that collect logs."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object in one line; what would hide something stands there as ``\\u....``."""
        told = {
            "time": _local_time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return visible_json(json.dumps(told, ensure_ascii=False))


_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


def _local_time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


def begin_log(level: str = "info", file: Path | None = None, form: str = "text") -> None:
    """Let a verb that runs until it is told to stop write its log, to standard error or to a file.

    A file that another program has renamed is left, and a new one begun (not on Windows, which forbids the renaming).

    Raises:
        Tg263Error: the file cannot be written.
    """
    try:
        handler = logging.StreamHandler(sys.stderr) if file is None else _log_file(file)
    except OSError as problem:
        raise Tg263Error(
            f"the log {file} cannot be written: {problem.strerror}", hint="look at log.file and its folder"
        ) from problem
    handler.setFormatter(JsonFormatter() if form == "json" else TimedFormatter())
    # Libraries tell identifiers when they debug: they never do here.
    logging.basicConfig(level=max(logging.INFO, _LEVELS[level]), handlers=[handler], force=True)
    logging.getLogger("tg263_scp").setLevel(_LEVELS[level])


def _log_file(file: Path) -> logging.FileHandler:
    file.parent.mkdir(parents=True, exist_ok=True)
    kind = logging.FileHandler if os.name == "nt" else WatchedFileHandler
    return kind(file, encoding="utf-8", errors="backslashreplace")


def visible(text: str) -> str:
    """Write out every control, format and unassigned character, line ends too: what is printed is what is there.

    >>> visible("Lung\\x1b[31m_L")
    'Lung\\\\x1b[31m_L'
    """
    return replaced(text, _written_out)


def visible_lines(text: str) -> str:
    """Write out what a terminal would obey or hide, but for line ends."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _written_out(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def roi_text(name: str, style: str = "") -> Text:
    """A ROI name for a table cell: never markup, nothing hidden."""
    return Text(visible(name), style=style)


def say(text: str, *, errors: bool = False) -> None:
    """Write one line to standard output, or to standard error."""
    stream = sys.stderr if errors else sys.stdout
    stream.write(visible(text) + "\n")


def say_lines(text: str) -> None:
    """Write a text of several lines to standard output."""
    sys.stdout.write(visible_lines(text))


def complain(problem: object) -> None:
    """Write what went wrong to standard error, with its hint in a line of its own."""
    sys.stderr.write(visible_lines(f"tg263-scp: {problem}") + "\n")


def confirmed(question: str) -> bool | None:
    """Ask whoever sits at the terminal; None where nobody does."""
    if not sys.stdin.isatty():
        return None
    sys.stdout.write(f"{visible(question)}? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json_text(value))


def print_json_rows(rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a JSON list to standard output, each entry in a line of its own: there may be very many."""
    lines = (visible_json(json.dumps(row, ensure_ascii=False)) for row in rows)
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")


def print_table(text: str) -> None:
    """Write a rendered CSV table to standard output: UTF-8, its own line ends.

    A file or a pipe gets it as it is; a terminal, with what it would obey written out.
    """
    if sys.stdout.isatty():
        text = visible_lines(text.replace("\r\n", "\n"))
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="")
    sys.stdout.write(text)


def json_text(value: Any) -> str:
    """One JSON document as text that ends its last line; what a terminal would obey or hide stands there as ``\\u....``.

    >>> json_text("Lung\\u202e_L")
    '"Lung\\\\u202e_L"\\n'
    """
    return visible_json(json.dumps(value, ensure_ascii=False, indent=2)) + "\n"


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
        TextColumn("{task.description}", markup=False),
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
            console.print(f"{what}: {done} of {total}")

    try:
        yield advance
    finally:
        console.print(f"{what}: {done} of {total}")
