"""``evaluate --against``: every decision that changed is named, and one that got wrong fails the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tg263_scp.cli import main
from tg263_scp.decision import Decision, Reason, Status
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.tools.names.accuracy.changes import changes_against, decisions_as_json
from tg263_scp.tools.names.accuracy.evaluation import Evaluation, evaluate
from tg263_scp.tools.shared.csv_tables import Table
from tg263_scp.tools.shared.exitcode import ExitCode

pytestmark = pytest.mark.usefixtures("loaded_once")

GOLD = (
    "original_name,structure_set,gold\nlung li,1,Lung_L\nlung re,1,Lung_R\nlung li,2,Lung_L\nring,2,ABSTAIN\n"
)


def written(tmp_path: Path, text: str = GOLD) -> Path:
    path = tmp_path / "gold.csv"
    path.write_text(text, encoding="utf-8")
    return path


def earlier(tmp_path: Path, gold: Path, **changed: dict[str, str]) -> Path:
    """The evaluation of a table, with some decisions altered by the number of their row."""
    main(["evaluate", str(gold), "--report", str(tmp_path / "old"), "--json"])
    path = tmp_path / "old" / "figures.json"
    figures = json.loads(path.read_text(encoding="utf-8"))
    for row, fields in changed.items():
        figures["decisions"][int(row[1:])] |= fields
    path.write_text(json.dumps(figures), encoding="utf-8")
    return path


def run(gold: Path, old: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["evaluate", str(gold), "--against", str(old), "--json"])
    return code, json.loads(capsys.readouterr().out)["changes"]


def test_nothing_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = written(tmp_path)
    code, changes = run(gold, earlier(tmp_path, gold), capsys)
    assert code == ExitCode.DONE
    assert changes["changed"] == changes["not_compared"] == 0


def test_a_decision_that_got_right_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = written(tmp_path)
    old = earlier(tmp_path, gold, _2={"status": "review", "name": "lung li", "rule": "R080"})
    code, changes = run(gold, old, capsys)
    assert code == ExitCode.DONE
    assert (changes["changed"], changes["got_right"], changes["got_wrong"]) == (1, 1, 0)
    (change,) = changes["decisions"]
    assert (change["original_name"], change["structure_set"]) == ("lung li", "2")
    assert change["before"]["status"] == "review"
    assert change["now"]["name"] == "Lung_L"


def test_a_decision_that_got_wrong_fails_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = written(tmp_path, GOLD.replace("lung re,1,Lung_R", "lung re,1,Lung_L"))
    old = earlier(tmp_path, gold, _1={"status": "review", "name": "lung re"})
    code, changes = run(gold, old, capsys)
    assert code == ExitCode.FINDINGS
    assert [row["original_name"] for row in changes["decisions"] if row["got_wrong"]] == ["lung re"]


def test_what_was_wrong_before_did_not_get_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = written(tmp_path, GOLD.replace("lung re,1,Lung_R", "lung re,1,Kidney_R"))
    code, changes = run(gold, earlier(tmp_path, gold, _1={"name": "Liver"}), capsys)
    assert (code, changes["changed"], changes["got_wrong"]) == (ExitCode.DONE, 1, 0)


def test_a_mended_label_is_no_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = earlier(tmp_path, written(tmp_path))
    code, changes = run(written(tmp_path, GOLD.replace("Lung_R", "Kidney_R")), old, capsys)
    assert (code, changes["changed"]) == (ExitCode.DONE, 0)


def test_rows_of_one_table_only_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = earlier(tmp_path, written(tmp_path))
    code, changes = run(written(tmp_path, GOLD.replace("ring,2", "collar,2")), old, capsys)
    assert (code, changes["changed"], changes["not_compared"]) == (ExitCode.DONE, 0, 2)


def test_another_rule_alone_is_counted_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = written(tmp_path)
    _, changes = run(gold, earlier(tmp_path, gold, _0={"rule": "R080"}), capsys)
    assert (changes["changed"], changes["other_rule_only"]) == (0, 1)


def test_equal_rows_are_paired_in_their_order(nomenclature: Nomenclature) -> None:
    table = Table(("original_name", "gold"), (("x", "Liver"), ("x", "Liver")))

    def evaluated(*names: str) -> Evaluation:
        made = [Decision("x", Status.RENAME, name, "R050", Reason.SYNONYM) for name in names]
        return evaluate(table, made, nomenclature)

    old = decisions_as_json(evaluated("Liver", "Heart"))
    changes = changes_against(old, evaluated("Liver", "Liver"), nomenclature)
    assert [change.before.decision.name for change in changes.changed] == ["Heart"]


def test_screen_and_report_name_the_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = written(tmp_path, GOLD.replace("lung re,1,Lung_R", "lung re,1,Lung_L"))
    old = earlier(tmp_path, gold, _1={"status": "review", "name": "lung re"})
    capsys.readouterr()
    code = main(["evaluate", str(gold), "--against", str(old), "--report", str(tmp_path / "new")])
    assert code == ExitCode.FINDINGS
    assert "GOT WRONG" in capsys.readouterr().out
    report = (tmp_path / "new" / "report.md").read_text(encoding="utf-8")
    assert "| lung re | Lung\\_L | (review) | Lung\\_R |" in report


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"decisions": [{}]}',
        '{"decisions": [{"original_name": "x", "status": "gone", "name": "x", "rule": ""}]}',
    ],
)
def test_what_is_no_evaluation_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.json"
    old.write_text(text, encoding="utf-8")
    assert main(["evaluate", str(written(tmp_path)), "--against", str(old)]) == ExitCode.USAGE
    assert "figures.json of a report" in capsys.readouterr().err
