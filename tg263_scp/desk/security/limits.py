"""How often something may be tried: logins that fail, and requests of one token."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from threading import Lock

_MOST_KEYS = 10_000
"""Callers that are remembered; who has not called for longest is forgotten first."""
_LOGINS_WITHIN_S = 900.0


class Limit:
    """At most ``most`` events of one key within ``within_s`` seconds; may be used by several threads."""

    def __init__(self, most: int, within_s: float, clock: Callable[[], float]) -> None:
        self._most = most
        self._within_s = within_s
        self._clock = clock
        self._lock = Lock()
        self._events: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """Return how long a key has to wait for its next event; 0 where it may now."""
        with self._lock:
            return self._wait_s(key)

    def take(self, key: str) -> float:
        """Count an event where it is allowed; return how long the key has to wait for it, 0 where it was counted."""
        with self._lock:
            wait_s = self._wait_s(key)
            if not wait_s:
                events = self._events.setdefault(key, deque())
                events.append(self._clock())
                self._events.move_to_end(key)
                if len(self._events) > _MOST_KEYS:
                    self._events.popitem(last=False)
            return wait_s

    def give_back(self, key: str) -> None:
        """Take back the last event of a key."""
        with self._lock:
            events = self._events.get(key)
            if events:
                events.pop()

    def _wait_s(self, key: str) -> float:
        events, now = self._events.get(key), self._clock()
        if events is None:
            return 0.0
        while events and events[0] <= now - self._within_s:
            events.popleft()
        return events[0] + self._within_s - now if len(events) >= self._most else 0.0


class LoginLimits:
    """Tries to log in are counted by user at an address, by address and by user: guessing has to stop, not the department.

    A try counts before it is looked at, so that many at once are no way around; one that succeeds is not counted.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._pairs = Limit(5, _LOGINS_WITHIN_S, clock)
        self._addresses = Limit(20, _LOGINS_WITHIN_S, clock)
        self._users = Limit(50, _LOGINS_WITHIN_S, clock)

    def begin(self, user: str, address: str) -> float:
        """Count a try; return how long this user at this address has to wait for it, 0 where it may go on."""
        limits = self._limits(user, address)
        wait_s = max(limit.wait_s(key) for limit, key in limits)
        if not wait_s:
            for limit, key in limits:
                limit.take(key)
        return wait_s

    def succeeded(self, user: str, address: str) -> None:
        """Take back the count of a try."""
        for limit, key in self._limits(user, address):
            limit.give_back(key)

    def _limits(self, user: str, address: str) -> tuple[tuple[Limit, str], ...]:
        return ((self._pairs, f"{address} {user}"), (self._addresses, address), (self._users, user))
