"""The forwarder: brings READY objects to one destination, in order of receipt, until it has them.

Each destination has a forwarder with a thread and a queue of its own, so that one that is down delays no other. An
object counts as sent only on the success (or storage warning) status of its own C-STORE. Everything else is either
transient, and tried again after a delay that doubles, or permanent, and stays in the queue as FAILED.

What a failure means for the order:

    no association              All wait. Whether the peer is down or rejects us, for the moment or "for good" (an AE
                                title that is not entered there yet): it is a fault of the destination, not of an object.
    a transient status, or the  All wait at first, since the destination may be full or about to end. After
    association is lost         :data:`PATIENCE` such failures in a row the object at hand is set aside: it waits alone, and
                                those behind it pass. Each that fails as well is set aside too. As soon as the destination
                                takes one, all that was set aside since the first failure is tried once more, in order.
    a permanent status, no      The object has FAILED; the next one goes on.
    presentation context, or it
    cannot be sent as it is
    our disk refuses its copy   It is set aside at once, and tried again.
    the peer is silent          The object is set aside at once, and left alone for longer than it delayed the others.
    it waits for another one    It is set aside until then (:mod:`tg263_scp.service.delivery.outgoing`).

Two versions of an object (one SOP Instance UID) never change places. What is of one study keeps its order for
``order_wait_s`` after an object was set aside: a plan does not overtake its set. Then it goes on, and the log says so. The
journal holds what was set aside and when all is due, so that order holds over a restart too; at its start the forwarder
tries what was set aside once more, in order. A crash between the answer and its entry sends the object once more: the
destination gets the same bytes again, never others.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from tg263_scp.config.sections import Destination
from tg263_scp.dicom.network.sender import (
    MAX_CONTEXTS,
    Answer,
    Connection,
    Parcel,
    Peer,
    Unavailable,
    peer_of,
)
from tg263_scp.dicom.network.statuses import DUPLICATE, StoreResult
from tg263_scp.errors import HeldObjectError, JournalError
from tg263_scp.service.audit import AuditLog
from tg263_scp.service.delivery.outgoing import Outlet
from tg263_scp.service.delivery.transcoding import Context, contexts_of
from tg263_scp.service.faults import fault_place
from tg263_scp.service.journal.deliveries import Outbox
from tg263_scp.service.journal.states import Delivery, DeliveryState, Found, Job, Variant
from tg263_scp.service.polling import POLL_S, Clock, PollingThread, Step, no_step

logger = logging.getLogger("tg263_scp.forwarder")

Batch = Sequence[tuple[Job, Delivery]]

PATIENCE = 3
"""Failures in a row after which an object no longer holds up those behind it."""
LONGEST_SILENCE_S = 3600.0
"""How long an object on which the peer was silent is left alone at most."""
_WAITS = "waits for the structure set it refers to"
_LATE = "what becomes of its structure set was not known in time"


class Line(Protocol):
    """What the forwarder needs of an association; see :class:`~tg263_scp.dicom.network.sender.Connection`."""

    @property
    def usable(self) -> bool: ...  # noqa: D102
    @property
    def accepted(self) -> Collection[Context]: ...  # noqa: D102
    def send(self, parcel: Parcel) -> Answer: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102
    def abort(self) -> None: ...  # noqa: D102


Connect = Callable[[Peer, Collection[Context]], Line]


class Forwarder(PollingThread):
    """Forwards to one destination; :meth:`start` and :meth:`stop` run it on a thread of its own.

    ``jitter`` returns a number from 0 to 1.
    """

    def __init__(
        self,
        destination: Destination,
        outbox: Outbox,
        audit: AuditLog,
        outlet: Outlet,
        *,
        connect: Connect = Connection,
        clock: Clock = time.time,
        jitter: Callable[[], float] = random.random,
        step: Step = no_step,
    ) -> None:
        super().__init__(
            f"forwarder-{destination.name}", subject=destination.name, logger=logger, clock=clock, step=step
        )
        self._destination = destination
        self._name = destination.name
        self._target = peer_of(destination)
        self._outbox = outbox
        self._audit = audit
        self._outlet = outlet
        self._connect = connect
        self._jitter = jitter
        self._refusals = 0
        self._studies_set_aside: set[str] = set()
        self._in_vain = 0
        self._in_vain_since = 0.0
        self._paused_until = 0.0
        self._looked_at = 0.0
        self._line: Line | None = None
        self._line_lock = Lock()

    def stop(self, deadline_s: float) -> bool:
        """Finish the object at hand; after the deadline abort it, to be sent again at the next start."""
        if super().stop(deadline_s):
            return True
        with self._line_lock:
            line = self._line
        if line is not None:
            line.abort()
        return super().stop(5.0)

    def reload(self) -> None:
        """Read the certificates again, for associations from now on.

        Raises:
            Tg263Error: a file cannot be used; the forwarder goes on with what it has.
        """
        if self._target.tls:
            self._target.tls.reload()

    def _prepare(self, *, afresh: bool) -> None:
        if afresh:
            # Nobody else sends to this destination: what is SENDING now was cut off.
            self._outbox.recover(self._name)
            self._outbox.recall(self._name, 0.0)

    def _idle_s(self) -> float:
        paused = self._looked_at < self._paused_until
        at = self._paused_until if paused else self._outbox.next_due_at(self._name, after=self._looked_at)
        return POLL_S if at is None else min(POLL_S, max(0.01, at - self._clock()))

    def work_on_next(self) -> bool:
        """Send one batch of what is due; false where nothing is, or the destination is being left alone for a while."""
        self._looked_at = self._clock()
        if self._looked_at < self._paused_until or not self._may_send_now():
            return False
        due = self._outbox.due(self._name, self._destination.batch_objects, self._destination.order_wait_s)
        batch = _of_one_association([each for each in due if not self._waits(*each)])
        if not batch:
            return bool(due)
        try:
            line = self._connect(self._target, _contexts(batch))
        except Unavailable as problem:
            self._refused(batch, problem)
            return False
        self._refusals = 0
        with self._line_lock:
            self._line = line
        try:
            self._send_batch(batch, line)
        finally:
            line.close()
            with self._line_lock:
                self._line = None
        return True

    def _may_send_now(self) -> bool:
        """Whether it is the part of the day in which the destination is sent to (local time)."""
        between = self._destination.send_between
        if between is None:
            return True
        begin, end = between.split("-")
        now = time.strftime("%H:%M", time.localtime(self._looked_at))
        return begin <= now < end if begin < end else now >= begin or now < end

    def _waits(self, job: Job, delivery: Delivery) -> bool:
        """Put a plan or dose aside that waits for the structure set it refers to; those behind it pass."""
        try:
            until = self._outlet.waits_until(job, delivery)
        except JournalError:
            raise
        except Exception as problem:
            logger.error("job %d: does not wait after %s", job.job, fault_place(problem))
            return False
        now = self._clock()
        if now >= until:
            return False
        at = min(until, now + POLL_S)
        self._outbox.settle(
            delivery, DeliveryState.RETRY, error=_WAITS, next_attempt_at=at, aside=True, holds_study=False
        )
        return True

    def _send_batch(self, batch: Batch, line: Line) -> None:
        self._studies_set_aside.clear()
        for job, delivery in batch:
            if job.study in self._studies_set_aside:
                continue  # it stays as it is, and is looked at again with the next batch
            if self.stopping or not self._send(job, delivery, line):
                return

    def _send(self, job: Job, delivery: Delivery, line: Line) -> bool:
        """Send one object and enter what became of it; true where the next one may follow over the same association."""
        if self._outbox.has_same(job.job, self._name):
            self._outbox.pass_by(delivery)
            logger.info("job %d: %s has the same already, not sent again", job.job, self._name)
            return True
        try:
            path, variant = self._outlet.outgoing(job, delivery)
        except HeldObjectError as problem:
            self._fail(job, delivery, Answer(StoreResult.PERMANENT, None, problem.message))
            return True
        except OSError as problem:
            self._not_made(job, delivery, problem)
            return True
        except JournalError:
            raise
        except Exception as problem:
            self._fail(job, delivery, _own_fault(job, problem))
            return True
        self._outbox.sending(delivery, variant)
        late = any(uid.found in (Found.UNKNOWN, Found.UNDECIDED) for uid in variant.uids)
        if late and delivery.variant is None:
            logger.warning("job %d: goes to %s with the reference it has: %s", job.job, self._name, _LATE)
        overtaken = self._outbox.overtaken(job, self._name)
        if overtaken:
            logger.warning(
                "job %d: goes to %s before job %d of the same study, which has waited long enough",
                *(job.job, self._name, overtaken[0]),
            )
        self._step("sending")
        stands = line.usable
        answer, told = self._answer(line, job, path, variant)
        delivery = replace(delivery, variant=replace(variant, told={**variant.told, **told}))
        self._step("answered")
        if answer.result is StoreResult.STORED:
            self._record(job, delivery, "delivered", answer)
            self._step("delivery_audited")
            self._outbox.settle(
                delivery,
                DeliveryState.SENT,
                status=answer.status,
                error=_remark(answer),
                sent_uid=_uid_sent(job, variant),
                sent_sha256=answer.dataset_sha256,
            )
            self._log_sent(job, answer)
            return not self._recalled() and line.usable
        if answer.result is StoreResult.PERMANENT:
            self._fail(job, delivery, answer)
            return line.usable or not stands  # where nothing was accepted, there never was an association
        if not line.usable:
            # Half the first delay is less than the object just tried has to wait: one that is set aside lets the next one go.
            self._paused_until = self._clock() + self._destination.retry.first_delay_s / 2
        return self._not_taken(job, delivery, answer) and line.usable

    def _log_sent(self, job: Job, answer: Answer) -> None:
        if answer.status == DUPLICATE:
            held = (
                "job %d: not sent to %s again: it says 0x0111, holds it already, perhaps in an older version"
            )
            logger.warning(held, job.job, self._name)
        else:
            note = f" ({_remark(answer)})" if answer.status else ""
            logger.info("job %d: sent to %s%s", job.job, self._name, note)

    def _answer(self, line: Line, job: Job, path: Path, variant: Variant) -> tuple[Answer, Mapping[str, Any]]:
        """Send what the journal says an object is, and tell how it was written.

        An error of the sending library is one of this object alone.
        """
        try:
            with self._outlet.fitted(job, path, variant.sha256, line.accepted) as sent:
                context = job.sop_class_uid, sent.transfer_syntax_uid
                parcel = Parcel(sent.path, *context, _uid_sent(job, variant), sent.dataset_sha256)
                return line.send(parcel), sent.told
        except HeldObjectError as problem:
            return Answer(StoreResult.PERMANENT, None, problem.message), {}
        except OSError as problem:
            said = f"it cannot be transcoded: {problem.strerror}"
            return Answer(StoreResult.TRANSIENT, None, said), {}
        except Exception as problem:
            line.abort()
            return _own_fault(job, problem), {}

    def _not_made(self, job: Job, delivery: Delivery, problem: OSError) -> None:
        """Enter that our disk refuses the copy for this destination: it is tried again, and the others pass."""
        answer = Answer(StoreResult.TRANSIENT, None, f"its copy cannot be made: {problem.strerror}")
        if self._given_up(delivery):
            self._fail(job, delivery, answer)
            return
        at = self._clock() + self._destination.retry.max_delay_s / 10
        self._outbox.settle(delivery, DeliveryState.RETRY, error=answer.text, next_attempt_at=at, aside=True)
        logger.error("job %d: not sent to %s (%s), to be tried again", job.job, self._name, answer.text)

    def _not_taken(self, job: Job, delivery: Delivery, answer: Answer) -> bool:
        """Enter that an object is to be tried again, or is given up; true where those behind it do not wait for it."""
        now = self._clock()
        if not delivery.aside:
            self._in_vain += 1
            self._in_vain_since = now if self._in_vain == 1 else self._in_vain_since
        if self._given_up(delivery):
            self._fail(job, delivery, answer)
            return True
        aside = delivery.aside or answer.silent or self._in_vain >= PATIENCE
        text, at = _text(answer), now + self._delay_s(delivery.attempts)
        if answer.silent:
            # It has delayed the others by this much, and will again.
            lost_s = self._destination.dimse_timeout_s
            at = max(at, now + min(lost_s * 2.0 ** min(delivery.attempts, 10), LONGEST_SILENCE_S))
        self._outbox.settle(
            delivery,
            DeliveryState.RETRY,
            status=answer.status,
            error=text,
            next_attempt_at=at,
            aside=aside,
        )
        logger.warning("job %d: not sent to %s (%s), to be tried again", job.job, self._name, text)
        if aside and job.study and self._destination.order_wait_s:
            self._studies_set_aside.add(job.study)
        return aside

    def _recalled(self) -> bool:
        """Let what failed before the destination took an object have another turn; true where something was set aside."""
        recalled = self._in_vain >= PATIENCE
        if recalled:
            self._outbox.recall(self._name, self._in_vain_since)
        self._in_vain = 0
        return recalled

    def _refused(self, batch: Batch, problem: Unavailable) -> None:
        at = self._clock() + self._delay_s(self._refusals)
        self._refusals += 1
        level = logging.ERROR if problem.permanent else logging.WARNING
        logger.log(level, "%s: %s; its queue waits", self._name, problem.message)
        answer = Answer(StoreResult.TRANSIENT, None, problem.message)
        for job, delivery in batch:
            if self._given_up(delivery):
                self._fail(job, delivery, answer)
            else:
                self._outbox.settle(
                    delivery,
                    DeliveryState.RETRY,
                    error=answer.text,
                    next_attempt_at=at,
                    aside=delivery.aside,
                )

    def _fail(self, job: Job, delivery: Delivery, answer: Answer) -> None:
        self._record(job, delivery, "delivery_failed", answer)
        text = _text(answer)
        self._outbox.settle(delivery, DeliveryState.FAILED, status=answer.status, error=text)
        logger.error("job %d: given up for %s (%s)", job.job, self._name, text)

    def _given_up(self, delivery: Delivery) -> bool:
        return self._clock() >= delivery.queued_at + self._destination.retry.give_up_after_s

    def _delay_s(self, failures: int) -> float:
        retry = self._destination.retry
        doubled = retry.first_delay_s * 2.0 ** min(failures, 30)
        return min(doubled * (1 + 0.25 * self._jitter()), retry.max_delay_s)

    def _record(self, job: Job, delivery: Delivery, kind: str, answer: Answer) -> None:
        destination = self._destination
        record: dict[str, Any] = {
            "kind": kind,
            "reason": answer.text,
            "job": job.token,
            "job_number": job.job,
            "sop_instance_uid": job.sop_instance_uid,
            "dataset_bytes": job.dataset_bytes,
            "destination": self._name,
            "peer": {"ae_title": destination.ae_title, "address": f"{destination.host}:{destination.port}"},
            "status": None if answer.status is None else f"0x{answer.status:04X}",
        }
        self._audit.append(record | dict(delivery.variant.told if delivery.variant is not None else {}))


def _own_fault(job: Job, problem: Exception) -> Answer:
    logger.error("job %d: cannot be sent after %s", job.job, fault_place(problem))
    return Answer(
        StoreResult.PERMANENT, None, f"a fault of this program ({type(problem).__name__}), see the log"
    )


def _uid_sent(job: Job, variant: Variant) -> str:
    return variant.told.get("new_sop_instance_uid") or job.sop_instance_uid


def _contexts(batch: Batch) -> list[Context]:
    return list(dict.fromkeys(each for job, _ in batch for each in contexts_of(job)))


def _of_one_association(batch: Batch) -> Batch:
    """Cut a batch where it would need more presentation contexts than an association has."""
    contexts: set[Context] = set()
    for place, (job, _) in enumerate(batch):
        contexts.update(contexts_of(job))
        if len(contexts) > MAX_CONTEXTS:
            return batch[:place]
    return batch


def _text(answer: Answer) -> str:
    return answer.text if answer.status is None else f"0x{answer.status:04X} {answer.text}"


def _remark(answer: Answer) -> str:
    return "" if answer.status == 0 else _text(answer)
