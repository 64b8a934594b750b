"""The matrix of what was tried with which foreign peer, made of the tests that ran.

A test says which cells it stands for: ``@pytest.mark.cell(TABLE, ROW, COLUMN)``, where ``{name}`` in row or column is the
parameter of that name. ``TG263_MATRIX=FILE pytest conformance`` writes what became of them. A cell has passed where all of its
tests have; it is *not run* where one was skipped or left out. What no test stands for is empty.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PASSED, FAILED, NOT_RUN = "passed", "**failed**", "*not run*"

_BOTH_WAYS = ("DCMTK calls", "Orthanc calls", "DCMTK is called", "Orthanc is called")


@dataclass(frozen=True)
class Table:
    """What the cells of a table show, and its columns in their order."""

    shows: str
    columns: tuple[str, ...]


TABLES: dict[str, Table] = {
    "Transfer syntaxes": Table(
        "A structure set in each uncompressed transfer syntax (PS3.5 A.1, A.2, A.3, A.5) arrives with its new names and "
        "otherwise as sent; a compressed image (PS3.5 A.4) arrives byte for byte.",
        (
            *("storescu sends", "dcmsend sends", "Orthanc sends", "movescu lets Orthanc send"),
            *("storescp receives", "dcmrecv receives", "Orthanc receives", "plastimatch reads"),
        ),
    ),
    "SOP classes": Table(
        "An object of the storage SOP class (PS3.4 B.5) arrives byte for byte, the RT Structure Set with its new names. It "
        "carries what identifies it, private elements and, for images, pixels, but is no complete instance of its IOD.",
        (
            *("storescu sends", "dcmsend sends", "Orthanc sends"),
            *("storescp receives", "dcmrecv receives", "Orthanc receives"),
        ),
    ),
    "PDU sizes": Table(
        "Objects of megabytes pass with this Maximum Length (PS3.8 D.1): what the peer sends, and what it accepts.",
        ("storescu sends", "storescp receives"),
    ),
    "Roles": Table("Who calls whom for what, and what is refused (PS3.4 A, B; PS3.8 9.3).", _BOTH_WAYS),
    "Aborts and outages": Table(
        "Nothing is lost or counted twice when one side breaks off, is down, refuses or is killed (PS3.4 B.2.3).",
        _BOTH_WAYS,
    ),
    "TLS": Table(
        "Objects pass over TLS with certificates on both sides (PS3.15 B.12), and what is not right is refused by this node. "
        "The profiles of DCMTK 3.6.7 are the older ones of BCP 195: `+px` and `+py` speak TLS 1.3, `+pz` 1.2 alone, and with "
        "an ECDSA certificate only it does.",
        _BOTH_WAYS,
    ),
    "Reading back": Table(
        "Whether a destination has the relabelled set: asked for the object (C-GET, PS3.4 C.4.3) or its commitment (PS3.4 J). "
        "Orthanc held the original before. As it comes it keeps that, and answers success.",
        ("Orthanc, as it comes", "Orthanc, overwriting"),
    ),
    "Character sets": Table(
        "A structure set with names in this character set (PS3.3 C.12.1.1.2) arrives; the peer reads its new names, and those "
        "that stayed in their own script.",
        ("dcmdump reads", "Orthanc reads"),
    ),
    "Encodings": Table(
        "A structure set that dcmconv has written so is relabelled with provenance: dcmdump reads its new names, neither it "
        "nor dciodvfy finds anything new, and `revert` gives back the file (of a deflated data set, the inflated one).",
        ("dcmdump", "dciodvfy", "revert"),
    ),
    "The relabelled object": Table(
        "What programs of others make of an object that the node has written.",
        ("dcmdump", "dcmodify", "dciodvfy", "Orthanc", "plastimatch"),
    ),
}


@dataclass(frozen=True)
class Cell:
    """One cell of one table."""

    table: str
    row: str
    column: str

    def __post_init__(self) -> None:
        """Refuse what would never be shown."""
        if self.table not in TABLES or self.column not in TABLES[self.table].columns:
            raise pytest.UsageError(f"matrix.py has no table '{self.table}' with a column '{self.column}'")


@dataclass
class Matrix:
    """Every cell with its tests, and what became of each test; ``is_whole`` where all files of tests were collected."""

    cells: dict[Cell, list[str]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    is_whole: bool = False

    def declare(self, test: str, marks: Iterable[pytest.Mark], parameters: Mapping[str, object]) -> None:
        """Enter the cells that a test stands for."""
        for mark in marks:
            table, row, column = (str(text).format_map(parameters) for text in mark.args)
            self.cells.setdefault(Cell(table, row, column), []).append(test)

    def note(self, test: str, outcome: str, reason: str = "") -> None:
        """Note what became of a test or of its setup or teardown: once failed it stays so."""
        if self.outcomes.get(test) != FAILED:
            self.outcomes[test] = outcome
        if reason:
            self.reasons[test] = reason

    def state(self, cell: Cell) -> str:
        """Return what became of a cell; empty where no test stands for it."""
        states = {self.outcomes.get(test, NOT_RUN) for test in self.cells.get(cell, ())}
        return next((state for state in (FAILED, NOT_RUN, PASSED) if state in states), "")

    def count(self, state: str) -> int:
        """Return how many cells are in a state."""
        return sum(self.state(cell) == state for cell in self.cells)

    def markdown(self, peers: Iterable[str]) -> str:
        """Return all tables, below the versions they stand for."""
        versions = [f"{name} {version(name)}" for name in ("tg263-scp", "pydicom", "pynetdicom")]
        system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
        counted = ", ".join(f"{self.count(state)} {state.strip('*')}" for state in (PASSED, FAILED, NOT_RUN))
        parts = [
            "# What was tried with which foreign peer",
            "Made by `TG263_MATRIX=conformance/matrix.md pytest conformance`; do not edit. An empty cell is one that no test "
            "stands for; a cell whose test was skipped or left out is *not run*. The tests stand in [README.md](README.md).",
            "\n".join(f"- {line}" for line in (*sorted(peers), ", ".join([*versions, system]))),
            f"{datetime.now(UTC):%Y-%m-%d}: {counted}.",
        ]
        for title, table in TABLES.items():
            parts += [f"## {title}", table.shows, *self._table(title, table)]
        return "\n\n".join(parts) + "\n"

    def _table(self, title: str, table: Table) -> list[str]:
        cells = [cell for cell in self.cells if cell.table == title]
        lines = ["| | " + " | ".join(table.columns) + " |", "|---" * (len(table.columns) + 1) + "|"]
        for row in dict.fromkeys(cell.row for cell in cells):
            states = [self.state(Cell(title, row, column)) for column in table.columns]
            lines.append(f"| {_escaped(row)} | " + " | ".join(states) + " |")
        why: dict[str, list[str]] = {}
        for cell in cells:
            if self.state(cell) == NOT_RUN:
                for reason in sorted({self.reasons.get(test, "left out") for test in self.cells[cell]}):
                    why.setdefault(reason, []).append(f"{_escaped(cell.row)} ({cell.column})")
        reasons = [f"- not run, {reason}: {', '.join(of)}" for reason, of in why.items()]
        return ["\n".join(lines), *(["\n".join(reasons)] if reasons else [])]


def cells_of(markdown: str) -> set[tuple[str, str, str]]:
    """Return table, row and column of every cell that is not empty in a written matrix."""
    found: set[tuple[str, str, str]] = set()
    for section in re.split(r"^## ", markdown, flags=re.MULTILINE)[1:]:
        title, _, text = section.partition("\n")
        head, _, *rows = (_columns(line) for line in text.splitlines() if line.startswith("|"))
        found |= {
            (title, row[0], name)
            for row in rows
            for name, state in zip(head, row, strict=True)
            if state and name
        }
    return found


def _columns(line: str) -> list[str]:
    return [_unescaped(part.strip()) for part in re.split(r"(?<!\\)\|", line)[1:-1]]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|")


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
