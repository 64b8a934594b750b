"""``map``: the table that comes out is the table that went in, with six columns more."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tg263_scp.cli import main
from tg263_scp.naming.standard.nomenclature import Nomenclature
from tg263_scp.service import namer as namers
from tg263_scp.service.namer import Namer
from tg263_scp.tools.names.map import ADDED_COLUMNS, map_file
from tg263_scp.tools.names.table import decide_table
from tg263_scp.tools.shared.csv_tables import Table, TableError, read_table
from tg263_scp.tools.shared.exitcode import ExitCode

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def namer(nomenclature: Nomenclature) -> Namer:
    return Namer(nomenclature)


def written(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "names.csv"
    path.write_bytes(text.encode(encoding))
    return path


def mapped(path: Path, namer: Namer, delimiter: str = ",") -> list[dict[str, str]]:
    text, _ = map_file(path, None, namer)
    return list(csv.DictReader(text.splitlines(keepends=True), delimiter=delimiter))


def test_rows_columns_and_their_order_stay(tmp_path: Path, namer: Namer) -> None:
    path = written(tmp_path, 'id,original_name,note\n7,LUNG-L,"a, b"\n3,Heart,\n7,no such thing,x\n')
    rows = mapped(path, namer)
    assert list(rows[0]) == ["id", "original_name", "note", *ADDED_COLUMNS]
    assert [(row["id"], row["original_name"], row["note"]) for row in rows] == [
        ("7", "LUNG-L", "a, b"),
        ("3", "Heart", ""),
        ("7", "no such thing", "x"),
    ]


def test_rename_keep_and_review_give_the_name_the_old_name_and_nothing(tmp_path: Path, namer: Namer) -> None:
    rows = mapped(written(tmp_path, "original_name\nLUNG-L\nHeart\nno such thing\n"), namer)
    assert [(row["status"], row["standard_name"]) for row in rows] == [
        ("rename", "Lung_L"),
        ("keep", "Heart"),
        ("review", ""),
    ]
    assert rows[0]["rule"] == "R040"
    assert rows[0]["reason"] == "respelled"
    assert 0 < float(rows[0]["confidence"]) <= 1


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("original_name,site\nLUNG-L,thorax\n", "utf-8-sig"),
        ("original_name;site\r\nLUNG-L;thorax\r\n", "utf-8"),
        ("original_name\tsite\nLUNG-L\tthorax\n", "utf-16"),
        ('"original_name"\t"site"\n"LUNG-L"\t"thorax"\n', "utf-8"),
        (" Original_Name ,site\nLUNG-L,thorax", "utf-8"),
    ],
)
def test_tables_as_spreadsheets_write_them(tmp_path: Path, namer: Namer, text: str, encoding: str) -> None:
    table = read_table(written(tmp_path, text, encoding))
    assert table.required("original_name") == ("LUNG-L",)
    assert table.optional("site") == ("thorax",)


def test_the_output_has_the_delimiter_of_the_input(tmp_path: Path, namer: Namer) -> None:
    rows = mapped(written(tmp_path, "id;original_name\n1;LUNG-L\n"), namer, delimiter=";")
    assert rows[0]["standard_name"] == "Lung_L"


def test_names_stay_exact_even_nasty_ones(tmp_path: Path, namer: Namer) -> None:
    names = [" Heart ", 'a"b', "a,b", "line\nbreak", "line\rbreak", "=1+1", "", "Hüftkopf"]
    path = tmp_path / "names.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([["original_name", "n"], *([name, "1"] for name in names)])
    out = tmp_path / "out.csv"
    map_file(path, out, namer)
    assert read_table(out).required("original_name") == tuple(names)


def test_the_columns_of_the_input_are_written_as_they_came(tmp_path: Path, namer: Namer) -> None:
    """Also what a spreadsheet would calculate; a guarded name of one of our sheets is decided as what it means."""
    rows = mapped(written(tmp_path, "original_name,note\n=1+1,+3mm\n'-PTV,@x\n-PTV,''-1\n"), namer)
    assert [(row["original_name"], row["note"]) for row in rows] == [
        ("=1+1", "+3mm"),
        ("'-PTV", "@x"),
        ("-PTV", "''-1"),
    ]
    added = [[row[title] for title in ADDED_COLUMNS] for row in rows]
    assert added[1] == added[2]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name\nHeart\n", "no column 'original_name'"),
        ("original_name,site,Original_Name\na,b,c\n", "stands there twice"),
        ("original_name,site\na,b\nc,d,e\n", ":3: 3 fields"),
        ("", "is empty"),
        ("original_name,status\na,b\n", "already has a column 'status'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_its_place(
    tmp_path: Path, namer: Namer, text: str, said: str
) -> None:
    with pytest.raises(TableError, match=said):
        map_file(written(tmp_path, text), None, namer)


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path, namer: Namer) -> None:
    with pytest.raises(TableError, match=":3: not UTF-8"):
        map_file(written(tmp_path, "original_name\nHeart\nHüfte\n", "latin-1"), None, namer)


def test_a_missing_column_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", str(written(tmp_path, "name\nHeart\n"))]) == ExitCode.USAGE
    assert "hint: the first line must name the columns; it names: name" in capsys.readouterr().err


def test_the_input_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "original_name\nLUNG-L\n")
    link = tmp_path / "link.csv"
    link.symlink_to(path)
    for output in (path, link):
        assert main(["map", str(path), "-o", str(output)]) == ExitCode.USAGE
    assert path.read_text(encoding="utf-8") == "original_name\nLUNG-L\n"
    assert "is the input itself" in capsys.readouterr().err


def test_map_writes_a_file_and_says_how_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new folder" / "out.csv"
    assert (
        main(["map", str(written(tmp_path, "original_name\nLUNG-L\nHeart\n")), "-o", str(out)])
        == ExitCode.DONE
    )
    assert "2 names: 1 keep, 1 rename, 0 review" in capsys.readouterr().out
    assert read_table(out).required("standard_name") == ("Lung_L", "Heart")
    assert list(out.parent.iterdir()) == [out]


def test_rows_of_one_set_are_decided_together_and_others_alone(tmp_path: Path, namer: Namer) -> None:
    names = ("LUNG-L", "lung l")
    together = Table(("original_name", "structure_set"), tuple((name, "A") for name in names))
    apart = Table(("original_name", "structure_set"), tuple((name, name) for name in names))
    without = Table(("original_name", "structure_set"), tuple((name, "") for name in names))
    assert [decision.reason for decision in decide_table(together, namer)] == ["clash_same_name"] * 2
    assert [decision.name for decision in decide_table(apart, namer)] == ["Lung_L"] * 2
    assert [decision.name for decision in decide_table(without, namer)] == ["Lung_L"] * 2


def test_sets_may_be_mixed_without_mixing_their_rows(namer: Namer) -> None:
    table = Table(
        ("original_name", "structure_set"),
        (("Heart", "B"), ("LUNG-L", "A"), ("no such thing", ""), ("LUNG-R", "B"), ("LUNG-R", "A")),
    )
    assert [decision.original for decision in decide_table(table, namer)] == list(
        table.required("original_name")
    )
    assert [decision.name for decision in decide_table(table, namer)] == [
        "Heart", "Lung_L", "no such thing", "Lung_R", "Lung_R",
    ]  # fmt: skip


def test_a_set_whose_rows_contradict_each_other_about_the_site_has_no_known_site(
    monkeypatch: pytest.MonkeyPatch, namer: Namer
) -> None:
    seen: list[str] = []
    real = namers.decide_set

    def watched(*arguments, site, **more):
        seen.append(site)
        return real(*arguments, site=site, **more)

    monkeypatch.setattr(namers, "decide_set", watched)
    for sites in (("thorax", "thorax"), ("thorax", ""), ("thorax", "pelvis")):
        table = Table(
            ("original_name", "structure_set", "site"), tuple(("Heart", "A", site) for site in sites)
        )
        decide_table(table, namer)
    assert seen == ["thorax", "thorax", ""]


def test_a_repeated_name_is_decided_once(monkeypatch: pytest.MonkeyPatch, namer: Namer) -> None:
    calls: list[str] = []
    real = namers.decide_set

    def counted(rois, *arguments, **more):
        calls.extend(roi.name for roi in rois)
        return real(rois, *arguments, **more)

    monkeypatch.setattr(namers, "decide_set", counted)
    rows = (("LUNG-L", ""), ("LUNG-L", ""), ("LUNG-L", "thorax"), ("LUNG-L", ""))
    decide_table(Table(("original_name", "site"), rows), namer)
    assert calls == ["LUNG-L", "LUNG-L"]


def test_the_settings_of_a_configuration_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "node.yaml"
    config.write_text('naming:\n  keep_patterns: ["lung*"]\n', encoding="utf-8")
    path = written(tmp_path, "original_name\nLUNG-L\n")
    assert main(["map", str(path), "--config", str(config)]) == ExitCode.DONE
    assert "LUNG-L,keep,LUNG-L,R000" in capsys.readouterr().out
