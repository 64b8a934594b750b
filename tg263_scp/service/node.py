"""The node: listener, intake, worker, forwarders and what they share, put together; it decides nothing itself.

    with assemble(load_config(path), load_nomenclature()) as node:
        print(node.address)

What a crash leaves behind is taken up at start: unfinished files are cleared away, undecided objects are decided, cut-off
deliveries are sent again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from tg263_scp.config.reloading import Loaded, Prepare, Reloads, TakeOver
from tg263_scp.config.sections import Config
from tg263_scp.dicom.encoding.budget import Budget
from tg263_scp.dicom.network.doors import Doors
from tg263_scp.dicom.reading.identify import is_rtstruct
from tg263_scp.errors import JournalError, LlmError, Tg263Error
from tg263_scp.naming.decide import Decide, decide_set
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.audit import AuditLog, IdentifierHash, last_job_number
from tg263_scp.service.deciding.made_under import MadeUnder
from tg263_scp.service.deciding.relabeller import Relabeller
from tg263_scp.service.deciding.relabelling import DecisionContext, OutcomeKind, Writing, local_time
from tg263_scp.service.deciding.routing import Routes
from tg263_scp.service.deciding.selection import Selection
from tg263_scp.service.deciding.worker import Worker
from tg263_scp.service.delivery.forwarder import Forwarder
from tg263_scp.service.delivery.new_uid_copies import Renumbering, uid_map
from tg263_scp.service.delivery.outgoing import Outlet
from tg263_scp.service.intake import Intake, Wakes
from tg263_scp.service.journal.clock import RunningClock
from tg263_scp.service.journal.database import JOURNAL_NAME
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Job
from tg263_scp.service.llm.consultant import configured_consultant
from tg263_scp.service.llm.waiting_sets import WaitingSets
from tg263_scp.service.metrics import Build, NodeCounters, metrics_of
from tg263_scp.service.notify.causes import Sources
from tg263_scp.service.notify.channels import channels_of
from tg263_scp.service.notify.notifier import Notifier
from tg263_scp.service.polling import Clock, PollingThread, Step, no_step
from tg263_scp.service.readback.commitments import CommitmentDesk
from tg263_scp.service.readback.ledger import LEDGER_NAME, Ledger
from tg263_scp.service.readback.reading_back import PROVES_LITTLE, ReadingBack, proves_little
from tg263_scp.service.review.store import ReviewStore
from tg263_scp.service.review.taking_up import TakingUp
from tg263_scp.service.sole_owner import sole_owner
from tg263_scp.service.spool import LOCK_NAME, Incoming, Spool

logger = logging.getLogger("tg263_scp.node")


Following = Forwarder | ReadingBack | CommitmentDesk
"""What works off the journal behind the worker."""


class Node:
    """A DICOM node that receives, relabels and forwards; :func:`assemble` makes one.

    ``metrics`` shows the figures while it is entered, and gives their address. ``opened`` closes what the node was made
    from: it is closed when the node stops, or does not start.
    """

    def __init__(
        self,
        *,
        journal: Journal,
        listener: Doors[Incoming],
        worker: Worker,
        forwarders: Sequence[Following],
        waiting_sets: WaitingSets | None,
        notifier: Notifier | None,
        metrics: AbstractContextManager[tuple[str, int] | None],
        reloads: Reloads,
        drain_s: float,
        opened: ExitStack,
    ) -> None:
        self.journal = journal
        """What the node holds, and what becomes of it."""
        self.reloads = reloads
        """Takes over a changed configuration while the node runs."""
        self.metrics_address: tuple[str, int] | None = None
        """Host and port of the running node's figures; None where the configuration wants none."""
        self._listener = listener
        self._worker = worker
        self._forwarders = forwarders
        self._waiting_sets = waiting_sets
        self._notifier = notifier
        self._metrics = metrics
        self._drain_s = drain_s
        self._opened = opened
        self._running = False

    def __enter__(self) -> Node:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.drain_and_stop()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that the running node listens on, those of ``listen``."""
        return self._listener.addresses[0]

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each of its listeners."""
        return self._listener.addresses

    def reload_certificates(self) -> None:
        """Read the files of TLS again, for connections from now on; what cannot be used is logged, and stays as it was."""
        for reload in (self._listener.reload, *(forwarder.reload for forwarder in self._forwarders)):
            try:
                reload()
            except Tg263Error as problem:
                logger.error("the certificates stay as they were: %s", problem)

    def start(self) -> None:
        """Take up what an earlier run left, and listen; returns when the node can be called. It can be started once.

        Raises:
            Tg263Error: a port is taken, or the figures cannot be shown; everything is closed again.
        """
        with self._opened.pop_all() as running:
            for forwarder in self._forwarders:
                forwarder.start()
                running.callback(forwarder.stop, 0.0)
            self._worker.start()
            running.callback(self._worker.stop, 5.0)
            if self._notifier:
                self._notifier.start()
                running.callback(self._notifier.stop, 1.0)
            if self._waiting_sets:
                self._waiting_sets.start(self._worker.wake)
            self.metrics_address = running.enter_context(self._metrics)
            self._listener.start()
            running.callback(self._listener.stop, 0.0)
            self._opened = running.pop_all()
        self._running = True
        if not self._forwarders:
            logger.warning("there are no destinations: every object will be held")

    def drain_and_stop(self) -> None:
        """Refuse new associations, let running ones and the objects at hand finish, and close; undone work stays."""
        if self._running:
            self._running = False
            self._drain()
            logger.info("stopped")
        self._opened.close()

    def _drain(self) -> None:
        until = time.monotonic() + self._drain_s
        self._listener.stop(self._drain_s)
        self._worker.stop(max(1.0, until - time.monotonic()))
        stopping = [
            threading.Thread(target=partial(forwarder.stop, max(1.0, until - time.monotonic())))
            for forwarder in self._forwarders
        ]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        with suppress(JournalError):  # damaged or on a full disk: the last note holds
            self.journal.alive()


