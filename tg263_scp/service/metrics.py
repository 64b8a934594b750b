"""Figures of a running node for Prometheus, and whether it is well, over plain HTTP: all is read when somebody asks.

``/healthz`` is 200 while the node works, ``/readyz`` while it also listens and has room: else 503. Both name what is at fault.

Labels hold states, codes, the names of destinations and versions; never a ROI name, a patient or a UID. What is read comes
from a connection of its own to the journal, so that receiving never waits for monitoring.
"""

from __future__ import annotations

import json
import logging
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer
from threading import BoundedSemaphore, Thread, Timer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tg263_scp import __version__
from tg263_scp.config.sections import Config
from tg263_scp.dicom.network.refusals import Reason
from tg263_scp.errors import JournalError, Tg263Error
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import DeliveryState, ObjectState
from tg263_scp.service.llm.counters import LlmFigures
from tg263_scp.service.polling import Clock
from tg263_scp.service.switch import switch_setting

logger = logging.getLogger("tg263_scp.metrics")

MAX_CONNECTIONS = 8
DEADLINE_S = 10.0
"""For a request and its answer together."""

Refused = Callable[[], Mapping[Reason, int]]
"""How many connections of peers were turned away or ended by the node, by reason."""


@dataclass(frozen=True, slots=True)
class Build:
    """What runs: digests as they stand in the audit log, and the destinations that are configured."""

    nomenclature_digest: str
    configuration_digest: str
    destinations: tuple[str, ...]


class NodeCounters:
    """What one node counts since its start; may be used by several threads.

    ``outcomes`` are the kinds of audit lines that say what was decided about an object. They, and deliveries to
    ``destinations``, are zero before the first one, so that an alert can rely on them.
    """

    DELIVERIES = ("delivered", "delivery_failed")
    """Kinds of audit lines about a delivery."""

    def __init__(self, outcomes: Iterable[str], destinations: Iterable[str]) -> None:
        self._registry = CollectorRegistry()

        def counter(name: str, meaning: str, *labels: str) -> Counter:
            return Counter(f"tg263_{name}", meaning, labels, registry=self._registry)

        self._outcomes = frozenset(outcomes)
        self._names = counter("names", "Names decided, by status and rule", "status", "rule")
        self._objects = counter("objects_decided", "Objects by what was decided about them", "outcome")
        self._deliveries = counter("deliveries_ended", "Deliveries that ended", "destination", "outcome")
        self._decided_bytes = counter("decided_bytes", "Bytes of the data sets of decided objects", "outcome")
        self._delivered_bytes = counter(
            "delivered_bytes", "Bytes, as received, of the data sets that were delivered", "destination"
        )
        for outcome in self._outcomes:
            self._objects.labels(outcome)
            self._decided_bytes.labels(outcome)
        for destination in destinations:
            self._delivered_bytes.labels(destination)
            for outcome in self.DELIVERIES:
                self._deliveries.labels(destination, outcome)

    def audited(self, line: Mapping[str, Any]) -> None:
        """Count what a line of the audit log says; one that an older version prepared tells no bytes."""
        kind = str(line.get("kind"))
        if kind in self.DELIVERIES:
            self._deliveries.labels(line["destination"], kind).inc()
            if kind == self.DELIVERIES[0]:
                self._delivered_bytes.labels(line["destination"]).inc(line.get("dataset_bytes", 0))
        elif kind in self._outcomes:
            self._objects.labels(kind).inc()
            self._decided_bytes.labels(kind).inc(line.get("dataset_bytes", 0))
            for roi in line.get("rois", ()):
                self._names.labels(roi["status"], roi["rule"]).inc()

    def collect(self) -> Iterator[Metric]:
        """Yield every counter as it stands, without the times at which they were made."""
        for metric in self._registry.collect():
            metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
            yield metric


