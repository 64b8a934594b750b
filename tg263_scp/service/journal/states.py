"""The states of the journal: what an object and a delivery can be, and what may follow what.

object      RECEIVED -> DECIDED -> READY -> EXPIRED, RECEIVED (redo) or DECIDED (its original is sent again)
                           \\-> HELD -> RECEIVED (retry) or DECIDED (release, discard)
            DECIDED -> DISCARDED -> DECIDED (restore) or EXPIRED
delivery    PENDING -> SENDING -> SENT | RETRY | FAILED, one per object and destination
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


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
    DISCARDED = "DISCARDED"
    """A person does not want it; its files stay for a while, in which it can be restored."""
    EXPIRED = "EXPIRED"
    """Everywhere it had to go or discarded, retention over, files removed."""


class DeliveryState(StrEnum):
    """Where an object stands with one destination."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    """The destination answered this very C-STORE with success or a storage warning."""
    RETRY = "RETRY"
    """Not sent yet, and why not is known: to be tried again, in its turn or set aside."""
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
    ANEW = "anew"
    """The same bytes were delivered before, and would be decided otherwise by now: they are decided anew."""
    RETURNED = "returned"
    """The same bytes were delivered a while ago: every destination has them, and nothing is sent."""


RETURNS_WITHIN_S = 3600.0
LOOP_AFTER = 3
"""So many returns within :data:`RETURNS_WITHIN_S` are a loop: somebody sends us what we send."""


TRANSITIONS: Mapping[StrEnum, frozenset[StrEnum]] = {
    ObjectState.RECEIVED: frozenset({ObjectState.DECIDED}),
    ObjectState.DECIDED: frozenset({ObjectState.READY, ObjectState.HELD, ObjectState.DISCARDED}),
    ObjectState.READY: frozenset({ObjectState.EXPIRED, ObjectState.RECEIVED, ObjectState.DECIDED}),
    ObjectState.HELD: frozenset({ObjectState.RECEIVED, ObjectState.DECIDED}),
    ObjectState.DISCARDED: frozenset({ObjectState.DECIDED, ObjectState.EXPIRED}),
    ObjectState.EXPIRED: frozenset(),
    DeliveryState.PENDING: frozenset({DeliveryState.SENDING, DeliveryState.RETRY, DeliveryState.FAILED}),
    DeliveryState.SENDING: frozenset({DeliveryState.SENT, DeliveryState.RETRY, DeliveryState.FAILED}),
    DeliveryState.SENT: frozenset({DeliveryState.PENDING}),
    DeliveryState.RETRY: frozenset({DeliveryState.SENDING, DeliveryState.RETRY, DeliveryState.FAILED}),
    DeliveryState.FAILED: frozenset({DeliveryState.PENDING}),
}


FOR_REVIEW, RELABEL_ONCE, RETRIED, REDONE = "review", "relabel_once", "retried", "redone"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked of the node about one object, for the next time it is decided.

    ``what`` is a code: :data:`FOR_REVIEW` wants it decided with what was decided about its names since, :data:`RELABEL_ONCE`
    wants it relabelled although it is approved, :data:`RETRIED` and :data:`REDONE` want it decided once more. ``by`` and
    ``why`` are in the person's words. ``destinations`` are those that get it; empty for all.
    """

    what: str
    by: str
    why: str = ""
    destinations: tuple[str, ...] = ()

    @classmethod
    def of_text(cls, text: str) -> Asked | None:
        """Read what :meth:`as_text` wrote; None for the empty text."""
        if not text:
            return None
        said = json.loads(text)
        return cls(said["what"], said["by"], said["why"], tuple(said["destinations"]))

    def as_text(self) -> str:
        """Write it for the journal."""
        return json.dumps(asdict(self), ensure_ascii=False)


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
    """A row of ``objects``: what arrived, and what has become of it. Times are seconds since 1970 (UTC).

    ``unanswered`` is how many names went on although a language model would have been asked about them. ``study`` is the keyed
    hash of its Study Instance UID; empty as long as it is not decided, or where it says none. ``returns`` is how often it came
    again after it was delivered, within :data:`RETURNS_WITHIN_S` from ``returning_since`` on. ``result_sha256`` (hex) is of the
    data set of its relabelled copy; empty where there is none, or an earlier program version made it. ``on_request`` is true
    where a person wants it sent, also to who has the same already. ``wish`` is what a person asked for the next time it is
    decided, if anything; ``made_under`` tells under what it was decided last.
    """

    job: int
    state: ObjectState
    received_at: float
    changed_at: float
    other_version: bool
    next_state: str
    sends_result: bool
    reason: str
    record: str
    unanswered: int
    study: str
    returns: int
    returning_since: float
    result_sha256: str
    on_request: bool
    wish: Asked | None
    made_under: str


