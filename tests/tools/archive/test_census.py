"""``census``: the names of an archive counted, with what ``relabel`` would make of them; nothing is written but tables."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pydicom
import pytest
from doubles.archives import files_of

from tg263_scp.cli import main
from tg263_scp.decision import Decision, Reason, Status
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.dicom.synthetic.structure_sets import write_synthetic
from tg263_scp.tools.archive.census import Census, CensusOrder, count_names
from tg263_scp.tools.archive.census_names import NameCounts
from tg263_scp.tools.shared.csv_tables import read_table

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two structure sets of two makers, one of them approved; the first once more; a text and an object of another kind."""
    folder = tmp_path_factory.mktemp("census") / "archive"
    first, second, *others = write_synthetic(folder)
    for other in others:
        other.unlink()
    altered(first, Manufacturer="Maker", StudyDate="20110101", StructureSetDate="20120202")
    altered(second, Manufacturer="Other", StudyDate="20130101", ApprovalStatus="APPROVED")
    shutil.copy(first, folder / "once more.dcm")
    (folder / "notes.txt").write_text("no DICOM", encoding="utf-8")
    altered(Path(shutil.copy(first, folder / "plan.dcm")), SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5")
    (folder / "broken.dcm").write_bytes(first.read_bytes()[:900])
    return folder


def altered(path: Path, **elements: str) -> None:
    dataset = pydicom.dcmread(path)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)


@pytest.fixture(scope="module")
def counted(archive: Path) -> Census:
    return count_names(CensusOrder((archive,), None, None, None))


def test_what_relabel_would_leave_is_counted_at_the_top(counted: Census) -> None:
    told = counted.as_json()
    assert (told["structure_sets"], told["approved"], told["signed"]) == (2, 1, 0)
    assert (told["same_set_again"], told["other_objects"], told["not_dicom"], told["not_read"]) == (
        1,
        1,
        1,
        1,
    )


def test_a_name_is_told_with_its_answer_and_where_it_was_met(counted: Census, archive: Path) -> None:
    rows = [each.as_json() for each in counted.names.most_frequent_first()]
    assert sum(row["count"] for row in rows) == counted.names.rois
    renamed = [row for row in rows if row["status"] == "rename"]
    assert renamed
    assert all(row["standard_name"] and row["why"] for row in renamed)
    years = {year for row in rows for year in row["years"]}
    assert years == {"2012", "2024"}, "the day of the structure set goes before that of the study"


def test_nothing_is_written_but_the_tables(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files_of(archive)
    main(["census", str(archive), "-o", str(tmp_path / "census")])
    said = capsys.readouterr().out
    assert files_of(archive) == before
    assert "1 approved: relabel leaves them as they are; --approved relabel" in said
    assert set(files_of(tmp_path / "census")) == {"names.csv", "files.csv", "census.json"}
    files = read_table(tmp_path / "census" / "files.csv")
    assert sorted(files.required("outcome")) == ["held", "left out", "left out", "not DICOM"]
    told = json.loads((tmp_path / "census" / "census.json").read_text(encoding="utf-8"))
    assert told["distinct_names"] == len({row["original_name"] for row in told["names"]})


def waiting(verb_config: Path, table: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    main(["review", "list", "--manifest", str(table), "--config", str(verb_config), "--json"])
    names: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return sorted(
        (
            {key: each[key] for key in ("name", "count", "objects", "senders", "sites", "reasons")}
            for each in names
        ),
        key=lambda each: str(each["name"]),
    )


def test_review_list_takes_a_census_as_it_takes_a_manifest(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(f"spool:\n  folder: {tmp_path / 'spool'}\n", encoding="utf-8")
    main(["census", str(archive), "-o", str(tmp_path / "census")])
    main(["relabel", str(archive), "--output", str(tmp_path / "out")])
    of_census = waiting(config, tmp_path / "census" / "names.csv", capsys)
    assert of_census == waiting(config, tmp_path / "out" / "manifest.csv", capsys)
    assert of_census


def test_a_name_that_a_set_has_twice_counts_twice_in_one_set(archive: Path) -> None:
    structure_set = read_structure_set(archive / "once more.dcm")
    counts = NameCounts()
    decisions = [
        Decision(roi.name, Status.REVIEW, roi.name, "R080", Reason.UNMATCHED) for roi in structure_set.rois
    ]
    for _ in range(2):
        counts.add(structure_set, decisions, "Maker")
    first = counts.most_frequent_first()[0]
    assert (first.count, first.sets) == (2, 2)
