"""What an evaluation says beside right and wrong: how much is named, how much is left, what no review would show.

- *Named*: of the rows whose gold label is a name, those that really got a right one; an accepted abstention does not count.
- *Strict*: the same, of the rows where an abstention is not accepted.
- *Asked*: rows left for review. *Needless*: of the planning and derived structures with no name due, those left for review.
- *Silent*: of organs, PRVs, targets and ambiguous names, those that are kept without review under a name that is not right.
- *Offered*: of the names left for review whose gold label is a name, those whose first five candidates hold a right one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tg263_scp.decision import Status
from tg263_scp.tools.names.accuracy.evaluation import ABSTAIN, Judged, Verdict, by_set, matches

_SPEAKING = frozenset({"organ", "prv", "target", "ambiguous"})
_HELPERS = frozenset({"planning", "derived"})
_FIRST_OFFERED = 5
FIGURES = ("named", "strict", "asked", "needless", "silent", "offered")
"""The figures, in the order in which tables show them."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """For each figure how often it happened, and out of how many rows."""

    counts: Mapping[str, tuple[int, int]]

    def share(self, figure: str) -> float | None:
        """Return a figure as a share; None where no row could show it."""
        part, whole = self.counts[figure]
        return part / whole if whole else None

    def cells(self) -> tuple[str, ...]:
        """The figures as texts for a table, in their order."""
        return tuple("-" if (share := self.share(figure)) is None else f"{share:.1%}" for figure in FIGURES)

    def as_json(self) -> dict[str, Any]:
        """Each figure with its share and its counts."""
        return {
            figure: {"share": None if (share := self.share(figure)) is None else round(share, 4), "part": part, "of": of}
            for figure, (part, of) in self.counts.items()
        }  # fmt: skip


def coverage(rows: Iterable[Judged]) -> Coverage:
    """Count what the rows say."""
    parts: Counter[str] = Counter()
    wholes: Counter[str] = Counter()
    for row in rows:
        for figure, happened in _figures(row).items():
            wholes[figure] += 1
            parts[figure] += happened
    return Coverage({figure: (parts[figure], wholes[figure]) for figure in FIGURES})


def _figures(row: Judged) -> dict[str, bool]:
    """Return the figures that a row can show, and whether it does."""
    kind, status = row.groups.get("class", ""), row.decision.status
    asked = status is Status.REVIEW
    figures = {"asked": asked}
    if row.gold != ABSTAIN:
        figures["named"] = is_named(row)
        if ABSTAIN not in row.accepted:
            figures["strict"] = row.verdict is Verdict.RIGHT
        if asked:
            figures["offered"] = _is_offered(row)
    elif kind in _HELPERS:
        figures["needless"] = asked
    if kind in _SPEAKING:
        figures["silent"] = status is Status.KEEP and row.answer == ABSTAIN
    return figures


def is_named(row: Judged) -> bool:
    """Tell whether a row got a right name, or has no name due and none wrong."""
    return row.verdict is Verdict.RIGHT and (row.gold == ABSTAIN or row.answer != ABSTAIN)


def _is_offered(row: Judged) -> bool:
    right = (row.accepted | {row.gold}) - {ABSTAIN}
    return any(matches(candidate.name, right) for candidate in row.decision.candidates[:_FIRST_OFFERED])


def by_class(rows: Iterable[Judged]) -> dict[str, Coverage]:
    """Return the figures of all rows, then of each class in alphabetical order."""
    rows = list(rows)
    kinds = sorted({row.groups["class"] for row in rows if "class" in row.groups})
    found = {kind: coverage(row for row in rows if row.groups.get("class") == kind) for kind in kinds}
    return {"all": coverage(rows), **found}


def sets_all_named(rows: Iterable[Judged]) -> int:
    """Return in how many structure sets every name that is due was given, and none is missed or wrong."""
    sets: dict[str, bool] = {}
    for name, row in by_set(list(rows)):
        sets[name] = sets.get(name, True) and is_named(row)
    return sum(sets.values())