def assemble(
    config: Config,
    nomenclature: Nomenclature,
    *,
    decide: Decide = decide_set,
    now: Callable[[], datetime] = local_time,
    clock: Clock | None = None,
    step: Step = no_step,
) -> Node:
    """Open spool, journal and audit log, and put a node together from them; it is to be started or stopped by the caller.

    ``now`` dates what relabelled objects record. All deadlines count on ``clock``. ``step`` is called with a name
    after each durable step of an object's way: tests end the process there.

    Raises:
        Tg263Error: another node has the spool, or the spool, the journal, the audit log or a table cannot be used.
    """
    clock = clock or RunningClock()
    with ExitStack() as opened:
        spool = _spool(config, opened)
        journal = _journal(config, spool, opened, clock)
        audit, hashed, counters = _audit(config, opened)
        routes, writing = Routes(config), Writing.of(config.write, now=now)
        loaded, said = Loaded(config, nomenclature), _what_people_said(config, audit)
        under, budget = MadeUnder(loaded, routes, said), _budget(config, spool)
        waiting_sets = _waiting_sets(config, nomenclature, opened)
        forwarders, wake_forwarders = _forwarders(
            config, spool, journal, audit, hashed, writing, routes, budget, clock=clock, step=step
        )
        relabeller = _relabeller(config, nomenclature, routes, writing, decide, waiting_sets, said)
        worker = _worker_of(config)(
            spool,
            journal,
            audit,
            relabeller,
            made_under=_made_under(loaded),
            hashed=hashed,
            routes=routes,
            budget=budget,
            wake_forwarders=wake_forwarders,
            under=under,
            clock=clock,
            step=step,
        )
        wakes = Wakes(worker.wake, wake_forwarders)
        intake = Intake(spool, journal, routes, wakes, made_under=under.of, step=step)
        readers, commitments = _readers(config, journal, spool, audit, opened, clock)
        following: list[Following] = [*forwarders, *readers]
        listener = _listener(config, intake, commitments)
        reloads = _reloads(loaded, worker, relabeller, routes, under, waiting_sets, listener)
        return Node(
            journal=journal,
            listener=listener,
            worker=worker,
            forwarders=following,
            waiting_sets=waiting_sets,
            notifier=_notifier(config, spool, journal, waiting_sets, clock),
            metrics=_metrics(reloads, counters, waiting_sets, listener, (worker, *following), clock),
            reloads=reloads,
            drain_s=config.listen.drain_s,
            opened=opened.pop_all(),
        )


def _spool(config: Config, opened: ExitStack) -> Spool:
    folder = config.spool.folder
    with _usable("the spool folder", folder):
        spool = Spool(folder, min_free_bytes=config.spool.min_free_bytes)
        opened.enter_context(sole_owner(folder / LOCK_NAME, "the spool"))
        spool.keep_room()
    return spool


def _journal(config: Config, spool: Spool, opened: ExitStack, clock: Clock) -> Journal:
    journal = opened.enter_context(
        closing(
            Journal(_journal_path(config), clock=clock, upgrade=True, same_again_s=config.spool.same_again_s)
        )
    )
    journal.check()
    journal.begin_run()
    if journal.last_job() == 0:
        # A new journal, perhaps in the place of one that was lost: no number is given twice.
        journal.number_after(last_job_number(config.audit.file))
    _clear_up(config, spool, journal)
    return journal


