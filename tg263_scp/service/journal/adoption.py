"""Taking objects in again that the spool holds and the journal does not know: it was lost, emptied, damaged, or an older copy.

Every object comes in again as HELD, and a person lets it go on; one that was discarded stays so. What the audit log says of
it still holds: who sent it, and which destinations have it. A destination that has it does not get it again; what every
destination has is READY, as before.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tg263_scp.service.journal.objects import Journal
from tg263_scp.service.journal.states import Arrival, ObjectState
from tg263_scp.service.spool import Orphan, Spool


@dataclass(frozen=True, slots=True)
class Adoption:
    """What became of the objects that the journal did not know: job numbers, and counts of those that got none.

    ``held`` are those that a person may let go on, ``doubtful`` those of them that ``queue adopt --send`` leaves alone: another
    version of the object has come since, or its route is not known. ``discarded`` are those that a person had discarded, and
    stay so. ``done`` are everywhere. ``known`` were here a second time; ``unreadable`` files stay where they are.
    """

    held: tuple[int, ...]
    doubtful: tuple[int, ...]
    done: tuple[int, ...]
    discarded: tuple[int, ...]
    known: int
    unreadable: int


@dataclass(slots=True)
class _Told:
    """What the audit log tells of one object: its last decision, who got what came of that, whether it was discarded."""

    decision: Mapping[str, Any] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)
    discarded: bool = False

    def take(self, line: Mapping[str, Any]) -> None:
        if "peer" in line and "destinations" in line:
            # Decided anew, it is to go everywhere anew.
            self.decision, self.delivered = line, set()
        elif line.get("kind") == "delivered":
            self.delivered.add(str(line.get("destination")))
        elif line.get("kind") in ("discarded", "restored"):
            self.discarded = line["kind"] == "discarded"

    @property
    def state(self) -> ObjectState:
        """What becomes of the object: only what every destination has is READY."""
        if self.discarded:
            return ObjectState.DISCARDED
        everywhere = set(self.decision.get("destinations", ()))
        return ObjectState.READY if everywhere and everywhere <= self.delivered else ObjectState.HELD


def adopt(
    spool: Spool,
    journal: Journal,
    audit_lines: Iterable[bytes],
    *,
    route_is_certain: Callable[[Arrival], bool],
) -> Adoption:
    """Take in every orphan of the spool, in order of receipt.

    ``route_is_certain`` tells whether the facts that the head of a file keeps suffice to find the route of its object.

    Raises:
        JournalError: the journal refuses; what was taken in before stays so.
        OSError: a file cannot be read or moved.
    """
    orphans = spool.orphans()
    told = _told(audit_lines, {orphan.token for orphan in orphans})
    last_job = journal.last_job()
    taken: dict[ObjectState, list[int]] = {state: [] for state in ObjectState}
    doubtful = []
    known = unreadable = 0
    for orphan in orphans:
        about = told.get(orphan.token, _Told())
        arrival = _arrival(spool, orphan, about.decision)
        if arrival is None:
            unreadable += 1
            continue
        job, newer = journal.adopt(
            arrival,
            received_at=orphan.received_at,
            delivered=about.delivered,
            state=about.state,
            sends_result=about.state is ObjectState.READY and about.decision.get("kind") == "relabelled",
            known_up_to=last_job,
        )
        if job is None:
            spool.drop_orphan(orphan.token)
            known += 1
            continue
        spool.take_back(orphan.token)
        taken[about.state].append(job)
        if about.state is ObjectState.HELD and (newer or not (about.decision or route_is_certain(arrival))):
            doubtful.append(job)
    held, done, discarded = (
        tuple(taken[state]) for state in (ObjectState.HELD, ObjectState.READY, ObjectState.DISCARDED)
    )
    return Adoption(held, tuple(doubtful), done, discarded, known, unreadable)


def _told(audit_lines: Iterable[bytes], tokens: Collection[str]) -> dict[str, _Told]:
    told: dict[str, _Told] = {}
    for text in audit_lines if tokens else ():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and line.get("job") in tokens:
            told.setdefault(line["job"], _Told()).take(line)
    return told


def _arrival(spool: Spool, orphan: Orphan, decision: Mapping[str, Any]) -> Arrival | None:
    head = spool.head(orphan)
    if head is None:
        return None
    peer = decision.get("peer", {})
    return Arrival(
        token=orphan.token,
        sop_class_uid=head.sop_class_uid,
        sop_instance_uid=head.sop_instance_uid,
        transfer_syntax_uid=head.transfer_syntax_uid,
        sha256=head.sha256,
        dataset_bytes=head.dataset_bytes,
        calling_ae_title=str(peer.get("ae_title", head.source_ae_title)),
        peer_address=str(peer.get("address", "")),
        called_ae_title=str(decision.get("called_ae_title", "")),
        route=str(decision.get("route", "")),
    )
