"""``audit``: read the audit log, verify that no line of it was removed, changed or reordered, and compare objects with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tg263_scp.config.loading import load_config
from tg263_scp.decision import Choice
from tg263_scp.dicom.encoding.folded_digest import object_sha256
from tg263_scp.dicom.encoding.part10 import opened
from tg263_scp.errors import HeldObjectError, Tg263Error
from tg263_scp.service.audit import head_path, newest_first, verify
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import complain, open_console, print_json, roi_text, say, visible
from tg263_scp.tools.shared.wording import choice_words, offered_words, reason_words


def verify_log(file: Path | None, config: Path | None, as_json: bool) -> ExitCode:
    """The verb ``audit verify``."""
    path = log_of(file, config)
    report = verify(path)
    if as_json:
        print_json(
            {
                "file": str(path),
                "intact": report.intact,
                "lines": report.lines,
                "line": report.line or None,
                "problem": report.problem,
                "last_hash": report.last_hash,
            }
        )
    elif report.intact:
        say(f"{path}: chain of {report.lines} lines verified, last hash {report.last_hash}")
    else:
        say(f"{path}: line {report.line}: {report.problem}")
    return ExitCode.DONE if report.intact else ExitCode.FINDINGS


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which lines are wanted; what is empty (or None) asks for nothing. Days are UTC, as the times in the log are.

    ``name`` is a ROI name as it was or as it became, ``to`` the name of a destination.

    Raises:
        UsageError: a day is written otherwise than 2026-01-31.
    """

    job: int | None = None
    kind: str = ""
    since: str = ""
    until: str = ""
    name: str = ""
    to: str = ""

    def __post_init__(self) -> None:
        for option, day in (("--since", self.since), ("--until", self.until)):
            if day and not _is_day(day):
                raise UsageError(f"{option} takes a day, not '{day}'", hint="such as 2026-01-31")

    def takes(self, line: Mapping[str, Any]) -> bool:
        """Tell whether a line is wanted."""
        day = str(line.get("time"))[:10]
        return (
            self.job in (None, line.get("job_number"))
            and self.kind in ("", line.get("kind"))
            and self.to in ("", line.get("destination"))
            and self.since <= day
            and (not self.until or day <= self.until)
            and (not self.name or any(self.name in (roi.get("old"), roi.get("new")) for roi in _rois(line)))
        )


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _rois(line: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return [roi for roi in line.get("rois", ()) if isinstance(roi, dict)]


def show_log(file: Path | None, config: Path | None, last: int, order: LineFilter, as_json: bool) -> ExitCode:
    """The verb ``audit show``: the last lines that are wanted, oldest first. Shows them as they are; ``verify`` checks them."""
    lines = list(islice(chosen_lines(log_of(file, config), order), last))[::-1]
    if as_json:
        print_json(lines)
        return ExitCode.DONE
    console = open_console()
    for line in lines:
        _show_line(line, console)
    return ExitCode.DONE


def digest_objects(files: Sequence[Path], as_json: bool) -> ExitCode:
    """The verb ``audit digest``: the digests of objects as ``digests`` in the log has them (before, after)."""
    found: dict[str, str] = {}
    for path in files:
        try:
            with opened(path) as source:
                found[str(path)] = object_sha256(source, path)
        except (OSError, HeldObjectError) as problem:
            said = problem.strerror if isinstance(problem, OSError) else problem.message
            complain(f"{path}: {said}")
    if as_json:
        print_json(found)
    else:
        for name, digest in found.items():
            say(f"{digest}  {name}")
    return ExitCode.DONE if len(found) == len(set(files)) else ExitCode.FINDINGS


def log_of(file: Path | None, config: Path | None) -> Path:
    """Return the audit log that is meant.

    Raises:
        UsageError: neither a file nor a configuration is given.
        Tg263Error: there is none at that place.
    """
    if file is None and config is None:
        raise UsageError("say which audit log", hint="give its file, or --config")
    path = file or load_config(config).audit.file
    if not path.is_file():
        moved = head_path(path).exists()
        hint = "its head file is there: was the log moved or removed?" if moved else _NEVER_RUN
        raise Tg263Error(f"there is no audit log at {path}", hint=hint)
    return path


_NEVER_RUN = "has the node run with this configuration? Is audit.file right?"


def chosen_lines(path: Path, wanted: LineFilter) -> Iterator[dict[str, Any]]:
    """Yield the wanted lines of a log, newest first; reads no further back than it is asked for, nor before ``since``."""
    for text in newest_first(path):
        line = _parsed(text)
        if wanted.since and str(line.get("time", wanted.since))[:10] < wanted.since:
            return
        if wanted.takes(line):
            yield line


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    return line if isinstance(line, dict) else {"kind": "unreadable line"}


def _show_line(line: dict[str, Any], console: Console) -> None:
    about = [str(line.get(key) or "") for key in ("seq", "time", "kind", "reason")]
    number = line.get("job_number") or line.get(
        "job"
    )  # lines of earlier versions know the name of the file only
    about += [f"job {number}"] if number else []
    about += [f"{key} {line[key]}" for key in ("said", "id", "by", "why") if line.get(key)]
    about += [f"{key} {line[key]}" for key in ("sop_instance_uid", "new_sop_instance_uid") if line.get(key)]
    console.print("  ".join(part for part in about if part), style="bold")
    changed = [roi for roi in line.get("rois", ()) if roi.get("status") == "rename"]
    waiting = [roi for roi in line.get("rois", ()) if roi.get("status") == "review"]
    others = len(line.get("rois", ())) - len(changed) - len(waiting)
    grid = Table.grid(padding=(0, 2))
    for roi in changed:
        evidence = ", ".join(roi.get("evidence", ()))
        grid.add_row(
            "  ",
            roi_text(str(roi.get("old"))),
            "→",
            roi_text(str(roi.get("new"))),
            str(roi.get("rule")),
            evidence,
        )
    for roi in waiting:
        offered = offered_words(str(each.get("name")) for each in roi.get("candidates", ()))
        grid.add_row(
            "  ",
            roi_text(str(roi.get("old"))),
            "?",
            roi_text(offered),
            str(roi.get("rule")),
            reason_words(str(roi.get("reason"))),
        )
    if changed or waiting:
        console.print(grid)
    if others:
        console.print(f"   {others} names not changed", style="dim")
    for roi in line.get("rois", ()):
        if "model" in roi:
            _show_choice(str(roi.get("old")), roi["model"], console)


def _show_choice(name: str, model: dict[str, Any], console: Console) -> None:
    """Show what a language model said of a name; a line of another program version may tell less."""
    told = {each.name: model[each.name] for each in fields(Choice) if each.name in model}
    if not told.get("answer"):
        said, who = "no answer", "not asked, or not answered in time"
    else:
        choice = Choice(**told)
        said, who = choice.said, choice_words(choice)
    console.print(Text("   model  ").append_text(roi_text(name)).append(f"  {visible(said)}"))
    console.print(f"          {who}", style="dim")
