"""CSV tables as people really have them: a byte order mark, semicolons, Excel's tabs; and never a guess about a column.

Refused, with the line: two columns of one name, a row with more fields than the header, bytes that are not text.

Spreadsheets calculate what begins with ``=``, ``+``, ``-`` or ``@``, and the name of a ROI may. So tables that we write for
people to open (:func:`sheet_text`) have an apostrophe before such a cell, and :meth:`Table.column` takes it off again.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tg263_scp.durable import whole_file
from tg263_scp.errors import Tg263Error
from tg263_scp.tools.shared.exitcode import UsageError

_DELIMITERS = (",", ";", "\t")
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_FIELD_LIMIT_BYTES = 1 << 20
_CALCULATED = re.compile(r"'*[=+\-@\x00-\x1f\x7f-\x9f]")
"""How a cell begins that a spreadsheet may obey, or that would look as if it were guarded."""


class TableError(UsageError):
    """A table cannot be used as it is."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as read: its own header spelling, its own delimiter, every field as it is written there."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str = ","
    lines: tuple[int, ...] = ()

    def line_of(self, row: int) -> int:
        """The line of the file on which a row ends, counted from 1; of a table that was not read, as if it had been."""
        return self.lines[row] if self.lines else row + 2

    def column(self, name: str) -> tuple[str, ...] | None:
        """What the fields of a column mean, top to bottom; None where the table has no such column."""
        keys = [_key(title) for title in self.header]
        if name not in keys:
            return None
        index = keys.index(name)
        return tuple(unguarded(row[index]) for row in self.rows)

    def required(self, name: str) -> tuple[str, ...]:
        """The fields of a column that must be there.

        Raises:
            TableError: the table has no such column.
        """
        fields = self.column(name)
        if fields is None:
            found = ", ".join(self.header) or "nothing"
            raise TableError(
                f"the table has no column '{name}'",
                hint=f"the first line must name the columns; it names: {found}",
            )
        return fields

    def optional(self, name: str) -> tuple[str, ...]:
        """The fields of a column, empty texts where the table has no such column."""
        return self.column(name) or ("",) * len(self.rows)


def _key(title: str) -> str:
    return title.strip().casefold()


def read_table(path: Path) -> Table:
    """Read a CSV file: UTF-8 (with or without byte order mark) or UTF-16; comma, semicolon or tab.

    Raises:
        TableError: not readable, not text, no header, a column named twice, or a row longer than the header.
    """
    text = _decoded(path)
    delimiter = _sniffed(text)
    csv.field_size_limit(_FIELD_LIMIT_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = tuple(next(reader, ()))
        if not header:
            raise TableError(f"{path} is empty", hint="the first line must name the columns")
        _refuse_repeated(header, path)
        numbered = [
            (reader.line_num, _fitted(fields, len(header), path, reader.line_num))
            for fields in reader
            if fields or len(header) == 1
        ]
    except csv.Error as problem:
        raise TableError(
            f"{path}:{reader.line_num}: not a CSV table: {problem}", hint="look at the quotes"
        ) from problem
    rows = tuple(fields for _, fields in numbered)
    return Table(header, rows, delimiter, tuple(line for line, _ in numbered))


def _decoded(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as problem:
        said = problem.strerror or "cannot be read"
        raise TableError(f"{path}: {said}", hint="give the path of a CSV file") from problem
    encoding = "utf-16" if raw[:2] in _UTF16_MARKS else "utf-8-sig"
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        raise TableError(f"{path}:{line}: not UTF-8 text", hint="save the table as 'CSV UTF-8'") from problem


def _sniffed(text: str) -> str:
    """The delimiter that occurs most often in the header outside quotes; a comma where none does."""
    header = text.split("\n", 1)[0]
    outside = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _refuse_repeated(header: Sequence[str], path: Path) -> None:
    seen: set[str] = set()
    for title in header:
        if _key(title) in seen and _key(title):
            raise TableError(
                f"{path}:1: the column '{title}' stands there twice", hint="remove or rename one of them"
            )
        seen.add(_key(title))


def _fitted(fields: list[str], width: int, path: Path, line: int) -> tuple[str, ...]:
    if any(fields[width:]):
        raise TableError(
            f"{path}:{line}: {len(fields)} fields, but the header names {width}",
            hint="a field that holds the delimiter must stand in quotes",
        )
    return tuple(fields[:width]) + ("",) * (width - len(fields))


def table_text(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    """Render a table as CSV (RFC 4180: CR LF, quotes where needed)."""
    return _rendered((header, *rows), delimiter)


def _rendered(rows: Iterable[Sequence[object]], delimiter: str) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()


def guarded(cell: str) -> str:
    """Return a cell with an apostrophe before it where a spreadsheet might calculate or obey it.

    >>> [guarded(cell) for cell in ("Lung_L", "-PTV", "=1+1", "'-PTV", "'s")]
    ['Lung_L', "'-PTV", "'=1+1", "''-PTV", "'s"]
    """
    return f"'{cell}" if _CALCULATED.match(cell) else cell


def unguarded(cell: str) -> str:
    """Return what :func:`guarded` was given.

    >>> [unguarded(cell) for cell in ("Lung_L", "'-PTV", "-PTV", "''-PTV", "'s")]
    ['Lung_L', '-PTV', '-PTV', "'-PTV", "'s"]
    """
    return cell[1:] if cell.startswith("'") and _CALCULATED.match(cell) else cell


def sheet_text(rows: Iterable[Sequence[str]]) -> str:
    """Render rows for people to open: as :func:`table_text` does, each cell :func:`guarded`."""
    return _rendered((tuple(map(guarded, row)) for row in rows), ",")


def counted_text(counts: Mapping[str, int]) -> str:
    """Return counts as one cell, one a line, the most frequent first.

    >>> counted_text({"ORGAN": 2, "": 5})
    '=5\\nORGAN=2'
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(f"{' '.join(text.split(chr(10)))}={count}" for text, count in ordered)


def counts_of(cell: str) -> dict[str, int]:
    """Return what :func:`counted_text` was given.

    >>> counts_of("=5\\nORGAN=2")
    {'': 5, 'ORGAN': 2}

    Raises:
        ValueError: a line does not end in a count.
    """
    lines = (line.rpartition("=") for line in cell.split("\n") if line)
    return {text: int(count) for text, _, count in lines}


def write_atomically(path: Path, text: str) -> None:
    """Write a whole text file (UTF-8) or nothing; a link is followed, and a device or a pipe is written to.

    Raises:
        Tg263Error: the file or its folder cannot be written.
    """
    content = text.encode()
    try:
        if path.exists() and not path.is_file():
            # /dev/null must stay what it is, also where root asks for it.
            path.write_bytes(content)
            return
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(target, replace=True, private=True) as (file, _):
            file.write(content)
    except OSError as problem:
        raise Tg263Error(
            f"{path}: {problem.strerror or 'cannot be written'}", hint="check the folder and its permissions"
        ) from problem
