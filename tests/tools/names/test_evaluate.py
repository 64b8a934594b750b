"""``evaluate``: every row gets the verdict an independent reading of the rules gives it, and the figures add up."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tg263_scp.cli import main
from tg263_scp.decision import Decision, Reason, Status
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.tools.names.accuracy.evaluation import Evaluation, Verdict, evaluate, judge, side_of, wilson
from tg263_scp.tools.shared.csv_tables import Table, read_table, sheet_text, write_atomically
from tg263_scp.tools.shared.exitcode import ExitCode

pytestmark = pytest.mark.usefixtures("loaded_once")


def decision(
    status: Status, name: str, original: str = "x", rule: str = "R050", confidence: float = 0.9
) -> Decision:
    return Decision(original, status, name, rule, Reason.SYNONYM, confidence)


def rename(name: str, **more) -> Decision:
    return decision(Status.RENAME, name, **more)


def keep(name: str, **more) -> Decision:
    return decision(Status.KEEP, name, original=name, **more)


REVIEW = decision(Status.REVIEW, "x")


@pytest.mark.parametrize(
    ("made", "gold", "accept", "answer", "verdict"),
    [
        (rename("Lung_L"), "Lung_L", "", "Lung_L", Verdict.RIGHT),
        (rename("Lung_R"), "Lung_L", "", "Lung_R", Verdict.WRONG),
        (rename("PTV_60Gy"), "PTV_6000", "PTV_60Gy|PTV60", "PTV_60Gy", Verdict.RIGHT),
        (REVIEW, "Lung_L", "", "ABSTAIN", Verdict.MISSED),
        (REVIEW, "ABSTAIN", "", "ABSTAIN", Verdict.RIGHT),
        (REVIEW, "Lung_L", "ABSTAIN", "ABSTAIN", Verdict.RIGHT),
        (rename("Lung_L"), "ABSTAIN", "", "Lung_L", Verdict.WRONG),
        (keep("Heart"), "Heart", "", "Heart", Verdict.RIGHT),
        (keep("heart"), "Heart", "", "ABSTAIN", Verdict.MISSED),
        (keep("ring"), "ABSTAIN", "", "ABSTAIN", Verdict.RIGHT),
        (keep("zRing"), "ABSTAIN", "z*", "zRing", Verdict.RIGHT),
        (rename("zRing"), "ABSTAIN", "z*", "zRing", Verdict.RIGHT),
        (rename("_Ring"), "Ring", "z*", "_Ring", Verdict.RIGHT),
        (rename("zRing"), "ABSTAIN", "", "zRing", Verdict.WRONG),
        (rename(""), "ABSTAIN", "", "ABSTAIN", Verdict.RIGHT),
    ],
)
def test_an_answer_is_right_missed_or_wrong(
    made: Decision, gold: str, accept: str, answer: str, verdict: Verdict, nomenclature: Nomenclature
) -> None:
    judged = judge(made, gold, nomenclature, frozenset(accept.split("|")) - {""})
    assert (judged.answer, judged.verdict) == (answer, verdict)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("Lung_L", "L"),
        ("Femur_Head_R", "R"),
        ("OpticNrv_PRV03_L", "L"),
        ("Lung~_R", "R"),
        ("Lobe_LUL", "L"),
        ("Lung_RML", "R"),
        ("Parotid_L-PTV", "L"),
        ("Parotid_R~", "R"),
        ("Bladder", ""),
        ("PTV_High^L_Neck", ""),
        ("Lips", ""),
        ("", ""),
    ],
)
def test_the_side_of_a_name(name: str, side: str, nomenclature: Nomenclature) -> None:
    assert side_of(name, nomenclature) == side


@pytest.mark.parametrize(
    ("answer", "gold", "flipped"),
    [
        ("Lung_R", "Lung_L", True),
        ("Lung_L", "Lungs", True),
        ("Lungs", "Lung_L", False),
        ("Kidney_L", "Lung_L", False),
        ("Lung_L", "ABSTAIN", False),
    ],
)
def test_a_wrong_side_is_a_side_that_the_gold_label_does_not_have(
    answer: str, gold: str, flipped: bool, nomenclature: Nomenclature
) -> None:
    assert judge(rename(answer), gold, nomenclature).wrong_side is flipped


def test_the_wilson_interval_is_the_textbook_one() -> None:
    low, high = wilson(9, 10)
    assert math.isclose(low, 0.5958, abs_tol=1e-4)
    assert math.isclose(high, 0.9821, abs_tol=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 5)[0] == 0.0
    assert wilson(5, 5)[1] == 1.0


GOLD = Table(
    ("original_name", "class", "site", "source", "language", "structure_set", "gold", "accept"),
    (
        ("a", "organ", "thorax", "one", "en", "1", "Lung_L", ""),
        ("b", "organ", "thorax", "one", "en", "1", "Lung_R", ""),
        ("c", "target", "", "two", "de", "2", "PTV_6000", "PTV_60Gy"),
        ("d", "planning", "", "two", "de", "2", "ABSTAIN", ""),
        ("e", "prv", "", "two", "de", "", "SpinalCord_PRV05", ""),
    ),
)


@pytest.fixture
def evaluation(nomenclature: Nomenclature) -> Evaluation:
    decisions = [
        rename("Lung_L", original="a", confidence=0.99),
        rename("Lung_L", original="b", confidence=0.6, rule="R080"),
        rename("PTV_60Gy", original="c", confidence=0.9, rule="R070"),
        decision(Status.REVIEW, "d", original="d", confidence=0.0),
        decision(Status.REVIEW, "e", original="e", confidence=0.0),
    ]
    return evaluate(GOLD, decisions, nomenclature)


def test_the_figures_add_up(evaluation: Evaluation) -> None:
    tally = evaluation.overall
    assert (tally.rows, tally.right, tally.missed, tally.wrong, tally.wrong_side) == (5, 3, 1, 1, 1)
    for tallies in evaluation.groups.values():
        assert sum(each.rows for each in tallies.values()) == 5
        assert sum(each.right for each in tallies.values()) == 3
    assert set(evaluation.groups) == {"family", "class", "site", "source", "language", "rule"}
    assert {group: each.rows for group, each in evaluation.groups["family"].items()} == {
        "listed": 3,
        "target": 1,
        "left alone": 1,
    }
    assert evaluation.groups["rule"]["R080"].wrong == 1


def test_a_group_is_only_there_where_its_column_is(nomenclature: Nomenclature) -> None:
    table = Table(("original_name", "gold"), (("a", "Lung_L"),))
    assert set(evaluate(table, [rename("Lung_L")], nomenclature).groups) == {"rule"}


def test_a_set_is_all_right_or_not(evaluation: Evaluation) -> None:
    assert set(evaluation.sets) == {"1", "2"}
    assert evaluation.sets_all_right == 1


def test_the_curve_trades_coverage_for_precision(evaluation: Evaluation) -> None:
    by_step = {point.confidence: point for point in evaluation.curve}
    assert (by_step[0.0].answered, by_step[0.0].right) == (3, 2)
    assert (by_step[0.7].answered, by_step[0.7].right) == (2, 2)
    assert (by_step[0.98].answered, by_step[0.98].right) == (1, 1)
    assert by_step[1.0].answered == 0


def gold_file(tmp_path: Path) -> Path:
    path = tmp_path / "gold.csv"
    path.write_text(
        "original_name,class,gold,accept\n"
        "LUNG-L,organ,Lung_L,\n"
        "Heart,organ,Heart,\n"
        "heart|x,organ,Heart,\n"
        "lung r,organ,Lung_L,\n"
        "no such thing,planning,ABSTAIN,\n",
        encoding="utf-8",
    )
    return path


def test_evaluate_names_the_harmful_rows_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(gold_file(tmp_path)), "--json"]) == ExitCode.DONE
    figures = json.loads(capsys.readouterr().out)
    assert figures["overall"]["n"] == 5
    assert figures["overall"]["wrong_side"] == 1
    assert [(row["original_name"], row["gold"], row["answer"]) for row in figures["wrong"]] == [
        ("lung r", "Lung_L", "Lung_R")
    ]
    assert len(figures["nomenclature_sha256"]) == 64


def test_evaluate_shows_the_wrong_side_on_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(gold_file(tmp_path))]) == ExitCode.DONE
    out = capsys.readouterr().out
    assert "Wrong names (1)" in out
    assert "WRONG SIDE" in out


def test_a_report_holds_every_row_and_escapes_names(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    assert main(["evaluate", str(gold_file(tmp_path)), "--report", str(folder), "--json"]) == ExitCode.DONE
    assert {path.name for path in folder.iterdir()} == {
        "report.html",
        "report.md",
        "figures.json",
        "rows.csv",
    }
    rows = read_table(folder / "rows.csv")
    assert rows.required("original_name") == ("LUNG-L", "Heart", "heart|x", "lung r", "no such thing")
    assert rows.required("verdict").count("wrong") == 1
    assert json.loads((folder / "figures.json").read_text(encoding="utf-8"))["overall"]["n"] == 5
    assert "| lung r | Lung\\_L | Lung\\_R |" in (folder / "report.md").read_text(encoding="utf-8")


def test_the_rows_of_a_report_calculate_nothing_and_read_back(tmp_path: Path) -> None:
    names = ("-PTV", "+3mm", "=1+1", "'=1")
    path, folder = tmp_path / "gold.csv", tmp_path / "report"
    write_atomically(path, sheet_text([("original_name", "gold"), *((name, "ABSTAIN") for name in names)]))
    main(["evaluate", str(path), "--report", str(folder), "--json"])
    rows = read_table(folder / "rows.csv")
    assert not [cell for row in rows.rows for cell in row if cell[:1] in ("=", "+", "-", "@")]
    assert rows.required("original_name") == names


def test_a_row_without_a_label_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gold.csv"
    path.write_text("original_name,gold\nHeart,Heart\nlung,\n", encoding="utf-8")
    assert main(["evaluate", str(path)]) == ExitCode.USAGE
    assert ":3: there is no gold label" in capsys.readouterr().err
