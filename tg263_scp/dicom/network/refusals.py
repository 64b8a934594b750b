"""Why a connection was turned away or ended: one line in the log, in plain words, and one count for each.

A peer decides how often it is turned away, so the lines are rate-limited by reason; the counts are whole. What a peer says
about itself stands in quotes and holds printable characters only.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

logger = logging.getLogger("tg263_scp.listener")

LINES_AT_ONCE = 10
"""This many lines of one reason may follow each other; then one in :data:`LINE_EVERY_S`."""
LINE_EVERY_S = 10.0


class Reason(StrEnum):
    """Why a connection was turned away or ended by this side; the value is the label of the figure."""

    meaning: str

    def __new__(cls, value: str, meaning: str) -> Reason:  # noqa: D102
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    ADDRESS = "address", "the address is not in peers.addresses"
    CALLING_AE_TITLE = "calling_ae_title", "the calling AE title is not in peers.ae_titles"
    CERTIFICATE = "certificate", "the certificate of the caller is not in peers.certificates"
    CALLED_AE_TITLE = "called_ae_title", "the called AE title is not ours"
    TOO_MANY = "too_many_associations", "listen.max_associations peers are at work"
    TOO_MANY_WAITING = "too_many_waiting", "too many connections wait without having asked for an association"
    NO_REQUEST = "no_request", "no whole association request came within listen.acse_timeout_s"
    TLS = "tls", "no TLS handshake came about"
    NOT_DICOM = "not_dicom", "what came is not a DICOM association request"
    REQUEST_TOO_LARGE = (
        "request_too_large",
        "the association request announces more than any honest one needs",
    )
    BAD_REQUEST = "bad_request", "the association request cannot be read"
    PROTOCOL = "protocol", "the peer asks for another protocol than DICOM's"
    IDLE = "idle", "nothing came for listen.network_timeout_s"
    MADE_ROOM = "made_room", "it was idle, and another peer needed its place"
    TOO_SLOW = "too_slow", "a message came more slowly than listen.min_bytes_per_s"
    TOO_LARGE = "too_large", "the object is larger than spool.max_object_bytes"
    MALFORMED = "malformed", "what came breaks the protocol"
    BROKEN_OFF = "broken_off", "the peer left within a message; the object was not acknowledged"
    STOPPING = "stopping", "the node stops, and listen.drain_s is over"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is at the other end: the address, and what the association request says, empty where none was read."""

    address: str
    calling_ae_title: str = ""
    called_ae_title: str = ""

    def __str__(self) -> str:
        if not (self.calling_ae_title or self.called_ae_title):
            return self.address
        return f"{self.address}, calling {_quoted(self.calling_ae_title)}, called {_quoted(self.called_ae_title)}"


class Refusals:
    """Counts and logs why connections were turned away; safe to use from every thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[Reason] = Counter()
        self._lines: dict[Reason, _Lines] = {}

    def counts(self) -> Mapping[Reason, int]:
        """How often each reason came, since the start of the node."""
        with self._lock:
            return {reason: self._counts[reason] for reason in Reason}

    def note(self, reason: Reason, caller: Caller, hint: str = "") -> None:
        """Count one connection that was turned away or ended, and say so in the log; ``hint`` is in our own words."""
        with self._lock:
            self._counts[reason] += 1
            unsaid = self._lines.setdefault(reason, _Lines()).unsaid_before_this(self._clock())
        if unsaid is not None:
            more = f" ({unsaid} more for this reason since the last such line)" if unsaid else ""
            why = f"{reason.meaning} ({hint})" if hint else reason.meaning
            logger.warning("closed the connection of %s: %s%s", caller, why, more)


class _Lines:
    """Says whether the next line of a reason may be written."""

    def __init__(self) -> None:
        self._left = float(LINES_AT_ONCE)
        self._since: float | None = None
        self._unsaid = 0

    def unsaid_before_this(self, now: float) -> int | None:
        """Return None where the line must stay unwritten, else how many stayed unwritten before it."""
        if self._since is not None:
            self._left = min(LINES_AT_ONCE, self._left + (now - self._since) / LINE_EVERY_S)
        self._since = now
        if self._left < 1:
            self._unsaid += 1
            return None
        self._left -= 1
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid


def _quoted(text: str) -> str:
    """Text of a peer for a log line: printable ASCII in quotes, so that it is neither markup nor a terminal's command."""
    return "'" + "".join(c if c.isascii() and c.isprintable() and c != "'" else "?" for c in text) + "'"
