"""Asks one destination about what it was delivered: to give the relabelled set back, or to commit itself to keep the object.

``retrieve`` compares the set that comes back with the one that was sent (*verified*, *old version kept*). ``commitment`` is by
UID alone, so an archive that kept an older version of the object commits itself too: its answer means *held there*, no more.
What is not as it should be stands in log, audit log and queue, with what to do.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tg263_scp.config.sections import Destination
from tg263_scp.dicom.network.sender import Peer, Unavailable, peer_of
from tg263_scp.dicom.readback.commitment import (
    Asked,
    Commitment,
    Reference,
    ask_for_commitment,
    new_transaction_uid,
)
from tg263_scp.dicom.readback.comparison import Held, compare
from tg263_scp.dicom.readback.retrieve import Got, Retrieval, Wanted, retrieve
from tg263_scp.dicom.reading.identify import is_rtstruct
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HeldObjectError
from tg263_scp.service.audit import AuditLog
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Delivery, DeliveryState, Job
from tg263_scp.service.polling import Clock, PollingThread
from tg263_scp.service.readback.ledger import BAD, Entry, Ledger, Proof
from tg263_scp.service.spool import Spool

logger = logging.getLogger("tg263_scp.readback")

REPORT_HERE_S = 5.0
"""How long a report over the association of the request is waited for."""
REPORT_S = 600.0
"""After this without a report, a destination is asked again under a new transaction."""
AGAIN_S = 10.0
"""How long after an attempt that told nothing the next one comes at first; doubled each time."""
LONGEST_AGAIN_S = 600.0
_BATCH = 20
_MORE_BYTES = 1 << 20
"""An archive may write an object with other lengths and attributes of its own."""

WHAT_TO_DO: Mapping[Proof, str] = {
    Proof.OLD_VERSION_KEPT: (
        "the archive kept the version it had: let it replace objects (Orthanc: OverwriteInstances true), remove the old one"
        " there and send again (queue redo), or give the destination uid_policy: new"
    ),
    Proof.OTHER_OBJECT: "look at the object in the archive: it is not the one that was sent",
    Proof.NOT_HELD: "the archive answered success and has no such object: look there, then send again (queue redo)",
    Proof.UNKNOWN: "look whether the destination offers C-GET or storage commitment to our AE title",
}

PROVES_LITTLE = (
    "with verify: commitment and uid_policy: keep, an archive that kept the original commits itself as well: use"
    " verify: retrieve, or uid_policy: new"
)


def proves_little(destination: Destination) -> bool:
    """Whether the commitment of a destination does not tell the relabelled set from the original."""
    return destination.verify == "commitment" and destination.uid_policy == "keep"


Retrieve = Callable[[Peer, Wanted, Path], Retrieval]


class Commit(Protocol):
    """See :func:`~tg263_scp.dicom.readback.commitment.ask_for_commitment`."""

    def __call__(self, target: Peer, wanted: Commitment, *, wait_s: float) -> Asked: ...  # noqa: D102


class ReadingBack(PollingThread):
    """Asks one destination, on a thread of its own."""

    def __init__(
        self,
        destination: Destination,
        journal: Journal,
        spool: Spool,
        audit: AuditLog,
        ledger: Ledger,
        *,
        ask: Retrieve = retrieve,
        commit: Commit = ask_for_commitment,
        clock: Clock = time.time,
    ) -> None:
        name = destination.name
        super().__init__(f"readback-{name}", subject=f"reading back from {name}", logger=logger, clock=clock)
        self._destination = destination
        self._name = name
        self._target = peer_of(destination)
        self._journal = journal
        self._spool = spool
        self._audit = audit
        self._ledger = ledger
        self._ask = ask
        self._commit = commit
        self._seen_until = 0.0

    def reload(self) -> None:
        """Read the certificates again; see :meth:`Forwarder.reload`."""
        if self._target.tls:
            self._target.tls.reload()

    def _prepare(self, *, afresh: bool) -> None:
        """Enter what was delivered since the last look."""
        if afresh:
            # What was delivered before anybody wanted to know, the destination is not asked about.
            recently = self._clock() - self._destination.verify_within_s
            self._seen_until = max(recently, self._ledger.seen_until(self._name))
        for job, delivery in self._journal.outbox.sent(self._name, self._seen_until):
            if self._concerns(job):
                self._ledger.begin(job.job, self._name, delivery.changed_at, self._clock())
            self._seen_until = delivery.changed_at

    def _concerns(self, job: Job) -> bool:
        """Only a relabelled set can be told from the version that an archive may have kept; any object can be committed."""
        by_uid = self._destination.verify == "commitment"
        return by_uid or (job.sends_result and is_rtstruct(job.sop_class_uid))

    def work_on_next(self) -> bool:
        """Ask about what is due; false where nothing is."""
        due = self._ledger.due(self._name, self._clock(), _BATCH)
        if due and self._destination.verify == "commitment":
            self._ask_for_commitment(due)
            return True
        for entry in due:
            if self.stopping:
                return False
            self._look(entry)
        return bool(due)

    def _ask_for_commitment(self, due: Sequence[Entry]) -> None:
        """Ask for the commitment of several objects; the report may come now, or over an association of the destination."""
        now, jobs = self._clock(), {entry.job: self._journal.job(entry.job) for entry in due}
        late = [entry for entry in due if now >= self._until(entry)]
        for entry in late:
            self._settle(entry, jobs[entry.job], None, entry.detail or "it never reported")
        due = [entry for entry in due if entry not in late]
        if due:
            self._ask_for_commitment_of({entry.job: jobs[entry.job] for entry in due}, due, now)

    def _until(self, entry: Entry) -> float:
        return entry.sent_at + self._destination.verify_within_s

    def _ask_for_commitment_of(self, jobs: Mapping[int, Job], due: Sequence[Entry], now: float) -> None:
        wanted = Commitment(
            new_transaction_uid(),
            tuple(
                Reference(job.sop_class_uid, self._sent_uid(job) or job.sop_instance_uid)
                for job in jobs.values()
            ),
        )
        for entry in due:
            # Entered before it is asked: the report may be faster than the answer.
            due_at = min(now + REPORT_S, self._until(entry))
            self._ledger.settle(
                entry, Proof.ASKED, "", now, due_at=due_at, transaction_uid=wanted.transaction_uid
            )
        try:
            asked = self._commit(self._target, wanted, wait_s=REPORT_HERE_S)
            text = (
                "it did not report in time"
                if asked.status == 0
                else f"it refuses the request ({asked.status})"
            )
        except Unavailable as problem:
            asked, text = Asked(None, None), problem.message
        if asked.report:
            enter_report(asked.report, self._ledger, self._journal, self._audit, self._clock())
        elif asked.status != 0:
            for entry in due:
                self._settle(entry, jobs[entry.job], None, text)

    def _sent_uid(self, job: Job) -> str:
        delivery = self._delivery(job)
        return delivery.sent_uid if delivery else ""

    def _look(self, entry: Entry) -> None:
        job = self._journal.job(entry.job)
        delivery = self._delivery(job)
        if delivery is None or delivery.state is not DeliveryState.SENT:
            # It is being sent again, and then looked at again.
            self._ledger.settle(entry, Proof.DUE, "", self._clock(), due_at=self._clock() + AGAIN_S)
            return
        there = self._spool.scratch / f"{job.token}.{self._name}.readback"
        try:
            self._settle(entry, job, *self._compared(job, delivery, there))
        finally:
            there.unlink(missing_ok=True)

    def _delivery(self, job: Job) -> Delivery | None:
        found = self._journal.outbox.deliveries(job.job)
        return next((each for each in found if each.destination == self._name), None)

    def _compared(self, job: Job, delivery: Delivery, there: Path) -> tuple[Proof | None, str]:
        """Return what was found, None where nothing is known yet, and in words."""
        sent = self._sent(job, delivery)
        try:
            ours = read_structure_set(sent)
            wanted = Wanted(
                job.sop_class_uid,
                delivery.sent_uid or job.sop_instance_uid,
                ours.series_instance_uid,
                ours.study_instance_uid,
                2 * sent.stat().st_size + _MORE_BYTES,
            )
            answer = self._ask(self._target, wanted, there)
            if answer.got is not Got.OBJECT:
                return (Proof.NOT_HELD if answer.got is Got.NOTHING else None), answer.text
            finding = compare(sent, there)
        except (HeldObjectError, FileNotFoundError):
            return Proof.UNKNOWN, "the set that was sent is no longer in the spool"
        states = {
            Held.SENT: Proof.VERIFIED,
            Held.OLDER: Proof.OLD_VERSION_KEPT,
            Held.OTHER: Proof.OTHER_OBJECT,
        }
        return states[finding.held], finding.text

    def _sent(self, job: Job, delivery: Delivery) -> Path:
        renumbered = delivery.sent_uid not in ("", job.sop_instance_uid)
        return self._spool.under_new_uids(job.token) if renumbered else self._spool.result(job.token)

    def _settle(self, entry: Entry, job: Job, found: Proof | None, text: str) -> None:
        now = self._clock()
        # An archive may need a moment until it gives what it has taken.
        early = found is Proof.NOT_HELD and entry.attempts < 3
        if found is None or early:
            if now < self._until(entry):
                delay_s = min(AGAIN_S * 2.0 ** min(entry.attempts, 10), LONGEST_AGAIN_S)
                due_at = min(now + delay_s, self._until(entry))
                self._ledger.settle(entry, Proof.DUE, text, now, due_at=due_at)
                logger.warning("job %d: not read back from %s yet: %s", job.job, self._name, text)
                return
            found = found or Proof.UNKNOWN
        tell(self._audit, job, self._name, found, text)
        self._ledger.settle(entry, found, text, now)


def tell(audit: AuditLog, job: Job, destination: str, found: Proof, text: str) -> None:
    """Write into audit log and log what was found of an object at a destination."""
    audit.append(
        {
            "kind": "read_back",
            "result": str(found),
            "reason": text,
            "job": job.token,
            "job_number": job.job,
            "sop_instance_uid": job.sop_instance_uid,
            "destination": destination,
        }
    )
    if found in BAD:
        logger.error("job %d: %s at %s: %s; %s", job.job, found, destination, text, WHAT_TO_DO[found])
    else:
        logger.info("job %d: %s at %s", job.job, found, destination)


def enter_report(told: Commitment, ledger: Ledger, journal: Journal, audit: AuditLog, now: float) -> int:
    """Enter what a destination reports of its commitment; return for how many objects that was known to be asked."""
    said = {each.sop_instance_uid: each for each in told.references}
    known = 0
    for entry in ledger.of_transaction(told.transaction_uid):
        job = journal.job(entry.job)
        deliveries = journal.outbox.deliveries(entry.job)
        sent_uid = next((each.sent_uid for each in deliveries if each.destination == entry.destination), "")
        reference = said.get(sent_uid or job.sop_instance_uid)
        if reference is None:
            continue
        known += 1
        if entry.state is not Proof.ASKED:
            continue  # it says so twice
        found, text = Proof.HELD_THERE, "it has committed itself; which version it holds, that does not say"
        if reference.failure:
            found, text = Proof.NOT_HELD, f"it refuses the commitment with 0x{reference.failure:04X}"
        tell(audit, job, entry.destination, found, text)
        ledger.settle(entry, found, text, now, transaction_uid=told.transaction_uid)
    return known