def _audit(config: Config, opened: ExitStack) -> tuple[AuditLog, IdentifierHash, NodeCounters]:
    counters = NodeCounters(OutcomeKind, (each.name for each in config.destinations))
    settings = config.audit
    with _usable("the audit log", settings.file):
        log = AuditLog(
            settings.file,
            rotate_bytes=settings.rotate_bytes,
            rotate_after_s=settings.rotate_after_s,
            audited=counters.audited,
        )
    opened.enter_context(closing(log))
    with _usable("the key file", settings.salt_file):
        return log, IdentifierHash(settings.salt_file), counters


def _worker_of(config: Config) -> partial[Worker]:
    """Return the worker as the configuration wants it, still without its parts."""
    return partial(
        Worker,
        retention_s=config.spool.retention_s,
        discarded_retention_s=config.spool.discarded_retention_s,
        selection=Selection(config.destinations),
        remembers=_refers_later(config),
    )


def _relabeller(
    config: Config,
    nomenclature: Nomenclature,
    routes: Routes,
    writing: Writing,
    decide: Decide,
    waiting_sets: WaitingSets | None,
    said: TakingUp,
) -> Relabeller:
    return Relabeller(
        nomenclature,
        config.naming,
        routes,
        writing,
        decide=decide,
        waiting_sets=waiting_sets,
        rulings=said.on,
    )


def _what_people_said(config: Config, audit: AuditLog) -> TakingUp:
    store = ReviewStore(config.review.store_folder, second_person=config.review.second_person)
    said = TakingUp(store, audit, config.spool.folder)
    with _usable("the audit log", config.audit.file):
        said.take_up()
    return said


@contextmanager
def _usable(what: str, path: Path) -> Iterator[None]:
    """Turn a refusal of the disk into what a person can do about it."""
    try:
        yield
    except OSError as problem:
        raise Tg263Error(
            f"{what} {path} cannot be used: {problem.strerror}",
            hint="create its folder and let this user write there; look whether the disk is mounted read-only or full",
        ) from problem


def _readers(
    config: Config, journal: Journal, spool: Spool, audit: AuditLog, opened: ExitStack, clock: Clock
) -> tuple[list[ReadingBack | CommitmentDesk], CommitmentDesk | None]:
    """Return what asks the destinations that want it what they have, and what takes requests and reports of commitment."""
    asked = [each for each in config.destinations if each.verify != "off"]
    if not (asked or config.commitment_peers):
        return [], None
    ledger = opened.enter_context(closing(Ledger(config.spool.folder / LEDGER_NAME)))
    ledger.forget(clock() - config.spool.retention_s)
    readers: list[ReadingBack | CommitmentDesk] = [
        ReadingBack(each, journal, spool, audit, ledger, clock=clock) for each in asked
    ]
    for each in asked:
        if proves_little(each):
            logger.warning("%s: %s", each.name, PROVES_LITTLE)
    if not (config.commitment_peers or any(each.verify == "commitment" for each in asked)):
        return readers, None
    peers, title = config.commitment_peers, config.listen.ae_title
    commitments = CommitmentDesk(peers, title, journal, audit, ledger, clock=clock)
    return [*readers, commitments], commitments


def _forwarders(
    config: Config,
    spool: Spool,
    journal: Journal,
    audit: AuditLog,
    hashed: IdentifierHash,
    writing: Writing,
    routes: Routes,
    budget: Budget,
    *,
    clock: Clock,
    step: Step,
) -> tuple[list[Forwarder], Callable[[], None]]:
    """Return what sends to each destination, and what wakes them all."""
    renumbering, found = Renumbering(spool, uid_map(hashed)), []
    for destination in config.destinations:
        outlet = Outlet(destination, spool, journal.outbox, renumbering, writing, routes, budget)
        found.append(Forwarder(destination, journal.outbox, audit, outlet, clock=clock, step=step))
    return found, partial(_wake_all, found)


def _wake_all(forwarders: Sequence[Forwarder]) -> None:
    for forwarder in forwarders:
        forwarder.wake()


def _clear_up(config: Config, spool: Spool, journal: Journal) -> None:
    with _usable("the spool folder", spool.folder):
        swept = spool.sweep(
            journal.tokens(),
            journal.tokens(expired=True),
            leftovers_before=time.time() - config.spool.retention_s,
        )
    journal.forget_expired(_refers_later(config))
    if swept.unfinished_removed or swept.expired_removed:
        logger.info(
            "cleared up: %d unfinished files, %d files of expired objects",
            swept.unfinished_removed,
            swept.expired_removed,
        )
    if swept.orphans_kept:
        logger.error(
            "%d files that the journal does not know are in 'orphans': look at 'tg263-scp queue adopt'",
            swept.orphans_kept,
        )
    known = {destination.name for destination in config.destinations}
    for name, waiting in journal.outbox.waiting_destinations().items():
        if name not in known:
            logger.error("%d objects wait for '%s', which is no longer configured", waiting, name)


