"""What the language model answered, kept so that the same name gets the same answer, once and for good.

One SQLite file. An answer is found by the question (words, context, offered ids), the model's digest, the digest of the
prompts, that of the nomenclature, and how it was asked; with another model or another list everything is asked anew.
Several processes may use the file at the same time: of two answers to one question the first stays.

Losing this file loses nothing but time. It holds words of ROI names, and nothing of a patient.
"""

from __future__ import annotations

import json
import sqlite3
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import Any

from tg263_scp.errors import ModelError
from tg263_scp.model import Choice

IN_MEMORY = Path(":memory:")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, choice TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS models (name TEXT PRIMARY KEY, digest TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID;
"""


class AnswerStore:
    """The open file of answers; :data:`IN_MEMORY` keeps them for the life of the process only.

    A file that is no such file any more is put aside, and a new one begun.

    Raises:
        ModelError: (by each method too; reason ``memory``) the file cannot be used.
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
                path.replace(path.with_name(path.name + ".broken"))
                self._connection = _opened(path)
            if path != IN_MEMORY:
                path.chmod(0o600)
        except (sqlite3.Error, OSError) as problem:
            raise self._refused(problem) from problem

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def answer(self, key: str) -> Choice | None:
        """Return what was answered to a question, marked as remembered; None where it was never answered."""
        row = self._row("SELECT choice FROM answers WHERE key=?", key)
        return replace(_choice(row[0]), remembered=True) if row else None

    def keep_answer(self, key: str, choice: Choice) -> None:
        """Keep an answer; one that is there already stays."""
        text = json.dumps(asdict(choice), ensure_ascii=False)
        self._write("INSERT OR IGNORE INTO answers VALUES (?, ?, ?)", key, text, self._clock())

    def model_digest(self, name: str) -> str:
        """Return the digest that the model of this name had when it was last seen, ``""`` where it never was."""
        row = self._row("SELECT digest FROM models WHERE name=?", name)
        return str(row[0]) if row else ""

    def keep_model(self, name: str, digest: str) -> None:
        """Keep the digest of a model that answers now."""
        self._write("INSERT OR REPLACE INTO models VALUES (?, ?, ?)", name, digest, self._clock())

    def vector(self, key: str) -> array[float] | None:
        """Return the embedding of a text, None where it was never embedded."""
        row = self._row("SELECT vector FROM vectors WHERE key=?", key)
        if row is None:
            return None
        vector = array("f")
        vector.frombytes(bytes(row[0]))
        return vector

    def keep_vector(self, key: str, vector: Sequence[float]) -> None:
        """Keep the embedding of a text."""
        self._write("INSERT OR REPLACE INTO vectors VALUES (?, ?)", key, array("f", vector).tobytes())

    def _row(self, query: str, *values: object) -> tuple[Any, ...] | None:
        try:
            with self._lock:
                row: tuple[Any, ...] | None = self._connection.execute(query, values).fetchone()
            return row
        except sqlite3.Error as problem:
            raise self._refused(problem) from problem

    def _write(self, statement: str, *values: object) -> None:
        try:
            with self._lock:
                self._connection.execute(statement, values)
        except sqlite3.Error as problem:
            raise self._refused(problem) from problem

    def _refused(self, problem: Exception) -> ModelError:
        said = problem.strerror if isinstance(problem, OSError) else str(problem)
        return ModelError(
            "memory",
            f"the file of the model's answers {self._path} cannot be used: {said}",
            hint="see llm.cache_file; the file may be removed, the model is then asked again",
        )


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.executescript(_SCHEMA)
    return connection


def _choice(text: object) -> Choice:
    fields = json.loads(str(text))
    fields["answer"] = tuple(tuple(pair) for pair in fields["answer"])
    fields["votes"] = tuple(tuple(pair) for pair in fields["votes"])
    return Choice(**fields)
