"""The distinct names that wait for somebody, most frequent first, with what helps to decide about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from heapq import nlargest
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
    votes: str


_Met = tuple[SeenObject, OpenRoi]


@dataclass(frozen=True)
class OpenName:
    """A name that waits, as it was ``met``; the rest follows from that, and is worked out where somebody looks.

    ``status`` is ``open``, ``decided`` (and its objects not decided anew yet) or ``waiting`` (for a second person), with the
    latest ``decision`` then.
    """

    key: str
    status: str
    met: Sequence[_Met]
    decision: ReviewDecision | None = None

    @property
    def count(self) -> int:
        """How many ROIs bear it."""
        return len(self.met)

    @cached_property
    def name(self) -> str:
        """Its most frequent spelling."""
        spellings = Counter(roi.name for _, roi in self.met)
        return min(spellings, key=lambda name: (-spellings[name], name))

    @cached_property
    def objects(self) -> int:
        """How many objects have it."""
        return len({id(seen) for seen, _ in self.met})

    @cached_property
    def senders(self) -> Mapping[str, int]:
        """How often it came from which sender."""
        return _counted(seen.sender for seen, _ in self.met)

    @cached_property
    def sites(self) -> Mapping[str, int]:
        """How often it was met at which treatment site."""
        return _counted(seen.site for seen, _ in self.met)

    @cached_property
    def types(self) -> Mapping[str, int]:
        """How often the ROI had which interpreted type."""
        return _counted(roi.interpreted_type for _, roi in self.met)

    @cached_property
    def reasons(self) -> Mapping[str, int]:
        """Why it was left for review, how often."""
        return _counted(roi.reason for _, roi in self.met)

    @cached_property
    def candidates(self) -> tuple[OfferedName, ...]:
        """What it may be, best first."""
        offered: dict[str, OfferedName] = {}
        for each in (each for _, roi in self.met for each in roi.candidates):
            if each.name not in offered or offered[each.name].score < each.score:
                offered[each.name] = each
        return tuple(sorted(offered.values(), key=lambda each: -each.score)[:MOST_OFFERED])

    @cached_property
    def occurrences(self) -> tuple[Occurrence, ...]:
        """Where it was met, newest first, at most :data:`MOST_OCCURRENCES`."""
        newest = nlargest(MOST_OCCURRENCES, self.met, key=lambda met: met[0].at)
        return tuple(_occurrence(*met) for met in newest)

    @cached_property
    def identifying(self) -> bool:
        """Whether it looks like an identifier."""
        return any(roi.identifying for _, roi in self.met)

    @cached_property
    def last_at(self) -> str:
        """When it was met last (ISO 8601)."""
        return max(seen.at for seen, _ in self.met)

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        told = (
            "name",
            "status",
            "count",
            "objects",
            "reasons",
            "types",
            "sites",
            "senders",
            "identifying",
            "last_at",
        )
        return {
            **{name: getattr(self, name) for name in told},
            "candidates": [asdict(each) for each in self.candidates],
            "occurrences": [asdict(each) for each in self.occurrences],
            "decision": asdict(self.decision) if self.decision else None,
        }


def _counted(texts: Iterable[str]) -> Mapping[str, int]:
    return dict(Counter(texts).most_common())


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
    gathered: dict[tuple[str, str], list[_Met]] = {}
    latest: dict[tuple[str, str], ReviewDecision | None] = {}
    for seen in filter(wanted.takes, objects):
        sites = nearest_first(seen.site)
        for roi in seen.open_rois:
            status, decision = _status(seen, roi, sites, active, waiting)
            if wanted.status in ("", "all", status):
                key = name_key(roi.name), status
                gathered.setdefault(key, []).append((seen, roi))
                latest[key] = decision or latest.get(key)
    found = [OpenName(key, status, met, latest[key, status]) for (key, status), met in gathered.items()]
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
        votes=roi.votes,
    )
