"""What an audit log says about drift: names never met before, and the share that is left for review week by week.

Each structure set counts once, in the ISO week of its first decision, however often it was sent or decided anew. Limits are
those of a p-chart: the centre of the weeks before, and three standard deviations of a share of as many names (Shewhart;
Montgomery, Introduction to Statistical Quality Control, section 7.2). Too few weeks before are no base: then all weeks are.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tg263_scp.decision import Status
from tg263_scp.service.audit import log_lines, parsed
from tg263_scp.service.review.decisions import name_key

LEAST_BASE_WEEKS = 4
_DECIDED_MARK = b'"rois":'
_SIGMAS = 3.0


@dataclass(frozen=True, slots=True)
class Week:
    """The names of one ISO week (``2026-W05``), and how many of them were left for review."""

    week: str
    names: int
    left: int

    @property
    def share(self) -> float:
        """Left names over all names."""
        return self.left / self.names

    def limits(self, centre: float) -> tuple[float, float]:
        """Return between which shares chance alone keeps so many names."""
        half = _SIGMAS * math.sqrt(centre * (1 - centre) / self.names)
        return max(0.0, centre - half), min(1.0, centre + half)

    def is_outside(self, centre: float) -> bool:
        """Tell whether chance alone does not explain the share."""
        low, high = self.limits(centre)
        return not low <= self.share <= high


@dataclass(frozen=True, slots=True)
class Chart:
    """The weeks of one sender, or of all; ``centre`` is the share left in the base weeks."""

    sender: str
    weeks: tuple[Week, ...]
    centre: float
    has_base: bool

    def outside(self, recent: Iterable[str]) -> list[Week]:
        """Return the recent weeks that chance alone does not explain."""
        wanted = frozenset(recent)
        return [week for week in self.weeks if week.week in wanted and week.is_outside(self.centre)]


@dataclass(slots=True)
class NewName:
    """A name that was met first in a recent week: as it was written first, by whom, and how often since."""

    name: str
    week: str
    sender: str
    status: str
    count: int = 0


@dataclass(slots=True)
class Drift:
    """What was counted. ``recent`` are the weeks that are looked at, the others are their base."""

    sets: int = 0
    _names: Counter[tuple[str, str]] = field(default_factory=Counter)
    _left: Counter[tuple[str, str]] = field(default_factory=Counter)
    _first: dict[str, NewName] = field(default_factory=dict)

    def add(self, line: Mapping[str, Any]) -> None:
        """Count the line of a decision."""
        week, sender = week_of(str(line.get("time", ""))), str(line.get("sender", ""))
        self.sets += 1
        for roi in line["rois"]:
            status, name = str(roi.get("status", "")), str(roi.get("old", ""))
            self._names[week, sender] += 1
            self._left[week, sender] += status == Status.REVIEW
            self._first.setdefault(name_key(name), NewName(name, week, sender, status)).count += 1

    @property
    def weeks(self) -> list[str]:
        """Every week with a decision, oldest first."""
        return sorted({week for week, _ in self._names})

    def new_names(self, recent: Iterable[str]) -> list[NewName]:
        """Return the names met first in the recent weeks, the most frequent first."""
        wanted = frozenset(recent)
        found = (each for each in self._first.values() if each.week in wanted)
        return sorted(found, key=lambda each: (-each.count, each.name))

    def charts(self, recent: Iterable[str]) -> list[Chart]:
        """Return the chart of all senders, then of each, those with the most names first."""
        wanted = frozenset(recent)
        by_sender: dict[str, dict[str, Week]] = defaultdict(dict)
        for (week, sender), names in self._names.items():
            by_sender[sender][week] = Week(week, names, self._left[week, sender])
        together = {week: self._all_of(week) for week in self.weeks}
        most = sorted(by_sender.items(), key=lambda item: (-sum(w.names for w in item[1].values()), item[0]))
        charts = [_chart("all senders", together, wanted)]
        return charts + [_chart(sender or "(unknown)", weeks, wanted) for sender, weeks in most]

    def _all_of(self, week: str) -> Week:
        keys = [key for key in self._names if key[0] == week]
        return Week(week, sum(self._names[key] for key in keys), sum(self._left[key] for key in keys))


def _chart(sender: str, weeks: Mapping[str, Week], recent: frozenset[str]) -> Chart:
    base = [week for week in weeks.values() if week.week not in recent]
    has_base = len(base) >= LEAST_BASE_WEEKS
    counted = base if has_base else list(weeks.values())
    centre = sum(week.left for week in counted) / sum(week.names for week in counted)
    return Chart(sender, tuple(weeks[week] for week in sorted(weeks)), centre, has_base)


def week_of(time: str) -> str:
    """Return the ISO week of a time.

    >>> week_of("2027-01-03T10:00:00+00:00"), week_of("yesterday")
    ('2026-W53', 'unknown')
    """
    try:
        year, week, _ = datetime.fromisoformat(time).isocalendar()
    except ValueError:
        return "unknown"
    return f"{year}-W{week:02}"


def read_drift(logs: Iterable[Path]) -> Drift:
    """Count the decisions of audit logs, the files that were set aside included.

    Raises:
        OSError: a log cannot be read.
    """
    found, met = Drift(), set[str]()
    for line in _decisions(logs):
        uid = str(line.get("sop_instance_uid", ""))
        if line["rois"] and uid not in met:
            met.add(uid)
            found.add(line)
    return found


def _decisions(logs: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for log in logs:
        for text in log_lines(log):
            line = parsed(text) if _DECIDED_MARK in text else None
            if line is not None and isinstance(line.get("rois"), list):
                yield line