def _budget(config: Config, spool: Spool) -> Budget:
    return Budget(config.spool.max_inflated_bytes, config.spool.max_cpu_s, spool.scratch)


def _refers_later(config: Config) -> Callable[[Job], bool]:
    """Tell whether a plan that comes later may ask under which UID an object is at a destination."""
    rewrites = any(destination.rewrite_references for destination in config.destinations)
    return lambda job: rewrites and is_rtstruct(job.sop_class_uid)


def _waiting_sets(config: Config, nomenclature: Nomenclature, opened: ExitStack) -> WaitingSets | None:
    if not config.llm.enabled:
        return None
    try:
        consultant = configured_consultant(config.llm, nomenclature)
    except LlmError as problem:
        logger.error("without the language model, names that no rule knows go to review: %s", problem)
        return None
    waiting_sets = WaitingSets(consultant)
    opened.callback(waiting_sets.stop)
    return waiting_sets


def _notifier(
    config: Config, spool: Spool, journal: Journal, waiting_sets: WaitingSets | None, clock: Clock
) -> Notifier | None:
    channels = channels_of(config.notify)
    if not channels:
        return None
    sources = Sources(
        journal,
        spool.folder,
        ReviewStore(config.review.store_folder),
        disk_is_short=lambda: spool.short_of_bytes() > 0,
        model_is_away=lambda: config.llm.enabled and (waiting_sets is None or waiting_sets.model_is_away),
        clock=clock,
        destination_down_s=config.notify.destination_down_s,
    )
    every_s, node = config.notify.every_s, config.listen.ae_title
    return Notifier(sources, channels, spool.folder, node, every_s=every_s, clock=clock)


def _listener(config: Config, intake: Intake, commitments: CommitmentDesk | None) -> Doors[Incoming]:
    return Doors(
        config.doors,
        config.peers,
        max_object_bytes=config.spool.max_object_bytes,
        begin=intake.begin,
        accept=intake.take,
        notice=commitments.take if commitments else None,
    )


def _made_under(loaded: Loaded) -> DecisionContext:
    return DecisionContext(loaded.nomenclature.digest, loaded.config.digest)


def _reloads(
    loaded: Loaded,
    worker: Worker,
    relabeller: Relabeller,
    routes: Routes,
    under: MadeUnder,
    waiting_sets: WaitingSets | None,
    listener: Doors[Incoming],
) -> Reloads:
    """Register what parts of the node take over of a changed configuration, and which settings those are."""
    reloads = Reloads(loaded)
    reloads.add(_decides_by(worker, relabeller, routes, under, waiting_sets), "naming", "routes")
    reloads.add(lambda loaded: partial(listener.admit, loaded.config.peers), "peers")
    return reloads


def _decides_by(
    worker: Worker,
    relabeller: Relabeller,
    routes: Routes,
    under: MadeUnder,
    waiting_sets: WaitingSets | None,
) -> Prepare:
    """Return how routes, gates and names are decided by another configuration, from one object to the next."""

    def prepare(loaded: Loaded) -> TakeOver:
        ask_anew = waiting_sets.prepared(loaded.nomenclature) if waiting_sets else None

        def take_over() -> None:
            with worker.between_objects:
                routes.use(loaded.config)
                relabeller.use(loaded.nomenclature, loaded.config.naming)
                worker.made_under = _made_under(loaded)
                under.use(loaded)
                if ask_anew:
                    ask_anew()

        return take_over

    return prepare


def _metrics(
    reloads: Reloads,
    counters: NodeCounters,
    waiting_sets: WaitingSets | None,
    listener: Doors[Incoming],
    threads: Sequence[PollingThread],
    clock: Clock,
) -> AbstractContextManager[tuple[str, int] | None]:
    config = reloads.in_force.config
    names = tuple(destination.name for destination in config.destinations)

    def build() -> Build:
        loaded = reloads.in_force
        return Build(loaded.nomenclature.digest, loaded.config.digest, names)

    return metrics_of(
        config,
        _journal_path(config),
        build=build,
        counters=counters,
        llm=waiting_sets.figures if waiting_sets else None,
        refused=listener.refused,
        parts={
            "listener": lambda: listener.listening,
            "threads": lambda: all(thread.alive for thread in threads),
        },
        clock=clock,
    )


def _journal_path(config: Config) -> Path:
    return config.spool.folder / JOURNAL_NAME