class NodeFigures(Collector):
    """Reads the figures of a node each time somebody asks."""

    def __init__(
        self,
        journal: Journal,
        spool: Path,
        build: Callable[[], Build],
        *,
        counters: NodeCounters | None = None,
        llm: LlmFigures | None = None,
        refused: Refused | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._journal = journal
        self._spool = spool
        self._build = build
        self._counted = [each for each in (counters, llm) if each is not None]
        self._refused = refused
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Yield every figure; those of the journal are left out while it cannot be read."""
        build = self._build()
        labels = {
            "version": __version__,
            "nomenclature": build.nomenclature_digest[:12],
            "configuration": build.configuration_digest[:12],
        }
        yield _gauge("build_info", "What runs; the value means nothing", [(labels, 1)])
        free_bytes = shutil.disk_usage(self._spool).free
        setting = switch_setting(self._spool)
        paused = int(setting is not None and setting.paused)
        yield _gauge(
            "paused", "Whether every object passes as it was received, since somebody said so", [({}, paused)]
        )
        yield _gauge("free_disk_bytes", "Free disk where the spool is", [({}, free_bytes)])
        for counted in self._counted:
            yield from counted.collect()
        yield from self._connections()
        try:
            figures, readable = [*self._objects(), *self._deliveries()], 1
        except JournalError as problem:
            logger.error("no figures of the journal: %s", problem.message)
            figures, readable = [], 0
        yield _gauge("journal_readable", "Whether the journal could be read just now", [({}, readable)])
        yield from figures

    def _connections(self) -> Iterator[Metric]:
        if self._refused is None:
            return
        family = CounterMetricFamily(
            "tg263_connections_refused",
            "Connections of peers that the node turned away or ended, by reason",
            labels=("reason",),
        )
        for reason, count in self._refused().items():
            family.add_metric((reason.value,), count)
        yield family

    def _objects(self) -> Iterator[Metric]:
        counts = self._journal.counts()
        yield _gauge(
            "objects_returning",
            "Objects that came back again and again within the last hour: somebody seems to send us what we send",
            [({}, self._journal.looping())],
        )
        yield _gauge(
            "objects",
            "Objects by state: decided is named or passed, held waits, expired is done with and still referred to",
            [({"state": state.lower()}, counts.get(state, 0)) for state in ObjectState],
        )
        now = self._clock()
        since = self._journal.oldest_received_at()
        yield _gauge(
            "objects_oldest_seconds",
            "Time since the oldest object in this state was received; 0 where there is none",
            [
                ({"state": state.lower()}, max(0.0, now - since.get(state, now)))
                for state in (ObjectState.RECEIVED, ObjectState.DECIDED, ObjectState.HELD)
            ],
        )

    def _deliveries(self) -> Iterator[Metric]:
        counts = self._journal.outbox.counts()
        since = self._journal.outbox.oldest_queued_at()
        now = self._clock()
        names = dict.fromkeys((*self._build().destinations, *(name for name, _ in counts)))
        yield _gauge(
            "deliveries",
            "Deliveries by destination and state; failed ones were given up and want a person",
            [
                ({"destination": name, "state": state.lower()}, counts.get((name, state), 0))
                for name in names
                for state in DeliveryState
            ],
        )
        yield _gauge(
            "deliveries_oldest_seconds",
            "Time since the oldest delivery that waits was queued; 0 where none waits",
            [({"destination": name}, max(0.0, now - since.get(name, now))) for name in names],
        )


@dataclass(frozen=True, slots=True)
class Health:
    """What ``/healthz`` and ``/readyz`` look at: parts of the node that run by name, and where the spool is."""

    journal: Journal
    spool: Path
    min_free_bytes: int
    parts: Mapping[str, Callable[[], bool]]

    def findings(self) -> dict[str, bool]:
        """Look at everything that the node needs to receive and to deliver; false is a fault."""
        return {
            **{name: runs() for name, runs in self.parts.items()},
            "journal": self._journal(),
            "disk": self._disk(),
        }

    def _journal(self) -> bool:
        try:
            self.journal.counts()
        except JournalError:
            return False
        return self.journal.in_place()

    def _disk(self) -> bool:
        try:
            return shutil.disk_usage(self.spool).free >= self.min_free_bytes
        except OSError:
            return False


NOT_ALIVE = frozenset({"disk", "listener"})
"""What a restart does not mend: the node is alive without it, and not ready."""


class _Pages(BaseHTTPRequestHandler):
    """Answers one request and ends the connection (HTTP/1.0)."""

    server: _Server
    server_version, sys_version = "tg263-scp", ""

    def do_GET(self) -> None:
        """Answer with figures, or with whether the node is well."""
        path = self.path.partition("?")[0]
        if path in ("/", "/metrics"):
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(HTTPStatus.OK, content_type, encode(self.server.registry))
        elif path in ("/healthz", "/readyz") and self.server.health is not None:
            findings = self.server.health.findings()
            good = all(
                found for name, found in findings.items() if path == "/readyz" or name not in NOT_ALIVE
            )
            told = {name: "ok" if found else "fault" for name, found in findings.items()}
            status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
            self._answer(status, "application/json", json.dumps(told).encode() + b"\n")
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"/metrics, /healthz and /readyz are here\n")

    do_HEAD = do_GET  # noqa: N815 - as above

    def _answer(self, status: HTTPStatus, content_type: str, page: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keep quiet: monitoring asks every few seconds, and what it sends is a stranger's text."""


class _Server(ThreadingTCPServer):
    """At most :data:`MAX_CONNECTIONS` at a time, each for :data:`DEADLINE_S`; one more is closed at once."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, port: int, registry: CollectorRegistry, health: Health | None) -> None:
        self.registry = registry
        self.health = health
        self._places = BoundedSemaphore(MAX_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Pages)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection where there is a place."""
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and end what takes longer than it may, however slowly the other side reads and writes."""
        deadline = Timer(DEADLINE_S, _end, (request,))
        deadline.daemon = True
        deadline.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about a connection that broke off."""


def _end(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class MetricsListener:
    """The HTTP listener, from construction until :meth:`stop`.

    Raises:
        Tg263Error: address or port cannot be used.
    """

    def __init__(self, host: str, port: int, figures: NodeFigures, health: Health | None = None) -> None:
        registry = CollectorRegistry()
        registry.register(figures)
        ProcessCollector(registry=registry)
        try:
            self._server = _Server(host, port, registry, health)
        except OSError as problem:
            raise Tg263Error(
                f"metrics cannot be shown at {host}:{port}: {problem.strerror}",
                hint="another program has the port, or the address is not of this computer: see metrics",
            ) from problem
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), name="metrics", daemon=True)
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that it listens on."""
        host, port = self._server.server_address[:2]
        return str(host), int(port)

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def metrics_of(
    config: Config,
    journal: Path,
    *,
    build: Callable[[], Build],
    counters: NodeCounters,
    llm: LlmFigures | None = None,
    refused: Refused | None = None,
    parts: Mapping[str, Callable[[], bool]] | None = None,
    clock: Clock = time.time,
) -> Iterator[tuple[str, int] | None]:
    """Show the figures of a node while the block runs; yield the address, None where the configuration names no port."""
    if config.metrics.port is None:
        yield None
        return
    with closing(Journal(journal)) as own_connection:
        figures = NodeFigures(
            own_connection,
            config.spool.folder,
            build,
            counters=counters,
            llm=llm,
            refused=refused,
            clock=clock,
        )
        spool = config.spool
        health = Health(own_connection, spool.folder, spool.min_free_bytes, parts or {})
        listener = MetricsListener(config.metrics.host, config.metrics.port, figures, health)
        host, port = listener.address
        logger.info("figures at http://%s:%d/metrics", host, port)
        try:
            yield listener.address
        finally:
            listener.stop()


def _gauge(name: str, meaning: str, samples: Iterable[tuple[Mapping[str, str], float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"tg263_{name}", meaning)
    for labels, value in samples:
        family.add_sample(family.name, dict(labels), value)
    return family
