"""What a board wants to know of an evaluation: whole sets, work that is left, where confidence is deserved, frequent errors.

A structure set is, as a whole,

- *wrong*: at least one of its names is wrong;
- *to decide*: none is wrong, and at least one is left for review;
- *to check*: none is wrong or left for review, and a name that was due is not given, which only a person who looks finds;
- *ready*: every name that is due is given, and nothing is left.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tg263_scp.decision import Status
from tg263_scp.tools.names.accuracy.coverage import is_named
from tg263_scp.tools.names.accuracy.evaluation import (
    ABSTAIN,
    Evaluation,
    Judged,
    Verdict,
    by_set,
    matches,
    tally,
    wilson,
)
from tg263_scp.tools.report.charts import Point
from tg263_scp.tools.report.clusters import bootstrap_interval

_BINS = (0.0, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.995)
_TARGET = re.compile(r"i?[GCPI]TV", re.IGNORECASE)
_MOST_CONFUSED = 25


class SetState(StrEnum):
    """What a structure set needs before it can be used."""

    READY = "ready"
    TO_CHECK = "to check"
    TO_DECIDE = "to decide"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Confusion:
    """A wrong answer that was given ``count`` times for one label, by ``rules``."""

    gold: str
    answer: str
    count: int
    rules: tuple[str, ...]
    wrong_side: bool


def set_states(judged: Sequence[Judged]) -> Counter[SetState]:
    """Count the structure sets of each state; empty where the table names no sets."""
    members: dict[str, list[Judged]] = defaultdict(list)
    for name, row in by_set(judged):
        members[name].append(row)
    return Counter(map(_state, members.values()))


def _state(rows: Sequence[Judged]) -> SetState:
    if any(row.verdict is Verdict.WRONG for row in rows):
        return SetState.WRONG
    if any(row.decision.status is Status.REVIEW for row in rows):
        return SetState.TO_DECIDE
    return SetState.READY if all(map(is_named, rows)) else SetState.TO_CHECK


def clusters(judged: Sequence[Judged]) -> tuple[str, list[list[Judged]]]:
    """Group rows that go wrong together: by structure set where every row has one, else by source; say by what."""
    members: dict[str, list[Judged]] = defaultdict(list)
    if all(row.structure_set for row in judged):
        for name, row in by_set(judged):
            members[name].append(row)
        return "structure set", list(members.values())
    for row in judged:
        members[row.groups.get("source", "")].append(row)
    return "source", list(members.values())


def clustered_interval(groups: Sequence[Sequence[Judged]], verdict: Verdict) -> tuple[float, float] | None:
    """Return the 95 % cluster-bootstrap interval of the share of a verdict; None where there are too few clusters."""
    return bootstrap_interval([(sum(row.verdict is verdict for row in rows), len(rows)) for rows in groups])


def confusion(judged: Iterable[Judged]) -> list[Confusion]:
    """Return the wrong answers by label, the most frequent first."""
    met: dict[tuple[str, str], list[Judged]] = defaultdict(list)
    for row in judged:
        if row.verdict is Verdict.WRONG:
            met[row.gold, row.answer].append(row)
    found = [
        Confusion(
            gold,
            answer,
            len(rows),
            tuple(sorted({row.decision.rule for row in rows})),
            any(row.wrong_side for row in rows),
        )
        for (gold, answer), rows in met.items()
    ]
    return sorted(found, key=lambda each: (-each.count, each.gold, each.answer))[:_MOST_CONFUSED]


def risk_points(judged: Sequence[Judged]) -> list[Point]:
    """Return, for each stated confidence from the highest down, how many names are answered and how many of them wrong."""
    answered = sorted(_answered(judged), key=lambda row: -row.decision.confidence)
    points: list[Point] = []
    wrong = 0
    for number, row in enumerate(answered, start=1):
        wrong += row.verdict is Verdict.WRONG
        following = answered[number].decision.confidence if number < len(answered) else None
        if following != row.decision.confidence:
            points.append(Point(number / len(judged), wrong / number, *wilson(wrong, number), number))
    return points


def calibration_points(judged: Sequence[Judged]) -> list[Point]:
    """Return the mean stated confidence of the answers of each step against the share that is right."""
    steps: dict[int, list[Judged]] = defaultdict(list)
    for row in _answered(judged):
        steps[max(i for i, low in enumerate(_BINS) if row.decision.confidence >= low)].append(row)
    return [_calibrated(steps[step]) for step in sorted(steps)]


def _calibrated(rows: Sequence[Judged]) -> Point:
    right = sum(row.verdict is Verdict.RIGHT for row in rows)
    mean = sum(row.decision.confidence for row in rows) / len(rows)
    return Point(mean, right / len(rows), *wilson(right, len(rows)), len(rows))


def _answered(judged: Iterable[Judged]) -> Iterator[Judged]:
    return (row for row in judged if row.answer != ABSTAIN)


def work(judged: Sequence[Judged]) -> dict[str, float]:
    """Return what is left for a person, per 100 structure sets, or per 100 names where the table names no sets.

    Where it names sets, rows that belong to none do not count.
    """
    states = set_states(judged)
    judged = [row for row in judged if row.structure_set] if states else judged
    per = 100 / (states.total() or len(judged) or 1)
    left = [row for row in judged if row.decision.status is Status.REVIEW]
    due = [row for row in left if row.gold != ABSTAIN]
    first = sum(_offered(row, 1) for row in due)
    some = sum(_offered(row, None) for row in due)
    counts = {
        "names_to_decide": len(left),
        "of_them_first_offer_right": first,
        "of_them_another_offer_right": some - first,
        "of_them_to_be_looked_up": len(due) - some,
        "of_them_no_name_due": len(left) - len(due),
        "names_missed_without_review": sum(
            row.verdict is Verdict.MISSED and row.decision.status is not Status.REVIEW for row in judged
        ),
        "wrong_names_to_find": sum(row.verdict is Verdict.WRONG for row in judged),
        **{f"sets_{state.value.replace(' ', '_')}": states[state] for state in SetState if states},
    }
    return {name: round(count * per, 1) for name, count in counts.items()}


def _offered(row: Judged, first: int | None) -> bool:
    right = (row.accepted | {row.gold}) - {ABSTAIN}
    return any(matches(candidate.name, right) for candidate in row.decision.candidates[:first])


def is_named_organ(row: Judged) -> bool:
    """Tell whether a row is an organ with a name due, as published studies keep them."""
    kind = row.groups.get("class", "")
    return row.gold != ABSTAIN and (kind == "organ" if kind else not is_target(row))


def is_target(row: Judged) -> bool:
    """Tell whether a row is a target volume."""
    kind = row.groups.get("class", "")
    return kind == "target" if kind else bool(_TARGET.match(row.gold))


def distinct(rows: Iterable[Judged]) -> list[Judged]:
    """Return one row for each name, site and label."""
    return list({(row.decision.original, row.groups.get("site", ""), row.gold): row for row in rows}.values())


PARTS: Mapping[str, Callable[[Judged], bool]] = {
    "named organs only": is_named_organ,
    "targets only": is_target,
}
"""What published studies count: they removed the other names first."""


def findings_as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return all of it for the JSON beside the report."""
    judged = evaluation.judged
    by, groups = clusters(judged)
    return {
        "whole_sets": {state.value: count for state, count in set_states(judged).items()},
        "clusters": {
            "by": by,
            "n": len(groups),
            **{f"{verdict.value}_ci95": clustered_interval(groups, verdict) for verdict in Verdict},
        },
        "calibration": [_point_as_json(point) for point in calibration_points(judged)],
        "risk_coverage": [_point_as_json(point) for point in risk_points(judged)],
        "confusion": [
            {"gold": each.gold, "answer": each.answer, "count": each.count, "rules": each.rules}
            for each in confusion(judged)
        ],
        "work_per_100": work(judged),
        "parts": {
            part: {
                "by_occurrence": tally(filter(belongs, judged)).as_json(),
                "distinct": tally(distinct(filter(belongs, judged))).as_json(),
            }
            for part, belongs in PARTS.items()
        },
    }


def _point_as_json(point: Point) -> dict[str, float]:
    return {
        "x": round(point.x, 4),
        "y": round(point.y, 4),
        "low": round(point.low, 4),
        "high": round(point.high, 4),
        "n": point.count,
    }
