"""What is known of delivered objects at their destinations: an SQLite file of its own beside the journal.

It holds nothing that the destinations could not be asked for again: where it is lost, they are asked anew.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from threading import RLock

from tg263_scp.errors import JournalError

LEDGER_NAME = "readback.sqlite"
"""Name of the file inside the spool folder."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS proofs (
    job INTEGER NOT NULL,
    destination TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    transaction_uid TEXT NOT NULL DEFAULT '',
    sent_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    PRIMARY KEY (job, destination)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS requests (
    ae_title TEXT NOT NULL,
    transaction_uid TEXT NOT NULL,
    refs TEXT NOT NULL,
    asked_at REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at REAL NOT NULL,
    PRIMARY KEY (ae_title, transaction_uid)
) WITHOUT ROWID;
"""


class Proof(StrEnum):
    """What is known of an object at a destination; the values are stable: queue and audit log give them."""

    DUE = "due"
    """It was delivered, and the destination is to be asked."""
    ASKED = "asked"
    """It was asked for its commitment, and has not answered yet."""
    HELD_THERE = "held there"
    """It has committed itself to keep an object of this UID. Which version, a commitment does not say (PS3.4 J)."""
    VERIFIED = "verified"
    """It gave the object back: names and time of the relabelling are those that were sent."""
    OLD_VERSION_KEPT = "old version kept"
    """It gave back a version with other names: it kept what it had, and answered success."""
    OTHER_OBJECT = "other object"
    """It gave back another object, or one that cannot be read."""
    NOT_HELD = "not held"
    """It says that it has no such object."""
    UNKNOWN = "unknown"
    """It did not say in time."""


BAD = frozenset((Proof.OLD_VERSION_KEPT, Proof.OTHER_OBJECT, Proof.NOT_HELD, Proof.UNKNOWN))
"""What a person has to look at."""
OPEN = frozenset((Proof.DUE, Proof.ASKED))


@dataclass(frozen=True, slots=True)
class Entry:
    """A row: times are seconds since 1970, ``sent_at`` that of the delivery."""

    job: int
    destination: str
    state: Proof
    detail: str
    transaction_uid: str
    sent_at: float
    attempts: int
    due_at: float
    changed_at: float


@dataclass(frozen=True, slots=True)
class Request:
    """What a peer asked us to commit ourselves to: SOP class and instance UIDs; times are seconds since 1970."""

    ae_title: str
    transaction_uid: str
    references: tuple[tuple[str, str], ...]
    asked_at: float
    attempts: int
    due_at: float


class Ledger:
    """The open file; safe to use from every thread, and beside the node from another process."""

    def __init__(self, path: Path) -> None:
        """Open it, made where it does not exist.

        Raises:
            JournalError: it cannot be opened.
        """
        self._lock = RLock()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._connection = sqlite3.connect(
                path, isolation_level=None, check_same_thread=False, timeout=30
            )
            self._connection.row_factory = sqlite3.Row
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as problem:
            raise JournalError(
                f"{path} cannot be used: {problem}", hint="remove it: it is made anew"
            ) from problem

    def close(self) -> None:
        """Close it."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._connection
            except sqlite3.Error as problem:
                raise JournalError(f"the account of what is read back refuses: {problem}") from problem

    def begin(self, job: int, destination: str, sent_at: float, due_at: float) -> None:
        """Enter a delivery that is to be looked at; one that was looked at before begins anew where it was sent again."""
        with self._open() as db:
            db.execute(
                "INSERT INTO proofs (job, destination, state, sent_at, due_at, changed_at) VALUES (?1,?2,?3,?4,?5,?4)"
                " ON CONFLICT (job, destination) DO UPDATE SET state=?3, detail='', transaction_uid='', attempts=0,"
                " sent_at=?4, due_at=?5, changed_at=?4 WHERE sent_at<?4",
                (job, destination, Proof.DUE, sent_at, due_at),
            )

    def seen_until(self, destination: str) -> float:
        """Return when the newest delivery was sent that is entered for a destination; 0 where there is none."""
        with self._open() as db:
            row = db.execute("SELECT MAX(sent_at) FROM proofs WHERE destination=?", (destination,)).fetchone()
        return float(row[0] or 0.0)

    def due(self, destination: str, now: float, most: int) -> list[Entry]:
        """Return what a destination is to be asked about now, oldest first."""
        query = "WHERE destination=? AND state IN (?,?) AND due_at<=? ORDER BY sent_at LIMIT ?"
        return self._entries(query, destination, Proof.DUE, Proof.ASKED, now, most)

    def of_transaction(self, transaction_uid: str) -> list[Entry]:
        """Return what was asked about under a transaction."""
        return self._entries("WHERE transaction_uid=? AND transaction_uid<>''", transaction_uid)

    def of_job(self, job: int) -> list[Entry]:
        """Return what is known of one object, by destination."""
        return self._entries("WHERE job=? ORDER BY destination", job)

    def _entries(self, where: str, *values: object) -> list[Entry]:
        with self._open() as db:
            rows = db.execute(f"SELECT * FROM proofs {where}", values).fetchall()
        return [Entry(**{**dict(row), "state": Proof(row["state"])}) for row in rows]

    def counts(self) -> dict[tuple[str, Proof], int]:
        """Return how many objects there are by destination and state."""
        with self._open() as db:
            rows = db.execute(
                "SELECT destination, state, COUNT(*) AS n FROM proofs GROUP BY destination, state"
            ).fetchall()
        return {(row["destination"], Proof(row["state"])): row["n"] for row in rows}

    def settle(
        self,
        entry: Entry,
        state: Proof,
        detail: str,
        now: float,
        *,
        due_at: float = 0.0,
        transaction_uid: str = "",
    ) -> None:
        """Enter what was found, or when it is to be looked at again."""
        with self._open() as db:
            db.execute(
                "UPDATE proofs SET state=?, detail=?, transaction_uid=?, attempts=attempts+1, due_at=?, changed_at=?"
                " WHERE job=? AND destination=?",
                (state, detail, transaction_uid, due_at, now, entry.job, entry.destination),
            )

    def forget(self, before: float) -> None:
        """Forget what was settled before a time."""
        with self._open() as db:
            db.execute(
                "DELETE FROM proofs WHERE changed_at<? AND state NOT IN (?,?)", (before, *sorted(OPEN))
            )

    def ask(
        self, ae_title: str, transaction_uid: str, references: Sequence[tuple[str, str]], now: float
    ) -> None:
        """Enter a request of a peer; one that is here already stays as it is."""
        with self._open() as db:
            db.execute(
                "INSERT OR IGNORE INTO requests (ae_title, transaction_uid, refs, asked_at, due_at) VALUES (?,?,?,?,?)",
                (ae_title, transaction_uid, json.dumps(references), now, now),
            )

    def requests(self, now: float) -> list[Request]:
        """Return the requests to be looked at now, oldest first."""
        with self._open() as db:
            rows = db.execute("SELECT * FROM requests WHERE due_at<=? ORDER BY asked_at", (now,)).fetchall()
        return [
            Request(
                row["ae_title"],
                row["transaction_uid"],
                tuple((sop_class, uid) for sop_class, uid in json.loads(row["refs"])),
                *(row["asked_at"], row["attempts"], row["due_at"]),
            )
            for row in rows
        ]

    def look_again(self, request: Request, due_at: float, *, tried: bool) -> None:
        """Put a request off; ``tried`` where its answer could not be delivered."""
        with self._open() as db:
            db.execute(
                "UPDATE requests SET due_at=?, attempts=attempts+? WHERE ae_title=? AND transaction_uid=?",
                (due_at, int(tried), request.ae_title, request.transaction_uid),
            )

    def answered(self, request: Request) -> None:
        """A request is answered, or its answer given up."""
        with self._open() as db:
            db.execute(
                "DELETE FROM requests WHERE ae_title=? AND transaction_uid=?",
                (request.ae_title, request.transaction_uid),
            )


def proofs_of(path: Path, job: int) -> dict[str, str]:
    """Return in words what is known of an object, by destination; nothing where no ledger was ever made."""
    if not path.is_file():
        return {}
    ledger = Ledger(path)
    try:
        found = ledger.of_job(job)
    finally:
        ledger.close()
    return {each.destination: f"{each.state}: {each.detail}".rstrip(": ") for each in found}
