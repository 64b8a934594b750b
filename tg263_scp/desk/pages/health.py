"""*Health*: the figures of the node, and what ``doctor`` finds; its checks take long, so they run beside the page."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

from fastapi import APIRouter, Request
from starlette.responses import Response

from tg263_scp.desk.node_records import NodeRecords
from tg263_scp.desk.pages.guards import Looking, Sent, want_role
from tg263_scp.desk.pages.node_figures import node_figures
from tg263_scp.desk.pages.rendering import page, to
from tg263_scp.errors import Tg263Error
from tg263_scp.service.journal.states import ObjectState
from tg263_scp.service.switch import set_switch
from tg263_scp.tools.operate.checks import Check
from tg263_scp.tools.operate.doctor import examine

router = APIRouter()

_STALE_S = 600.0


@dataclass(frozen=True, slots=True)
class Examination:
    """What ``doctor`` found, and when (seconds since 1970)."""

    checks: tuple[Check, ...]
    at: float


class Examinations:
    """The last examination of a node, and one that may be under way; used by several threads."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._lock = Lock()
        self._last: Examination | None = None
        self._running = False

    def last(self) -> tuple[Examination | None, bool]:
        """Return the last examination, and whether another one is under way; begin one where the last is old."""
        with self._lock:
            stale = self._last is None or time.time() - self._last.at > _STALE_S
        if stale:
            self.begin()
        with self._lock:
            return self._last, self._running

    def begin(self) -> None:
        """Begin an examination, unless one is under way."""
        with self._lock:
            if self._running:
                return
            self._running = True
        Thread(target=self._examine, name="examination", daemon=True).start()

    def _examine(self) -> None:
        checks: tuple[Check, ...] = (
            Check("examination", False, "it did not end", "see the log of the desk"),
        )
        try:
            checks = tuple(examine(self._config))
        finally:
            with self._lock:
                self._last, self._running = Examination(checks, time.time()), False


@router.get("/health")
def show_health(request: Request, visitor: Looking) -> Response:
    """Show figures and checks; while checks run the page loads itself again."""
    records: NodeRecords = request.app.state.records
    examinations: Examinations = request.app.state.examinations
    examination, running = examinations.last()
    counts = records.journal.counts()
    disk = shutil.disk_usage(records.config.spool.folder)
    return page(
        request,
        "health.html",
        visitor,
        examination=examination,
        running=running,
        age_s=time.time() - examination.at if examination else 0.0,
        states=[(state.lower(), counts.get(state, 0)) for state in ObjectState if counts.get(state, 0)],
        free_gib=disk.free / 2**30,
        wanted_gib=records.config.spool.min_free_bytes / 2**30,
        short=disk.free <= records.config.spool.min_free_bytes,
        namer=records.namer,
        config=records.config,
        operates=visitor.may("operate"),
        figures=node_figures(records.config.metrics),
    )


@router.post("/health/examine")
def examine_again(request: Request, sent: Sent) -> Response:
    """Begin another examination."""
    examinations: Examinations = request.app.state.examinations
    examinations.begin()
    return to("/health")


@router.post("/switch")
def switch(request: Request, sent: Sent) -> Response:
    """Pause the node, from the next object on, or let it go on."""
    want_role(sent.visitor, "operate")
    records: NodeRecords = request.app.state.records
    session, why, paused = sent.visitor.session, sent.text("why")[:500], sent.text("to") == "pause"
    if not why:
        session.note("Nothing was done: give a reason, the audit log keeps it.", "bad")
        return to("/health")
    try:
        set_switch(records.config.spool.folder, paused=paused, by=sent.visitor.user, why=why)
    except Tg263Error as problem:
        session.note(problem.message, "bad")
    else:
        session.note("Paused: every object passes as it was received." if paused else "Renaming goes on.")
    return to("/health")
