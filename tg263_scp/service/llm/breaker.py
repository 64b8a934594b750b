"""A circuit breaker: what fails again and again is left alone for a while, then tried once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock


class Breaker:
    """Opens after ``failures`` in a row for ``pause_s`` seconds; then one failure is enough to open it again.

    ``clock`` gives seconds that only rise. May be used by several threads.
    """

    def __init__(self, failures: int, pause_s: float, clock: Callable[[], float]) -> None:
        self._failures = failures
        self._pause_s = pause_s
        self._clock = clock
        self._lock = Lock()
        self._in_a_row = 0
        self._closed_again_at = float("-inf")

    @property
    def allows(self) -> bool:
        """Whether it may be tried now."""
        with self._lock:
            return self._clock() >= self._closed_again_at

    def worked(self) -> bool:
        """Count a success; return whether it had been failing until now."""
        with self._lock:
            recovered = self._in_a_row >= self._failures
            self._in_a_row = 0
            return recovered

    def failed(self) -> bool:
        """Count a failure; return whether that has opened the breaker."""
        with self._lock:
            self._in_a_row += 1
            opens = self._in_a_row >= self._failures and self._clock() >= self._closed_again_at
            if opens:
                self._closed_again_at = self._clock() + self._pause_s
            return opens
