"""``evaluate``: how right the names are, measured on labels an expert wrote.

An answer is the name that the ROI would carry: the new name of a rename, or a kept name that is itself right.
Anything else is an abstention.

- *Right*: the answer is the gold label or an accepted one. ``ABSTAIN`` is a label like any other; ``z*`` accepts
  any name that begins with ``z`` or ``_``.
- *Missed*: abstained where a name was due.
- *Wrong*: any other answer. This is the figure that harms; a wrong side is counted within it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from tg263_scp.decision import Decision, Status
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service.namer import Namer
from tg263_scp.tools.names.table import TableDecider, decide_table
from tg263_scp.tools.shared.csv_tables import Table, read_table

ABSTAIN = "ABSTAIN"
DIMENSIONS = ("class", "site", "source", "language", "sender", "rule")
"""What the figures are broken down by; ``rule`` is the rule that decided, the others are columns of the gold table."""
_CLASS_GROUPS = {"organ": "listed", "prv": "listed", "target": "target"}
_CURVE_STEPS = (0.0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.94, 0.96, 0.98, 0.99, 1.0)
_Z_95 = 1.96


class Verdict(StrEnum):
    """What an answer is worth."""

    RIGHT = "right"
    MISSED = "missed"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Judged:
    """One row of the gold table with the decision and the verdict on it."""

    gold: str
    accepted: frozenset[str]
    decision: Decision
    answer: str
    verdict: Verdict
    wrong_side: bool
    groups: Mapping[str, str]
    structure_set: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of one group, with the 95 % Wilson interval of its accuracy."""

    right: int = 0
    missed: int = 0
    wrong: int = 0
    wrong_side: int = 0

    @property
    def rows(self) -> int:
        """How many rows were judged."""
        return self.right + self.missed + self.wrong

    def as_json(self) -> dict[str, Any]:
        """The counts and rates of the group."""
        rows = self.rows
        return {
            "n": rows,
            "right": self.right,
            "missed": self.missed,
            "wrong": self.wrong,
            "wrong_side": self.wrong_side,
            "accuracy": round(self.right / rows, 4) if rows else None,
            "accuracy_ci95": [round(bound, 4) for bound in wilson(self.right, rows)],
            "wrong_rate": round(self.wrong / rows, 4) if rows else None,
            "wrong_rate_ci95": [round(bound, 4) for bound in wilson(self.wrong, rows)],
        }


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What would happen if only answers of at least this confidence were given."""

    confidence: float
    answered: int
    right: int
    rows: int

    def as_json(self) -> dict[str, Any]:
        """Coverage is answered rows over all rows; precision is right answers over answered rows."""
        return {
            "confidence": self.confidence,
            "answered": self.answered,
            "coverage": round(self.answered / self.rows, 4) if self.rows else None,
            "precision": round(self.right / self.answered, 4) if self.answered else None,
            "precision_ci95": [round(bound, 4) for bound in wilson(self.right, self.answered)],
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything measured on one gold table."""

    judged: tuple[Judged, ...]
    overall: Tally
    groups: Mapping[str, Mapping[str, Tally]]
    curve: tuple[CurvePoint, ...]
    sets: Mapping[str, Tally]

    @property
    def sets_all_right(self) -> int:
        """How many structure sets came out without one missed or wrong name."""
        return sum(tally.right == tally.rows for tally in self.sets.values())

    def of(self, verdict: Verdict) -> list[Judged]:
        """The rows with this verdict, in the order of the table."""
        return [row for row in self.judged if row.verdict is verdict]


def evaluate_file(path: Path, namer: Namer, decide: TableDecider = decide_table) -> Evaluation:
    """Name every row of a gold table as ``map`` would, and judge the answers. ``decide`` stands in for ``decide_table``.

    Raises:
        TableError: a needed column is missing.
    """
    table = read_table(path)
    return evaluate(table, decide(table, namer), namer.nomenclature)


def evaluate(table: Table, decisions: Sequence[Decision], nomenclature: Nomenclature) -> Evaluation:
    """Judge decisions against the gold columns of the table they were made from, row by row."""
    judged = tuple(_judged_rows(table, decisions, nomenclature))
    groups = {
        dimension: _tallies((row.groups[dimension], row) for row in judged if dimension in row.groups)
        for dimension in ("family", *DIMENSIONS)
    }
    return Evaluation(
        judged=judged,
        overall=tally(judged),
        groups={dimension: found for dimension, found in groups.items() if found},
        curve=tuple(_curve(judged)),
        sets=_tallies(by_set(judged)),
    )


