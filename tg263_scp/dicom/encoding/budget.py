"""What the work on one object may cost: bytes once inflated, and processor time.

A file of 4 MB can inflate to 4 GB, and a small one can hold millions of empty items. Who works on an object of a peer
does so :func:`within` a budget; every walk, copy and inflation looks at it, and stops with a reason to hold the object.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from tg263_scp.errors import HeldObjectError, HoldReason

MAX_INFLATED_BYTES = 512 << 20
"""What a deflated data set may become where nothing else is said; it may swell a thousandfold."""


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits for one object; ``folder`` is where a large data set is inflated (the system's temporary folder if None)."""

    inflated_bytes: int = MAX_INFLATED_BYTES
    cpu_s: float = float("inf")
    folder: Path | None = None


_CURRENT: ContextVar[tuple[Budget, float]] = ContextVar("budget", default=(Budget(), 0.0))
"""The budget of this thread, and the processor time of the thread when it began."""


@contextmanager
def within(budget: Budget) -> Iterator[None]:
    """Let what this thread does in the block stay within a budget."""
    outer = _CURRENT.set((budget, time.thread_time()))
    try:
        yield
    finally:
        _CURRENT.reset(outer)


def budget_at_hand() -> Budget:
    """Return the budget of the block that this thread is in."""
    return _CURRENT.get()[0]


def check_cpu() -> None:
    """Look whether the object at hand has used up its processor time.

    Raises:
        HeldObjectError: ``too_costly``.
    """
    budget, began_s = _CURRENT.get()
    if time.thread_time() - began_s > budget.cpu_s:
        raise too_costly(f"it takes more than {budget.cpu_s:g} s of processor time")


def too_costly(problem: str) -> HeldObjectError:
    """Return the error for an object that goes beyond its budget."""
    return HeldObjectError(
        HoldReason.TOO_COSTLY,
        f"the object is set aside: {problem}",
        hint="look at it before you release it; spool.max_inflated_bytes and spool.max_cpu_s are the limits",
    )
