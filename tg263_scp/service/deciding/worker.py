"""The worker: takes each received object in turn, has it decided, and makes it READY or HELD.

One thread, in order of receipt, so that objects reach the destinations in the order the sender chose. Four steps, each
durable before the next, so that the node may end between any two of them:

    1. decide and write     the relabelled copy is in the spool (a copy left by an earlier attempt is thrown away)
    2. RECEIVED -> DECIDED  the journal holds the decision and its audit record
    3. audit                the line is in the audit log
    4. DECIDED -> READY     deliveries are queued, or HELD with a reason

A structure set may wait for the language model before its first step; later objects then overtake it, except those with its
SOP Instance UID. So it is with an object that meets an error: where the disk takes others it is HELD, else it is set aside
for a while. Only where several in a row fail is it taken for a fault that all share, and the worker pauses.
"""

from __future__ import annotations

import json
import logging
import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from threading import Lock
from typing import Any

from tg263_scp.config.routes import Route
from tg263_scp.dicom.encoding.budget import Budget, within
from tg263_scp.dicom.encoding.part10 import data_set_sha256
from tg263_scp.dicom.reading.identify import identify, is_rtstruct
from tg263_scp.dicom.reading.references import REFERRING, structure_sets_of
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason, JournalError
from tg263_scp.service.audit import AuditLog, IdentifierHash
from tg263_scp.service.deciding.disk_probe import disk_refuses
from tg263_scp.service.deciding.made_under import MadeUnder
from tg263_scp.service.deciding.relabeller import Relabeller
from tg263_scp.service.deciding.relabelling import DecisionContext, OutcomeKind, RelabelOutcome, audit_record
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.deciding.selection import Selected, Selection
from tg263_scp.service.faults import fault_place
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import DeliveryState, Job, ObjectState
from tg263_scp.service.polling import Clock, PollingThread, Step, no_step
from tg263_scp.service.spool import Spool

logger = logging.getLogger("tg263_scp.worker")

EXPIRE_EVERY_S = 60.0
EXPIRED_AT_ONCE = 200
"""So many objects lose their files before received ones have their turn again."""
FIRST_ASIDE_S = 5.0
"""How long an object that met an error is set aside; doubled with each further one, up to :data:`LONGEST_ASIDE_S`."""
LONGEST_ASIDE_S = 300.0
SHARED_BY = 3
"""So many objects that fail in a row share one fault: the audit log or the disk, not the objects."""