def by_set(judged: Sequence[Judged]) -> Iterator[tuple[str, Judged]]:
    """Yield each row of a structure set with the name of the set: with its source, where two sources have one of that name."""
    sources: dict[str, set[str]] = defaultdict(set)
    for row in judged:
        sources[row.structure_set].add(row.groups.get("source", ""))
    for row in judged:
        if row.structure_set:
            shared = len(sources[row.structure_set]) > 1
            yield f"{row.groups['source']}: {row.structure_set}" if shared else row.structure_set, row


def _judged_rows(table: Table, decisions: Sequence[Decision], nomenclature: Nomenclature) -> Iterator[Judged]:
    columns = {
        name: fields for name in DIMENSIONS if name != "rule" and (fields := table.column(name)) is not None
    }
    golds, accepts = table.required("gold"), table.optional("accept")
    sets = table.optional("structure_set")
    for index, decision in enumerate(decisions):
        groups = {name: fields[index].strip() for name, fields in columns.items()}
        if "class" in groups:
            groups["family"] = _CLASS_GROUPS.get(groups["class"], "left alone")
        groups["rule"] = decision.rule
        accepted = frozenset(text.strip() for text in accepts[index].split("|")) - {""}
        yield judge(decision, golds[index].strip(), nomenclature, accepted, groups, sets[index].strip())


def judge(
    decision: Decision,
    gold: str,
    nomenclature: Nomenclature,
    accepted: frozenset[str] = frozenset(),
    groups: Mapping[str, str] | None = None,
    structure_set: str = "",
) -> Judged:
    """Judge one decision against its gold label and the further labels that count as right."""
    right = accepted | {gold}
    answer = ABSTAIN
    if decision.status is Status.RENAME or (
        decision.status is Status.KEEP and matches(decision.name.strip(), right)
    ):
        answer = decision.name.strip() or ABSTAIN
    if matches(answer, right):
        return Judged(gold, accepted, decision, answer, Verdict.RIGHT, False, groups or {}, structure_set)
    verdict = Verdict.MISSED if answer == ABSTAIN else Verdict.WRONG
    side = side_of(answer, nomenclature) if verdict is Verdict.WRONG and gold != ABSTAIN else ""
    flipped = side not in ("", side_of(gold, nomenclature))
    return Judged(gold, accepted, decision, answer, verdict, flipped, groups or {}, structure_set)


def matches(answer: str, right: frozenset[str] | set[str]) -> bool:
    """Tell whether an answer is one of the right ones; ``z*`` stands for any name that begins with ``z`` or ``_``."""
    return answer in right or ("z*" in right and answer[:1] in ("z", "_"))


def side_of(name: str, nomenclature: Nomenclature) -> str:
    """Return ``L``, ``R`` or nothing: the side a TG-263 name says, a custom part behind ``^`` not counted.

    ``Lung_LUL`` and ``Femur_Head_L-PTV`` are left, ``OpticNrv_R~`` is right, ``Bladder`` has no side.
    """
    sides = {"L": "L", "R": "R", **nomenclature.anatomy.sides_of_parts}
    for part in reversed(name.split("^")[0].split("_")):
        word = part.split("-")[0].rstrip("~")
        if word in sides:
            return sides[word]
    return ""


def tally(rows: Iterable[Judged]) -> Tally:
    """Count verdicts."""
    counts = dict.fromkeys(Verdict, 0)
    flips = 0
    for row in rows:
        counts[row.verdict] += 1
        flips += row.wrong_side
    return Tally(counts[Verdict.RIGHT], counts[Verdict.MISSED], counts[Verdict.WRONG], flips)


def _tallies(rows: Iterable[tuple[str, Judged]]) -> dict[str, Tally]:
    members: dict[str, list[Judged]] = defaultdict(list)
    for group, row in rows:
        members[group].append(row)
    return {group: tally(members[group]) for group in sorted(members)}


def _curve(judged: Sequence[Judged]) -> Iterator[CurvePoint]:
    answered = [row for row in judged if row.answer != ABSTAIN]
    for step in _CURVE_STEPS:
        given = [row for row in answered if row.decision.confidence >= step]
        yield CurvePoint(step, len(given), sum(row.verdict is Verdict.RIGHT for row in given), len(judged))


def wilson(successes: int, trials: int, z: float = _Z_95) -> tuple[float, float]:
    """Return the Wilson score interval of a proportion; (0, 1) where nothing was tried.

    Args:
        successes: how often it happened.
        trials: out of how many.
        z: quantile of the normal distribution, 1.96 for 95 %.
    """
    if trials == 0:
        return 0.0, 1.0
    rate = successes / trials
    shrink = 1 + z * z / trials
    centre = (rate + z * z / (2 * trials)) / shrink
    half = z * math.sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)) / shrink
    return max(0.0, centre - half), min(1.0, centre + half)
