from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from doubles.drafts import CODINGS, EXPLICIT, IMPLICIT, Draft, DraftRoi, draft

from tg263_scp.dicom.encoding.budget import Budget, within
from tg263_scp.dicom.reading.structure_set import RoiRecord, read_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason


@pytest.fixture
def read(stored):
    def read_draft(content: Draft | bytes, coding=EXPLICIT):
        return read_structure_set(stored(content.encoded(coding) if isinstance(content, Draft) else content))

    return read_draft


def only_roi(structure_set) -> RoiRecord:
    (roi,) = structure_set.rois
    return roi


def test_rois_are_read_in_every_coding(coding, read):
    found = read(Draft((DraftRoi(b"Heart ", b"Heart "), DraftRoi(b"Lung_L", None, b"AVOIDANCE"))), coding)
    assert [(roi.index, roi.number, roi.name, roi.interpreted_type) for roi in found.rois] == [
        (0, 1, "Heart", "ORGAN"),
        (1, 2, "Lung_L", "AVOIDANCE"),
    ]
    assert [roi.raw_label for roi in found.rois] == [b"Heart ", None]


def test_the_object_is_identified_in_every_coding(coding, read):
    found = read(draft(b"Heart "), coding)
    assert found.sop_instance_uid == "1.2.3.4"
    assert (found.study_instance_uid, found.series_instance_uid) == ("1.2.3", "1.2.3.1")
    assert found.transfer_syntax_uid == coding.transfer_syntax_uid
    assert (found.series_description, found.structure_set_label) == ("pelvis", "Plan 1")
    assert (found.approval_status, found.has_digital_signature) == ("UNAPPROVED", False)


def test_what_identifies_a_person_is_collected(read):
    more = (
        (0x00100030, "DA", b"19600229"),
        (0x00101000, "LO", b"OLD-1\\OLD-2 "),
        (0x00081048, "PN", b"Strange "),
        (0x300E0008, "PN", b"Dr. Who "),
    )
    found = read(replace(Draft((DraftRoi(b"Heart ", interpreter=b"Jekyll^Henry"),)), more=more))
    assert found.patient_id == "ID-77"
    assert set(found.identifiers) == {
        *("Doe", "Jane", "ID-77", "19600229", "OLD-1", "OLD-2"),
        *("Dr.", "Who", "Strange", "Jekyll", "Henry"),
    }


def test_an_item_may_have_a_character_set_of_its_own(read):
    rois = (
        DraftRoi("Hüfte".encode("latin-1")),
        DraftRoi("Hüfte".encode(), "Hüfte".encode(), charset=b"ISO_IR 192"),
    )
    first, second = read(Draft(rois)).rois
    assert (first.name, second.name) == ("Hüfte", "Hüfte")


@pytest.mark.parametrize(("charset", "raw"), [(b"ISO_IR 100", b"Lung\\L"), (b"ISO_IR 13", b"Lung\\L")])
def test_a_name_with_a_backslash_is_two_values_and_unreadable(read, charset, raw):
    roi = only_roi(read(draft(raw, charset=charset)))
    assert (roi.readable, roi.fault) == (False, HoldReason.MULTI_VALUED_NAME)


@pytest.mark.parametrize(
    ("raw", "name"),
    [(b"Lung ", "Lung"), (b"Lung\0", "Lung"), (b"Lung \0", "Lung"), (b" Lung", " Lung"), (b"  ", "")],
)
def test_only_padding_behind_a_name_is_taken_off(read, raw, name):
    roi = only_roi(read(draft(raw)))
    assert (roi.name, roi.raw_name, roi.readable) == (name, raw, True)


def test_empty_absent_long_and_repeated_names_are_read(read):
    rois = read(draft(b"", None, b"x" * 64, b"Heart ", b"Heart ")).rois  # type: ignore[arg-type]
    assert [roi.name for roi in rois] == ["", "", "x" * 64, "Heart", "Heart"]
    assert [roi.raw_name for roi in rois][:2] == [b"", None]


def test_a_value_of_kilobytes_is_not_a_name(read):
    roi = only_roi(read(draft(b"x" * 5000)))
    assert (roi.readable, roi.fault, roi.raw_name) == (False, HoldReason.UNREADABLE_NAME, None)


def test_a_roi_number_that_occurs_twice_takes_nothing_from_the_observations(read):
    rois = (DraftRoi(b"a ", b"a ", number=b"7"), DraftRoi(b"b ", b"b ", number=b"7"), DraftRoi(b"c ", b"c "))
    assert [(roi.interpreted_type, roi.raw_label) for roi in read(Draft(rois)).rois] == [
        ("", None),
        ("", None),
        ("ORGAN", b"c "),
    ]


