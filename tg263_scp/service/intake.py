"""The intake: makes a received object durable before it is acknowledged, and wakes those who go on with it.

First its bytes are in the spool, then its row is in the journal, then the peer gets its answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from tg263_scp.dicom.network.messages import Announced, Received
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.errors import JournalError
from tg263_scp.service.deciding.routing import Routes, Sender
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import LOOP_AFTER, Arrival, Ingest
from tg263_scp.service.polling import Step, no_step
from tg263_scp.service.spool import Incoming, Spool, Spooled, SpoolFull

logger = logging.getLogger("tg263_scp.node")


@dataclass(frozen=True, slots=True)
class Wakes:
    """How those are woken who go on with an object."""

    worker: Callable[[], None]
    forwarders: Callable[[], None]


class Intake:
    """Takes what the listener receives; may be used by several threads.

    ``made_under`` tells under what the objects of a sender are decided now.
    """

    def __init__(
        self,
        spool: Spool,
        journal: Journal,
        routes: Routes,
        wakes: Wakes,
        *,
        made_under: Callable[[Sender], str] = lambda sender: "",
        step: Step = no_step,
    ) -> None:
        self._made_under = made_under
        self._spool = spool
        self._journal = journal
        self._routes = routes
        self._wakes = wakes
        self._step = step

    def begin(self, announced: Announced) -> Incoming:
        """Return the place in the spool of an object that is arriving."""
        return self._spool.begin(
            sop_class_uid=announced.sop_class_uid,
            sop_instance_uid=announced.sop_instance_uid,
            transfer_syntax_uid=announced.transfer_syntax_uid,
            source_ae_title=announced.calling_ae_title,
        )

    def take(self, received: Received[Incoming]) -> StoreStatus:
        """Keep an object that has arrived and return the status for its sender (PS3.4 B.2.3)."""
        try:
            spooled = received.dataset.keep()
            self._step("spooled")
            job, ingest = self._journal.receive(
                self._arrival(received, spooled), made_under=self._made_under(received)
            )
            self._step("journaled")
            self._spool.journaled(spooled.token)
        except ValueError:
            return StoreStatus.INVALID_SOP_INSTANCE
        except (SpoolFull, OSError, JournalError) as problem:
            # A file without a row is set aside at the next start; it was not acknowledged.
            logger.error(
                "an object was refused: %s", problem.strerror if isinstance(problem, OSError) else problem
            )
            return StoreStatus.OUT_OF_RESOURCES
        if ingest in (Ingest.IN_FLIGHT, Ingest.REDELIVERED, Ingest.RETURNED, Ingest.ANEW):
            self._spool.discard(spooled.token)
        if ingest in (Ingest.REDELIVERED, Ingest.RETURNED, Ingest.ANEW):
            returns = self._journal.job(job).returns
            if returns >= LOOP_AFTER:
                logger.warning(
                    "job %d: came back %d times within an hour: does a destination send us what it gets?",
                    job,
                    returns,
                )
        if ingest is Ingest.NEW_VERSION:
            logger.warning("job %d: its SOP Instance UID was here before with other content", job)
        logger.info("job %d: received %d bytes (%s)", job, spooled.dataset_bytes, ingest)
        self._wakes.worker()
        if ingest is Ingest.REDELIVERED:
            self._wakes.forwarders()
        return StoreStatus.SUCCESS

    def _arrival(self, received: Received[Incoming], spooled: Spooled) -> Arrival:
        return Arrival(
            token=spooled.token,
            sop_class_uid=received.sop_class_uid,
            sop_instance_uid=received.sop_instance_uid,
            transfer_syntax_uid=received.transfer_syntax_uid,
            sha256=spooled.sha256,
            dataset_bytes=spooled.dataset_bytes,
            calling_ae_title=received.calling_ae_title,
            peer_address=received.peer_address,
            called_ae_title=received.called_ae_title,
            route=self._routes.of(received).name,
        )
