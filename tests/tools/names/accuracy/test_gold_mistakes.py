"""A mistake among the labels is an error with its line, never a figure."""

from __future__ import annotations

from pathlib import Path

import pytest

from tg263_scp.cli import main
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.tools.names.accuracy.gold_mistakes import check_gold
from tg263_scp.tools.shared.csv_tables import TableError, read_table
from tg263_scp.tools.shared.exitcode import ExitCode

pytestmark = pytest.mark.usefixtures("loaded_once")


def checked(tmp_path: Path, nomenclature: Nomenclature, *rows: str) -> str:
    """What is said of a table."""
    path = tmp_path / "gold.csv"
    path.write_text("\n".join(("original_name,gold,accept", *rows, "")), encoding="utf-8")
    try:
        check_gold(read_table(path), path, nomenclature)
    except TableError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize(
    "labels",
    [
        *("Lung_L,", "PTV_6000,PTV_60Gy", "Brain_PRV03,", "Lungs-PTV,ABSTAIN|Lungs", "ABSTAIN,z*"),
        *("Heart,Femur_RTOG", "zRing,", "z*,"),
    ],
)
def test_names_as_the_standard_writes_them_pass(
    labels: str, tmp_path: Path, nomenclature: Nomenclature
) -> None:
    assert checked(tmp_path, nomenclature, f"x,{labels}") == ""


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ("lung_l,", "TG-263 has no name 'lung_l'; did you mean 'Lung_L'?"),
        ("Qqx,", "TG-263 has no name 'Qqx'"),
        ("Thalamus,", "TG-263 has no name 'Thalamus'"),
        ("abstain,", "the label 'abstain' must be written ABSTAIN"),
        (",", "there is no gold label"),
        ("Heart,Abstain", "the accepted label 'Abstain' must be written ABSTAIN"),
        ("Heart,the heart", "the accepted label 'the heart' is not a name"),
    ],
)
def test_a_mistake_is_named_with_its_line(
    labels: str, said: str, tmp_path: Path, nomenclature: Nomenclature
) -> None:
    told = checked(tmp_path, nomenclature, '"two\nlines",Heart,', f"x,{labels}")
    assert f"gold.csv:4: {said}" in told


def test_a_table_without_rows_is_refused(tmp_path: Path, nomenclature: Nomenclature) -> None:
    assert "no row to measure with" in checked(tmp_path, nomenclature)


def test_the_verb_refuses_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gold.csv"
    path.write_text("original_name,gold\nx,abstain\n", encoding="utf-8")
    assert main(["evaluate", str(path)]) == ExitCode.USAGE
    assert "gold.csv:2:" in capsys.readouterr().err
