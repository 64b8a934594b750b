"""``drift``: a sender that begins to write other names is seen in its audit log; chance alone is not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tg263_scp.cli import main
from tg263_scp.tools.operate.drift import drift
from tg263_scp.tools.report.drift_weeks import Week, read_drift, week_of
from tg263_scp.tools.shared.exitcode import ExitCode

FIRST = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""A Monday, in the second ISO week of 2026."""


def line(week: int, number: int, sender: str, names: dict[str, str]) -> str:
    """A decision in a week, with the status of each name."""
    rois = [{"old": name, "status": status} for name, status in names.items()]
    time = (FIRST + timedelta(weeks=week, minutes=number)).isoformat()
    return json.dumps(
        {"time": time, "sop_instance_uid": f"1.{week}.{number}.{sender}", "sender": sender, "rois": rois}
    )


def usual(week: int, sender: str = "AE TPS1") -> list[str]:
    """Ten sets of ten names, one of them left for review."""
    names = {f"organ {number}": "keep" for number in range(9)} | {"qqx": "review"}
    return [line(week, number, sender, names) for number in range(10)]


def changed(week: int, sender: str = "AE TPS1") -> list[str]:
    """Ten sets of a new template: half of the names are left for review, and <b> was never met before."""
    names = {f"organ {number}": "keep" for number in range(5)} | {f"<b>{n}": "review" for n in range(5)}
    return [line(week, number, sender, names) for number in range(10)]


def written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "audit.jsonl"
    path.write_text("\n".join(("{}", 'not JSON "rois":', *lines, "")), encoding="utf-8")
    return path


def told(log: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
    code = main(["drift", str(log), "--weeks", "2", "--json", *more])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, found


def test_weeks_that_stay_alike_are_no_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = told(written(tmp_path, *(each for week in range(8) for each in usual(week))), capsys)
    assert code == ExitCode.DONE
    assert found["new_names"] == found["outside_limits"] == []
    assert found["senders"][0]["centre"] == 0.1


def test_another_template_of_one_sender_is_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = [each for week in range(8) for each in (*usual(week), *usual(week, "AE TPS2"))]
    code, found = told(written(tmp_path, *before, *changed(8)), capsys)
    assert code == ExitCode.FINDINGS
    assert {"sender": "AE TPS1", "week": "2026-W10"} in found["outside_limits"]
    assert not [each for each in found["outside_limits"] if each["sender"] == "AE TPS2"]
    assert [(each["name"], each["count"], each["week"]) for each in found["new_names"]] == [
        (f"<b>{number}", 10, "2026-W10") for number in range(5)
    ]


def test_an_object_that_was_decided_anew_counts_once(tmp_path: Path) -> None:
    log = written(tmp_path, *usual(0), *usual(0))
    assert read_drift([log]).sets == 10


def test_limits_widen_where_a_week_has_few_names() -> None:
    assert not Week("2026-W05", 4, 2).is_outside(0.1)
    assert Week("2026-W05", 400, 200).is_outside(0.1)
    assert week_of("2025-12-31T00:00:00+00:00") == "2026-W01"


def test_the_page_draws_a_chart_and_shows_names_as_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("matplotlib")
    log = written(tmp_path, *(each for week in range(8) for each in usual(week)), *changed(8))
    assert drift([log], 2, tmp_path / "drift.html", None, as_json=False) == ExitCode.FINDINGS
    html = (tmp_path / "drift.html").read_text(encoding="utf-8")
    assert "<svg" in html
    assert "&lt;b&gt;0" in html
    assert "<b>0" not in html
    assert "weeks outside the limits: 2." in capsys.readouterr().out


def test_a_log_that_tells_nothing_is_an_error_with_advice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["drift", str(written(tmp_path))]) == ExitCode.FAILURE
    assert main(["drift", str(tmp_path / "gone.jsonl")]) == ExitCode.FAILURE
    assert main(["drift"]) == ExitCode.USAGE
    assert "say which audit log" in capsys.readouterr().err
