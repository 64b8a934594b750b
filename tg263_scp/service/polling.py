"""The life of a thread that works off what the journal holds, and looks again when woken or after a while.

Worker and forwarders are such threads. What they do differs; how they begin, wait, survive an error and end is here.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import Event, Thread

from tg263_scp.service.faults import fault_place

POLL_S = 1.0
"""How soon is seen what another process (``tg263-scp queue``) put into the journal."""
PAUSE_AFTER_ERROR_S = 5.0
ROUND_S = 1.0
"""How long work goes on before what comes before each round is done again, however much is left."""

Clock = Callable[[], float]
"""Seconds since 1970."""
Step = Callable[[str], None]
"""Called with a name after each durable step of an object's way: tests end the process there."""


def no_step(name: str) -> None:
    """Go on."""


class PollingThread(ABC):
    """Works until nothing is left, waits to be woken, and works again; an error is logged and makes it pause.

    ``subject`` is what the log says is pausing.
    """

    def __init__(
        self,
        thread_name: str,
        *,
        subject: str,
        logger: logging.Logger,
        clock: Clock = time.time,
        step: Step = no_step,
    ) -> None:
        self._thread_name = thread_name
        self._subject = subject
        self._logger = logger
        self._clock = clock
        self._step = step
        self._wake = Event()
        self._stopping = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin to work on what the journal holds."""
        self._thread = Thread(target=self._run, name=self._thread_name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is something to do."""
        self._wake.set()

    def stop(self, deadline_s: float) -> bool:
        """Finish the object at hand and end; what remains stays in the journal. False where the deadline came first."""
        self._stopping.set()
        self._wake.set()
        if self._thread is None:
            return True
        self._thread.join(deadline_s)
        return not self._thread.is_alive()

    @property
    def alive(self) -> bool:
        """True while the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """True from the call of :meth:`stop`: nothing new is to be begun."""
        return self._stopping.is_set()

    @abstractmethod
    def work_on_next(self) -> bool:
        """Do one piece of the work; false where there is none for now."""

    @abstractmethod
    def _prepare(self, *, afresh: bool) -> None:
        """Do what comes before each round of work; ``afresh`` in the first round and in those after an error."""

    def _idle_s(self) -> float:
        """Return how long to wait when nothing is left, unless woken."""
        return POLL_S

    def _run(self) -> None:
        afresh = True
        while not self.stopping:
            self._wake.clear()
            try:
                self._prepare(afresh=afresh)
                until, more = time.monotonic() + ROUND_S, True
                while more and not self.stopping and time.monotonic() < until:
                    more = self.work_on_next()
                pause, afresh = 0.0 if more else self._idle_s(), False
            except Exception as problem:
                # The disk or the journal refuses, or the fault is ours: nothing is lost, everything stays in the journal
                # where it is, and one object may not end the work on all others.
                self._logger.error(
                    "%s pauses for %.0f s: %s", self._subject, PAUSE_AFTER_ERROR_S, fault_place(problem)
                )
                pause, afresh = PAUSE_AFTER_ERROR_S, True
            self._wake.wait(pause)
