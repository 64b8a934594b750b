"""``rules``: the table of all codes, or one of them with its text, its function and its cases."""

from __future__ import annotations

from difflib import get_close_matches
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tg263_scp import yamlsource
from tg263_scp.errors import Tg263Error
from tg263_scp.naming.rule_table import RuleRow, rule_row, rule_table
from tg263_scp.resources import data_folder
from tg263_scp.tools.shared.exitcode import ExitCode, UsageError
from tg263_scp.tools.shared.terminal import open_console, print_json, roi_text, visible
from tg263_scp.tools.shared.wording import reason_words

_CASES = "tests/cases"
"""Where the files of cases stand in the repository, which is how they are spoken of everywhere."""
_SAID_ELSEWHERE = frozenset({"name", "becomes", "stays", "review", "why"})


def rules(code: str, as_json: bool) -> ExitCode:
    """The verb ``rules``."""
    if not code:
        _show_all(as_json)
        return ExitCode.DONE
    row = rule_row(code.upper())
    if row is None:
        raise UsageError(f"there is no code '{visible(code)}'", hint=_near(code))
    cases = cases_of(row.code)
    if as_json:
        print_json({**row_as_json(row), "text": row.text, "examples": cases})
    else:
        _show_one(row, cases, open_console())
    return ExitCode.DONE


def _near(code: str) -> str:
    codes = [row.code for row in rule_table()]
    near = get_close_matches(code.upper(), codes, n=3, cutoff=0.5)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return f"{meant}'tg263-scp rules' lists them all"


def case_file(code: str) -> Path | None:
    """Return the file of cases of a code; None where it has none, or the installation lacks the cases."""
    try:
        folder = data_folder("cases")
    except Tg263Error:
        return None
    return next(iter(sorted(folder.glob(f"{code}-*.yaml"))), None)


def case_place(code: str) -> str:
    """Name the file of cases of a code as the repository does: ``tests/cases/R060-rebuilt.yaml``; empty where it has none."""
    path = case_file(code)
    return f"{_CASES}/{path.name}" if path else ""


def cases_of(code: str) -> list[dict[str, Any]]:
    """Return the cases of a code as its file says them, each with its line."""
    path = case_file(code)
    if path is None:
        return []
    return [{**case, "line": case.line} for case in yamlsource.load(path)["cases"]]


def row_as_json(row: RuleRow) -> dict[str, str]:
    """One code for ``--json``: what it says, where its function is, and where its cases are."""
    return {
        "code": row.code,
        "section": row.section.value,
        "sentence": row.sentence,
        "function": row.function,
        "cases": case_place(row.code),
    }


def _show_all(as_json: bool) -> None:
    if as_json:
        print_json([row_as_json(row) for row in rule_table()])
        return
    console = open_console()
    for section, rows in groupby(rule_table(), key=lambda row: row.section):
        grid = Table.grid(padding=(0, 2))
        for row in rows:
            grid.add_row(Text(row.code, style="cyan"), Text(row.sentence))
        console.print(Text(section.value, style="bold"))
        console.print(grid)
        console.print()
    console.print("'tg263-scp rules CODE' shows one of them with its text and cases")


def _show_one(row: RuleRow, cases: list[dict[str, Any]], console: Console) -> None:
    console.print(Text(f"{row.code}  {row.sentence}", style="bold"))
    rest = row.text.partition("\n\n")[2]
    if rest:
        console.print(Text(f"\n{rest}"))
    console.print(Text("\nfunction  ", style="bold").append(Text(row.function, style="not bold")))
    place = case_place(row.code) or "none in this installation"
    console.print(Text("cases     ", style="bold").append(Text(place, style="not bold")))
    grid = Table.grid(padding=(0, 2))
    for case in cases:
        given, why = Text(_given(case), style="dim"), Text(visible(case.get("why", "")))
        grid.add_row(roi_text(case["name"]), _outcome(case), given, why)
    console.print(grid)


def _outcome(case: dict[str, Any]) -> Text:
    """Put what becomes of the name of a case into words."""
    if "becomes" in case:
        return Text(f"→ {visible(case['becomes'])}", style="green")
    if "review" in case:
        return Text(f"left for review: {reason_words(case['review'])}", style="yellow")
    return Text("stays", style="dim")


def _given(case: dict[str, Any]) -> str:
    """Say what else a case gives: ``site prostate``, ``beside Lung_L, Heart``."""
    given = {key: value for key, value in case.items() if key not in _SAID_ELSEWHERE | {"line"}}
    return "; ".join(f"{key} {visible(_plain(value))}" for key, value in given.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {text}" for key, text in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
