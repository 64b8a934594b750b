"""A set under new UIDs names its predecessor, and what refers to it follows."""

from __future__ import annotations

import os
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pydicom
import pytest
from doubles.drafts import EXPLICIT
from doubles.edits import MIXED, NEW, VARIANTS, data_set_of, files_in, with_elements

from tg263_scp.dicom.editing import new_uids as uid_policy_module
from tg263_scp.dicom.editing.new_uids import UidMap, new_uids
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.editing.revert import revert
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason

UIDS = UidMap(b"a key of 16 byte")
NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


def read(path: Path) -> pydicom.Dataset:
    return pydicom.dcmread(path, force=True)


READABLE = {name: switches for name, switches in VARIANTS.items() if "un_sequences" not in switches}
"""pydicom reads UN of undefined length in the byte order of the rest."""


@pytest.mark.parametrize("switches", READABLE.values(), ids=READABLE)
def test_only_identifiers_dates_and_the_predecessor_differ(coding, switches, stored, tmp_path):
    source, target = stored(replace(MIXED, **switches).encoded(coding)), tmp_path / "new.dcm"
    report = new_uids(source, target, UIDS, NOW)
    old, new = read(source), read(target)
    assert report.old_sop_instance_uid == old.SOPInstanceUID
    assert report.new_sop_instance_uid == new.SOPInstanceUID == UIDS.instance(old.SOPInstanceUID)
    assert report.new_series_instance_uid == new.SeriesInstanceUID == UIDS.series(old.SeriesInstanceUID)
    assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID
    assert (new.StructureSetDate, new.StructureSetTime) == ("20261123", "123000.000000")
    (predecessor,) = new.PredecessorStructureSetSequence
    assert predecessor.ReferencedSOPInstanceUID == old.SOPInstanceUID
    assert predecessor.ReferencedSOPClassUID == old.SOPClassUID
    for each in (old, new):
        for tag in (0x00080018, 0x0020000E, 0x30060008, 0x30060009, 0x30060018):
            each.pop(tag, None)
        each.pop(0x30060000, None)
    assert new == old
    assert [roi.raw_name for roi in read_structure_set(target).rois] == [
        roi.raw_name for roi in read_structure_set(source).rois
    ]


def test_the_file_meta_still_counts_itself(coding, stored, tmp_path):
    target = tmp_path / "new.dcm"
    new_uids(stored(MIXED.encoded(coding)), target, UIDS, NOW)
    content = target.read_bytes()
    counted = int.from_bytes(content[140:144], "little")
    meta = pydicom.filereader.read_file_meta_info(target)
    assert meta.FileMetaInformationGroupLength == counted
    start = data_set_of(MIXED.encoded(coding), coding).index(MIXED.parts(coding)[0][:8], 132)
    grown = len(UIDS.instance("1.2.3.4")) + len(UIDS.instance("1.2.3.4")) % 2 - len("1.2.3.4\0")
    assert 144 + counted == start + grown


def test_earlier_dates_and_predecessors_are_replaced_and_kept(coding, stored, tmp_path):
    reference = coding.text(0x00081150, "UI", b"1.2.840") + coding.text(0x00081155, "UI", b"9.9.9")
    more = [coding.text(0x30060008, "DA", b"20200101"), coding.text(0x30060009, "TM", b"1200")]
    more.append(coding.sequence(0x30060018, [reference]))
    target = tmp_path / "new.dcm"
    new_uids(stored(with_elements(MIXED, coding, *more)), target, UIDS, NOW)
    new = read(target)
    assert new.StructureSetDate == "20261123"
    assert [item.ReferencedSOPInstanceUID for item in new.PredecessorStructureSetSequence] == [
        "9.9.9",
        "1.2.3.4",
    ]


def test_a_file_without_meta_stays_without(stored, tmp_path):
    target = tmp_path / "new.dcm"
    new_uids(stored(MIXED.data_set(EXPLICIT)), target, UIDS, NOW)
    assert target.read_bytes()[:4] == MIXED.data_set(EXPLICIT)[:4]
    assert read(target).SOPInstanceUID == UIDS.instance("1.2.3.4")


def test_new_uids_repeat_with_the_key_and_differ_without_it():
    assert UIDS.instance("1.2.3") == UidMap(b"a key of 16 byte").instance("1.2.3")
    assert UIDS.instance("1.2.3") != UIDS.instance("1.2.4")
    assert UIDS.instance("1.2.3") != UIDS.series("1.2.3")
    assert UIDS.instance("1.2.3") != UidMap(b"b key of 16 byte").instance("1.2.3")
    root, number = UIDS.instance("1.2.3").split(".", 1)[0], int(UIDS.instance("1.2.3").removeprefix("2.25."))
    assert root == "2"
    assert uuid.UUID(int=number).variant == uuid.RFC_4122
    with pytest.raises(ValueError, match="at least 16 bytes"):
        UidMap(b"short")


def test_a_set_under_new_uids_is_not_reverted(stored, tmp_path):
    relabel(stored(MIXED.encoded(EXPLICIT)), tmp_path / "ours.dcm", NEW, provenance=Provenance(NOW, "NODE1"))
    new_uids(tmp_path / "ours.dcm", tmp_path / "new.dcm", UIDS, NOW)
    with pytest.raises(HeldObjectError) as held:
        revert(tmp_path / "new.dcm", tmp_path / "out.dcm")
    assert held.value.reason == HoldReason.NEW_OBJECT
    assert "Predecessor Structure Set Sequence" in held.value.hint


def test_a_copy_that_is_not_what_it_should_be_is_discarded(coding, stored, tmp_path, monkeypatch):
    whole = uid_policy_module.write_spliced

    def write_and_spoil(before, patches, out, **options):
        whole(before, patches, out, **options)
        out.seek(10)
        out.write(b"!")

    monkeypatch.setattr(uid_policy_module, "write_spliced", write_and_spoil)
    source = stored(MIXED.encoded(coding))
    with pytest.raises(HeldObjectError) as held:
        new_uids(source, tmp_path / "new.dcm", UIDS, NOW)
    assert held.value.reason == HoldReason.EDIT_NOT_PROVEN
    assert files_in(tmp_path) == ["received.dcm"]


def test_an_existing_target_is_never_overwritten(stored, tmp_path):
    source = stored(MIXED.encoded(EXPLICIT))
    with pytest.raises(FileExistsError):
        new_uids(source, source, UIDS, NOW)
    assert source.read_bytes() == MIXED.encoded(EXPLICIT)


@pytest.mark.skipif(
    not os.environ.get("TG263_RTSTRUCT_DIR"),
    reason="TG263_RTSTRUCT_DIR names no folder of real structure sets",
)
def test_every_real_file_gets_new_uids(tmp_path):
    paths = sorted(Path(os.environ["TG263_RTSTRUCT_DIR"]).glob("*.dcm"))
    assert paths
    for number, path in enumerate(paths):
        target = tmp_path / f"{number}.dcm"
        report = new_uids(path, target, UIDS, NOW)
        assert (
            read(target).PredecessorStructureSetSequence[-1].ReferencedSOPInstanceUID
            == report.old_sop_instance_uid
        )
        assert read(target).ROIContourSequence == read(path).ROIContourSequence
