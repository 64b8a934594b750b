"""The deliveries of the journal: what each destination has, gets, waits for or has been given up on."""

from __future__ import annotations

import sqlite3

from tg263_scp.service.journal.database import Database
from tg263_scp.service.journal.states import (
    AS_IT_IS,
    Delivery,
    DeliveryState,
    Job,
    Variant,
    delivery_of,
    job_of,
)

_HAS_SAME = "the destination has the same already: not sent again"


class Outbox:
    """The table ``deliveries`` of the journal, reached as :attr:`Journal.outbox`."""

    def __init__(self, database: Database, same_again_s: float) -> None:
        self._database = database
        self._same_again_s = same_again_s

    def deliveries(self, job: int) -> list[Delivery]:
        """Return the deliveries of one object."""
        return [
            delivery_of(row)
            for row in self._database.rows("SELECT * FROM deliveries WHERE job=? ORDER BY destination", job)
        ]

    def due(self, destination: str, limit: int, order_wait_s: float = 0.0) -> list[tuple[Job, Delivery]]:
        """Return what is to be sent to ``destination`` now, in order of receipt.

        Nothing passes an object that was not set aside and is due later. Of one SOP Instance UID only the oldest version is
        returned, since the destination keeps what comes last. What is of the study of an older object that was set aside waits
        for it, for ``order_wait_s``.
        """
        rows = self._database.rows(
            "SELECT d.* FROM deliveries d JOIN objects o ON o.job=d.job"
            " WHERE d.destination=?1 AND d.state IN ('PENDING','RETRY') AND d.next_attempt_at<=?2"
            " AND d.job<=IFNULL((SELECT MIN(job) FROM deliveries WHERE destination=?1 AND state='RETRY'"
            " AND NOT aside AND next_attempt_at>?2), d.job)"
            " AND NOT EXISTS (SELECT 1 FROM objects older JOIN deliveries its ON its.job=older.job"
            " WHERE older.sop_instance_uid=o.sop_instance_uid AND older.job<o.job"
            " AND its.destination=?1 AND its.state NOT IN ('SENT','FAILED'))"
            " AND NOT EXISTS (SELECT 1 FROM deliveries its JOIN objects older ON its.job=older.job"
            " WHERE its.destination=?1 AND its.state='RETRY' AND its.aside AND its.aside_since>?2-?4"
            " AND its.job<o.job AND older.study=o.study AND o.study<>'')"
            " ORDER BY d.job LIMIT ?3",
            destination,
            self._database.clock(),
            limit,
            order_wait_s,
        )
        return [(self._job(row["job"]), delivery_of(row)) for row in rows]

    def overtaken(self, job: Job, destination: str) -> list[int]:
        """Return the older objects of the same study that ``destination`` has not got yet, since they were set aside."""
        rows = self._database.rows(
            "SELECT its.job FROM deliveries its JOIN objects older ON its.job=older.job"
            " WHERE its.destination=? AND its.state='RETRY' AND its.aside AND its.aside_since>0 AND its.job<?"
            " AND older.study=? AND older.study<>'' ORDER BY its.job",
            destination,
            job.job,
            job.study,
        )
        return [row["job"] for row in rows]

    def next_due_at(self, destination: str, after: float) -> float | None:
        """Return when, after a time, the next delivery to ``destination`` becomes due; None where none will by itself."""
        rows = self._database.rows(
            "SELECT MIN(next_attempt_at) AS at FROM deliveries"
            " WHERE destination=? AND state IN ('PENDING','RETRY') AND next_attempt_at>?",
            destination,
            after,
        )
        at: float | None = rows[0]["at"]
        return at

    def hasten(self, db: sqlite3.Connection, job: int, now: float) -> int:
        """Make an object due at once where it waits, and with it the queues it stands in; part of the caller's transaction.

        Return how many deliveries that are.
        """
        return db.execute(
            "UPDATE deliveries SET next_attempt_at=? WHERE state='RETRY' AND (job=? OR (NOT aside AND destination IN"
            " (SELECT destination FROM deliveries WHERE job=? AND state IN ('PENDING','RETRY'))))",
            (now, job, job),
        ).rowcount

    def recall(self, destination: str, since: float) -> None:
        """Make due at once what was set aside, or failed again, since a time."""
        with self._database.transaction() as db:
            db.execute(
                "UPDATE deliveries SET next_attempt_at=?"
                " WHERE destination=? AND state='RETRY' AND aside AND changed_at>=?",
                (self._database.clock(), destination, since),
            )

    def _job(self, job: int) -> Job:
        return job_of(self._database.rows("SELECT * FROM objects WHERE job=?", job)[0])

    def queue(self, db: sqlite3.Connection, job: int, destination: str, now: float) -> None:
        """Queue an object for a destination for the first time; part of the caller's transaction."""
        db.execute(
            "INSERT INTO deliveries (job, destination, state, queued_at, next_attempt_at, changed_at)"
            " VALUES (?,?,'PENDING',?,?,?)",
            (job, destination, now, now, now),
        )

    def enter_as_sent(self, db: sqlite3.Connection, job: int, destination: str, now: float) -> None:
        """Enter a delivery that the audit log knows and the journal has lost; part of the caller's transaction."""
        db.execute(
            "INSERT INTO deliveries (job, destination, state, queued_at, next_attempt_at, changed_at)"
            " VALUES (?,?,'SENT',?,?,?)",
            (job, destination, now, now, now),
        )

    def has_same(self, job: int, destination: str) -> bool:
        """Tell whether a destination got, within ``same_again_s``, the very data set that an object would bring as received.

        What came there last under the UID counts, since a destination keeps that. It is never so where a person wants the
        object sent.
        """
        rows = self._database.rows(
            "SELECT d.sent_sha256=o.sha256 AS same FROM objects o JOIN deliveries d ON d.sent_uid=o.sop_instance_uid"
            " WHERE o.job=? AND NOT o.sends_result AND NOT o.on_request AND d.job<>o.job AND d.destination=?"
            " AND d.sent_uid<>'' AND d.state='SENT' AND d.changed_at>? ORDER BY d.changed_at DESC, d.job DESC LIMIT 1",
            job,
            destination,
            self._database.clock() - self._same_again_s,
        )
        return bool(rows and rows[0]["same"])

    def pass_by(self, delivery: Delivery) -> None:
        """PENDING or RETRY -> SENDING -> SENT without an attempt: the destination has the same already."""
        with self._database.transaction() as db:
            key = (delivery.job, delivery.destination)
            self._database.move(db, key, DeliveryState.SENDING)
            self._database.move(db, key, DeliveryState.SENT, error=_HAS_SAME)

    def enter_had(self, db: sqlite3.Connection, job: int, destination: str, now: float) -> None:
        """Enter as SENT what a destination has already, by another object; part of the caller's transaction."""
        db.execute(
            "INSERT INTO deliveries (job, destination, state, queued_at, next_attempt_at, changed_at, error)"
            " VALUES (?,?,'SENT',?,?,?,?)",
            (job, destination, now, now, now, _HAS_SAME),
        )

    def requeue(self, db: sqlite3.Connection, job: int, destination: str, now: float) -> None:
        """SENT or FAILED -> PENDING, as if queued for the first time; part of the caller's transaction."""
        fresh = {
            **{"attempts": 0, "queued_at": now, "next_attempt_at": now, "status": None},
            **{"error": "", "variant": "", "aside": 0, "aside_since": 0.0},
            **{"sent_uid": "", "sent_sha256": ""},
        }
        self._database.move(db, (job, destination), DeliveryState.PENDING, **fresh)

    def sending(self, delivery: Delivery, variant: Variant = AS_IT_IS) -> None:
        """PENDING or RETRY -> SENDING, before the first byte leaves; later attempts send the same variant."""
        with self._database.transaction() as db:
            key = (delivery.job, delivery.destination)
            columns = {"attempts": delivery.attempts + 1, "variant": variant.as_text()}
            self._database.move(db, key, DeliveryState.SENDING, **columns)

    def versions_of(self, sop_instance_uid: str, destination: str) -> list[tuple[Job, Delivery | None]]:
        """Return the objects that came under a UID, newest first, each with its delivery to ``destination``, if any."""
        rows = self._database.rows(
            "SELECT * FROM objects WHERE sop_instance_uid=? ORDER BY job DESC", sop_instance_uid
        )
        return [
            (
                job_of(row),
                next((d for d in self.deliveries(row["job"]) if d.destination == destination), None),
            )
            for row in rows
        ]

    def settle(
        self,
        delivery: Delivery,
        to: DeliveryState,
        *,
        status: int | None = None,
        error: str = "",
        next_attempt_at: float = 0.0,
        aside: bool = False,
        holds_study: bool = True,
        sent_uid: str = "",
        sent_sha256: str = "",
    ) -> None:
        """Enter how an attempt ended: SENT, RETRY (due again at ``next_attempt_at``, in its turn or aside) or FAILED.

        For what is set aside those of its study wait a while, unless ``holds_study`` is false. ``sent_uid`` and ``sent_sha256``
        are of the data set that the destination has now.
        """
        since = delivery.aside_since if delivery.aside else self._database.clock()
        if not (aside and holds_study):
            since = 0.0
        with self._database.transaction() as db:
            key = (delivery.job, delivery.destination)
            columns = {
                "status": status,
                "error": error,
                "next_attempt_at": next_attempt_at,
                "aside": int(aside),
                "aside_since": since,
                "sent_uid": sent_uid,
                "sent_sha256": sent_sha256,
            }
            self._database.move(db, key, to, **columns)

    def recover(self, destination: str) -> int:
        """SENDING -> RETRY for what was on its way to ``destination`` when sending was cut off; return how many."""
        now = self._database.clock()
        with self._database.transaction() as db:
            rows = db.execute(
                "SELECT job FROM deliveries WHERE destination=? AND state='SENDING'", (destination,)
            ).fetchall()
            for row in rows:
                key = (row["job"], destination)
                error = "sending was cut off before the answer came"
                self._database.move(db, key, DeliveryState.RETRY, error=error, next_attempt_at=now)
        return len(rows)

    def counts(self) -> dict[tuple[str, DeliveryState], int]:
        """Return how many deliveries there are by destination and state, for those that occur."""
        rows = self._database.rows(
            "SELECT destination, state, COUNT(*) AS n FROM deliveries GROUP BY destination, state"
        )
        return {(row["destination"], DeliveryState(row["state"])): row["n"] for row in rows}

    def oldest_queued_at(self) -> dict[str, float]:
        """Return when the oldest delivery that waits was queued, by destination (those given up not counted)."""
        rows = self._database.rows(
            "SELECT destination, MIN(queued_at) AS at FROM deliveries"
            " WHERE state NOT IN ('SENT','FAILED') GROUP BY destination"
        )
        return {row["destination"]: row["at"] for row in rows}

    def failed(self) -> list[tuple[int, str]]:
        """Return the deliveries that were given up: job and destination."""
        rows = self._database.rows(
            "SELECT job, destination FROM deliveries WHERE state='FAILED' ORDER BY job"
        )
        return [(row["job"], row["destination"]) for row in rows]

    def failing_since(self) -> dict[str, float]:
        """Return, by destination, when the oldest delivery was queued that was tried in vain and keeps its turn."""
        rows = self._database.rows(
            "SELECT destination, MIN(queued_at) AS at FROM deliveries"
            " WHERE state='RETRY' AND NOT aside AND attempts>0 GROUP BY destination"
        )
        return {row["destination"]: row["at"] for row in rows}

    def waiting_destinations(self) -> dict[str, int]:
        """Return how many deliveries each destination still waits for (those given up not counted)."""
        rows = self._database.rows(
            "SELECT destination, COUNT(*) AS n FROM deliveries"
            " WHERE state NOT IN ('SENT','FAILED') GROUP BY destination"
        )
        return {row["destination"]: row["n"] for row in rows}

    def sent(self, destination: str, since: float) -> list[tuple[Job, Delivery]]:
        """Return what a destination was sent at or after a time, in the order in which it was."""
        rows = self._database.rows(
            "SELECT * FROM deliveries WHERE destination=? AND state='SENT' AND changed_at>=? ORDER BY changed_at",
            destination,
            since,
        )
        return [(self._job(row["job"]), delivery_of(row)) for row in rows]
