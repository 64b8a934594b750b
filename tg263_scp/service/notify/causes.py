"""What is worth telling: causes, and what the node finds of each now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from tg263_scp.errors import ReviewError
from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.polling import Clock
from tg263_scp.service.review.decisions import Standing
from tg263_scp.service.review.store import ReviewStore
from tg263_scp.service.switch import switch_setting

_LISTED = 20
"""Job numbers in one message at most."""


class Cause(StrEnum):
    """Why somebody is told; the values are stable: what reads the webhook may go by them."""

    PAUSED = "paused"
    DESTINATION_DOWN = "destination_down"
    DISK_LOW = "disk_low"
    HELD = "held"
    FAILED = "failed"
    MODEL_AWAY = "model_away"
    SECOND_PERSON = "second_person"
    STORE_DAMAGED = "store_damaged"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one cause: ``items`` tell the next time what of it is news; ``text`` is what people read."""

    cause: Cause
    items: frozenset[str]
    text: str


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a node looks: its journal, whether its disk is short, whether its model is away, what people decided.

    A destination counts as down when it has taken nothing for ``destination_down_s`` while something waits for it.
    """

    journal: Journal
    folder: Path
    store: ReviewStore
    disk_is_short: Callable[[], bool]
    model_is_away: Callable[[], bool]
    clock: Clock
    destination_down_s: float

    def findings(self) -> list[Finding]:
        """Return what there is to tell, the most urgent first.

        Raises:
            JournalError: the journal cannot be read.
        """
        return [
            *self._switch(),
            *self._destinations(),
            *self._disk(),
            *self._objects(),
            *self._model(),
            *self._decisions(),
        ]

    def _switch(self) -> Iterator[Finding]:
        setting = switch_setting(self.folder)
        if setting is not None and setting.paused:
            text = f"The node is paused by {setting.by}: every object passes as it was received."
            yield Finding(Cause.PAUSED, frozenset({setting.id}), text)

    def _destinations(self) -> Iterator[Finding]:
        before = self.clock() - self.destination_down_s
        down = sorted(name for name, since in self.journal.outbox.failing_since().items() if since <= before)
        if down:
            minutes = self.destination_down_s / 60
            text = f"Takes nothing for more than {minutes:g} minutes: {', '.join(down)}. See `queue list`."
            yield Finding(Cause.DESTINATION_DOWN, frozenset(down), text)

    def _disk(self) -> Iterator[Finding]:
        if self.disk_is_short():
            yield Finding(
                Cause.DISK_LOW, frozenset({"low"}), "The spool's disk is low: soon objects are refused."
            )

    def _objects(self) -> Iterator[Finding]:
        held = self.journal.held_jobs()
        if held:
            text = f"{_objects(len(held))} held: job {_listed(held)}. See `queue show JOB`, `review list`."
            yield Finding(Cause.HELD, frozenset(map(str, held)), text)
        failed = self.journal.outbox.failed()
        if failed:
            jobs = sorted({job for job, _ in failed})
            text = f"{_objects(len(jobs))} given up on: job {_listed(jobs)}. See `queue show JOB`, `queue retry JOB`."
            yield Finding(Cause.FAILED, frozenset(f"{job} {name}" for job, name in failed), text)

    def _model(self) -> Iterator[Finding]:
        if self.model_is_away():
            text = "The language model does not answer: names that no rule knows go to review."
            yield Finding(Cause.MODEL_AWAY, frozenset({"away"}), text)

    def _decisions(self) -> Iterator[Finding]:
        try:
            self.store.refresh()
        except ReviewError:
            text = "The store of decisions about names cannot be read. See `doctor`."
            yield Finding(Cause.STORE_DAMAGED, frozenset({"damaged"}), text)
            return
        waiting = [each.id for each in self.store.decisions() if each.standing is Standing.WAITING]
        if waiting:
            text = f"{len(waiting)} decisions about names wait for somebody's approval. See `review log`."
            yield Finding(Cause.SECOND_PERSON, frozenset(waiting), text)


def _objects(count: int) -> str:
    return "1 object is" if count == 1 else f"{count} objects are"


def _listed(jobs: list[int]) -> str:
    more = f" and {len(jobs) - _LISTED} more" if len(jobs) > _LISTED else ""
    return ", ".join(map(str, jobs[:_LISTED])) + more
