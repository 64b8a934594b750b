"""Storage Commitment on both sides: reports of destinations are entered, requests of peers answered.

A peer is told *committed* once every destination has the object. What is held, discarded, given up or still on its way is
never committed: after ``commit_within_s`` the peer gets a failure for it, and keeps its copy. An object that never came here is
answered so at once.

Standard: PS3.4 J.3.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence

from tg263_scp.config.sections import CommitmentPeer
from tg263_scp.dicom.network.messages import N_ACTION_RQ, Notice
from tg263_scp.dicom.network.sender import Peer, Unavailable
from tg263_scp.dicom.readback.commitment import (
    ALL_COMMITTED,
    CLASS_CONFLICT,
    NO_SUCH_OBJECT,
    PROCESSING_FAILURE,
    REQUEST_COMMITMENT,
    SOME_FAILED,
    Commitment,
    Reference,
    UnreadableCommitment,
    read_commitment,
    report_commitment,
)
from tg263_scp.service.audit import AuditLog
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import DeliveryState, ObjectState
from tg263_scp.service.polling import Clock, PollingThread
from tg263_scp.service.readback.ledger import Ledger, Request
from tg263_scp.service.readback.reading_back import enter_report
from tg263_scp.tls.calling import CallingTls

logger = logging.getLogger("tg263_scp.readback")

LOOK_AGAIN_S = 1.0
REPORT_AGAIN_S = 60.0
REPORT_ANSWER_S = 30.0
REPORT_ATTEMPTS = 1440
"""An answer that cannot be delivered is given up after so many attempts, a day."""

_SUCCESS, _NO_SUCH_EVENT, _INVALID, _NO_SUCH_ACTION, _NOT_AUTHORIZED = 0x0000, 0x0113, 0x0115, 0x0123, 0x0124

Report = Callable[[Peer, Commitment], None]


class CommitmentDesk(PollingThread):
    """Takes what peers send of Storage Commitment, and answers their requests on a thread of its own."""

    def __init__(
        self,
        peers: Sequence[CommitmentPeer],
        calling_ae_title: str,
        journal: Journal,
        audit: AuditLog,
        ledger: Ledger,
        *,
        report: Report = report_commitment,
        clock: Clock = time.time,
    ) -> None:
        super().__init__("commitments", subject="answering commitments", logger=logger, clock=clock)
        self._within_s: Mapping[str, float] = {peer.ae_title: peer.commit_within_s for peer in peers}
        self._targets = {peer.ae_title: _target(peer, calling_ae_title) for peer in peers}
        self._journal = journal
        self._audit = audit
        self._ledger = ledger
        self._report = report

    def reload(self) -> None:
        """Read the certificates again; see :meth:`Forwarder.reload`."""
        for target in self._targets.values():
            if target.tls:
                target.tls.reload()

    def take(self, notice: Notice) -> int:
        """Take a request or a report as it came, and return its status (PS3.7 10.1.1.1.8, 10.1.4.1.10)."""
        is_request = notice.field == N_ACTION_RQ
        if is_request and notice.type_id != REQUEST_COMMITMENT:
            return _NO_SUCH_ACTION
        if not is_request and notice.type_id not in (ALL_COMMITTED, SOME_FAILED):
            return _NO_SUCH_EVENT
        if is_request and notice.caller.calling_ae_title not in self._targets:
            logger.warning("a commitment is asked for by %s, which is not in commitment_peers", notice.caller)
            return _NOT_AUTHORIZED
        try:
            said = read_commitment(notice.dataset, notice.transfer_syntax_uid)
        except UnreadableCommitment:
            return _INVALID
        if not is_request:
            return self._reported(notice, said)
        references = [(each.sop_class_uid, each.sop_instance_uid) for each in said.references]
        self._ledger.ask(notice.caller.calling_ae_title, said.transaction_uid, references, self._clock())
        self.wake()
        return _SUCCESS

    def _reported(self, notice: Notice, told: Commitment) -> int:
        if enter_report(told, self._ledger, self._journal, self._audit, self._clock()):
            return _SUCCESS
        logger.warning(
            "%s reports the commitment of a transaction that this node did not begin", notice.caller
        )
        return _INVALID

    def _prepare(self, *, afresh: bool) -> None:
        """Nothing comes before."""

    def work_on_next(self) -> bool:
        """Look at the requests that are due; false where nothing is left to do now."""
        for request in self._ledger.requests(self._clock()):
            if self.stopping:
                return False
            self._answer(request)
        return False

    def _answer(self, request: Request) -> None:
        now = self._clock()
        target = self._targets.get(request.ae_title)
        if target is None:
            self._ledger.answered(request)  # it is no longer configured
            return
        late = now >= request.asked_at + self._within_s[request.ae_title]
        judged = [self._judged(*reference, late=late) for reference in request.references]
        if any(each is None for each in judged):
            self._ledger.look_again(request, now + LOOK_AGAIN_S, tried=False)
            return
        told = Commitment(request.transaction_uid, tuple(each for each in judged if each is not None))
        try:
            self._report(target, told)
        except Unavailable as problem:
            self._not_told(request, problem, now)
            return
        failed = sum(bool(each.failure) for each in told.references)
        self._tell(request, len(told.references), failed)
        self._ledger.answered(request)

    def _judged(self, sop_class_uid: str, sop_instance_uid: str, *, late: bool) -> Reference | None:
        """Return what is said of an object; None where it is too early to say."""

        def failure(reason: int) -> Reference:
            return Reference(sop_class_uid, sop_instance_uid, reason)

        versions = self._journal.outbox.versions_of(sop_instance_uid, "")
        if not versions:
            return failure(NO_SUCH_OBJECT)
        newest = versions[0][0]
        if newest.sop_class_uid != sop_class_uid:
            return failure(CLASS_CONFLICT)
        deliveries = self._journal.outbox.deliveries(newest.job)
        everywhere = bool(deliveries) and all(each.state is DeliveryState.SENT for each in deliveries)
        if everywhere and newest.state in (ObjectState.READY, ObjectState.EXPIRED):
            return Reference(sop_class_uid, sop_instance_uid)
        return failure(PROCESSING_FAILURE) if late else None

    def _not_told(self, request: Request, problem: Unavailable, now: float) -> None:
        logger.warning("the commitment for %s cannot be told: %s", request.ae_title, problem.message)
        if request.attempts + 1 >= REPORT_ATTEMPTS:
            logger.error("the commitment for %s is given up: it was never told", request.ae_title)
            self._ledger.answered(request)
        else:
            self._ledger.look_again(request, now + REPORT_AGAIN_S, tried=True)

    def _tell(self, request: Request, objects: int, failed: int) -> None:
        self._audit.append(
            {
                "kind": "commitment",
                "peer": {"ae_title": request.ae_title},
                "transaction_uid": request.transaction_uid,
                "committed": objects - failed,
                "refused": failed,
            }
        )
        logger.info("committed to %d of %d objects of %s", objects - failed, objects, request.ae_title)


def _target(peer: CommitmentPeer, calling_ae_title: str) -> Peer:
    tls = CallingTls(peer.tls, peer.host) if peer.tls.enabled else None
    # An answer is a few bytes: who is silent for longer is told later.
    return Peer(
        peer.host, peer.port, peer.ae_title, calling_ae_title, dimse_timeout_s=REPORT_ANSWER_S, tls=tls
    )
