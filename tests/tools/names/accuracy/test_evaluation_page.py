"""``evaluate --report``: a page for a board, with what was measured, whole sets, work that is left and every error."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tg263_scp.cli import main
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.tools.names.accuracy.evaluation_findings import SetState
from tg263_scp.tools.names.accuracy.evaluation_page import About

pytestmark = pytest.mark.usefixtures("loaded_once")

GOLD = """original_name,structure_set,source,sender,class,site,gold
LUNG-L,1,clinic,TPS1,organ,thorax,Lung_L
Heart,1,clinic,TPS1,organ,thorax,Heart
lung r,2,clinic,TPS2,organ,thorax,Lung_L
qqx <b>,3,clinic,TPS2,organ,thorax,Heart
PTV 60 Gy,4,clinic,TPS1,target,thorax,PTV_6000
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    (folder / "gold.csv").write_text(GOLD, encoding="utf-8")
    main(["evaluate", str(folder / "gold.csv"), "--report", str(folder / "report"), "--json"])
    return folder / "report"


@pytest.fixture(scope="module")
def html(report: Path) -> str:
    return (report / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def figures(report: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((report / "figures.json").read_text(encoding="utf-8"))
    return found


def test_the_page_says_what_was_measured_with_what(
    html: str, report: Path, nomenclature: Nomenclature
) -> None:
    digest = hashlib.sha256((report.parent / "gold.csv").read_bytes()).hexdigest()
    for told in (
        "gold.csv",
        digest,
        nomenclature.edition,
        nomenclature.digest,
        "tg263-scp ",
        "none was asked",
    ):
        assert told in html
    assert nomenclature.edition.isdecimal()


def test_the_headline_counts_right_wrong_and_left(html: str) -> None:
    assert "Of 5 names 3 (60.0%) came out right and 1 (20.00%;" in html
    assert "1 of these on the wrong side; 1 (20.0%) are left for review." in html


def test_every_error_stands_there_as_text(html: str) -> None:
    assert "Names on the wrong side (1)" in html
    assert "Missed names (1)" in html
    assert "qqx &lt;b&gt;" in html
    assert "qqx <b>" not in html


def test_whole_sets_and_work_are_counted(figures: dict[str, Any]) -> None:
    assert figures["whole_sets"] == {SetState.READY: 2, SetState.WRONG: 1, SetState.TO_DECIDE: 1}
    assert figures["work_per_100"]["names_to_decide"] == 25.0
    assert figures["work_per_100"]["wrong_names_to_find"] == 25.0
    assert figures["clusters"] == {"by": "structure set", "n": 4, **dict.fromkeys(INTERVALS)}


INTERVALS = ("right_ci95", "missed_ci95", "wrong_ci95")


def test_organs_and_targets_are_counted_apart_and_by_sender(figures: dict[str, Any]) -> None:
    assert figures["parts"]["named organs only"]["by_occurrence"]["n"] == 4
    assert figures["parts"]["targets only"]["distinct"]["right"] == 1
    assert set(figures["groups"]["sender"]) == {"TPS1", "TPS2"}
    assert figures["confusion"][0] | {"rules": ()} == {
        **{"gold": "Lung_L", "answer": "Lung_R", "count": 1},
        "rules": (),
    }


def test_without_the_extra_there_are_tables_only(
    tmp_path: Path, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    assert "<svg" in (report / "report.html").read_text(encoding="utf-8")
    monkeypatch.setattr("tg263_scp.tools.report.charts.has_charts", lambda: False)
    main(["evaluate", str(report.parent / "gold.csv"), "--report", str(tmp_path / "plain"), "--json"])
    plain = (tmp_path / "plain" / "report.html").read_text(encoding="utf-8")
    assert "<svg" not in plain
    assert "tables only" in plain


def test_a_configuration_is_named_with_its_digest(tmp_path: Path, nomenclature: Nomenclature) -> None:
    config = tmp_path / "mine.yaml"
    config.write_text("llm: {enabled: no}\n", encoding="utf-8")
    told = About.now(config, nomenclature, config, {"model": "m", "digest": "d"})
    assert told.configuration == f"mine.yaml, SHA-256 {told.gold_sha256}"
    assert told.model == "m d"
