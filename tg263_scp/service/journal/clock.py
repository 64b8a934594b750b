"""Time as the node counts it: no step of the computer's clock makes a deadline come early or late.

Within a run it goes on evenly from what the clock said at the start. The journal notes now and then that the node is alive; at
the next start all deadlines move by the time from the last such note, forwards or back (:meth:`Journal.begin_run`). So the time
during which the node did not run counts for no deadline, whether it was long or the clock only says so. Programs beside the
node take the time of its last note.
"""

from __future__ import annotations

import time
from collections.abc import Callable


class RunningClock:
    """Seconds since 1970 by the computer's clock when this was made, and by its uptime since then."""

    def __init__(
        self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._ahead_s = wall() - monotonic()

    def __call__(self) -> float:
        """Return the time."""
        return self._ahead_s + self._monotonic()
