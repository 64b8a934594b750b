"""The file under the journal: one SQLite database, one connection, one function that changes states.

Every transaction is on the disk when it returns (WAL, ``synchronous=FULL``). The connection is shared by all threads
under a lock; another process (``tg263-scp queue``) may work on the same file at the same time.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from threading import RLock
from typing import Any

from tg263_scp.errors import DamagedJournalError, JournalError
from tg263_scp.service.journal.states import TRANSITIONS, ObjectState

JOURNAL_NAME = "journal.sqlite"
"""Name of the journal inside the spool folder."""
ADOPT_HINT = "keep the files, stop the node, and run 'tg263-scp queue adopt': it makes a new journal of spool and audit log"

SCHEMA_VERSION = 8
_SCHEMA = """
CREATE TABLE objects (
    job INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL,
    sop_class_uid TEXT NOT NULL,
    sop_instance_uid TEXT NOT NULL,
    transfer_syntax_uid TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    dataset_bytes INTEGER NOT NULL,
    calling_ae_title TEXT NOT NULL,
    peer_address TEXT NOT NULL,
    received_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    other_version INTEGER NOT NULL,
    next_state TEXT NOT NULL DEFAULT '',
    sends_result INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL DEFAULT '',
    called_ae_title TEXT NOT NULL DEFAULT '',
    route TEXT NOT NULL DEFAULT '',
    unanswered INTEGER NOT NULL DEFAULT 0,
    study TEXT NOT NULL DEFAULT '',
    returns INTEGER NOT NULL DEFAULT 0,
    returning_since REAL NOT NULL DEFAULT 0,
    result_sha256 TEXT NOT NULL DEFAULT '',
    on_request INTEGER NOT NULL DEFAULT 0,
    wish TEXT NOT NULL DEFAULT '',
    made_under TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX object_identity ON objects (sop_instance_uid, sha256, route) WHERE state <> 'EXPIRED';
CREATE INDEX object_uid ON objects (sop_instance_uid);
CREATE INDEX object_state ON objects (state, job);
CREATE TABLE deliveries (
    job INTEGER NOT NULL REFERENCES objects (job),
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    queued_at REAL NOT NULL,
    next_attempt_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    status INTEGER,
    error TEXT NOT NULL DEFAULT '',
    variant TEXT NOT NULL DEFAULT '',
    aside INTEGER NOT NULL DEFAULT 0,
    aside_since REAL NOT NULL DEFAULT 0,
    sent_uid TEXT NOT NULL DEFAULT '',
    sent_sha256 TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (job, destination)
) WITHOUT ROWID;
CREATE INDEX delivery_state ON deliveries (destination, state, job);
CREATE INDEX delivery_sent_uid ON deliveries (sent_uid, destination) WHERE sent_uid<>'';
CREATE TABLE run (alive_at REAL NOT NULL);
"""
_UPGRADES = {
    1: """
ALTER TABLE objects ADD COLUMN called_ae_title TEXT NOT NULL DEFAULT '';
ALTER TABLE objects ADD COLUMN route TEXT NOT NULL DEFAULT '';
DROP INDEX object_identity;
CREATE UNIQUE INDEX object_identity ON objects (sop_instance_uid, sha256, route) WHERE state <> 'EXPIRED';
""",
    2: "ALTER TABLE deliveries ADD COLUMN variant TEXT NOT NULL DEFAULT '';\n",
    3: "ALTER TABLE deliveries ADD COLUMN aside INTEGER NOT NULL DEFAULT 0;\n",
    4: "ALTER TABLE objects ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0;\n",
    5: """
ALTER TABLE objects ADD COLUMN study TEXT NOT NULL DEFAULT '';
ALTER TABLE objects ADD COLUMN returns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE objects ADD COLUMN returning_since REAL NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN aside_since REAL NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN sent_uid TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN sent_sha256 TEXT NOT NULL DEFAULT '';
CREATE INDEX delivery_sent ON deliveries (sent_sha256, sent_uid) WHERE sent_sha256<>'';
""",
    6: "CREATE TABLE run (alive_at REAL NOT NULL);\n",
    7: """
ALTER TABLE objects ADD COLUMN result_sha256 TEXT NOT NULL DEFAULT '';
ALTER TABLE objects ADD COLUMN on_request INTEGER NOT NULL DEFAULT 0;
ALTER TABLE objects ADD COLUMN wish TEXT NOT NULL DEFAULT '';
ALTER TABLE objects ADD COLUMN made_under TEXT NOT NULL DEFAULT '';
DROP INDEX delivery_sent;
CREATE INDEX delivery_sent_uid ON deliveries (sent_uid, destination) WHERE sent_uid<>'';
""",
}
"""What makes a journal of the next version of one of this version; nothing in it is lost."""


class Database:
    """The open journal file; one of an earlier version is brought up to date where ``upgrade`` is true, else refused."""

    def __init__(self, path: Path, clock: Callable[[], float] | None, *, upgrade: bool) -> None:
        self.path = path
        self.clock = clock or self._time_of_node
        self._lock = RLock()
        try:
            # SQLite would make it readable for everybody, and its companions (WAL) as it is.
            made = not path.exists()
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            if made and hasattr(os, "geteuid") and os.geteuid() == 0:
                # Made by an administrator for a node that runs as another user: the owner of the spool.
                owner = path.parent.stat()
                os.chown(path, owner.st_uid, owner.st_gid)
            with suppress(OSError):  # of another owner, who let us write there
                path.chmod(0o600)
            found = path.stat()
            self._identity = (found.st_dev, found.st_ino)
        except OSError as problem:
            raise JournalError(
                f"the journal {path} cannot be opened: {problem.strerror}",
                hint="let this user write there; look whether the disk is mounted read-only",
            ) from problem
        try:
            self._connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=30
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute("PRAGMA foreign_keys=ON")
            # A record holds names of ROIs until its line is in the audit log: nothing of it stays behind in free pages.
            self._connection.execute("PRAGMA secure_delete=ON")
            self._make_or_check_schema(upgrade=upgrade)
        except sqlite3.Error as problem:
            raise self._refusal("cannot be opened", problem) from problem

    def _make_or_check_schema(self, *, upgrade: bool) -> None:
        with self.transaction() as db:
            version = found = db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                _run(db, _SCHEMA)
                version = SCHEMA_VERSION
            while upgrade and version in _UPGRADES:
                _run(db, _UPGRADES[version])
                version += 1
            if version != SCHEMA_VERSION:
                hint = (
                    "the node of this program version brings it up to date when it starts"
                    if version in _UPGRADES
                    else "use the program version that wrote it, or let it finish its queue first"
                )
                raise JournalError(
                    f"the journal {self.path} has schema version {version}, this program knows {SCHEMA_VERSION}",
                    hint=hint,
                )
            if version != found:
                db.execute(f"PRAGMA user_version={version}")

    def close(self) -> None:
        """Close the file; what was committed is on the disk already."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run the block as one transaction: durable after it, undone where it raises.

        Raises:
            JournalError: the file cannot be written.
        """
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as problem:
                raise self._refusal("refuses", problem) from problem

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """Read rows outside a transaction.

        Raises:
            JournalError: the file cannot be read.
        """
        with self._lock:
            try:
                return self._connection.execute(query, values).fetchall()
            except sqlite3.Error as problem:
                raise self._refusal("cannot be read", problem) from problem

    def alive_at(self) -> float | None:
        """Return when the node last noted that it is alive; None where none has."""
        rows = self.rows("SELECT alive_at FROM run")
        return float(rows[0]["alive_at"]) if rows else None

    def _time_of_node(self) -> float:
        alive_at = self.alive_at()
        return time.time() if alive_at is None else alive_at

    def check(self) -> None:
        """Read every page of the file.

        Raises:
            DamagedJournalError: it is not a whole database.
        """
        (found,) = self.rows("PRAGMA quick_check(1)")[0]
        if found != "ok":
            raise DamagedJournalError(f"the journal {self.path} is damaged", hint=ADOPT_HINT)

    def in_place(self) -> bool:
        """Tell whether the open file still is the one at its path: neither removed nor replaced."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _refusal(self, what: str, problem: sqlite3.Error) -> JournalError:
        # SQLite's own class for a file that is no database, or no longer a whole one; those derived from it are faults of
        # the disk or of a statement.
        damaged = type(problem) is sqlite3.DatabaseError
        kind = DamagedJournalError if damaged else JournalError
        return kind(f"the journal {self.path} {what}: {problem}", hint=ADOPT_HINT if damaged else "")

    def move(self, db: sqlite3.Connection, key: tuple[Any, ...], to: StrEnum, **columns: Any) -> None:
        """Change the state of an object (key: job) or a delivery (key: job, destination), and columns with it.

        Raises:
            JournalError: there is no such row, or :data:`TRANSITIONS` does not allow the change.
        """
        kind: type[StrEnum] = type(to)
        table, where = (
            ("objects", "job=?") if kind is ObjectState else ("deliveries", "job=? AND destination=?")
        )
        row = db.execute(f"SELECT state FROM {table} WHERE {where}", key).fetchone()
        if row is None:
            raise JournalError(f"the journal knows no {table[:-1]} {key}")
        if to not in TRANSITIONS[kind(row["state"])]:
            raise JournalError(f"{table[:-1]} {key} is {row['state']} and cannot become {to}")
        columns = {"state": str(to), "changed_at": self.clock(), **columns}
        assignments = ", ".join(f"{name}=?" for name in columns)
        db.execute(f"UPDATE {table} SET {assignments} WHERE {where}", (*columns.values(), *key))


def _run(db: sqlite3.Connection, statements: str) -> None:
    """Run statements one by one: ``executescript`` would end the transaction."""
    for statement in statements.split(";\n"):
        db.execute(statement)
