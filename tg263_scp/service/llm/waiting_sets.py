"""Structure sets that wait for the language model, without anything else waiting for them.

The worker decides a set with the answers that are remembered. Where some are missing and the model is there, the set stays
RECEIVED and waits here; a thread of its own asks, one set after the other; then the worker decides the set again. Objects of
other kinds and sets without open names go on meanwhile. A set waits for the model at most for its budget, its turn included,
and at most so many wait at once: the others go on with what the rules know.

Nothing here is durable, and nothing needs to be: after a crash the set is decided again, with the answers remembered till then.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from tg263_scp.decision import Decision, Roi
from tg263_scp.naming.decide import Decide, decide_set
from tg263_scp.naming.llm.choice import LlmView
from tg263_scp.naming.query import NamingOptions
from tg263_scp.naming.rules.sides_by_contours import PlaceOf
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.faults import fault_place
from tg263_scp.service.llm.consultant import Consultant, Missed
from tg263_scp.service.llm.counters import Counts

logger = logging.getLogger("tg263_scp.model")

MOST_WAITING = 200
"""Sets that wait for the model at once."""
MOST_ROUNDS = 2
"""How often one set is asked about: once for its neighbours in meaning, once for its names."""
_GRACE_S = 5.0
_LOOK_EVERY_S = 60.0
"""How often is looked whether the model is there and still the same one, where nothing is asked."""


class AwaitingModel(Exception):  # noqa: N818 - no error: a reason to come back
    """A set was not decided: it waits for answers (:attr:`missed`)."""

    def __init__(self, missed: Missed) -> None:
        super().__init__("waits for the language model")
        self.missed = missed


@dataclass(slots=True)
class _Wait:
    until: float
    missed: Missed
    rounds: int = 1
    waiting: bool = True


class Consultations:
    """The sets that wait for one consultant; ``wake`` is called when one has waited enough."""

    def __init__(
        self,
        consultant: Consultant,
        wake: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._consultant = consultant
        self._wake = wake
        self._clock = clock
        self._most_waiting = most_waiting
        self._lock = Lock()
        self._waits: dict[int, _Wait] = {}
        self._queue: SimpleQueue[int | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="model", daemon=True)
        self._stopping = False
        self._counts = Counts("unanswered_objects")
        self._is_full = False

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """End, whatever is being asked; sets that wait stay RECEIVED."""
        self._stopping = True
        self._queue.put(None)
        self._consultant.close()
        self._thread.join(5.0)

    @property
    def waiting(self) -> frozenset[int]:
        """The jobs that wait now; one whose time is up does not, whatever the model does."""
        now = self._clock()
        with self._lock:
            return frozenset(
                job for job, wait in self._waits.items() if wait.waiting and now < wait.until + _GRACE_S
            )

    def state(self) -> dict[str, float]:
        """Figures for the metrics: those of the consultant, sets that wait now, and sets that went on with open questions."""
        return {
            **self._consultant.state(),
            "waiting_objects": len(self.waiting),
            **self._counts.now(),
        }

    def deciding(self, job: int, decide: Decide) -> Decide:
        """Return ``decide`` with the model's answers; it raises :class:`AwaitingModel` where some are worth waiting for."""

        def decided(
            rois: Sequence[Roi],
            nomenclature: Nomenclature,
            options: NamingOptions,
            *,
            place_of: PlaceOf | None = None,
            llm: LlmView | None = None,
        ) -> tuple[Decision, ...]:
            missed = Missed()
            llm = llm or self._consultant.view(missed)
            try:
                decisions = decide(rois, nomenclature, options, place_of=place_of, llm=llm)
            except OSError:
                raise  # the disk, not the model
            except Exception as problem:
                # Whatever the model has to do with it: without it the set may well be decided.
                logger.error("job %d: decided without the language model after %s", job, fault_place(problem))
                return decide(rois, nomenclature, options, place_of=place_of)
            if missed and self._is_worth_waiting(job):
                raise AwaitingModel(missed)
            self._counts.add(unanswered_objects=int(bool(missed)))
            return decisions

        return decided

    def wait(self, job: int, missed: Missed) -> None:
        """Let a set wait until what it missed was asked."""
        with self._lock:
            wait = self._waits.get(job)
            if wait is None:
                self._waits[job] = _Wait(self._clock() + self._consultant.object_budget_s, missed)
            else:
                wait.missed, wait.rounds, wait.waiting = missed, wait.rounds + 1, True
        self._queue.put(job)

    def forget(self, job: int) -> None:
        """A set is decided, held or gone: should it come again, its time begins anew."""
        with self._lock:
            self._waits.pop(job, None)

    def _is_worth_waiting(self, job: int) -> bool:
        with self._lock:
            wait = self._waits.get(job)
            asked_enough = wait is not None and (wait.rounds >= MOST_ROUNDS or self._clock() >= wait.until)
            full = wait is None and len(self._waits) >= self._most_waiting
        if full and not self._is_full:
            logger.warning("%d sets wait for the language model: others go on without it", self._most_waiting)
        self._is_full = full
        return self._consultant.usable and not asked_enough and not full and not self._stopping

    def _run(self) -> None:
        self._consultant.look()
        while not self._stopping:
            try:
                job = self._queue.get(timeout=_LOOK_EVERY_S)
            except Empty:
                self._consultant.look()
                continue
            with self._lock:
                wait = self._waits.get(job) if job is not None else None
            if job is None or wait is None:
                continue  # it went on meanwhile: its time was up
            try:
                self._ask(job, wait)
            except Exception as problem:
                # A fault of ours may cost an answer, never an object.
                logger.error("job %d: the model was not asked after %s", job, fault_place(problem))
            with self._lock:
                wait.waiting = False
            self._wake()

    def _ask(self, job: int, wait: _Wait) -> None:
        left_s = wait.until - self._clock()
        if left_s <= 0 or self._stopping:
            return
        result = self._consultant.consult(wait.missed, budget_s=left_s)
        said = f" ({result.reason})" if result.reason else ""
        total = len(wait.missed.questions)
        logger.info("job %d: %d of %d questions answered%s", job, result.answered, total, said)


def asking_at_once(consultant: Consultant) -> Decide:
    """Return a way of deciding that asks what is missing and waits for it, within the budget of one structure set."""

    def decided(
        rois: Sequence[Roi],
        nomenclature: Nomenclature,
        options: NamingOptions,
        *,
        place_of: PlaceOf | None = None,
        llm: LlmView | None = None,
    ) -> tuple[Decision, ...]:
        until = time.monotonic() + consultant.object_budget_s
        for _ in range(MOST_ROUNDS):
            missed = Missed()
            view = llm or consultant.view(missed)
            decisions = decide_set(rois, nomenclature, options, place_of=place_of, llm=view)
            left_s = until - time.monotonic()
            if not missed or left_s <= 0:
                return decisions
            consultant.consult(missed, budget_s=left_s)
        return decide_set(
            rois, nomenclature, options, place_of=place_of, llm=llm or consultant.view(Missed())
        )

    return decided
