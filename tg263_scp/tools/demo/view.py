"""The demonstration on the screen: per structure set what changed and why, and the proofs at the end."""

from __future__ import annotations

from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tg263_scp.decision import Status
from tg263_scp.tools.demo.demonstration import Demonstration, Running, Sent
from tg263_scp.tools.shared.terminal import roi_text, visible
from tg263_scp.tools.shared.wording import STATUS_STYLE, reason_words

_ORDER = {Status.RENAME: 0, Status.REVIEW: 1, Status.KEEP: 2}


def show_demo(demonstration: Demonstration, console: Console) -> None:
    """Print the whole demonstration."""
    for each in demonstration.sent:
        _show_set(each, console)
    _show_proofs(demonstration, console)


def _show_set(each: Sent, console: Console) -> None:
    rois: list[dict[str, Any]] = each.audit.get("rois", [])
    changed = sum(roi["status"] == Status.RENAME for roi in rois)
    review = sum(roi["status"] == Status.REVIEW for roi in rois)
    title = Text(visible(each.title), style="bold")
    if rois:
        would = "" if each.relabelled or not changed else "would be "
        sentence = f"  {len(rois)} ROIs: {changed} {would}renamed, {review} left for review"
        title.append(sentence, style="default not bold")
    console.print(title)
    if each.problem or each.received is None:
        why = each.problem or f"{each.state or 'not decided in time'} {each.reason}".strip()
        console.print(Padding(Text(f"not delivered: {why}", style="bold red"), (0, 2, 1, 2), expand=False))
    elif not each.relabelled and changed:
        why = str(each.audit.get("reason") or each.audit.get("kind"))
        console.print(
            Padding(Text(f"passed on unchanged: {why}", style="yellow"), (0, 2, 0, 2), expand=False)
        )
    if changed + review:
        console.print(_table(rois, each.relabelled))
    kept = [roi["old"] for roi in rois if roi["status"] == Status.KEEP]
    if kept:
        line = Text("kept: ", style="dim").append(visible(", ".join(kept)))
        console.print(Padding(line, (0, 2, 1, 2), expand=False))


def _table(rois: list[dict[str, Any]], relabelled: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1))
    for title in ("in the plan", "in the archive" if relabelled else "would be", "rule", "why"):
        table.add_column(title, overflow="fold")
    for roi in sorted(rois, key=lambda roi: _ORDER[Status(roi["status"])]):
        status = Status(roi["status"])
        if status is Status.KEEP:
            continue
        new = (
            roi_text(roi["new"], f"bold {STATUS_STYLE[status]}")
            if status is Status.RENAME
            else Text("unchanged", style="dim")
        )
        why = reason_words(roi["reason"])
        table.add_row(roi_text(roi["old"]), new, roi["rule"], Text(why, style=STATUS_STYLE[status]))
    return table


def _show_proofs(demonstration: Demonstration, console: Console) -> None:
    console.print(Text("What the archive received", style="bold"))
    for each in demonstration.sent:
        if each.received is not None:
            console.print(f"  {each.received.name}")
    console.print(Text("Proofs", style="bold"))
    arrived = sum(each.received is not None for each in demonstration.sent)
    _line(
        console,
        arrived == len(demonstration.sent),
        "delivered",
        f"{arrived} of {len(demonstration.sent)} structure sets",
    )
    compared = [each.comparison for each in demonstration.sent if each.comparison is not None]
    same = bool(compared) and all(comparison.same for comparison in compared)
    size = sum(comparison.compared_bytes for comparison in compared)
    _line(
        console, same, "everything else byte-identical", f"{'yes' if same else 'NO'} ({size} bytes compared)"
    )
    taken_back = [each.comes_back for each in compared if each.comes_back is not None]
    if taken_back:
        _line(
            console,
            all(taken_back),
            "reverted from what they record themselves",
            f"{sum(taken_back)} of {len(taken_back)} are what was sent, byte for byte",
        )
    told = all(each.arrived_as_audited for each in demonstration.sent)
    _line(console, told, "names in the archive are those of the audit log", "yes" if told else "NO")
    audit = demonstration.audit
    said = f"chain of {audit.lines} lines verified" if audit.intact else f"line {audit.line}: {audit.problem}"
    _line(console, audit.intact, "audit log", said)
    if demonstration.left_out:
        console.print(f"  {demonstration.left_out} DICOM objects of other kinds were not sent")
    if demonstration.folder is not None:
        console.print(
            f"  kept in {demonstration.folder}: configuration, sent, received, spool with audit log"
        )


def show_what_next(given: bool, desk: bool, console: Console) -> None:
    """Say what to try next: own files, one name, the desk, a node between two systems."""
    console.print(Text("What to try next", style="bold"))
    tried = [] if given else [("your own structure sets", "tg263-scp demo FOLDER")]
    tried.append(("why a name becomes what it becomes", "tg263-scp explain 'ptv 60 + 5mm'"))
    if not desk:
        tried.append(("the review desk, with these sets", "tg263-scp demo --desk"))
    tried.append(("a node between two of your systems", "docs/node.md tells how"))
    grid = Table.grid(padding=(0, 2))
    for what, how in tried:
        grid.add_row(" ", what, Text(how, style="cyan"))
    console.print(grid)


def show_running(running: Running, console: Console) -> None:
    """Say where node and desk are; the link stays whole, however narrow the terminal is."""
    host, port = running.address
    console.print(Text("Node and desk run until Ctrl-C", style="bold"))
    console.print(f"  node: {running.ae_title}@{host}:{port} takes structure sets from this computer")
    console.print(f"  desk: {running.login_link}", soft_wrap=True)


def _line(console: Console, good: bool, label: str, text: str) -> None:
    mark = Text("  ok   " if good else "  FAIL ", style="green" if good else "bold red")
    console.print(mark.append(f"{label}: {text}", style="default not bold"))