def test_a_roi_number_that_is_no_number_is_none(read):
    rois = read(Draft((DraftRoi(b"a ", number=b"one "), DraftRoi(b"b ", number=b" +12")))).rois
    assert [roi.number for roi in rois] == [None, 12]


def test_an_empty_roi_sequence_is_a_structure_set(coding, read):
    assert read(draft(), coding).rois == ()


def test_sequences_sent_as_un_are_read(coding, read):
    found = read(draft(b"Heart ", b"Lung_L", un_sequences=True), coding)
    assert [roi.name for roi in found.rois] == ["Heart", "Lung_L"]


def test_a_digital_signature_is_noticed(coding, read):
    content = draft(b"Heart ").data_set(coding) + coding.sequence(0xFFFAFFFA, [b""])
    assert read(coding.file(content)).has_digital_signature


def test_files_without_preamble_and_file_meta_are_read(stored):
    path = stored(draft(b"Heart ").data_set(IMPLICIT))
    assert only_roi(read_structure_set(path)).name == "Heart"
    assert only_roi(read_structure_set(stored(draft(b"Heart ").data_set(EXPLICIT)))).name == "Heart"


def held(content: bytes, stored) -> str:
    with pytest.raises(HeldObjectError) as problem:
        read_structure_set(stored(content))
    return problem.value.reason


def test_an_object_that_cannot_be_edited_is_held_with_its_reason(stored):
    parts = draft(b"Heart ").parts(EXPLICIT)
    whole = b"".join(parts)
    roi_sequence = next(part for part in parts if part.startswith(b"\x06\x30\x20\x00"))
    ct = EXPLICIT.text(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.2")
    unknown = replace(EXPLICIT, transfer_syntax_uid="1.2.840.113619.5.2")
    assert held(b"%PDF-1.7" + bytes(range(200)), stored) == HoldReason.NOT_DICOM
    assert held(b"", stored) == HoldReason.NOT_DICOM
    assert held(EXPLICIT.file(ct), stored) == HoldReason.NOT_RTSTRUCT
    assert held(EXPLICIT.file(whole.replace(roi_sequence, b"")), stored) == HoldReason.NO_ROI_SEQUENCE
    assert held(EXPLICIT.file(b"")[:-2], stored) == HoldReason.TRUNCATED
    assert held(EXPLICIT.file(whole[:-3]), stored) == HoldReason.TRUNCATED
    assert held(EXPLICIT.file(whole.replace(roi_sequence, roi_sequence * 2)), stored) == HoldReason.UNREADABLE
    assert held(unknown.file(whole), stored) == HoldReason.UNSUPPORTED_TRANSFER_SYNTAX
    assert held(replace(EXPLICIT, transfer_syntax_uid=IMPLICIT.transfer_syntax_uid).file(whole), stored) in (
        HoldReason.UNREADABLE,
        HoldReason.TRUNCATED,
    )


def test_a_deflated_data_set_that_swells_beyond_the_limit_is_held(stored):
    bomb = CODINGS[6].file(bytes(1_000_000))
    assert len(bomb) < 2000
    with within(Budget(inflated_bytes=100_000)):
        assert held(bomb, stored) == HoldReason.TOO_COSTLY


def test_a_set_that_takes_too_much_processor_time_is_held(stored, coding):
    with within(Budget(cpu_s=0.0)):
        assert held(draft(b"Heart ").encoded(coding), stored) == HoldReason.TOO_COSTLY
    assert read_structure_set(stored(draft(b"Heart ").encoded(coding))).rois


def test_more_rois_than_the_limit_are_held(coding, stored, monkeypatch):
    monkeypatch.setattr("tg263_scp.dicom.reading.roi_items.MAX_ITEMS", 3)
    assert (
        held(draft(b"Heart ", b"Lung_L", b"Lung_R", b"Liver ").encoded(coding), stored)
        == HoldReason.UNREADABLE
    )


def test_no_error_text_holds_a_name_or_patient_data(coding, stored):
    content = draft(b"SECRET").encoded(coding)
    said = set()
    for cut in range(0, len(content), 7):
        try:
            read_structure_set(stored(content[:cut]))
        except HeldObjectError as problem:
            said.add(str(problem))
    assert len(said) > 2
    assert not any(word in text for text in said for word in ("SECRET", "Doe", "Jane", "ID-77"))


@pytest.mark.skipif(
    not os.environ.get("TG263_RTSTRUCT_DIR"),
    reason="TG263_RTSTRUCT_DIR names no folder of real structure sets",
)
def test_every_real_file_reads_as_pydicom_reads_it():
    paths = sorted(Path(os.environ["TG263_RTSTRUCT_DIR"]).glob("*.dcm"))
    assert paths
    for path in paths:
        theirs = pydicom.dcmread(path, force=True)
        names = [str(item.ROIName) for item in theirs.StructureSetROISequence]
        assert [roi.name for roi in read_structure_set(path).rois] == names
