"""The journal: what happened to every object and what is still to do.

The states and what may follow what are in :mod:`states`; each change is one durable transaction (:mod:`database`). The
deliveries of an object are in :attr:`Journal.outbox`.

``DECIDED`` carries the audit record until it is in the audit log, so that a crash between the two neither loses nor
repeats the line.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tg263_scp.errors import HoldReason, JournalError
from tg263_scp.service.journal.database import Database
from tg263_scp.service.journal.deliveries import Outbox
from tg263_scp.service.journal.states import (
    LOOP_AFTER,
    RELABEL_ONCE,
    RETRIED,
    RETURNS_WITHIN_S,
    Arrival,
    Asked,
    Delivery,
    DeliveryState,
    Ingest,
    Job,
    ObjectState,
    delivery_of,
    job_of,
)
from tg263_scp.service.journal.together import Together

_NO_JOB_HINT = "what every destination has leaves the journal with its files; the audit log keeps it"
_AT_REST = frozenset({DeliveryState.SENT, DeliveryState.FAILED})


_WANTS = (
    "state IN ('RECEIVED','DECIDED','HELD') OR (state='READY' AND EXISTS"
    " (SELECT 1 FROM deliveries d WHERE d.job=objects.job AND d.state<>'SENT'))"
)
"""That an object still wants something, in SQL."""
_NEWER_VERSION = "SELECT 1 FROM objects WHERE job>? AND sop_instance_uid=(SELECT sop_instance_uid FROM objects WHERE job=?)"
_WANTS_A_PERSON = (
    "(state='HELD' OR EXISTS (SELECT 1 FROM deliveries d WHERE d.job=objects.job AND d.state='FAILED'))"
)


@dataclass(frozen=True, slots=True)
class Totals:
    """How many objects there are, and of them: held, with a failed delivery, waiting for the language model.

    ``errors`` are a destination, what it says, and of how many objects.
    """

    objects: int
    held: int
    failed: int
    awaiting_llm: int
    errors: tuple[tuple[str, str, int], ...]


class Journal:
    """The journal of one node; safe to use from several threads, and from another process beside a running node.

    One that an earlier program version wrote is brought up to date where ``upgrade`` is true: only the node may do that,
    since it alone knows that no program of the earlier version works on it. What a destination has, it does not get again
    within ``same_again_s``. Without a ``clock`` its time is that of the node.

    Raises:
        JournalError: the file cannot be opened, or is of another version.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] | None = None,
        upgrade: bool = False,
        same_again_s: float = 0.0,
    ) -> None:
        self._database = Database(path, clock, upgrade=upgrade)
        self._same_again_s = same_again_s
        self.outbox = Outbox(self._database, same_again_s)
        self._together: Together[tuple[Arrival, str], tuple[int, Ingest]] = Together(self._receive_all)

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._database.path

    def begin_run(self) -> None:
        """Take up the time where the last run left it; the node calls it when it starts.

        Deadlines count from what is noted in rows: these times move by the time that has passed since the last run was alive,
        so that nothing was queued or delivered longer ago than the node has run. None lies in the future afterwards.
        """
        now, alive_at = self._database.clock(), self._database.alive_at()
        gap_s = 0.0 if alive_at is None else now - alive_at
        with self._database.transaction() as db:
            db.execute(
                "UPDATE objects SET received_at=MIN(received_at,?1), changed_at=MIN(changed_at+?2,?1),"
                " returning_since=MIN(returning_since+?2,?1)",
                (now, gap_s),
            )
            db.execute(
                "UPDATE deliveries SET queued_at=MIN(queued_at+?2,?1), changed_at=MIN(changed_at+?2,?1),"
                " aside_since=CASE WHEN aside_since>0 THEN MIN(aside_since+?2,?1) ELSE 0 END",
                (now, gap_s),
            )
            # What waits for its turn goes on waiting as long as it would have; without a last run nothing says how long.
            if alive_at is None:
                db.execute("UPDATE deliveries SET next_attempt_at=MIN(next_attempt_at,?)", (now,))
            else:
                db.execute("UPDATE deliveries SET next_attempt_at=next_attempt_at+?", (gap_s,))
            self._note_alive(db, now)

    def alive(self) -> None:
        """Note that the node runs."""
        with self._database.transaction() as db:
            self._note_alive(db, self._database.clock())

    def _note_alive(self, db: sqlite3.Connection, now: float) -> None:
        db.execute("DELETE FROM run")
        db.execute("INSERT INTO run (alive_at) VALUES (?)", (now,))

    def close(self) -> None:
        """Close the file; what was committed is on the disk already."""
        self._database.close()

    def receive(self, arrival: Arrival, *, made_under: str = "") -> tuple[int, Ingest]:
        """Enter a durable object; return its job number and what it meant.

        The same SOP Instance UID and bytes on the same route make no second job: the job that exists is returned, and the new
        copy's token is not used. ``made_under`` tells under what it would be decided now (a mode, a colon and a digest): where
        that differs from what it was decided under, it is decided anew; at once where the mode does, else after
        ``same_again_s``. Threads that call at the same time share a transaction; each returns after it.
        """
        if not self.in_place():
            raise JournalError(
                f"the journal {self._database.path} was moved or removed while the node runs",
                hint="restart the node, then 'tg263-scp queue adopt' takes in again what it had",
            )
        return self._together((arrival, made_under))

    def _receive_all(self, arrivals: Sequence[tuple[Arrival, str]]) -> list[tuple[int, Ingest]]:
        now = self._database.clock()
        with self._database.transaction() as db:
            return [self._receive(db, arrival, now, under) for arrival, under in arrivals]

    def _receive(
        self, db: sqlite3.Connection, arrival: Arrival, now: float, made_under: str
    ) -> tuple[int, Ingest]:
        known = self._known(db, arrival)
        if known:
            return known["job"], self._received_again(db, known["job"], known["state"], now, made_under)
        other = db.execute(
            "SELECT 1 FROM objects WHERE sop_instance_uid=? AND sha256<>?",
            (arrival.sop_instance_uid, arrival.sha256),
        ).fetchone()
        job = self._insert(
            db,
            arrival,
            state=ObjectState.RECEIVED,
            received_at=now,
            changed_at=now,
            other_version=int(other is not None),
        )
        return job, Ingest.NEW_VERSION if other else Ingest.NEW

    def adopt(
        self,
        arrival: Arrival,
        *,
        received_at: float,
        delivered: Collection[str],
        state: ObjectState,
        sends_result: bool,
        known_up_to: int,
    ) -> tuple[int | None, bool]:
        """Enter an object that an earlier journal knew: as HELD, as READY where every destination has it, or as DISCARDED.

        Return its job number, None where the same object has come again since, and whether another version of it has: one of
        a job up to ``known_up_to``.
        """
        now = self._database.clock()
        with self._database.transaction() as db:
            if self._known(db, arrival):
                return None, False
            versions = db.execute(
                "SELECT MIN(job) FROM objects WHERE sop_instance_uid=?", (arrival.sop_instance_uid,)
            ).fetchone()[0]
            job = self._insert(
                db,
                arrival,
                state=state,
                received_at=min(received_at, now),
                changed_at=now,
                other_version=int(versions is not None),
                sends_result=int(sends_result),
                reason="" if state is ObjectState.READY else HoldReason.ADOPTED,
            )
            for destination in sorted(delivered):
                self.outbox.enter_as_sent(db, job, destination, now)
        return job, versions is not None and versions <= known_up_to

    def last_job(self) -> int:
        """Return the highest job number that was given, 0 where none was."""
        rows = self._database.rows("SELECT seq FROM sqlite_sequence WHERE name='objects'")
        return int(rows[0]["seq"]) if rows else 0

    def number_after(self, job: int) -> None:
        """Give the next object a higher number than ``job``: those of a journal that was lost stay its own."""
        with self._database.transaction() as db:
            if not db.execute(
                "UPDATE sqlite_sequence SET seq=MAX(seq,?) WHERE name='objects'", (job,)
            ).rowcount:
                db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('objects', ?)", (job,))

    def check(self) -> None:
        """Read every page of the file.

        Raises:
            DamagedJournalError: it is not a whole database.
        """
        self._database.check()

    def in_place(self) -> bool:
        """Tell whether the open file still is the one at its path: neither removed nor replaced."""
        return self._database.in_place()

    def _known(self, db: sqlite3.Connection, arrival: Arrival) -> sqlite3.Row | None:
        row: sqlite3.Row | None = db.execute(
            "SELECT job, state FROM objects WHERE sop_instance_uid=? AND sha256=? AND route=? AND state<>'EXPIRED'",
            (arrival.sop_instance_uid, arrival.sha256, arrival.route),
        ).fetchone()
        return row

    def _insert(self, db: sqlite3.Connection, arrival: Arrival, **columns: Any) -> int:
        row = {**asdict(arrival), **columns}
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        job = db.execute(f"INSERT INTO objects ({names}) VALUES ({marks})", tuple(row.values())).lastrowid
        assert job is not None
        return job

    def _received_again(
        self, db: sqlite3.Connection, job: int, state: str, now: float, made_under: str
    ) -> Ingest:
        rows = self._deliveries(db, job)
        if state == ObjectState.DISCARDED:
            # Who sends it again wants it: it is acknowledged, so it may not be on its way to the waste.
            self._say(
                db, job, ObjectState.DISCARDED, ObjectState.HELD, {"kind": "restored", "by": "its sender"}
            )
        if state != ObjectState.READY or not all(row["state"] in _AT_REST for row in rows):
            return Ingest.IN_FLIGHT
        self._count_return(db, job, now)
        if self._would_be_decided_otherwise(db, job, now, made_under):
            self._database.move(db, (job,), ObjectState.RECEIVED, reason="")
            return Ingest.ANEW
        as_received = not db.execute("SELECT sends_result FROM objects WHERE job=?", (job,)).fetchone()[0]
        newest = not db.execute(_NEWER_VERSION, (job, job)).fetchone()
        had = {
            row["destination"]
            for row in rows
            if as_received
            and newest
            and row["state"] == DeliveryState.SENT
            and row["changed_at"] > now - self._same_again_s
        }
        for row in rows:
            if row["destination"] not in had:
                self.outbox.requeue(db, job, row["destination"], now)
        return Ingest.RETURNED if len(had) == len(rows) else Ingest.REDELIVERED

    def _would_be_decided_otherwise(
        self, db: sqlite3.Connection, job: int, now: float, made_under: str
    ) -> bool:
        row = db.execute("SELECT made_under, changed_at FROM objects WHERE job=?", (job,)).fetchone()
        before = row["made_under"]
        if not (before and made_under) or before == made_under:
            return False
        another_mode = before.partition(":")[0] != made_under.partition(":")[0]
        if not another_mode and row["changed_at"] > now - self._same_again_s:
            return False
        try:
            self._refuse_unless_at_rest(db, job)
        except JournalError:
            return False
        return True

    def _count_return(self, db: sqlite3.Connection, job: int, now: float) -> None:
        db.execute(
            "UPDATE objects SET on_request=0, returns=CASE WHEN returning_since>?1-?2 THEN returns ELSE 0 END+1,"
            " returning_since=CASE WHEN returning_since>?1-?2 THEN returning_since ELSE ?1 END WHERE job=?3",
            (now, RETURNS_WITHIN_S, job),
        )

    def looping(self) -> int:
        """Return how many objects have come back so often, not long ago, that somebody seems to send us what we send."""
        since = self._database.clock() - RETURNS_WITHIN_S
        query = "SELECT COUNT(*) AS n FROM objects WHERE returns>=? AND returning_since>?"
        return int(self._database.rows(query, LOOP_AFTER, since)[0]["n"])

    def next_job(self, waiting: Collection[int] = ()) -> Job | None:
        """Return the oldest object that is not READY, HELD or EXPIRED; None where all is done.

        Jobs that are ``waiting`` are passed over, and with them all of the same SOP Instance UID: a newer version of an
        object must never reach a destination before the older one.
        """
        marks = ", ".join("?" * len(waiting))
        rows = self._database.rows(
            "SELECT * FROM objects WHERE state IN ('RECEIVED','DECIDED') AND sop_instance_uid NOT IN"
            f" (SELECT sop_instance_uid FROM objects WHERE job IN ({marks})) ORDER BY job LIMIT 1",
            *waiting,
        )
        return job_of(rows[0]) if rows else None

    def audited_after(self, job: int, seq: int) -> None:
        """Note, in the record of a DECIDED object, the last line of the audit log before its own."""
        with self._database.transaction() as db:
            (text,) = db.execute(
                "SELECT record FROM objects WHERE job=? AND state='DECIDED'", (job,)
            ).fetchone()
            record = json.dumps({**json.loads(text), "audited_after": seq}, ensure_ascii=False)
            db.execute("UPDATE objects SET record=? WHERE job=?", (record, job))

    def awaits_llm(self, job: int) -> None:
        """Note that a RECEIVED object waits for the language model, for a person who looks at the queue."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE objects SET reason=? WHERE job=? AND state='RECEIVED'",
                (HoldReason.AWAITING_MODEL, job),
            )

    def decide(
        self,
        job: int,
        record: Mapping[str, Any],
        *,
        hold: bool,
        reason: str = "",
        sends_result: bool = False,
        unanswered: int = 0,
        study: str = "",
        made_under: str = "",
        result_sha256: str = "",
    ) -> None:
        """RECEIVED -> DECIDED: keep the audit record and what comes next (READY, or HELD with a reason code)."""
        with self._database.transaction() as db:
            found = db.execute("SELECT state FROM objects WHERE job=?", (job,)).fetchone()
            if found is not None and found["state"] == ObjectState.READY:
                raise JournalError(f"job {job} is decided: it is READY and cannot become DECIDED")
            self._decide(db, job, record, hold=hold, reason=reason, sends_result=sends_result)
            db.execute(
                "UPDATE objects SET unanswered=?, study=?, made_under=?, result_sha256=? WHERE job=?",
                (unanswered, study, made_under, result_sha256, job),
            )

    def _decide(
        self,
        db: sqlite3.Connection,
        job: int,
        record: Mapping[str, Any],
        *,
        hold: bool,
        reason: str,
        sends_result: bool,
    ) -> None:
        self._database.move(
            db,
            (job,),
            ObjectState.DECIDED,
            next_state=str(ObjectState.HELD if hold else ObjectState.READY),
            reason=reason,
            sends_result=int(sends_result),
            record=json.dumps(record, ensure_ascii=False),
        )

    def finish(self, job: int, destinations: Iterable[str]) -> ObjectState:
        """DECIDED -> READY or HELD, once the audit line is durable; READY queues one delivery per destination."""
        now = self._database.clock()
        with self._database.transaction() as db:
            row = db.execute("SELECT next_state, wish FROM objects WHERE job=?", (job,)).fetchone()
            if row is None or not row["next_state"]:
                raise JournalError(f"job {job} is not decided")
            state, wish = ObjectState(row["next_state"]), Asked.of_text(row["wish"])
            if wish is not None and wish.destinations:
                destinations = [each for each in destinations if each in wish.destinations]
            # What somebody asked for is done when it goes on; until then it holds.
            left = {} if state is ObjectState.HELD else {"wish": ""}
            self._database.move(db, (job,), state, next_state="", record="", **left)
            before = {row["destination"]: row for row in self._deliveries(db, job)}
            for destination in destinations if state is ObjectState.READY else ():
                if destination not in before:
                    had = self.outbox.has_same(job, destination)
                    (self.outbox.enter_had if had else self.outbox.queue)(db, job, destination, now)
                elif not _of_an_earlier_journal(before[destination]):
                    self.outbox.requeue(db, job, destination, now)
        return state

    def retry(self, job: int, *, by: str = "", why: str = "") -> int:
        """Start again what a person can start again; return how much that is.

        A held object is decided anew; failed deliveries are queued again; deliveries that wait are due at once. Where somebody
        says so, the audit log will name ``by`` and ``why``.
        """
        now = self._database.clock()
        with self._database.transaction() as db:
            row = db.execute("SELECT state FROM objects WHERE job=?", (job,)).fetchone()
            if row is None:
                raise JournalError(f"the journal knows no job {job}", hint=_NO_JOB_HINT)
            if row["state"] == ObjectState.HELD:
                wish = Asked(RETRIED, by, why).as_text() if by else ""
                self._database.move(db, (job,), ObjectState.RECEIVED, reason="", wish=wish)
                return 1
            failed = [
                each["destination"]
                for each in self._deliveries(db, job)
                if each["state"] == DeliveryState.FAILED
            ]
            for destination in failed:
                self.outbox.requeue(db, job, destination, now)
            hastened = self.outbox.hasten(db, job, now)
            if by and (failed or hastened):
                said = {"kind": RETRIED, "by": by, "why": why, "destinations": []}
                self._say(db, job, ObjectState.READY, ObjectState.READY, said)
        return len(failed) + hastened

    def redo(self, job: int, *, wish: Asked | None = None) -> None:
        """READY or HELD -> RECEIVED: decide anew, and deliver what comes of it to every destination once more.

        ``wish`` says who wants it, and may name the only destinations that get it.

        Raises:
            JournalError: it is not decided yet, a delivery is under way, or a newer version of the object has come since.
        """
        with self._database.transaction() as db:
            row = db.execute("SELECT state FROM objects WHERE job=?", (job,)).fetchone()
            if row is None:
                raise JournalError(f"the journal knows no job {job}", hint=_NO_JOB_HINT)
            if row["state"] not in (ObjectState.READY, ObjectState.HELD):
                raise JournalError(
                    f"job {job} is {row['state'].lower()}",
                    hint="only what is decided, and still here, is done again",
                )
            self._refuse_unless_at_rest(db, job)
            said = wish.as_text() if wish else ""
            self._database.move(db, (job,), ObjectState.RECEIVED, reason="", wish=said, on_request=1)
            # A person wants it everywhere once more: also where an earlier journal had it delivered.
            db.execute("UPDATE deliveries SET attempts=1 WHERE job=? AND attempts=0 AND state='SENT'", (job,))

    def relabel_once(self, job: int, *, by: str, why: str, destinations: Sequence[str] = ()) -> None:
        """HELD or READY -> RECEIVED: relabel this once what is held, or passed as it was, because it is approved.

        It goes to ``destinations``, or to all; the audit log will name ``by`` and ``why``.

        Raises:
            JournalError: as :meth:`redo`, and where its approval is not what stopped it.
        """
        found = self.job(job)
        if found.reason != HoldReason.APPROVED:
            raise JournalError(
                f"job {job} is neither held nor passed because it is approved",
                hint="`queue show` says why it is where it is; `queue retry` decides a held object anew",
            )
        self.redo(job, wish=Asked(RELABEL_ONCE, by, why, tuple(destinations)))

    def send_original(self, job: int, *, by: str, why: str = "") -> None:
        """READY -> DECIDED -> READY: send what was delivered once more, as it was received; the audit log will name ``by``.

        Raises:
            JournalError: it is not delivered yet, or a newer version of the object has come since.
        """
        with self._database.transaction() as db:
            row = db.execute("SELECT state FROM objects WHERE job=?", (job,)).fetchone()
            if row is None or row["state"] != ObjectState.READY:
                raise JournalError(f"job {job} is not delivered", hint="`queue show` says where it is")
            self._refuse_unless_at_rest(db, job)
            said = {"kind": "sent_as_received", "by": by, "why": why}
            self._say(db, job, ObjectState.READY, ObjectState.READY, said)
            db.execute("UPDATE objects SET sends_result=0, on_request=1 WHERE job=?", (job,))

    def _refuse_unless_at_rest(self, db: sqlite3.Connection, job: int) -> None:
        """Refuse to send again what is under way, or was replaced.

        Raises:
            JournalError: a delivery is under way, or a newer version of the object has come since.
        """
        if db.execute(_NEWER_VERSION, (job, job)).fetchone():
            raise JournalError(
                f"a newer version of job {job} has come since",
                hint="sent again, it would replace the newer one",
            )
        if not all(each["state"] in _AT_REST for each in self._deliveries(db, job)):
            raise JournalError(
                f"job {job} is on its way", hint="wait until every destination has it, or was given up on"
            )

    def _deliveries(self, db: sqlite3.Connection, job: int) -> list[sqlite3.Row]:
        return db.execute(
            "SELECT destination, state, attempts, changed_at FROM deliveries WHERE job=?", (job,)
        ).fetchall()

    def release(self, job: int, *, by: str = "", why: str = "") -> None:
        """HELD -> DECIDED: forward the original, unchanged, on a person's word; the audit log will name ``by`` and ``why``.

        Raises:
            JournalError: the object is not held.
        """
        with self._database.transaction() as db:
            row = db.execute(
                "SELECT state, token, sop_instance_uid FROM objects WHERE job=?", (job,)
            ).fetchone()
            if row is None or row["state"] != ObjectState.HELD:
                raise JournalError(
                    f"job {job} is not held",
                    hint="only held objects can be released; one that waits for the language model goes on by itself",
                )
            record = {
                "kind": HoldReason.RELEASED,
                "decision": secrets.token_hex(8),
                "job": row["token"],
                "job_number": job,
                "sop_instance_uid": row["sop_instance_uid"],
                "by": by,
                **({"why": why} if why else {}),
                "audited_after": None,
            }
            self._decide(db, job, record, hold=False, reason=HoldReason.RELEASED, sends_result=False)
            db.execute("UPDATE objects SET on_request=1 WHERE job=?", (job,))

    def discard(self, job: int, *, by: str, why: str) -> None:
        """HELD -> DECIDED -> DISCARDED: a person does not want the object; the audit log will name ``by`` and ``why``.

        Raises:
            JournalError: the object is not held.
        """
        with self._database.transaction() as db:
            self._say(
                db, job, ObjectState.HELD, ObjectState.DISCARDED, {"kind": "discarded", "by": by, "why": why}
            )

    def restore(self, job: int, *, by: str) -> None:
        """DISCARDED -> DECIDED -> HELD: undo :meth:`discard`, for the reason it was held for.

        Raises:
            JournalError: the object is not discarded, or its files are gone.
        """
        with self._database.transaction() as db:
            self._say(db, job, ObjectState.DISCARDED, ObjectState.HELD, {"kind": "restored", "by": by})

    def _say(
        self, db: sqlite3.Connection, job: int, of: ObjectState, to: ObjectState, said: Mapping[str, Any]
    ) -> None:
        """Have the worker audit what a person said, and then bring an object to another state."""
        row = db.execute("SELECT state, token, sop_instance_uid FROM objects WHERE job=?", (job,)).fetchone()
        if row is None or row["state"] != of:
            raise JournalError(
                f"job {job} is not {of.lower()}",
                hint="`queue list --all` shows the state of every object",
            )
        record = {
            **said,
            "decision": secrets.token_hex(8),
            "job": row["token"],
            "job_number": job,
            "sop_instance_uid": row["sop_instance_uid"],
            "audited_after": None,
        }
        text = json.dumps(record, ensure_ascii=False)
        self._database.move(db, (job,), ObjectState.DECIDED, next_state=str(to), record=text)

    def discarded(self, before: float, most: int) -> list[Job]:
        """Return the oldest objects that were discarded before a time, ``most`` of them."""
        rows = self._database.rows(
            "SELECT * FROM objects WHERE state='DISCARDED' AND changed_at<? ORDER BY job LIMIT ?",
            before,
            most,
        )
        return [job_of(row) for row in rows]

    def held_jobs(self) -> list[int]:
        """Return the objects that are held."""
        return [
            row["job"]
            for row in self._database.rows("SELECT job FROM objects WHERE state='HELD' ORDER BY job")
        ]

    def unanswered(self) -> list[int]:
        """Return the objects that went on, or are held, with names about which no language model was asked."""
        rows = self._database.rows(
            "SELECT job FROM objects WHERE unanswered>0 AND state IN ('READY','HELD') ORDER BY job"
        )
        return [row["job"] for row in rows]

    def expirable(self, before: float, most: int) -> list[Job]:
        """Return the oldest READY objects that every destination has had since before ``before``, ``most`` of them."""
        rows = self._database.rows(
            "SELECT * FROM objects WHERE state='READY' AND changed_at<?"
            " AND EXISTS (SELECT 1 FROM deliveries d WHERE d.job=objects.job)"
            " AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.job=objects.job"
            " AND (d.state<>'SENT' OR d.changed_at>=?)) ORDER BY job LIMIT ?",
            before,
            before,
            most,
        )
        return [job_of(row) for row in rows]

    def expire(self, *jobs: int) -> list[int]:
        """READY or DISCARDED -> EXPIRED; return which, and the caller removes their files afterwards.

        An object that is wanted again, since it was sent once more or a person said so, stays.
        """
        with self._database.transaction() as db:
            marks = ", ".join("?" * len(jobs))
            rows = db.execute(
                f"SELECT job FROM objects WHERE job IN ({marks}) AND state IN ('READY','DISCARDED') AND NOT ({_WANTS})",
                jobs,
            ).fetchall()
            for row in rows:
                self._database.move(db, (row["job"],), ObjectState.EXPIRED)
        return [row["job"] for row in rows]

    def forget(self, *jobs: int) -> None:
        """Remove the rows of EXPIRED objects and their deliveries; the audit log keeps what became of them."""
        with self._database.transaction() as db:
            for job in jobs:
                self._forget(db, job)

    def forget_expired(self, remembers: Callable[[Job], bool]) -> None:
        """Remove the rows of all EXPIRED objects but those that are to be remembered."""
        rows = self._database.rows("SELECT * FROM objects WHERE state='EXPIRED'")
        with self._database.transaction() as db:
            for job in map(job_of, rows):
                if not remembers(job):
                    self._forget(db, job.job)

    def _forget(self, db: sqlite3.Connection, job: int) -> None:
        expired = "(SELECT job FROM objects WHERE job=? AND state='EXPIRED')"
        db.execute(f"DELETE FROM deliveries WHERE job IN {expired}", (job,))
        db.execute("DELETE FROM objects WHERE job=? AND state='EXPIRED'", (job,))

    def tokens(self, *, expired: bool = False) -> set[str]:
        """Return the tokens of the expired objects, or of all others."""
        comparison = "=" if expired else "<>"
        return {
            row["token"]
            for row in self._database.rows(f"SELECT token FROM objects WHERE state{comparison}'EXPIRED'")
        }

    def job(self, job: int) -> Job:
        """Return one object.

        Raises:
            JournalError: there is none of that number.
        """
        rows = self._database.rows("SELECT * FROM objects WHERE job=?", job)
        if not rows:
            raise JournalError(f"the journal knows no job {job}", hint=_NO_JOB_HINT)
        return job_of(rows[0])

    def counts(self) -> dict[ObjectState, int]:
        """Return how many objects are in each state that occurs."""
        rows = self._database.rows("SELECT state, COUNT(*) AS n FROM objects GROUP BY state")
        return {ObjectState(row["state"]): row["n"] for row in rows}

    def held(self) -> list[tuple[str, int, float]]:
        """Return why objects are held, of how many each is true, and when the oldest of those was received."""
        rows = self._database.rows(
            "SELECT reason, COUNT(*) AS n, MIN(received_at) AS at FROM objects WHERE state='HELD'"
            " GROUP BY reason ORDER BY n DESC, reason"
        )
        return [(row["reason"], row["n"], row["at"]) for row in rows]

    def oldest_received_at(self) -> dict[ObjectState, float]:
        """Return when the oldest object of each state that still wants something of the node or a person was received."""
        rows = self._database.rows(
            "SELECT state, MIN(received_at) AS at FROM objects"
            " WHERE state IN ('RECEIVED','DECIDED','HELD') GROUP BY state"
        )
        return {ObjectState(row["state"]): row["at"] for row in rows}

    def list_objects(
        self, *, finished: bool = False, most: int | None = None, newest_first: bool = False
    ) -> list[tuple[Job, list[Delivery]]]:
        """Return the objects with their deliveries, in order of receipt.

        Without ``finished`` only those that still want something: from the node, from a destination or from a person. Of more
        than ``most``, so many of them, those that want a person first, or the newest where ``newest_first`` turns the order.
        """
        order = "job DESC" if newest_first else "job" if most is None else _WANTS_A_PERSON + " DESC, job"
        query = f"SELECT {{}} FROM objects WHERE ?1 OR {_WANTS} ORDER BY {order} LIMIT ?2"
        values = (finished, -1 if most is None else most)
        rows = self._database.rows(query.format("*"), *values)
        deliveries: dict[int, list[Delivery]] = {row["job"]: [] for row in rows}
        # All at once: one query for each object takes minutes where thousands wait.
        for row in self._database.rows(
            f"SELECT * FROM deliveries WHERE job IN ({query.format('job')}) ORDER BY job, destination",
            *values,
        ):
            if row["job"] in deliveries:  # not one that came between the two
                deliveries[row["job"]].append(delivery_of(row))
        return [(job_of(row), deliveries[row["job"]]) for row in rows]

    def totals(self, *, finished: bool = False) -> Totals:
        """Count what :meth:`list_objects` would list."""
        (objects,) = self._database.rows(
            "SELECT COUNT(*) AS n, TOTAL(state='HELD') AS held, TOTAL(reason=?2) AS waiting, TOTAL(EXISTS (SELECT 1"
            " FROM deliveries d WHERE d.job=objects.job AND d.state='FAILED')) AS failed"
            f" FROM objects WHERE ?1 OR {_WANTS}",
            finished,
            HoldReason.AWAITING_MODEL,
        )
        errors = self._database.rows(
            "SELECT destination, error, COUNT(*) AS n FROM deliveries WHERE error<>''"
            f" AND job IN (SELECT job FROM objects WHERE ?1 OR {_WANTS}) GROUP BY destination, error ORDER BY MIN(job)",
            finished,
        )
        return Totals(
            objects["n"],
            int(objects["held"]),
            int(objects["failed"]),
            int(objects["waiting"]),
            tuple((row["destination"], row["error"], row["n"]) for row in errors),
        )


def _of_an_earlier_journal(delivery: sqlite3.Row) -> bool:
    """Tell whether a delivery was entered as sent without an attempt (:meth:`Outbox.enter_as_sent`)."""
    return bool(delivery["state"] == DeliveryState.SENT and delivery["attempts"] == 0)
