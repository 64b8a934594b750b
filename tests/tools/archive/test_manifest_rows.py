"""The manifest tells of every file: whose it was, when it was drawn, and why it has no copy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest
from doubles.archives import files_of, manifest_rows

from tg263_scp.cli import main
from tg263_scp.dicom.synthetic.structure_sets import write_synthetic
from tg263_scp.errors import HoldReason
from tg263_scp.tools.archive.copies import Order
from tg263_scp.tools.archive.find_files import Source
from tg263_scp.tools.archive.manifest_rows import left_out_row
from tg263_scp.tools.archive.outcome import What
from tg263_scp.tools.archive.relabel import Summary, relabel_archive, show_summary
from tg263_scp.tools.shared.terminal import open_console

pytestmark = pytest.mark.usefixtures("loaded_once")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    first, *_ = write_synthetic(folder)
    for other in folder.glob("*.dcm"):
        if other != first:
            other.unlink()
    first.rename(folder / "a.dcm")
    return folder


def run(archive: Path, output: Path, **more) -> Summary:
    return relabel_archive(Order((archive,), output, **more))


def altered(path: Path, **elements: str) -> Path:
    dataset = pydicom.dcmread(path)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def test_a_row_tells_who_made_the_set_and_when(archive: Path, tmp_path: Path) -> None:
    altered(
        archive / "a.dcm",
        Manufacturer="Maker",
        ManufacturerModelName="Planner",
        StationName="ws7",
        StudyDate="20110101",
        StructureSetDate="20120202",
    )
    dataset = pydicom.dcmread(archive / "a.dcm")
    run(archive, tmp_path / "out")
    for row in manifest_rows(tmp_path / "out"):
        assert (row["manufacturer"], row["model"], row["station"]) == ("Maker", "Planner", "ws7")
        assert row["date"] == "20120202"
        assert row["study_instance_uid"] == dataset.StudyInstanceUID
        assert row["series_instance_uid"] == dataset.SeriesInstanceUID


def test_what_is_no_structure_set_has_a_row_that_says_so(archive: Path, tmp_path: Path) -> None:
    (archive / "notes.txt").write_text("no DICOM", encoding="utf-8")
    altered(shutil.copy(archive / "a.dcm", archive / "plan.dcm"), SOPClassUID="1.2.840.10008.5.1.4.1.1.481.5")
    run(archive, tmp_path / "out")
    rows = {row["output"]: row for row in manifest_rows(tmp_path / "out")}
    assert rows["notes.txt"]["outcome"] == "not DICOM"
    assert (rows["plan.dcm"]["outcome"], rows["plan.dcm"]["reason"]) == ("left out", "not_rtstruct")
    assert rows["plan.dcm"]["study_instance_uid"] == rows["a.dcm"]["study_instance_uid"]
    assert len(left_out_row(Source(archive, "x"), What.NOT_DICOM, "", None)) == len(rows["a.dcm"])


def test_the_second_file_of_one_structure_set_is_left_out(archive: Path, tmp_path: Path) -> None:
    shutil.copy(archive / "a.dcm", archive / "b.dcm")
    summary = run(archive, tmp_path / "out")
    assert summary.objects == {What.RELABELLED: 1, What.LEFT_OUT: 1}
    (row,) = (row for row in manifest_rows(tmp_path / "out") if row["output"] == "b.dcm")
    assert (row["outcome"], row["reason"]) == ("left out", HoldReason.DUPLICATE_UID)
    assert not (tmp_path / "out" / "b.dcm").exists()
    before = files_of(tmp_path / "out")
    assert run(archive, tmp_path / "out").objects == {What.DONE_BEFORE: 1, What.LEFT_OUT: 1}
    assert files_of(tmp_path / "out") == before


def test_files_of_one_uid_that_differ_both_get_their_copy(archive: Path, tmp_path: Path) -> None:
    altered(shutil.copy(archive / "a.dcm", archive / "b.dcm"), StructureSetLabel="another")
    assert run(archive, tmp_path / "out").objects == {What.RELABELLED: 2}


def test_twins_are_copied_where_every_file_is_wanted(archive: Path, tmp_path: Path) -> None:
    shutil.copy(archive / "a.dcm", archive / "b.dcm")
    assert run(archive, tmp_path / "out", copy_others=True).objects == {What.RELABELLED: 2}


def test_an_approved_set_is_counted_as_left_and_its_names_as_not_written(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    altered(archive / "a.dcm", ApprovalStatus="APPROVED")
    summary = run(archive, tmp_path / "out")
    assert summary.as_they_were == {"approved": 1}
    assert summary.not_written > 0
    assert not summary.names
    show_summary(summary, open_console())
    assert "1 structure sets stayed as they were" in capsys.readouterr().out
    assert run(archive, tmp_path / "out").as_they_were == {"approved": 1}


def test_approved_sets_are_relabelled_where_the_option_says_so(archive: Path, tmp_path: Path) -> None:
    altered(archive / "a.dcm", ApprovalStatus="APPROVED")
    output = tmp_path / "out"
    assert main(["relabel", str(archive), "--output", str(output), "--approved", "relabel"]) == 0
    assert {row["outcome"] for row in manifest_rows(output)} == {"relabelled"}


def test_another_answer_about_approved_sets_is_another_setting(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    run(archive, output)
    assert main(["relabel", str(archive), "--output", str(output), "--approved", "relabel"]) == 2
    assert "naming changed since" in capsys.readouterr().err