class Worker(PollingThread):
    """Decides received objects; :meth:`start` and :meth:`stop` run it on a thread of its own.

    ``remembers`` tells of which objects the journal keeps the row when their files go: those that later ones may refer to.
    ``under`` tells under what the objects of a sender are decided now, and what people said about names and the whole node.
    """

    def __init__(
        self,
        spool: Spool,
        journal: Journal,
        audit: AuditLog,
        relabeller: Relabeller,
        *,
        made_under: DecisionContext,
        hashed: IdentifierHash,
        routes: Routes,
        budget: Budget,
        retention_s: float,
        discarded_retention_s: float,
        wake_forwarders: Callable[[], None],
        selection: Selection | None = None,
        remembers: Callable[[Job], bool] = lambda job: False,
        under: MadeUnder | None = None,
        clock: Clock = time.time,
        step: Step = no_step,
    ) -> None:
        super().__init__("worker", subject="work", logger=logger, clock=clock, step=step)
        self._spool = spool
        self._journal = journal
        self._audit = audit
        self._relabeller = relabeller
        self.made_under = made_under
        """Under what the next object is decided; change it, and what goes with it, :attr:`between_objects`."""
        self.between_objects = Lock()
        """Held while an object is decided."""
        self._hashed = hashed
        self._routes = routes
        self._budget = budget
        self._selection = selection or Selection()
        self._aside: dict[int, tuple[int, float]] = {}
        self._failed_in_a_row: set[int] = set()
        self._retention_s = retention_s
        self._remembers = remembers
        self._under = under
        self._said = under.said if under is not None else None
        self._discarded_retention_s = discarded_retention_s
        self._expire_next_at = 0.0
        self._wake_forwarders = wake_forwarders

    def work_on_next(self) -> bool:
        """Bring the oldest undecided object to READY or HELD; false where there is none that is not set aside.

        Raises:
            Exception: what :data:`SHARED_BY` objects in a row met; call again later.
            JournalError: the journal refuses; call again later.
        """
        now = self._clock()
        aside = {job for job, (_, until) in self._aside.items() if now < until}
        job = self._journal.next_job(self._relabeller.waiting | aside)
        if job is None:
            return False
        if self._said is not None:
            self._said.take_up()
        try:
            with self.between_objects:
                self._bring_on(job)
        except JournalError:
            raise
        except Exception as problem:
            failures = self._aside.get(job.job, (0, 0.0))[0]
            delay_s = min(FIRST_ASIDE_S * 2.0 ** min(failures, 30), LONGEST_ASIDE_S)
            self._aside[job.job] = failures + 1, now + delay_s
            logger.error("job %d: set aside for %.0f s after %s", job.job, delay_s, fault_place(problem))
            self._failed_in_a_row.add(job.job)
            if len(self._failed_in_a_row) >= SHARED_BY:
                self._failed_in_a_row.clear()
                raise
        else:
            self._aside.pop(job.job, None)
            self._failed_in_a_row.clear()
        return True

    def _bring_on(self, job: Job) -> None:
        """RECEIVED or DECIDED -> READY or HELD, or wait for the language model."""
        repeated = job.state is ObjectState.DECIDED
        if not repeated:
            if not self._decide(job):
                self._journal.awaits_llm(job.job)
                logger.info("job %d: waits for the language model", job.job)
                return
            self._relabeller.forget(job.job)
            job = self._journal.job(job.job)
        record = json.loads(job.record)
        # The number of the audit log's last line before this one was handed to it; none where it never was.
        after = record.pop("audited_after", 0)
        if after is None:
            self._journal.audited_after(job.job, self._audit.last_seq)
        if not (repeated and after is not None and self._audit.holds(record["decision"], after=after)):
            self._audit.append(record)
            self._step("audited")
        state = self._journal.finish(job.job, self._destinations(job, record))
        self._step("finished")
        logger.info("job %d: %s%s", job.job, state, f" ({job.reason})" if job.reason else "")
        if state is ObjectState.READY:
            self._wake_forwarders()

    def _destinations(self, job: Job, record: Mapping[str, Any]) -> list[str]:
        """Return where an object goes: as was decided, or for one that a person let go on, as its route and the filters say."""
        decided: list[str] | None = record.get("destinations")
        if decided is not None:
            return decided
        return self._selected(job, self._routes.of(job), relabelled=False).destinations

    def _selected(self, job: Job, route: Route, *, relabelled: bool) -> Selected:
        original = self._spool.original(job.token)

        def modality() -> str:
            with suppress(OSError):
                identity = identify(original)
                return identity.modality if identity else ""
            return ""

        return self._selection.of(job, route.destinations, relabelled=relabelled, modality=modality)

    def _prepare(self, *, afresh: bool) -> None:
        if self._said is not None:
            self._said.take_up()
        self._spool.keep_room()
        if self._spool.short_of_bytes():
            self._expire_early()
        if self._clock() < self._expire_next_at:
            return
        self._expire_next_at = self._clock() + EXPIRE_EVERY_S
        self._journal.alive()
        expired = self.expire()
        if expired >= EXPIRED_AT_ONCE:
            self._expire_next_at = 0.0
        if expired:
            logger.info("%d objects are everywhere or discarded, and past retention: files removed", expired)

    def expire(self) -> int:
        """Remove the files of objects that every destination has had, or that were discarded, for long; return how many.

        At most :data:`EXPIRED_AT_ONCE` at a time.
        """
        now = self._clock()
        jobs = self._journal.expirable(now - self._retention_s, EXPIRED_AT_ONCE)
        left = EXPIRED_AT_ONCE - len(jobs)
        jobs += self._journal.discarded(now - self._discarded_retention_s, left)
        self._expire(jobs)
        return len(jobs)

    def _expire_early(self) -> None:
        """Remove the files of delivered objects, oldest first, until there is enough free disk: retention is a wish."""
        removed = 0
        jobs = self._journal.expirable(math.inf, EXPIRED_AT_ONCE)
        for job in jobs:
            self._expire([job])
            removed += 1
            if not self._spool.short_of_bytes():
                break
        if removed:
            logger.warning("the disk is short: files of %d delivered objects removed early", removed)

    def _expire(self, jobs: Sequence[Job]) -> None:
        # First the journal: were the files gone first, a crash would leave an object that cannot be sent again.
        expired = set(self._journal.expire(*(job.job for job in jobs)))
        gone = [job for job in jobs if job.job in expired]
        for job in gone:
            self._spool.discard(job.token)
        self._journal.forget(*(job.job for job in gone if not self._remembers(job)))

    def _decide(self, job: Job) -> bool:
        """RECEIVED -> DECIDED; false where the set waits for the language model and stays RECEIVED."""
        source, target = self._spool.original(job.token), self._spool.result(job.token)
        route = self._routes.of(job)
        context = self._context(job, route)
        delivered = self._delivered_names(job)
        under = self._under.of(job) if self._under is not None else ""
        try:
            self._spool.discard_result(job.token)
            with within(self._budget):
                outcome = self._outcome(job, source, target, context)
        except OSError as problem:
            reason = self._blamed(source)
            if reason is None:
                raise
            logger.error("job %d: held after %s", job.job, fault_place(problem))
            outcome = RelabelOutcome(OutcomeKind.HELD, reason)
        except Exception as problem:
            # One object must never stop the others.
            logger.error("job %d: held after %s", job.job, fault_place(problem))
            outcome = RelabelOutcome(OutcomeKind.HELD, HoldReason.INTERNAL_ERROR)
        if outcome is None:
            return False
        selected = self._selected(job, route, relabelled=outcome.kind is OutcomeKind.RELABELLED)
        context |= {"destinations": selected.destinations, "left_out": dict(selected.left_out)}
        if outcome.kind is not OutcomeKind.HELD and not selected.destinations:
            outcome = replace(outcome, kind=OutcomeKind.HELD, reason=HoldReason.NO_DESTINATION, proof=None)
        if outcome.kind is not OutcomeKind.RELABELLED and outcome.reason is not HoldReason.DISK_REFUSED:
            self._spool.discard_result(job.token)
        self._step("written")
        relabelled = outcome.kind is OutcomeKind.RELABELLED
        record = audit_record(outcome, self.made_under, self._hashed, context)
        self._compare(job, record, delivered)
        self._journal.decide(
            job.job,
            {**record, "audited_after": self._audit.last_seq},
            hold=outcome.kind is OutcomeKind.HELD,
            reason=outcome.reason,
            sends_result=relabelled,
            unanswered=outcome.unanswered,
            study=record.get("study", ""),
            made_under=under,
            result_sha256=data_set_sha256(target) if relabelled else "",
        )
        self._step("decided")
        self._log(job, outcome)
        self._warn_of_parted(job, source, selected)
        return True

    def _warn_of_parted(self, job: Job, source: Path, selected: Selected) -> None:
        """Say where a plan or dose goes without its structure set, which a filter leaves out there."""
        filtering = [name for name in selected.destinations if self._selection.filters(name)]
        if not filtering or job.sop_class_uid not in REFERRING:
            return
        try:
            with within(self._budget):
                wanted = structure_sets_of(source).structure_sets
        except (HeldObjectError, OSError):
            return
        for name in filtering:
            newest = (self._journal.outbox.versions_of(uid, name)[:1] for uid in wanted)
            if any(
                found and found[0][1] is None and found[0][0].state is ObjectState.READY for found in newest
            ):
                parted = (
                    "job %d: goes to %s, which does not get the structure set that it refers to (see send)"
                )
                logger.warning(parted, job.job, name)

    def _blamed(self, source: Path) -> HoldReason | None:
        """Return why an object is to be held after an error of the disk; None where the disk refuses whatever it is given."""
        try:
            file_bytes = source.stat().st_size
        except FileNotFoundError:
            return HoldReason.FILE_MISSING
        except OSError:
            file_bytes = 0
        # The copy, and its provenance, may be twice as large.
        if disk_refuses(self._spool.scratch, 2 * file_bytes):
            return None
        return HoldReason.DISK_REFUSED

    def _outcome(
        self, job: Job, source: Path, target: Path, context: dict[str, Any]
    ) -> RelabelOutcome | None:
        identity = identify(source)
        outcome: RelabelOutcome | None = RelabelOutcome(OutcomeKind.PASSED)
        # What was sent as something else is a structure set too, for its gate to decide.
        if self._said is not None and self._said.paused:
            outcome = RelabelOutcome(OutcomeKind.PASSED, HoldReason.PAUSED)
        elif is_rtstruct(job.sop_class_uid) or (identity is not None and is_rtstruct(identity.sop_class_uid)):
            outcome = self._relabeller.relabel(source, target, job)
            if outcome is None or outcome.structure_set is not None:
                return outcome
        if identity is not None:
            context["patient"] = self._hashed(identity.patient_id)
            context["study"] = self._hashed(identity.study_instance_uid)
            context["series"] = self._hashed(identity.series_instance_uid)
        return outcome

    def _context(self, job: Job, route: Route) -> dict[str, Any]:
        return {
            "decision": secrets.token_hex(8),
            "job": job.token,
            "job_number": job.job,
            "peer": {"ae_title": job.calling_ae_title, "address": job.peer_address},
            "called_ae_title": job.called_ae_title,
            "route": route.name,
            "sop_class_uid": job.sop_class_uid,
            "sop_instance_uid": job.sop_instance_uid,
            "dataset_sha256": job.sha256,
            "dataset_bytes": job.dataset_bytes,
            "other_version_of_uid": job.other_version,
            **({"review": self._said.state} if self._said is not None and self._said.state else {}),
            **({"asked": asdict(job.wish)} if job.wish is not None else {}),
        }

    def _delivered_names(self, job: Job) -> list[str] | None:
        """Return the names with which a structure set went to its destinations; None where it did not, or is unreadable."""
        if not any(each.state is DeliveryState.SENT for each in self._journal.outbox.deliveries(job.job)):
            return None
        sent = self._spool.result(job.token) if job.sends_result else self._spool.original(job.token)
        try:
            return [roi.name for roi in read_structure_set(sent).rois]
        except (HeldObjectError, OSError):
            return None

    def _compare(self, job: Job, record: dict[str, Any], delivered: Sequence[str] | None) -> None:
        """Note in an audit record which names were delivered otherwise before, and warn."""
        rois = record.get("rois", [])
        if delivered is None or len(delivered) != len(rois):
            return
        sends = record["kind"] == OutcomeKind.RELABELLED
        differing = 0
        for roi, before in zip(rois, delivered, strict=True):
            if before != (roi["new"] if sends else roi["old"]):
                roi["delivered_before"] = before
                differing += 1
        if differing:
            logger.warning("job %d: %d names differ from what was delivered before", job.job, differing)

    def _log(self, job: Job, outcome: RelabelOutcome) -> None:
        if outcome.reason in (HoldReason.APPROVED, HoldReason.SIGNED):
            logger.warning("job %d: %s: the structure set is %s", job.job, outcome.kind, outcome.reason)
        if outcome.counts:
            counts = ", ".join(f"{number} {status}" for status, number in sorted(outcome.counts.items()))
            logger.info("job %d: %s: %s", job.job, outcome.kind, counts)
