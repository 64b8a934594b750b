"""The manifest of an archive run: one CSV row per ROI, written as the work goes on, so that a run can be resumed.

``row`` counts the rows of one object from 1 and ``rows`` says how many there are, so that an incomplete object is seen.
The rows of an object are on the disk before its copy gets its name. After a crash a manifest may therefore know objects
that have no copy yet, and end in half a row; it never lacks an object that has a copy.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tg263_scp.durable import whole_file
from tg263_scp.errors import Tg263Error
from tg263_scp.tools.shared.csv_tables import sheet_text, unguarded

COLUMNS = (
    "source",
    "output",
    "outcome",
    "reason",
    "row",
    "rows",
    "sop_instance_uid",
    "new_sop_instance_uid",
    "roi_number",
    "original_name",
    "status",
    "new_name",
    "rule",
    "name_reason",
    "confidence",
    "sha256_before",
    "sha256_after",
    "blanked_sha256",
    "roi_type",
    "candidates",
    "votes",
    "site",
    "sender",
    "manufacturer",
    "model",
    "station",
    "study_instance_uid",
    "series_instance_uid",
    "date",
    "ruling",
    "settings",
)
_OUTPUT, _OUTCOME, _REASON = (COLUMNS.index(name) for name in ("output", "outcome", "reason"))
_ROW, _ROWS = COLUMNS.index("row"), COLUMNS.index("rows")
_UID, _NEW_UID = COLUMNS.index("sop_instance_uid"), COLUMNS.index("new_sop_instance_uid")
_SETTINGS = COLUMNS.index("settings")
SHA256_BEFORE, _AFTER = COLUMNS.index("sha256_before"), COLUMNS.index("sha256_after")

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What a manifest knows of one file: its place among the files, what became of it and why, the digests (hex).

    ``new_sop_instance_uid`` is empty where the copy has the UID of its source. ``settings`` tells under what it was decided.
    """

    ordinal: int
    outcome: str
    reason: str
    sop_instance_uid: str
    new_sop_instance_uid: str
    sha256_before: str
    sha256_after: str
    settings: str


def without_copy(row: Row) -> Row:
    """The row of an object whose copy was not kept: the next one may record another time of day."""
    return (*row[:_AFTER], "", *row[_AFTER + 1 :])


def manifest_text(rows: Sequence[Row]) -> str:
    """A whole manifest with its header."""
    return sheet_text((COLUMNS, *rows))


class Manifest:
    """The manifest of one output folder, open for appending.

    ``known`` holds, by output, what earlier runs did.

    Raises:
        Tg263Error: the file there is no manifest of this program.
        OSError: it cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, Record] = {}
        self._superseded: set[int] = set()
        self._file: BinaryIO = path.open("a+b")
        try:
            if self._read() == 0:
                self._append(sheet_text((COLUMNS,)))
        except BaseException:
            self._file.close()
            raise

    def _read(self) -> int:
        """Learn what is known; cut half a row off the end; return the number of whole rows, the header included."""
        self._file.seek(0)
        rows = _WholeRows(self._file)
        header = next(rows, COLUMNS)
        if header != COLUMNS:
            raise Tg263Error(
                f"{self.path} is not a manifest of this version", hint="use another output folder"
            )
        for ordinal, record in enumerate(_records(rows)):
            output = record[0][_OUTPUT]
            if output in self.known:
                self._superseded.add(self.known.pop(output).ordinal)
            if len(record) == int(record[0][_ROWS]):
                wanted = (_OUTCOME, _REASON, _UID, _NEW_UID, SHA256_BEFORE, _AFTER, _SETTINGS)
                self.known[output] = Record(ordinal, *(record[0][column] for column in wanted))
            else:
                self._superseded.add(ordinal)
        self._file.truncate(rows.end)
        return rows.count

    def add(self, rows: Sequence[Row], *, at_once: bool = True) -> None:
        """Append the rows of one file; on the disk when this returns, or with the next that are.

        ``at_once`` is for a copy that is about to get its name. What was left out is looked at again after a crash.
        """
        earlier = self.known.get(rows[0][_OUTPUT])
        if earlier is not None:
            self._superseded.add(earlier.ordinal)
        self._append(sheet_text(rows), at_once)

    def _append(self, text: str, at_once: bool = True) -> None:
        self._file.write(text.encode("utf-8", "backslashreplace"))
        if at_once:
            self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file, and drop the rows of earlier runs that newer ones replace."""
        if not self._superseded:
            with self._file:
                self._sync()
            return
        self._file.flush()
        with whole_file(self.path, replace=True) as (kept, _), self._file:
            self._file.seek(0)
            self._copy_current(kept)

    def _copy_current(self, kept: BinaryIO) -> None:
        rows = _WholeRows(self._file)
        kept.write(sheet_text((next(rows),)).encode())
        for ordinal, record in enumerate(_records(rows)):
            if ordinal not in self._superseded:
                kept.write(sheet_text(record).encode("utf-8", "backslashreplace"))


def _records(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Group the rows of one object; each object begins with its row 1."""
    record: list[Row] = []
    for row in rows:
        if row[_ROW] == "1" and record:
            yield record
            record = []
        record.append(row)
    if record:
        yield record


class _WholeRows(Iterator[Row]):
    """The rows of a CSV file that are written to their end; ``end`` is the offset of the byte behind the last one."""

    def __init__(self, file: BinaryIO) -> None:
        self.count = 0
        self.end = file.tell()
        self._lines = iter(file)

    def __next__(self) -> Row:
        text = b""
        for line in self._lines:
            text += line
            if text.endswith(b"\r\n") and text.count(b'"') % 2 == 0:
                self.count += 1
                self.end += len(text)
                cells = next(csv.reader(io.StringIO(text.decode("utf-8"), newline="")))
                return tuple(map(unguarded, cells))
        raise StopIteration