class Found(StrEnum):
    """What was found about a structure set, which therefore has another UID at a destination, or has not."""

    RENUMBERED = "renumbered"
    """It was relabelled, and goes to the destination under a new UID."""
    UNCHANGED = "unchanged"
    """It goes to the destination under its own UID."""
    ELSEWHERE = "elsewhere"
    """It goes to other destinations only."""
    UNDECIDED = "undecided"
    """It is here, and what becomes of it was not known in time."""
    UNKNOWN = "unknown"
    """It did not come, or was sent before the node kept account of UIDs."""
    SIGNED = "signed"
    """What refers to it is signed, and its gate lets nothing be changed."""
    APPROVED = "approved"
    """What refers to it is approved, and its gate lets nothing be changed."""
    NOT_EDITABLE = "not_editable"
    """What refers to it cannot be edited with certainty."""


@dataclass(frozen=True, slots=True)
class UidSent:
    """The SOP Instance UID of a structure set, and the one that stands for it in what a destination gets."""

    old: str
    new: str
    found: Found


@dataclass(frozen=True, slots=True)
class Variant:
    """In what form an object goes to a destination: the UIDs of structure sets in it, what the audit line says of it.

    ``sha256`` (hex) is of its data set, empty where an earlier program version did not keep it.
    """

    uids: tuple[UidSent, ...]
    told: Mapping[str, Any]
    sha256: str = ""

    @classmethod
    def of_text(cls, text: str) -> Variant | None:
        """Read what :meth:`as_text` wrote; None for the empty text: nothing was sent yet."""
        if not text:
            return None
        values = json.loads(text)
        uids = tuple(UidSent(old, new, Found(found)) for old, new, found in values["uids"])
        return cls(uids, values["told"], values.get("sha256", ""))

    def as_text(self) -> str:
        """Write it for the journal."""
        uids = [[each.old, each.new, each.found] for each in self.uids]
        return json.dumps({"uids": uids, "told": self.told, "sha256": self.sha256})


AS_IT_IS = Variant((), {})


@dataclass(frozen=True, slots=True)
class Delivery:
    """A row of ``deliveries``; ``status`` is the last C-STORE status, None where none came.

    ``variant`` is None as long as nothing was sent, and for what earlier program versions sent. ``aside`` is true where the
    object has lost its turn: those behind it do not wait for it. Those of its study do, for a while after ``aside_since``
    (0 where it waits for another object itself). ``sent_uid`` and ``sent_sha256`` are of the data set that it has.
    """

    job: int
    destination: str
    state: DeliveryState
    attempts: int
    queued_at: float
    next_attempt_at: float
    changed_at: float
    status: int | None
    error: str
    variant: Variant | None
    aside: bool
    aside_since: float
    sent_uid: str
    sent_sha256: str


def job_of(row: sqlite3.Row) -> Job:
    """Read a row of ``objects``."""
    values = dict(row)
    values["state"] = ObjectState(values["state"])
    values["other_version"] = bool(values["other_version"])
    values["sends_result"] = bool(values["sends_result"])
    values["on_request"] = bool(values["on_request"])
    values["wish"] = Asked.of_text(values["wish"])
    return Job(**values)


def delivery_of(row: sqlite3.Row) -> Delivery:
    """Read a row of ``deliveries``."""
    values = dict(row)
    values["state"] = DeliveryState(values["state"])
    values["variant"] = Variant.of_text(values["variant"])
    values["aside"] = bool(values["aside"])
    return Delivery(**values)
