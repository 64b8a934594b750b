"""*Destinations*: what waits for each, since when, what it last said, and whether it answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from tg263_scp.config.sections import Config
from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.pages.guards import Looking, Sent, want_role
from tg263_scp.desk.pages.rendering import page, to
from tg263_scp.errors import Tg263Error
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import DeliveryState
from tg263_scp.tools.operate.echo import called_now, echo_check

router = APIRouter()


@dataclass(frozen=True, slots=True)
class DestinationRow:
    """A destination as the page shows it; ``peer`` is empty where it is no longer configured."""

    name: str
    peer: str
    waiting: int
    failed: int
    sent: int
    oldest_s: float | None
    errors: tuple[tuple[str, int], ...]

    @property
    def kind(self) -> str:
        """How it stands, for its mark."""
        if self.failed or not self.peer:
            return "bad"
        return "warn" if self.errors else "wait" if self.waiting else "good"

    @property
    def words(self) -> str:
        """How it stands, in words."""
        if not self.peer:
            return "not configured"
        if self.failed:
            return "deliveries failed"
        return "has trouble" if self.errors else "sending" if self.waiting else "up to date"


@router.get("/destinations")
def show_destinations(request: Request, visitor: Looking) -> Response:
    """Show every destination that is configured, or that something waits for."""
    records: NodeRecords = request.app.state.records
    rows = list(_rows(records.config, records.journal))
    return page(request, "destinations.html", visitor, rows=rows, calls=visitor.may("operate"))


def _rows(config: Config, journal: Journal) -> Iterator[DestinationRow]:
    counts, since, now = journal.outbox.counts(), journal.outbox.oldest_queued_at(), time.time()
    peers = {each.name: f"{each.ae_title}@{each.host}:{each.port}" for each in config.destinations}
    said = journal.totals().errors
    waiting = journal.outbox.waiting_destinations()
    failed = [name for name, state in counts if state is DeliveryState.FAILED]
    for name in dict.fromkeys([*peers, *waiting, *failed]):
        yield DestinationRow(
            name,
            peers.get(name, ""),
            waiting.get(name, 0),
            counts.get((name, DeliveryState.FAILED), 0),
            counts.get((name, DeliveryState.SENT), 0),
            now - since[name] if name in since else None,
            tuple((error, count) for destination, error, count in said if destination == name),
        )


@router.post("/destinations/call")
def call(request: Request, sent: Sent) -> Response:
    """Send a C-ECHO to a destination."""
    want_role(sent.visitor, "operate")
    records: NodeRecords = request.app.state.records
    name = sent.text("name")
    found = [each for each in records.config.destinations if each.name == name]
    if not found:
        raise HTTPException(404, "There is no such destination.")
    try:
        check = echo_check(name, called_now(found[0]))
    except Tg263Error as problem:  # a file that TLS with it needs
        sent.visitor.session.note(f"{name}: {problem.message}", "bad")
    else:
        sent.visitor.session.note(f"{name}: {check.detail}", "good" if check.good else "bad")
    return to("/destinations")
