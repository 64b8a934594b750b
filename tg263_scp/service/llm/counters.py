"""Numbers that several threads count up, for the metrics."""

from __future__ import annotations

from threading import Lock


class Counts:
    """Counters by name, all at 0 in the beginning; may be used by several threads."""

    def __init__(self, *names: str) -> None:
        self._lock = Lock()
        self._numbers = dict.fromkeys(names, 0)

    def add(self, **more: int) -> None:
        """Count up, all at once."""
        with self._lock:
            for name, number in more.items():
                self._numbers[name] += number

    def now(self) -> dict[str, float]:
        """Return how far each has come."""
        with self._lock:
            return {name: float(number) for name, number in self._numbers.items()}
