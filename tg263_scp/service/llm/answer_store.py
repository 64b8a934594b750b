"""What the language model answered, kept so that the same name gets the same answer, once and for good.

One SQLite file. An answer is found by the question (open names, their set, offered ids), the model's digest, the digest of the
prompts, that of the nomenclature, and how it was asked; with another model or another list everything is asked anew.
Several processes may use the file at the same time: of two answers to one question the first stays.

Losing this file loses nothing but time. It holds digests of questions, the structures that were chosen, and the places of
pieces in the names, no name as it was typed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sqlite3
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any

from tg263_scp.decision import Choice
from tg263_scp.errors import LlmError
from tg263_scp.naming.llm.choice import Readings

IN_MEMORY = Path(":memory:")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, choice TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS models (name TEXT PRIMARY KEY, digest TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS qualifications (key TEXT PRIMARY KEY, result TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""


class AnswerStore:
    """The open file of answers; :data:`IN_MEMORY` keeps them for the life of the process only.

    A new file is for its user alone. One that is no such file any more is put aside, and a new one begun.

    Raises:
        LlmError: (by each method too; reason ``memory``) the file cannot be used.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._lock = Lock()
        try:
            if path != IN_MEMORY:
                path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = _opened(path)
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                _put_aside(path)
                self._connection = _opened(path)
        except (sqlite3.Error, OSError) as problem:
            raise _unusable(self._path, problem) from problem

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def answer(self, key: str) -> Readings | None:
        """Return what was answered to a question, marked as remembered; None where it was never answered."""
        row = self._row("SELECT choice FROM answers WHERE key=?", key)
        readings = _readings(row[0]) if row else None
        if row and readings is None:
            self._write("DELETE FROM answers WHERE key=?", key)
        return readings

    def keep_answer(self, key: str, readings: Readings) -> None:
        """Keep an answer; one that is there already stays."""
        text = json.dumps([asdict(choice) if choice else None for choice in readings], ensure_ascii=False)
        self._write("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", key, text, self._clock())

    def model_digest(self, name: str) -> str:
        """Return the digest that the model of this name had when it was last seen, ``""`` where it never was."""
        row = self._row("SELECT digest FROM models WHERE name=?", name)
        return str(row[0]) if row else ""

    def keep_model(self, name: str, digest: str) -> None:
        """Keep the digest of a model that answers now."""
        self._write("INSERT OR REPLACE INTO models VALUES (?, ?, ?)", name, digest, self._clock())

    def qualification(self, key: str) -> dict[str, Any] | None:
        """Return what came of trying a model (see :mod:`tg263_scp.service.llm.qualifying`); None where it was not tried."""
        row = self._row("SELECT result FROM qualifications WHERE key=?", key)
        return dict(json.loads(row[0])) if row else None

    def keep_qualification(self, key: str, result: Mapping[str, Any]) -> None:
        """Keep what came of trying a model; the last trial counts."""
        text = json.dumps(dict(result), ensure_ascii=False)
        self._write("INSERT OR REPLACE INTO qualifications VALUES (?, ?, ?)", key, text, self._clock())

    def vector(self, text: str) -> array[float] | None:
        """Return the embedding of a text, None where it was never embedded."""
        row = self._row("SELECT vector FROM vectors WHERE key=?", _digest(text))
        if row is None:
            return None
        vector = array("f")
        vector.frombytes(bytes(row[0]))
        return vector

    def keep_vector(self, text: str, vector: Sequence[float]) -> None:
        """Keep the embedding of a text, not the text itself."""
        data = array("f", vector).tobytes()
        self._write("INSERT OR REPLACE INTO vectors VALUES (?, ?)", _digest(text), data)

    def _row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        try:
            with self._lock:
                row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
            return row
        except sqlite3.Error as problem:
            raise _unusable(self._path, problem) from problem

    def _write(self, statement: str, *values: object) -> None:
        try:
            with self._lock:
                self._connection.execute(statement, values)
        except sqlite3.Error as problem:
            raise _unusable(self._path, problem) from problem


def remembered_answers(path: Path) -> int:
    """Count the answers in a file without writing anything; a file that does not exist yet has none.

    Raises:
        LlmError: the file, or its folder, could not be used.
    """
    row = _looked_up(path, "answers", "SELECT COUNT(*) FROM answers")
    return int(row[0]) if row else 0


def kept_qualification(path: Path, key: str) -> dict[str, Any] | None:
    """Return what came of trying a model without writing anything; None where it was not tried.

    Raises:
        LlmError: the file, or its folder, could not be used.
    """
    row = _looked_up(path, "qualifications", "SELECT result FROM qualifications WHERE key=?", key)
    return dict(json.loads(row[0])) if row else None


def _looked_up(path: Path, table: str, query: str, *values: object) -> tuple[Any, ...] | None:
    """Return a row of a file that is only read; None where the file, or the table, does not exist yet."""
    place = next(each for each in (path, *path.absolute().parents) if each.exists())
    try:
        if not os.access(place, os.W_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        if place != path:
            return None
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            is_there = "SELECT 1 FROM sqlite_master WHERE type='table' AND name=?"
            if not connection.execute(is_there, (table,)).fetchone():
                return None
            row: tuple[Any, ...] | None = connection.execute(query, values).fetchone()
            return row
    except (OSError, sqlite3.Error) as problem:
        raise _unusable(path, problem) from problem


def _unusable(path: Path, problem: Exception) -> LlmError:
    said = problem.strerror if isinstance(problem, OSError) else str(problem)
    return LlmError(
        "memory",
        f"the file of the model's answers {path} cannot be used: {said}",
        hint="see llm.cache_file; the file may be removed, the model is then asked again",
    )


def _put_aside(path: Path) -> None:
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        with suppress(FileNotFoundError):
            # What was not yet written into the old file must not be taken for a part of the new one.
            path.with_name(name).replace(path.with_name(name + ".broken"))


def _opened(path: Path) -> sqlite3.Connection:
    if path != IN_MEMORY:
        path.touch(mode=0o600)  # SQLite gives its other files the rights of this one
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_SCHEMA)
    return connection


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _readings(text: object) -> Readings | None:
    """Read an answer; None where it is none of this program version."""
    try:
        return tuple(_choice(fields) if fields else None for fields in json.loads(str(text)))
    except (ValueError, TypeError, KeyError):
        return None


def _choice(fields: dict[str, Any]) -> Choice:
    answer = tuple(tuple(pair) for pair in fields["answer"])
    votes = tuple(tuple(pair) for pair in fields["votes"])
    return Choice(**{**fields, "answer": answer, "votes": votes, "remembered": True})
