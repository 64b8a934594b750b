"""``audit summary``: what was renamed, or would have been, and which names stayed open, counted by sender.

Made for the shadow period (``naming.mode: shadow``): names are decided and audited there, and nothing is renamed. An object
that was decided several times counts once, with its newest decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tg263_scp.decision import Status
from tg263_scp.tools.operate.audit import LineFilter, chosen_lines, log_of
from tg263_scp.tools.shared.csv_tables import sheet_text
from tg263_scp.tools.shared.exitcode import ExitCode
from tg263_scp.tools.shared.terminal import open_console, print_json, print_table, roi_text
from tg263_scp.tools.shared.wording import reason_words

COLUMNS = (
    "sender",
    "renamed",
    "status",
    "original_name",
    "standard_name",
    "rule",
    "reason",
    "rois",
    "objects",
)
_ROWS_SHOWN = 40
_RENAMED = "relabelled"
"""The kind of a line whose object got its new names; of every other they would have been given."""


@dataclass(frozen=True, slots=True)
class NameUse:
    """What became of one name from one sender. ``given``: the object got its new names, and they were not only decided."""

    sender: str
    given: bool
    status: str
    old: str
    new: str
    rule: str
    reason: str


@dataclass(slots=True)
class AuditSummary:
    """Counts over an audit log: structure sets and ROIs by sender, ROIs and objects by name."""

    sets: Counter[str] = field(default_factory=Counter)
    rois: Counter[str] = field(default_factory=Counter)
    uses: Counter[NameUse] = field(default_factory=Counter)
    objects: Counter[NameUse] = field(default_factory=Counter)

    def ordered(self, sender: str | None = None) -> list[NameUse]:
        """Return the uses, of one sender where given: by sender, renames first, the most frequent first."""
        rank = {Status.RENAME.value: 0, Status.REVIEW.value: 1}
        wanted = [use for use in self.uses if sender in (None, use.sender)]
        return sorted(
            wanted, key=lambda use: (use.sender, rank.get(use.status, 2), -self.uses[use], use.old, use.new)
        )


def show_summary(
    file: Path | None, config: Path | None, since: str, until: str, csv: bool, as_json: bool
) -> ExitCode:
    """The verb ``audit summary``."""
    summary = summarise(chosen_lines(log_of(file, config), LineFilter(since=since, until=until)))
    if csv:
        print_table(sheet_text([COLUMNS, *(_cells(use, summary) for use in summary.ordered())]))
    elif as_json:
        print_json([dict(zip(COLUMNS, _values(use, summary), strict=True)) for use in summary.ordered()])
    else:
        _show(summary, open_console())
    return ExitCode.DONE


def summarise(newest_first: Iterable[Mapping[str, Any]]) -> AuditSummary:
    """Count the decisions about structure sets among the lines of a log, which come newest first."""
    summary = AuditSummary()
    seen: set[str] = set()
    for line in newest_first:
        job = str(line.get("job"))
        if "rois" not in line or job in seen:
            continue
        seen.add(job)
        peer = line.get("peer")
        sender = str(peer.get("ae_title", "")) if isinstance(peer, dict) else ""
        summary.sets[sender] += 1
        summary.rois[sender] += len(line["rois"])
        uses = Counter(_use(sender, line, roi) for roi in line["rois"] if roi.get("status") != Status.KEEP)
        summary.uses += uses
        summary.objects.update(uses.keys())
    return summary


def _use(sender: str, line: Mapping[str, Any], roi: Mapping[str, Any]) -> NameUse:
    status = str(roi.get("status"))
    new = str(roi.get("new")) if status == Status.RENAME else ""
    told = (str(roi.get(key) or "") for key in ("rule", "reason"))
    return NameUse(sender, line.get("kind") == _RENAMED, status, str(roi.get("old")), new, *told)


def _values(use: NameUse, summary: AuditSummary) -> tuple[Any, ...]:
    about = (use.sender, use.given, use.status, use.old, use.new, use.rule, use.reason)
    return (*about, summary.uses[use], summary.objects[use])


def _cells(use: NameUse, summary: AuditSummary) -> tuple[str, ...]:
    return tuple(
        ("yes" if value else "no") if isinstance(value, bool) else str(value)
        for value in _values(use, summary)
    )


def _show(summary: AuditSummary, console: Console) -> None:
    if not summary.sets:
        console.print("The log holds no decision about a structure set in that time.")
    for sender in sorted(summary.sets):
        uses = summary.ordered(sender)
        given = _rois(summary, uses, Status.RENAME, given=True)
        would = _rois(summary, uses, Status.RENAME, given=False)
        waiting = _rois(summary, uses, Status.REVIEW)
        console.print(
            f"{sender or '(no title)'}: {summary.sets[sender]} structure sets, {summary.rois[sender]} ROIs:"
            f" {given} renamed, {would} would have been renamed, {waiting} left for review",
            style="bold",
        )
        for status, title in ((Status.RENAME, "new name"), (Status.REVIEW, "")):
            _show_uses([use for use in uses if use.status == status], title, summary, console)


def _rois(summary: AuditSummary, uses: Iterable[NameUse], status: Status, given: bool | None = None) -> int:
    return sum(
        summary.uses[use] for use in uses if use.status == status and (given is None or given == use.given)
    )


def _show_uses(uses: list[NameUse], title: str, summary: AuditSummary, console: Console) -> None:
    if not uses:
        return
    table = Table()
    for column in ("ROIs", "objects", "name", *([title] if title else []), "rule", "why"):
        table.add_column(
            column, overflow="fold", justify="right" if column in ("ROIs", "objects") else "left"
        )
    for use in uses[:_ROWS_SHOWN]:
        new = [roi_text(use.new)] if title else []
        counts = (str(summary.uses[use]), str(summary.objects[use]))
        table.add_row(*counts, roi_text(use.old), *new, use.rule, reason_words(use.reason))
    console.print(table)
    if len(uses) > _ROWS_SHOWN:
        console.print(f"... and {len(uses) - _ROWS_SHOWN} more, which --csv lists", style="dim")
