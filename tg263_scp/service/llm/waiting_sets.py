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
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from tg263_scp.decision import Decision
from tg263_scp.naming.decide import Decide
from tg263_scp.naming.llm.prompt_files import load_prompts
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.faults import fault_place
from tg263_scp.service.llm.ask_and_decide import DecideWith, ask_and_decide, with_llm
from tg263_scp.service.llm.consultant import Consultant, Missed

logger = logging.getLogger("tg263_scp.model")

MOST_WAITING = 200
"""Sets that wait for the model at once."""
_GRACE_S = 5.0
_LOOK_EVERY_S = 60.0
"""How often is looked whether the model is there and still the same one, where nothing is asked."""


class AwaitingLlm(Exception):  # noqa: N818 - no error: a reason to come back
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


class WaitingSets:
    """The sets that wait for one consultant. ``clock`` gives seconds that only rise."""

    def __init__(
        self,
        consultant: Consultant,
        *,
        clock: Callable[[], float] = time.monotonic,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self._consultant = consultant
        self._clock = clock
        self._most_waiting = most_waiting
        self._lock = Lock()
        self._waits: dict[int, _Wait] = {}
        self._queue: SimpleQueue[int | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._stopping = False
        self._is_full = False
        self.figures = consultant.figures
        """What is counted and measured, for the metrics: sets that wait, and sets that went on with open questions too."""
        self.figures.waiting_objects.set_function(lambda: len(self.waiting))

    def start(self, wake: Callable[[], None]) -> None:
        """Begin to ask; ``wake`` is called when a set has waited enough."""
        self._thread = Thread(target=self._run, args=(wake,), name="model", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, whatever is being asked; sets that wait stay RECEIVED."""
        self._stopping = True
        self._queue.put(None)
        self._consultant.close()
        if self._thread is not None:
            self._thread.join(5.0)

    def prepared(self, nomenclature: Nomenclature) -> Callable[[], None]:
        """Return what makes the model be asked under another nomenclature.

        Raises:
            PromptError: a prompt cannot be used with it.
        """
        return partial(self._consultant.use, nomenclature, load_prompts(nomenclature))

    @property
    def model_is_away(self) -> bool:
        """Whether the model is left alone for now, since it failed again and again."""
        return not self._consultant.usable

    @property
    def waiting(self) -> frozenset[int]:
        """The jobs that wait now; one whose time is up does not, whatever the model does."""
        now = self._clock()
        with self._lock:
            return frozenset(
                job for job, wait in self._waits.items() if wait.waiting and now < wait.until + _GRACE_S
            )

    def deciding(self, job: int, decide: Decide) -> Decide:
        """Return ``decide`` with the model's answers; it raises :class:`AwaitingLlm` where some are worth waiting for."""

        def ask(missed: Missed) -> bool:
            if self._is_worth_waiting(job):
                raise AwaitingLlm(missed)
            return False

        def way(decide_with: DecideWith) -> tuple[Decision, ...]:
            try:
                decisions, missed = ask_and_decide(
                    self._consultant, decide_with, ask, asked=self._rounds(job)
                )
            except (OSError, AwaitingLlm):
                raise  # the disk, not the model; or not to be decided yet
            except Exception as problem:
                # Whatever the model has to do with it: without it the set may well be decided.
                logger.error("job %d: decided without the language model after %s", job, fault_place(problem))
                return decide_with(None)
            self.figures.unanswered_objects.inc(int(bool(missed)))
            return decisions

        return with_llm(decide, way)

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

    def _rounds(self, job: int) -> int:
        with self._lock:
            wait = self._waits.get(job)
            return 0 if wait is None else wait.rounds

    def _is_worth_waiting(self, job: int) -> bool:
        with self._lock:
            wait = self._waits.get(job)
            too_late = wait is not None and self._clock() >= wait.until
            full = wait is None and len(self._waits) >= self._most_waiting
        if full and not self._is_full:
            logger.warning("%d sets wait for the language model: others go on without it", self._most_waiting)
        self._is_full = full
        return self._consultant.usable and not too_late and not full and not self._stopping

    def _run(self, wake: Callable[[], None]) -> None:
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
            wake()

    def _ask(self, job: int, wait: _Wait) -> None:
        left_s = wait.until - self._clock()
        if left_s <= 0 or self._stopping:
            return
        result = self._consultant.consult(wait.missed, budget_s=left_s)
        said = f" ({result.reason})" if result.reason else ""
        total = len(wait.missed.questions)
        logger.info("job %d: %d of %d questions answered%s", job, result.answered, total, said)
