"""What of an object goes to one destination: as received, relabelled, under new UIDs, or referring to those that are.

A plan or dose of a destination with ``rewrite_references`` refers to the structure set under the UID that it has there. What
UID that is, is known once the set was decided: where it comes later than the plan, the plan waits, at most for
``reference_wait_s`` after it was queued. Then it goes on as it was received, and the audit line says so: a reference to the
sender's object is never wrong, it only leads nowhere at a destination that lacks it. So does one that is approved or signed,
unless the gates of its route let such objects be changed.

What was found for the first attempt holds for all later ones (the journal keeps it), so that the destination gets the same
bytes again, never others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tg263_scp.config.routes import Gates
from tg263_scp.config.sections import Destination
from tg263_scp.dicom.editing.rewrite_references import rewrite_references
from tg263_scp.dicom.encoding.budget import Budget, within
from tg263_scp.dicom.encoding.part10 import data_set_sha256
from tg263_scp.dicom.reading.identify import is_rtstruct
from tg263_scp.dicom.reading.references import REFERRING, Referring, structure_sets_of
from tg263_scp.errors import HeldObjectError
from tg263_scp.service.deciding.relabelling import Writing, digests_of
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.delivery.new_uid_copies import Renumbering
from tg263_scp.service.delivery.transcoding import Context, Fitted, fitted
from tg263_scp.service.journal.deliveries import Outbox
from tg263_scp.service.journal.states import (
    AS_IT_IS,
    Delivery,
    DeliveryState,
    Found,
    Job,
    ObjectState,
    UidSent,
    Variant,
)
from tg263_scp.service.spool import Spool


class Outlet:
    """Knows what goes to one destination, and makes the copies that it wants."""

    def __init__(
        self,
        destination: Destination,
        spool: Spool,
        outbox: Outbox,
        renumbering: Renumbering,
        writing: Writing,
        routes: Routes,
        budget: Budget,
    ) -> None:
        self._destination = destination
        self._spool = spool
        self._outbox = outbox
        self._renumbering = renumbering
        self._writing = writing
        self._routes = routes
        self._budget = budget
        self._read: dict[str, Referring] = {}

    def waits_until(self, job: Job, delivery: Delivery) -> float:
        """Return the time until which a plan or dose waits for a structure set; 0 where it does not wait."""
        if not self._rewrites(job) or delivery.variant is not None:
            return 0.0
        try:
            with within(self._budget):
                settled = all(settled for _, settled in self._uids_referred_to(job))
        except (HeldObjectError, OSError):
            return 0.0
        return 0.0 if settled else delivery.queued_at + self._destination.reference_wait_s

    def outgoing(self, job: Job, delivery: Delivery) -> tuple[Path, Variant]:
        """Return the file to be sent, made where it does not exist yet, and what it is.

        Raises:
            HeldObjectError: a relabelled object cannot be given new UIDs.
            OSError: reading or writing failed.
        """
        with within(self._budget):
            return self._outgoing(job, delivery)

    def fitted(
        self, job: Job, path: Path, digest: str, accepted: Collection[Context]
    ) -> AbstractContextManager[Fitted]:
        """Give the file as the destination accepts it; see :func:`~tg263_scp.service.delivery.transcoding.fitted`."""
        return fitted(job, path, digest, accepted, self._spool.scratch, self._budget)

    def _outgoing(self, job: Job, delivery: Delivery) -> tuple[Path, Variant]:
        if self._rewrites(job):
            try:
                return self._referring(job, delivery.variant)
            finally:
                self._read.pop(job.token, None)
        if not job.sends_result:
            return self._spool.original(job.token), Variant((), {"sent": "original"}, job.sha256)
        if self._destination.uid_policy == "keep":
            return self._spool.result(job.token), Variant((), {"sent": "result"}, job.result_sha256)
        path, new = self._renumbering.copy(job), self._renumbering.sop_instance_uid(job)
        uids = (UidSent(job.sop_instance_uid, new, Found.RENUMBERED),)
        sha256 = delivery.variant.sha256 if delivery.variant is not None else _sha256_of(path)
        return path, Variant(uids, {"sent": "result", "new_sop_instance_uid": new}, sha256)

    def _rewrites(self, job: Job) -> bool:
        return self._destination.rewrite_references and job.sop_class_uid in REFERRING

    def _referring(self, job: Job, decided: Variant | None) -> tuple[Path, Variant]:
        original = self._spool.original(job.token)
        copy = self._spool.rewritten(job.token, self._destination.name)
        if decided is not None:
            rewritten = decided.told.get("sent") == "rewritten"
            return (copy, decided) if rewritten else (original, replace(decided, sha256=job.sha256))
        copy.unlink(missing_ok=True)
        uids: tuple[UidSent, ...] = ()
        try:
            uids = tuple(uid for uid, _ in self._uids_referred_to(job))
            new = {uid.old: uid.new for uid in uids if uid.found is Found.RENUMBERED}
            if not new:
                told: dict[str, Any] = {"sent": "original", "references": _told(uids)}
                return original, Variant(uids, told, job.sha256)
            provenance = self._writing.provenance(job.calling_ae_title)
            proof = rewrite_references(original, copy, new, self._renumbering.uids.series, provenance)
        except FileNotFoundError:
            return original, AS_IT_IS
        except HeldObjectError as problem:
            kept = tuple(UidSent(uid.old, uid.old, Found.NOT_EDITABLE) for uid in uids)
            told = {"sent": "original", "references": _told(kept), "references_kept": problem.reason}
            return original, Variant(kept, told, job.sha256)
        told = {"sent": "rewritten", "references": _told(uids), "provenance_added": proof.added}
        return copy, Variant(uids, {**told, "digests": digests_of(proof)}, data_set_sha256(copy))

    def _uids_referred_to(self, job: Job) -> list[tuple[UidSent, bool]]:
        """Return the UIDs that stand for those in a plan or dose, each with whether that can no longer change."""
        # A plan or dose that waits is looked at every second: it is read once.
        if job.token not in self._read:
            self._read[job.token] = structure_sets_of(self._spool.original(job.token))
        referring = self._read[job.token]
        seal = sealed(referring, self._routes.of(job).gates)
        if seal is not None:
            return [(UidSent(uid, uid, seal), True) for uid in referring.structure_sets]
        return [self._at_destination(uid) for uid in referring.structure_sets]

    def _at_destination(self, uid: str) -> tuple[UidSent, bool]:
        """Tell under which UID a structure set is, or will be, at the destination; its newest version decides."""
        settled = True
        found = Found.UNKNOWN
        for job, delivery in self._outbox.versions_of(uid, self._destination.name):
            if not is_rtstruct(job.sop_class_uid):
                continue
            if job.state in (ObjectState.RECEIVED, ObjectState.DECIDED, ObjectState.HELD):
                found, settled = Found.UNDECIDED, False
            elif delivery is not None:
                return self._delivered(uid, job, delivery), settled
            elif found is Found.UNKNOWN:
                found = Found.ELSEWHERE
        return UidSent(uid, uid, found), settled and found is not Found.UNKNOWN

    def _delivered(self, uid: str, job: Job, delivery: Delivery) -> UidSent:
        if delivery.variant is not None:
            own = [each for each in delivery.variant.uids if each.old == uid]
            return own[0] if own else UidSent(uid, uid, Found.UNCHANGED)
        if delivery.state is DeliveryState.SENT:
            return UidSent(uid, uid, Found.UNKNOWN)
        if job.sends_result and self._destination.uid_policy == "new":
            return UidSent(uid, self._renumbering.uids.instance(uid), Found.RENUMBERED)
        return UidSent(uid, uid, Found.UNCHANGED)


def sealed(referring: Referring, gates: Gates) -> Found | None:
    """Say why nothing in a plan or dose may be changed, by the gates of its route."""
    if referring.has_digital_signature and gates.signed != "relabel":
        return Found.SIGNED
    if referring.approval_status.upper() == "APPROVED" and gates.approved != "relabel":
        return Found.APPROVED
    return None


def _sha256_of(copy: Path) -> str:
    """Return the digest of a copy, empty where there is none: who sends it says so."""
    return data_set_sha256(copy) if copy.is_file() else ""


def _told(uids: Iterable[UidSent]) -> list[dict[str, str]]:
    return [{"old": uid.old, "new": uid.new, "structure_set": str(uid.found)} for uid in uids]
