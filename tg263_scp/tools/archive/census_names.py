"""The names that a census counts: one entry for each name, treatment site and answer.

Memory grows with the number of distinct names, senders and years, not with that of structure sets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tg263_scp.decision import Decision, Status
from tg263_scp.dicom.reading.structure_set import StructureSet
from tg263_scp.tools.shared.csv_tables import counted_text
from tg263_scp.tools.shared.wording import reason_words, standard_name

COLUMNS = (
    *("original_name", "count", "sets", "status", "standard_name", "rule", "name_reason", "why"),
    *("site", "roi_types", "senders", "manufacturers", "models", "stations", "years"),
    *("candidates", "votes", "ruling"),
)


@dataclass(slots=True)
class CountedName:
    """A name with one answer at one treatment site. ``count`` is of ROIs, ``types`` too; all else counts structure sets."""

    name: str
    decision: Decision
    count: int = 0
    sets: int = 0
    types: Counter[str] = field(default_factory=Counter)
    senders: Counter[str] = field(default_factory=Counter)
    manufacturers: Counter[str] = field(default_factory=Counter)
    models: Counter[str] = field(default_factory=Counter)
    stations: Counter[str] = field(default_factory=Counter)
    years: Counter[str] = field(default_factory=Counter)

    @property
    def standard_name(self) -> str:
        """The name that the ROI would bear; empty where it is left for review."""
        return standard_name(self.decision)

    def row(self) -> tuple[str, ...]:
        """Return it as a row of ``names.csv``."""
        seen = (counted_text(each) for each in self._seen().values())
        return (self.name, str(self.count), str(self.sets), *self._answer().values(), *seen, *self._offered())

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        candidates, votes, ruling = self._offered()
        seen = {key: dict(counts.most_common()) for key, counts in self._seen().items()}
        about = {"original_name": self.name, "count": self.count, "sets": self.sets}
        return {**about, **self._answer(), **seen, "candidates": candidates, "votes": votes, "ruling": ruling}

    def _answer(self) -> dict[str, str]:
        decision = self.decision
        return {
            "status": decision.status.value,
            "standard_name": self.standard_name,
            "rule": decision.rule,
            "name_reason": decision.reason.value,
            "why": reason_words(decision.reason.value),
            "site": decision.site,
        }

    def _seen(self) -> dict[str, Counter[str]]:
        return {
            "roi_types": self.types,
            "senders": self.senders,
            "manufacturers": self.manufacturers,
            "models": self.models,
            "stations": self.stations,
            "years": self.years,
        }

    def _offered(self) -> tuple[str, str, str]:
        decision = self.decision
        offered = ";".join(f"{each.name}={each.score:.3f}" for each in decision.candidates)
        return offered, decision.choice.said if decision.choice else "", decision.ruling


@dataclass(slots=True)
class NameCounts:
    """All names of a census."""

    rois: int = 0
    by_status: Counter[Status] = field(default_factory=Counter)
    _counted: dict[tuple[str, ...], CountedName] = field(default_factory=dict)

    def add(self, structure_set: StructureSet, decisions: Sequence[Decision], sender: str) -> None:
        """Count the names of one structure set."""
        met: set[int] = set()
        for roi, decision in zip(structure_set.rois, decisions, strict=True):
            self.rois += 1
            self.by_status[decision.status] += 1
            each = self._counted.setdefault(_key(roi.name, decision), CountedName(roi.name, decision))
            each.count += 1
            each.types[roi.interpreted_type] += 1
            if id(each) not in met:
                met.add(id(each))
                _count_set(each, structure_set, sender)

    @property
    def distinct(self) -> int:
        """How many different names there are."""
        return len({each.name for each in self._counted.values()})

    def most_frequent_first(self) -> list[CountedName]:
        """Return every entry, the most frequent first."""
        return sorted(self._counted.values(), key=lambda each: (-each.count, each.name, each.decision.site))


def _key(name: str, decision: Decision) -> tuple[str, ...]:
    return (name, *_answer_key(decision))


def _answer_key(decision: Decision) -> Iterator[str]:
    yield decision.site
    yield decision.status.value
    yield decision.name
    yield decision.rule
    yield decision.reason.value
    yield decision.ruling


def _count_set(each: CountedName, structure_set: StructureSet, sender: str) -> None:
    each.sets += 1
    each.senders[sender] += 1
    each.manufacturers[structure_set.manufacturer] += 1
    each.models[structure_set.model_name] += 1
    each.stations[structure_set.station_name] += 1
    each.years[structure_set.date[:4]] += 1
