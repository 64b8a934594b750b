"""Logins: a random cookie stands for who came in, and dies with the desk, by logging out or without use."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Lock

COOKIE = "tg263_desk"
_MOST = 1000
"""Logins at a time; the one that was used longest ago makes room."""


class CameBy(StrEnum):
    """How somebody came in; it says whose word the name and the roles are."""

    LINK = "link"
    PASSWORD = "password"
    PROXY = "proxy"


@dataclass(slots=True)
class Session:
    """One login. ``form_token`` has to come back in every form; ``notes`` are shown on the next page, each with its kind.

    ``last_decisions`` are the ids of what was decided just now, so that it can be undone at once.
    """

    key: str
    user: str
    came_by: CameBy
    form_token: str
    used_at: float
    notes: list[tuple[str, str]] = field(default_factory=list)
    last_decisions: tuple[str, ...] = ()

    def note(self, text: str, kind: str = "good") -> None:
        """Have the next page say something; ``kind`` is ``good`` or ``bad``."""
        self.notes.append((kind, text))

    def taken_notes(self) -> list[tuple[str, str]]:
        """Return what the next page says, once."""
        taken, self.notes = self.notes, []
        return taken

    def taken_decisions(self) -> tuple[str, ...]:
        """Return what was decided just now, once."""
        taken, self.last_decisions = self.last_decisions, ()
        return taken


class Sessions:
    """The logins of a running desk; may be used by several threads. ``clock`` counts seconds."""

    def __init__(self, lasting_s: float, clock: Callable[[], float]) -> None:
        self._lasting_s = lasting_s
        self._clock = clock
        self._lock = Lock()
        self._sessions: dict[str, Session] = {}

    def begin(self, user: str, came_by: CameBy) -> Session:
        """Log somebody in."""
        with self._lock:
            while len(self._sessions) >= _MOST:
                del self._sessions[min(self._sessions.values(), key=lambda each: each.used_at).key]
            session = Session(
                secrets.token_urlsafe(32), user, came_by, secrets.token_urlsafe(32), self._clock()
            )
            self._sessions[session.key] = session
            return session

    def find(self, key: str) -> Session | None:
        """Return the login that a cookie stands for; None where there is none, or it was not used for long."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(key)
            if session is not None and now - session.used_at > self._lasting_s:
                del self._sessions[key]
                return None
            if session is not None:
                session.used_at = now
            return session

    def end(self, key: str) -> None:
        """Log somebody out."""
        with self._lock:
            self._sessions.pop(key, None)
