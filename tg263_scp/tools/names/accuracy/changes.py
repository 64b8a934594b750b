"""``evaluate --against``: which decisions changed since an earlier evaluation, and which of them got wrong.

The earlier evaluation is what ``evaluate --json`` printed, or the ``figures.json`` of a report. Rows are paired by name, site,
source and structure set; rows that are in one of the two only are counted, not compared. Both decisions are judged by the
labels of today: a label that was mended is not a change of the program.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from tg263_scp.decision import Decision, Reason, Status
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.tools.names.accuracy.evaluation import Evaluation, Judged, Verdict, judge
from tg263_scp.tools.shared.exitcode import UsageError
from tg263_scp.tools.shared.terminal import roi_text

_PAIRED_BY = ("original_name", "site", "source", "structure_set")
_NEEDED = ("original_name", "status", "name", "rule")


@dataclass(frozen=True, slots=True)
class Changed:
    """One row whose status or name differs: what was decided, and what is decided now."""

    before: Judged
    now: Judged

    @property
    def got_wrong(self) -> bool:
        """Tell whether the name is wrong now and was not before."""
        return self.now.verdict is Verdict.WRONG and self.before.verdict is not Verdict.WRONG

    @property
    def got_right(self) -> bool:
        """Tell whether the answer is right now and was not before."""
        return self.now.verdict is Verdict.RIGHT and self.before.verdict is not Verdict.RIGHT

    def as_json(self) -> dict[str, Any]:
        """The row, with both decisions."""
        row = self.now
        return {
            "original_name": row.decision.original,
            **({"structure_set": row.structure_set} if row.structure_set else {}),
            **{name: value for name, value in row.groups.items() if name in _PAIRED_BY},
            "gold": row.gold,
            "got_wrong": self.got_wrong,
            "before": _outcome(self.before),
            "now": _outcome(row),
        }


@dataclass(frozen=True, slots=True)
class Changes:
    """All changes between two evaluations, in the order of the table.

    ``other_rule`` is how many rows have the same status and name by another rule, ``unpaired`` how many rows only one of the
    two evaluations has.
    """

    changed: tuple[Changed, ...]
    other_rule: int
    unpaired: int

    @property
    def got_wrong(self) -> int:
        """How many decisions got wrong."""
        return sum(change.got_wrong for change in self.changed)

    def as_json(self) -> dict[str, Any]:
        """The counts, and every change."""
        return {
            "changed": len(self.changed),
            "got_right": sum(change.got_right for change in self.changed),
            "got_wrong": self.got_wrong,
            "other_rule_only": self.other_rule,
            "not_compared": self.unpaired,
            "decisions": [change.as_json() for change in self.changed],
        }


def decisions_as_json(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Every decision of an evaluation, as a later one reads it with ``--against``."""
    return [
        {
            "original_name": row.decision.original,
            **{name: value for name, value in row.groups.items() if name in _PAIRED_BY},
            **({"structure_set": row.structure_set} if row.structure_set else {}),
            **_outcome(row),
        }
        for row in evaluation.judged
    ]


def _outcome(row: Judged) -> dict[str, Any]:
    decision = row.decision
    return {
        "status": decision.status.value,
        "name": decision.name,
        "rule": decision.rule,
        "verdict": row.verdict.value,
    }


def read_decisions(path: Path) -> list[dict[str, str]]:
    """Read the decisions of an earlier evaluation.

    Raises:
        UsageError: not the JSON of an evaluation, or of a version that did not write single decisions.
    """
    hint = "give what 'evaluate --json' printed, or the figures.json of a report"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise UsageError(f"{path}: {problem.strerror or 'cannot be read'}", hint=hint) from problem
    except ValueError as problem:
        raise UsageError(f"{path}: not JSON: {problem}", hint=hint) from problem
    rows = found.get("decisions") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(_is_decision(row) for row in rows):
        raise UsageError(f"{path}: it holds no single decisions", hint=hint)
    return rows


def _is_decision(row: object) -> bool:
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(key), str) for key in _NEEDED)
        and row["status"] in set(Status)
        and all(isinstance(row.get(key, ""), str) for key in _PAIRED_BY)
    )


def changes_against(
    earlier: Iterable[Mapping[str, str]], evaluation: Evaluation, nomenclature: Nomenclature
) -> Changes:
    """Compare an evaluation with the decisions of an earlier one; equal rows are paired in their order."""
    waiting: dict[tuple[str, ...], list[Mapping[str, str]]] = defaultdict(list)
    for old in earlier:
        waiting[tuple(old.get(key, "") for key in _PAIRED_BY)].append(old)
    for olds in waiting.values():
        olds.reverse()
    changed: list[Changed] = []
    counts: Counter[str] = Counter()
    for row in evaluation.judged:
        olds = waiting[_key(row)]
        if not olds:
            counts["unpaired"] += 1
            continue
        before = _judged_today(olds.pop(), row, nomenclature)
        if (before.decision.status, before.decision.name) != (row.decision.status, row.decision.name):
            changed.append(Changed(before, row))
        else:
            counts["other rule"] += before.decision.rule != row.decision.rule
    unpaired = counts["unpaired"] + sum(map(len, waiting.values()))
    return Changes(tuple(changed), counts["other rule"], unpaired)


def _key(row: Judged) -> tuple[str, ...]:
    site, source = row.groups.get("site", ""), row.groups.get("source", "")
    return row.decision.original, site, source, row.structure_set


def _judged_today(old: Mapping[str, str], row: Judged, nomenclature: Nomenclature) -> Judged:
    """Judge an earlier decision by the labels that the row has now; why it fell so is not known any more."""
    decision = Decision(
        row.decision.original, Status(old["status"]), old["name"], old["rule"], Reason.UNMATCHED
    )
    return judge(decision, row.gold, nomenclature, row.accepted, row.groups, row.structure_set)


def changes_table(changes: Changes) -> Table:
    """Every change, the wrong ones last, where the eye rests."""
    table = Table(
        title=f"Decisions that changed ({len(changes.changed)})", title_justify="left", title_style="bold"
    )
    for title in ("name", "gold", "before", "now", "rule", ""):
        table.add_column(title, overflow="fold")
    for change in _wrong_last(changes):
        table.add_row(
            roi_text(change.now.decision.original),
            roi_text(change.now.gold),
            roi_text(_told(change.before)),
            roi_text(_told(change.now)),
            f"{change.before.decision.rule} -> {change.now.decision.rule}",
            _flag(change),
            style="bold red" if change.got_wrong else None,
        )
    return table


def change_rows(changes: Changes) -> Iterator[tuple[str, ...]]:
    """Yield the rows of :func:`changes_table` as texts, for a report."""
    for change in _wrong_last(changes):
        before, now = change.before, change.now
        rules = f"{before.decision.rule} to {now.decision.rule}"
        yield now.decision.original, now.gold, _told(before), _told(now), rules, _flag(change)


def _wrong_last(changes: Changes) -> list[Changed]:
    return sorted(changes.changed, key=lambda change: change.got_wrong)


def _flag(change: Changed) -> str:
    return "GOT WRONG" if change.got_wrong else "got right" if change.got_right else ""


def _told(row: Judged) -> str:
    return row.decision.name if row.decision.status is Status.RENAME else f"({row.decision.status})"


def said_of(changes: Changes) -> str:
    """Return one line that sums the changes up."""
    counts = changes.as_json()
    return (
        f"{counts['changed']} decisions changed: {counts['got_right']} got right, {counts['got_wrong']} got wrong;"
        f" {counts['other_rule_only']} more are decided alike by another rule;"
        f" {counts['not_compared']} rows could not be compared"
    )
