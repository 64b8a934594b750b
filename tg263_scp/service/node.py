"""The node: listener, spool, journal, worker, forwarders and audit log put together.

    with Node(load_config(path), load_nomenclature()) as node:
        print(node.address)

What a crash leaves behind is taken up at start: unfinished files are cleared away, undecided objects are decided, cut-off
deliveries are sent again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

from tg263_scp.config.routes import Gates
from tg263_scp.config.sections import Config
from tg263_scp.dicom.network.listener import Listener, Received
from tg263_scp.dicom.network.statuses import StoreStatus
from tg263_scp.errors import JournalError, LlmError, Tg263Error
from tg263_scp.naming.decide import Decide, decide_set
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.audit import AuditLog, IdentifierHash
from tg263_scp.service.deciding.gates import SentAs
from tg263_scp.service.deciding.relabelling import (
    DecisionContext,
    RelabelOutcome,
    RelabelPolicy,
    Writing,
    decide_and_write,
    local_time,
)
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.deciding.worker import Worker
from tg263_scp.service.delivery.forwarder import Forwarder
from tg263_scp.service.delivery.new_uid_copies import Renumbering, uid_map
from tg263_scp.service.delivery.outgoing import Outlet
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, Ingest, Job
from tg263_scp.service.llm.consultant import configured_consultant
from tg263_scp.service.llm.waiting_sets import Consultations
from tg263_scp.service.metrics import metrics_of
from tg263_scp.service.sole_owner import sole_owner
from tg263_scp.service.spool import Spool, SpoolFull

logger = logging.getLogger("tg263_scp.node")

JOURNAL_NAME = "journal.sqlite"
"""Name of the journal inside the spool folder."""
LOCK_NAME = "node.lock"
"""Name of the file inside the spool folder that a running node has locked, of any version."""


class Node:
    """A DICOM node that receives, relabels and forwards; :meth:`start` returns when it can be called.

    ``now`` dates what relabelled objects record. ``step`` is called with a name after each durable step of an object's
    way: tests end the process there.
    """

    def __init__(
        self,
        config: Config,
        nomenclature: Nomenclature,
        *,
        decide: Decide = decide_set,
        now: Callable[[], datetime] = local_time,
        step: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._config = config
        self._nomenclature = nomenclature
        self._decide = decide
        self._writing = Writing.of(config.write, now=now)
        self._routes = Routes(config)
        self._step = step
        self._running = ExitStack()
        self._listener: Listener | None = None
        self.metrics_address: tuple[str, int] | None = None
        """Host and port of the running node's figures; None where the configuration wants none."""

    def __enter__(self) -> Node:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drain_and_stop()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the node listens on."""
        assert self._listener is not None, "the node has not been started"
        return self._listener.address

    @property
    def journal(self) -> Journal:
        """The journal of the running node."""
        return self._journal

    def start(self) -> None:
        """Open everything, take up what an earlier run left, and listen.

        Raises:
            Tg263Error: another node has the spool, the journal or the audit log cannot be used, the port is taken.
        """
        config = self._config
        with ExitStack() as opened:
            self._open(opened)
            listener = Listener(
                config.listen,
                config.peers,
                max_object_bytes=config.spool.max_object_bytes,
                accept=self._take,
            )
            listener.start()
            opened.callback(listener.stop, 0.0)
            self._listener = listener
            self._running = opened.pop_all()
        host, port = self.address
        logger.info("listening on %s:%d as %s", host, port, config.listen.ae_title)
        if not config.destinations:
            logger.warning("there are no destinations: every object will be held")

    def _open(self, opened: ExitStack) -> None:
        config = self._config
        self._spool = _spool(config, opened)
        self._journal = Journal(config.spool.folder / JOURNAL_NAME, upgrade=True)
        opened.callback(self._journal.close)
        self._clear_up()
        audit = AuditLog(config.audit.file)
        opened.callback(audit.close)
        hashed = IdentifierHash(config.audit.salt_file)
        self._consultations = self._consulting(opened)
        renumbering = Renumbering(self._spool, uid_map(hashed))
        self._forwarders = [
            Forwarder(
                destination,
                self._journal.outbox,
                audit,
                Outlet(
                    destination,
                    self._spool,
                    self._journal.outbox,
                    renumbering,
                    self._writing,
                    self._gates_of,
                ),
                step=self._step,
            )
            for destination in config.destinations
        ]
        self._worker = Worker(
            self._spool,
            self._journal,
            audit,
            self._relabel,
            made_under=DecisionContext(self._nomenclature.digest, config.digest),
            hashed=hashed,
            routes=self._routes,
            retention_s=config.spool.retention_s,
            wake_forwarders=self._wake_forwarders,
            consultations=self._consultations,
            step=self._step,
        )
        for forwarder in self._forwarders:
            forwarder.start()
            opened.callback(forwarder.stop, 0.0)
        self._worker.start()
        opened.callback(self._worker.stop, 5.0)
        if self._consultations:
            self._consultations.start()
        self.metrics_address = opened.enter_context(
            metrics_of(
                config,
                config.spool.folder / JOURNAL_NAME,
                nomenclature_digest=self._nomenclature.digest,
                model_state=self._consultations.state if self._consultations else None,
            )
        )

    def _clear_up(self) -> None:
        swept = self._spool.sweep(self._journal.tokens(expired=False), self._journal.tokens(expired=True))
        if swept.unfinished_removed or swept.expired_removed:
            logger.info(
                "cleared up: %d unfinished files, %d files of expired objects",
                swept.unfinished_removed,
                swept.expired_removed,
            )
        if swept.orphans_kept:
            logger.error("%d files that the journal does not know are in 'orphans'", swept.orphans_kept)
        known = {destination.name for destination in self._config.destinations}
        for name, waiting in self._journal.outbox.waiting_destinations().items():
            if name not in known:
                logger.error("%d objects wait for '%s', which is no longer configured", waiting, name)

    def _consulting(self, opened: ExitStack) -> Consultations | None:
        if not self._config.llm.enabled:
            return None
        try:
            consultant = configured_consultant(self._config.llm, self._nomenclature)
        except LlmError as problem:
            logger.error("without the language model, names that no rule knows go to review: %s", problem)
            return None
        consultations = Consultations(consultant, lambda: self._worker.wake())
        opened.callback(consultations.stop)
        return consultations

    def _wake_forwarders(self) -> None:
        for forwarder in self._forwarders:
            forwarder.wake()

    def _gates_of(self, job: Job) -> Gates:
        return self._routes.of(job).gates

    def _relabel(self, source: Path, target: Path, job: Job) -> RelabelOutcome:
        policy = RelabelPolicy.of(self._config.naming, self._routes.of(job))
        decide = self._decide
        if self._consultations:
            decide = self._consultations.deciding(job.job, decide)
        return decide_and_write(
            source,
            target,
            self._nomenclature,
            policy,
            self._writing,
            sent_as=SentAs(job.sop_class_uid, job.sop_instance_uid),
            received_from=job.calling_ae_title,
            decide=decide,
        )

    def _take(self, received: Received) -> StoreStatus:
        """Make a received object durable: first its bytes, then its row in the journal, then the acknowledgement."""
        try:
            spooled = self._spool.write(
                received.dataset,
                sop_class_uid=received.sop_class_uid,
                sop_instance_uid=received.sop_instance_uid,
                transfer_syntax_uid=received.transfer_syntax_uid,
                source_ae_title=received.calling_ae_title,
            )
            self._step("spooled")
            job, ingest = self._journal.receive(
                Arrival(
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
            )
            self._step("journaled")
        except ValueError:
            return StoreStatus.INVALID_SOP_INSTANCE
        except (SpoolFull, OSError, JournalError) as problem:
            # A file without a row is set aside at the next start; it was not acknowledged.
            logger.error(
                "an object was refused: %s", problem.strerror if isinstance(problem, OSError) else problem
            )
            return StoreStatus.OUT_OF_RESOURCES
        if ingest in (Ingest.IN_FLIGHT, Ingest.REDELIVERED):
            self._spool.discard(spooled.token)
        if ingest is Ingest.NEW_VERSION:
            logger.warning("job %d: its SOP Instance UID was here before with other content", job)
        logger.info("job %d: received %d bytes (%s)", job, spooled.dataset_bytes, ingest)
        self._worker.wake()
        if ingest is Ingest.REDELIVERED:
            self._wake_forwarders()
        return StoreStatus.SUCCESS

    def drain_and_stop(self) -> None:
        """Refuse new associations, let running ones and the objects at hand finish, and close; undone work stays."""
        if self._listener is None:
            return
        until = time.monotonic() + self._config.listen.drain_s
        self._listener.stop(self._config.listen.drain_s)
        self._worker.stop(max(1.0, until - time.monotonic()))
        stopping = [
            threading.Thread(target=partial(forwarder.stop, max(1.0, until - time.monotonic())))
            for forwarder in self._forwarders
        ]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        self._running.close()
        self._listener = None
        logger.info("stopped")


def _spool(config: Config, opened: ExitStack) -> Spool:
    folder = config.spool.folder
    try:
        spool = Spool(folder, min_free_bytes=config.spool.min_free_bytes)
    except OSError as problem:
        raise Tg263Error(
            f"the spool folder {folder} cannot be used: {problem.strerror}",
            hint="create it and let this user write there",
        ) from problem
    opened.enter_context(sole_owner(folder / LOCK_NAME, "the spool"))
    return spool
