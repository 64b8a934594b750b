"""``audit summary`` and the filters of ``audit show``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tg263_scp.cli import main
from tg263_scp.service.audit import AuditLog
from tg263_scp.tools.operate.audit_summary import summarise
from tg263_scp.tools.shared.exitcode import ExitCode


def line(job: int, kind: str, *rois: tuple[str, str, str], sender: str = "TPS1") -> dict[str, Any]:
    return {
        "kind": kind,
        "job": f"t{job}",
        "job_number": job,
        "peer": {"ae_title": sender},
        "rois": [
            {"old": old, "new": new, "status": status, "rule": "R050", "reason": "synonym"}
            for old, new, status in rois
        ],
    }


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two sets of one sender in shadow mode, the second decided twice, and one of another that was relabelled."""
    path = tmp_path / "audit.jsonl"
    audit = AuditLog(path)
    audit.append(line(1, "shadow", ("Blase", "Bladder", "rename"), ("xyz", "xyz", "review")))
    audit.append(line(2, "shadow", ("Blase", "Bladder", "rename"), ("old", "old", "review")))
    audit.append(line(2, "shadow", ("Blase", "Bladder", "rename"), ("Heart", "Heart", "keep")))
    audit.append(line(3, "relabelled", ("Herz", "Heart", "rename"), sender="TPS2"))
    audit.append({"kind": "sent", "job": "t3", "job_number": 3, "destination": "pacs"})
    audit.close()
    return path


def test_the_summary_counts_each_object_once_by_its_newest_decision(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "summary", str(log), "--json"]) == ExitCode.DONE
    rows = [
        (
            row["sender"],
            row["renamed"],
            row["status"],
            row["original_name"],
            row["standard_name"],
            row["rois"],
        )
        for row in json.loads(capsys.readouterr().out)
    ]
    assert rows == [
        ("TPS1", False, "rename", "Blase", "Bladder", 2),
        ("TPS1", False, "review", "xyz", "", 1),
        ("TPS2", True, "rename", "Herz", "Heart", 1),
    ]


def test_the_summary_says_what_would_have_been(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "summary", str(log)]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "TPS1: 2 structure sets, 4 ROIs: 0 renamed, 2 would have been renamed, 1 left for review" in out
    assert "TPS2: 1 structure sets, 1 ROIs: 1 renamed" in out
    assert main(["audit", "summary", str(log), "--csv"]) == ExitCode.DONE
    assert "TPS1,no,rename,Blase,Bladder,R050,synonym,2,2" in capsys.readouterr().out


def test_a_summary_of_nothing_has_no_sender() -> None:
    assert not summarise([{"kind": "healed"}]).sets


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        (["--job", "2"], [2, 3]),
        (["--kind", "relabelled"], [4]),
        (["--name", "Heart"], [3, 4]),
        (["--name", "xyz"], [1]),
        (["--to", "pacs"], [5]),
        (["--until", "2000-01-01"], []),
        (["--since", "2000-01-01", "--last", "1"], [5]),
        (["--since", "2999-01-01"], []),
    ],
)
def test_show_takes_the_lines_that_are_wanted(
    log: Path, options: list[str], numbers: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["audit", "show", str(log), "--json", *options]) == ExitCode.DONE
    assert [each["seq"] for each in json.loads(capsys.readouterr().out)] == numbers


def test_a_day_is_written_in_one_way(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", "show", str(log), "--since", "31.1.2026"]) == ExitCode.USAGE
    assert "such as 2026-01-31" in capsys.readouterr().err


def test_a_log_that_was_moved_away_is_told_from_one_that_never_was(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log.unlink()
    assert main(["audit", "show", str(log)]) == ExitCode.FAILURE
    assert "was the log moved or removed?" in capsys.readouterr().err
