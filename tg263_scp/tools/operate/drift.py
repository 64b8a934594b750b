"""``drift``: does what senders write change? Names never met before, and a control chart of the share left for review."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tg263_scp import __version__
from tg263_scp.config.loading import load_config
from tg263_scp.errors import Tg263Error
from tg263_scp.tools.report import charts as figures
from tg263_scp.tools.report.drift_weeks import LEAST_BASE_WEEKS, Chart, NewName, read_drift
from tg263_scp.tools.report.page import Html, figure, heading, page, paragraph, table
from tg263_scp.tools.shared.csv_tables import write_atomically
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import open_console, print_json, roi_text

_TITLE = "Drift of the names that senders write"
_SHOWN = 40
_WEEK_COLUMNS = ("week", "names", "left for review", "share", "limits", "")


@dataclass(frozen=True, slots=True)
class _Found:
    """What is told: ``recent`` weeks against those before, ``charts`` of all senders and of each."""

    sets: int
    recent: tuple[str, ...]
    charts: tuple[Chart, ...]
    new_names: tuple[NewName, ...]

    @property
    def outside(self) -> list[tuple[str, str]]:
        """The sender and the week where chance alone does not explain the share."""
        return [(chart.sender, week.week) for chart in self.charts for week in chart.outside(self.recent)]

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            "program": __version__,
            "structure_sets": self.sets,
            "recent_weeks": self.recent,
            "new_names": [asdict(each) for each in self.new_names],
            "outside_limits": [{"sender": sender, "week": week} for sender, week in self.outside],
            "senders": [_chart_as_json(chart) for chart in self.charts],
        }


def _chart_as_json(chart: Chart) -> dict[str, Any]:
    weeks = [
        {
            **asdict(week),
            "share": round(week.share, 4),
            "limits": [round(each, 4) for each in week.limits(chart.centre)],
        }
        for week in chart.weeks
    ]
    return {
        "sender": chart.sender,
        "centre": round(chart.centre, 4),
        "has_base": chart.has_base,
        "weeks": weeks,
    }


def drift(
    files: Sequence[Path], weeks: int, output: Path | None, config: Path | None, as_json: bool
) -> ExitCode:
    """The verb ``drift``; exit code 1 where a recent week lies outside its limits.

    Raises:
        UsageError: no log was named.
        Tg263Error: a log is not there, cannot be read or holds no decision.
    """
    found = _found(_logs(files, config), weeks)
    if output is not None:
        write_atomically(output, page(_TITLE, _parts(found)))
    if as_json:
        print_json(found.as_json())
    else:
        _show(found, open_console())
    return ExitCode.FINDINGS if found.outside else ExitCode.DONE


def _logs(files: Sequence[Path], config: Path | None) -> Sequence[Path]:
    if not files and config is None:
        raise UsageError("say which audit log", hint="give its file, or --config")
    return files or [load_config(config).audit.file]


def _found(logs: Sequence[Path], weeks: int) -> _Found:
    for log in logs:
        if not log.is_file():
            raise Tg263Error(
                f"there is no audit log at {log}", hint="has the node run with this configuration?"
            )
    try:
        counted = read_drift(logs)
    except OSError as problem:
        raise Tg263Error(
            f"{problem.filename}: {problem.strerror or 'cannot be read'}", hint="check its permissions"
        ) from problem
    if not counted.sets:
        raise Tg263Error("the log holds no decision about a structure set", hint="wait until objects came")
    recent = tuple(counted.weeks[-weeks:])
    return _Found(counted.sets, recent, tuple(counted.charts(recent)), tuple(counted.new_names(recent)))


def _headline(found: _Found) -> str:
    everything = found.charts[0]
    recent = [week for week in everything.weeks if week.week in found.recent]
    names, left = sum(week.names for week in recent), sum(week.left for week in recent)
    outside = len(found.outside)
    return (
        f"In {len(recent)} weeks up to {found.recent[-1]} {left} of {names} names ({left / names:.1%}) were left for review,"
        f" {everything.centre:.1%} in the weeks they are compared with; names never met before: {len(found.new_names)};"
        f" weeks outside the limits: {outside}."
    )


def _parts(found: _Found) -> Iterator[Html]:
    yield paragraph(_headline(found), "wrong" if found.outside else "headline")
    made = datetime.now(UTC).isoformat(timespec="seconds")
    yield paragraph(
        f"tg263-scp {__version__}, {made}; {found.sets} structure sets, each counted once.", "note"
    )
    yield paragraph(
        "Limits: the share left for review in the weeks before, and three standard deviations of a share of as many names."
        " A week outside has a cause: a new template, another sender, a new version.",
        "note",
    )
    if not figures.has_charts():
        yield paragraph(figures.WITHOUT_FIGURES, "note")
    for chart in found.charts:
        yield from _chart_parts(chart, found.recent)
    yield heading(f"Names never met before ({len(found.new_names)})")
    rows = ((each.name, str(each.count), each.status, each.sender, each.week) for each in found.new_names)
    yield table(("name", "count", "status", "first sender", "first week"), rows, (1,))


def _chart_parts(chart: Chart, recent: Sequence[str]) -> Iterator[Html]:
    yield heading(chart.sender)
    if not chart.has_base:
        yield paragraph(
            f"Fewer than {LEAST_BASE_WEEKS} weeks before: the limits are those of all weeks.", "note"
        )
    if figures.has_charts() and len(chart.weeks) > 1:
        weeks = [week.week for week in chart.weeks]
        limits = [week.limits(chart.centre) for week in chart.weeks]
        drawing = figures.control_chart(weeks, [week.share for week in chart.weeks], chart.centre, limits)
        yield figure(drawing, "Share left for review by week, with its limits; a red point lies outside.")
    yield table(_WEEK_COLUMNS, _week_rows(chart, recent), (1, 2, 3, 4))


def _week_rows(chart: Chart, recent: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for week in chart.weeks:
        low, high = week.limits(chart.centre)
        outside = "outside" if week.is_outside(chart.centre) else ""
        marks = ", ".join(filter(None, ("recent" if week.week in recent else "", outside)))
        yield (
            week.week,
            str(week.names),
            str(week.left),
            f"{week.share:.1%}",
            f"{low:.1%} to {high:.1%}",
            marks,
        )


def _show(found: _Found, console: Console) -> None:
    console.print(_headline(found), style="yellow" if found.outside else "")
    for chart in found.charts:
        grid = Table(title=chart.sender, title_justify="left")
        for title in _WEEK_COLUMNS:
            grid.add_column(title, justify="left" if title in ("week", "") else "right")
        for row in list(_week_rows(chart, found.recent))[-_SHOWN:]:
            grid.add_row(*row)
        console.print(grid)
    names = Table(title=f"Names never met before ({len(found.new_names)})", title_justify="left")
    for title in ("name", "count", "status", "first sender", "first week"):
        names.add_column(title, overflow="fold")
    for each in found.new_names[:_SHOWN]:
        names.add_row(roi_text(each.name), str(each.count), each.status, roi_text(each.sender), each.week)
    console.print(names)
    if len(found.new_names) > _SHOWN:
        console.print(
            f"... and {len(found.new_names) - _SHOWN} more, which -o FILE and --json list", style="dim"
        )
