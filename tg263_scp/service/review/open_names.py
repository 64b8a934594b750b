"""The distinct names that wait for somebody, most frequent first, with what helps to decide about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tg263_scp.service.review.decisions import ReviewDecision, name_key
from tg263_scp.service.review.rulings import Rulings
from tg263_scp.service.review.seen_objects import OfferedName, OpenRoi, SeenObject

MOST_OCCURRENCES = 200
MOST_OFFERED = 5
OPEN, DECIDED, WAITING = "open", "decided", "waiting"
STATUSES = (OPEN, DECIDED, WAITING)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One ROI of one object that bears an open name; see :class:`SeenObject` and :class:`OpenRoi`."""

    job: int | None
    source: str
    sop_instance_uid: str
    version: str
    roi_number: int | None
    at: str
    sender: str
    site: str
    interpreted_type: str
    outcome: str
    patient: str
    place: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class OpenName:
    """A name that waits. ``name`` is its most frequent spelling, ``count`` how many ROIs bear it in how many ``objects``.

    ``status`` is ``open``, ``decided`` (and its objects not decided anew yet) or ``waiting`` (for a second person), with the
    latest ``decision`` then. ``occurrences`` are the newest, at most :data:`MOST_OCCURRENCES`.
    """

    name: str
    key: str
    count: int
    objects: int
    senders: Mapping[str, int]
    sites: Mapping[str, int]
    types: Mapping[str, int]
    reasons: Mapping[str, int]
    candidates: tuple[OfferedName, ...]
    occurrences: tuple[Occurrence, ...]
    identifying: bool
    last_at: str
    status: str = OPEN
    decision: ReviewDecision | None = None


@dataclass(slots=True)
class _Gathered:
    """What was met of one name so far."""

    spellings: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    offered: dict[str, OfferedName] = field(default_factory=dict)
    met: list[tuple[SeenObject, OpenRoi]] = field(default_factory=list)
    decision: ReviewDecision | None = None

    def add(self, seen: SeenObject, roi: OpenRoi, decision: ReviewDecision | None) -> None:
        self.spellings[roi.name] += 1
        self.senders[seen.sender] += 1
        self.sites[seen.site] += 1
        self.types[roi.interpreted_type] += 1
        self.reasons[roi.reason] += 1
        for each in roi.candidates:
            known = self.offered.get(each.name)
            if known is None or known.score < each.score:
                self.offered[each.name] = each
        self.met.append((seen, roi))
        self.decision = decision or self.decision


@dataclass(frozen=True, slots=True)
class Filter:
    """Which names are wanted: of a site, of a sender, met since a day (ISO 8601), of a status; empty wants all."""

    site: str = ""
    sender: str = ""
    since: str = ""
    status: str = OPEN

    def takes(self, seen: SeenObject) -> bool:
        """Tell whether the names of an object are wanted."""
        return (
            self.site in ("", seen.site)
            and self.sender in ("", seen.sender, seen.sender.removeprefix("AE "))
            and seen.at >= self.since
        )


def open_names(
    objects: Iterable[SeenObject],
    active: Rulings,
    waiting: Rulings,
    wanted: Filter,
    nearest_first: Callable[[str], Sequence[str]],
) -> list[OpenName]:
    """Return the names of objects that wait, most frequent first; ``nearest_first`` widens a treatment site.

    ``active`` and ``waiting`` are the decisions that hold, and those that somebody else has yet to approve.
    """
    gathered: dict[tuple[str, str], _Gathered] = {}
    for seen in filter(wanted.takes, objects):
        sites = nearest_first(seen.site)
        for roi in seen.open_rois:
            status, decision = _status(seen, roi, sites, active, waiting)
            if wanted.status in ("", "all", status):
                key = name_key(roi.name)
                gathered.setdefault((key, status), _Gathered()).add(seen, roi, decision)
    found = [_open_name(key, status, each) for (key, status), each in gathered.items()]
    return sorted(found, key=lambda each: (-each.count, each.key))


def _status(
    seen: SeenObject, roi: OpenRoi, sites: Sequence[str], active: Rulings, waiting: Rulings
) -> tuple[str, ReviewDecision | None]:
    decision = active.decision_on(roi.name, roi.number, sites, seen)
    if decision is not None:
        # Used, and stopped by a veto or a set rule: it is open again.
        return (OPEN, None) if decision.id == roi.ruling else (DECIDED, decision)
    decision = waiting.decision_on(roi.name, roi.number, sites, seen)
    return (OPEN, None) if decision is None else (WAITING, decision)


def _open_name(key: str, status: str, found: _Gathered) -> OpenName:
    newest = sorted(found.met, key=lambda met: met[0].at, reverse=True)
    return OpenName(
        name=min(found.spellings, key=lambda name: (-found.spellings[name], name)),
        key=key,
        count=len(found.met),
        objects=len({id(seen) for seen, _ in found.met}),
        senders=dict(found.senders.most_common()),
        sites=dict(found.sites.most_common()),
        types=dict(found.types.most_common()),
        reasons=dict(found.reasons.most_common()),
        candidates=tuple(sorted(found.offered.values(), key=lambda each: -each.score)[:MOST_OFFERED]),
        occurrences=tuple(_occurrence(*met) for met in newest[:MOST_OCCURRENCES]),
        identifying=any(roi.identifying for _, roi in found.met),
        last_at=newest[0][0].at,
        status=status,
        decision=found.decision,
    )


def _occurrence(seen: SeenObject, roi: OpenRoi) -> Occurrence:
    return Occurrence(
        job=seen.job,
        source=seen.source,
        sop_instance_uid=seen.sop_instance_uid,
        version=seen.version,
        roi_number=roi.number,
        at=seen.at,
        sender=seen.sender,
        site=seen.site,
        interpreted_type=roi.interpreted_type,
        outcome=seen.outcome,
        patient=seen.patient,
        place=roi.place,
    )
