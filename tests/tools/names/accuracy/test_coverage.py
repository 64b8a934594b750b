"""Named, asked, needless, silent and offered, row by row."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tg263_scp.cli import main
from tg263_scp.decision import Candidate, Decision, Reason, Status
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.tools.names.accuracy.coverage import by_class, coverage, sets_all_named
from tg263_scp.tools.names.accuracy.evaluation import Judged, judge

pytestmark = pytest.mark.usefixtures("loaded_once")
ORGAN, HELPER, AMBIGUOUS = {"class": "organ"}, {"class": "planning"}, {"class": "ambiguous"}


@pytest.fixture
def judged(nomenclature: Nomenclature) -> list[Judged]:
    def row(
        status: Status, name: str, gold: str, groups: dict[str, str], accept: str = "", offered: str = ""
    ) -> Judged:
        candidates = tuple(Candidate(each, 0.5) for each in offered.split())
        decision = Decision("x", status, name, "R050", Reason.SYNONYM, candidates=candidates)
        return judge(decision, gold, nomenclature, frozenset(accept.split()), groups, "A")

    return [
        row(Status.RENAME, "Liver", "Liver", ORGAN),
        row(Status.REVIEW, "x", "Liver", ORGAN, accept="ABSTAIN", offered="Heart Liver"),
        row(Status.REVIEW, "x", "Liver", ORGAN, offered="Heart Lung_L Lung_R Eye_L Eye_R Liver"),
        row(Status.KEEP, "x", "Liver", ORGAN),
        row(Status.KEEP, "x", "ABSTAIN", HELPER),
        row(Status.REVIEW, "x", "ABSTAIN", HELPER, accept="z*"),
        row(Status.KEEP, "x", "ABSTAIN", AMBIGUOUS),
        row(Status.REVIEW, "x", "ABSTAIN", AMBIGUOUS),
    ]


def test_the_figures_count_what_they_say(judged: list[Judged]) -> None:
    assert coverage(judged).counts == {
        "named": (1, 4),
        "strict": (1, 3),
        "asked": (4, 8),
        "needless": (1, 2),
        "silent": (2, 6),
        "offered": (1, 2),
    }


def test_each_class_has_its_own(judged: list[Judged]) -> None:
    found = by_class(judged)
    assert list(found) == ["all", "ambiguous", "organ", "planning"]
    assert found["planning"].cells() == ("-", "-", "50.0%", "50.0%", "-", "-")


def test_a_set_is_named_where_every_name_that_is_due_was_given(judged: list[Judged]) -> None:
    assert sets_all_named(judged) == 0
    assert sets_all_named([judged[0], judged[4], judged[7]]) == 1
    assert sets_all_named([judged[0], judged[1]]) == 0


def test_evaluate_shows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gold = tmp_path / "gold.csv"
    rows = "lung li,organ,1,Lung_L\nring,planning,1,ABSTAIN\nqxt,organ,2,Lung_R\n"
    gold.write_text(f"original_name,class,structure_set,gold\n{rows}", encoding="utf-8")
    main(["evaluate", str(gold), "--json", "--report", str(tmp_path / "report")])
    figures = json.loads(capsys.readouterr().out)
    assert figures["coverage"]["all"]["named"] == {"share": 0.5, "part": 1, "of": 2}
    assert figures["structure_sets"]["all_named"] == 1
    assert "| organ | 50.0% |" in (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    main(["evaluate", str(gold)])
    assert "Named, asked and kept" in capsys.readouterr().out
