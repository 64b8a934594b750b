"""The states of the journal: what an object and a delivery can be, and what may follow what.

object      RECEIVED -> DECIDED -> READY -> EXPIRED
                           \\-> HELD -> RECEIVED (retry) or DECIDED (release)
delivery    PENDING -> SENDING -> SENT | RETRY | FAILED, one per object and destination
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class ObjectState(StrEnum):
    """Where an object stands."""

    RECEIVED = "RECEIVED"
    """Durable and acknowledged; nothing decided yet."""
    DECIDED = "DECIDED"
    """The decision and, where there is one, the relabelled copy are durable; the audit line is due."""
    READY = "READY"
    """Its deliveries are queued."""
    HELD = "HELD"
    """Kept for a person; not forwarded until retried or released."""
    EXPIRED = "EXPIRED"
    """Everywhere it had to go, retention over, files removed."""


class DeliveryState(StrEnum):
    """Where an object stands with one destination."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    """The destination answered this very C-STORE with success or a storage warning."""
    RETRY = "RETRY"
    FAILED = "FAILED"
    """Given up: visible in the queue, restartable."""


class Ingest(StrEnum):
    """What receiving an object meant."""

    NEW = "new"
    NEW_VERSION = "new_version"
    """The SOP Instance UID was here before with other bytes."""
    IN_FLIGHT = "in_flight"
    """The same bytes are here and not done yet: nothing new to do."""
    REDELIVERED = "redelivered"
    """The same bytes were delivered before: what was sent then is queued again."""


TRANSITIONS: Mapping[StrEnum, frozenset[StrEnum]] = {
    ObjectState.RECEIVED: frozenset({ObjectState.DECIDED}),
    ObjectState.DECIDED: frozenset({ObjectState.READY, ObjectState.HELD}),
    ObjectState.READY: frozenset({ObjectState.EXPIRED}),
    ObjectState.HELD: frozenset({ObjectState.RECEIVED, ObjectState.DECIDED}),
    ObjectState.EXPIRED: frozenset(),
    DeliveryState.PENDING: frozenset({DeliveryState.SENDING, DeliveryState.RETRY, DeliveryState.FAILED}),
    DeliveryState.SENDING: frozenset({DeliveryState.SENT, DeliveryState.RETRY, DeliveryState.FAILED}),
    DeliveryState.SENT: frozenset({DeliveryState.PENDING}),
    DeliveryState.RETRY: frozenset({DeliveryState.SENDING, DeliveryState.RETRY, DeliveryState.FAILED}),
    DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A durable object that is about to be acknowledged.

    ``route`` is the one it fitted when it came; the same object on another route is another job.
    """

    token: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str
    sha256: str
    dataset_bytes: int
    calling_ae_title: str
    peer_address: str
    called_ae_title: str
    route: str


@dataclass(frozen=True, slots=True)
class Job(Arrival):
    """A row of ``objects``: what arrived, and what has become of it. Times are seconds since 1970 (UTC)."""

    job: int
    state: ObjectState
    received_at: float
    changed_at: float
    other_version: bool
    next_state: str
    sends_result: bool
    reason: str
    record: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of ``deliveries``; ``status`` is the last C-STORE status, None where none came."""

    job: int
    destination: str
    state: DeliveryState
    attempts: int
    queued_at: float
    next_attempt_at: float
    changed_at: float
    status: int | None
    error: str


def job_of(row: sqlite3.Row) -> Job:
    """Read a row of ``objects``."""
    values = dict(row)
    values["state"] = ObjectState(values["state"])
    values["other_version"] = bool(values["other_version"])
    values["sends_result"] = bool(values["sends_result"])
    return Job(**values)


def delivery_of(row: sqlite3.Row) -> Delivery:
    """Read a row of ``deliveries``."""
    values = dict(row)
    values["state"] = DeliveryState(values["state"])
    return Delivery(**values)
