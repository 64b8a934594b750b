from __future__ import annotations

import io
import random
from dataclasses import replace

import pydicom
import pytest
from doubles.drafts import CODINGS, EXPLICIT, IMPLICIT, RTSTRUCT, draft

from tg263_scp.dicom.encoding.part10 import PREAMBLE_BYTES, read_file_meta, write_part10
from tg263_scp.dicom.reading.identify import identify, is_rtstruct
from tg263_scp.errors import HeldObjectError, HoldReason


def part10(data_set: bytes, **changes: str) -> bytes:
    out = io.BytesIO()
    said = {
        "sop_class_uid": RTSTRUCT.decode(),
        "sop_instance_uid": "1.2.3.4",
        "transfer_syntax_uid": EXPLICIT.transfer_syntax_uid,
    }
    write_part10(out, data_set, **{**said, **changes})
    return out.getvalue()


def test_a_structure_set_is_identified_in_every_coding(coding, stored):
    found = identify(stored(draft(b"Heart ").encoded(coding)))
    assert is_rtstruct(found.sop_class_uid)
    assert (found.sop_instance_uid, found.transfer_syntax_uid) == ("1.2.3.4", coding.transfer_syntax_uid)
    assert (found.study_instance_uid, found.series_instance_uid, found.patient_id) == (
        "1.2.3",
        "1.2.3.1",
        "ID-77",
    )


@pytest.mark.parametrize("coding", [c for c in CODINGS if not c.deflated], ids=lambda c: c.name)
def test_a_data_set_without_preamble_is_identified(coding, stored):
    found = identify(stored(draft(b"Heart ").data_set(coding)))
    assert found.sop_instance_uid == "1.2.3.4"
    assert found.transfer_syntax_uid == coding.transfer_syntax_uid


def test_file_meta_without_preamble_is_identified(stored):
    content = draft(b"Heart ").encoded(EXPLICIT)[PREAMBLE_BYTES + 4 :]
    assert identify(stored(content)).transfer_syntax_uid == EXPLICIT.transfer_syntax_uid


def test_an_object_of_another_class_is_identified_too(stored):
    ct = "1.2.840.10008.5.1.4.1.1.2"
    content = IMPLICIT.text(0x00080016, "UI", ct.encode()) + IMPLICIT.text(0x00080018, "UI", b"1.9")
    found = identify(stored(content))
    assert (found.sop_class_uid, found.sop_instance_uid) == (ct, "1.9")
    assert not is_rtstruct(found.sop_class_uid)


def test_a_dicomdir_is_no_storage_object(stored):
    assert identify(stored(part10(b"", sop_class_uid="1.2.840.10008.1.3.10"))) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"x",
        b"%PDF-1.7\n" * 50,
        b"\x89PNG\r\n" + bytes(500),
        bytes(1000),
        b"DICM" * 20,
        b"\x08\0\x05\0" * 99,
    ],
    ids=["empty", "one byte", "pdf", "png", "zeros", "prefix elsewhere", "almost"],
)
def test_what_is_not_dicom_is_none(content, stored):
    assert identify(stored(content)) is None


def test_dicom_that_cannot_be_followed_is_still_dicom(stored):
    assert identify(stored(bytes(PREAMBLE_BYTES) + b"DICM" + b"\x02\0\x10\0UI\xff\xff")).sop_class_uid == ""
    whole = draft(b"Heart ").encoded(EXPLICIT)
    assert identify(stored(whole[: len(whole) // 2])).sop_instance_uid == "1.2.3.4"


def test_no_content_raises_anything(coding, stored):
    content = draft(b"Heart ").encoded(coding)
    chance = random.Random(263)
    for _ in range(150):
        damaged = bytearray(content[: chance.randrange(len(content))])
        for _ in range(min(len(damaged), 4)):
            damaged[chance.randrange(len(damaged))] = chance.choice((0, 0xFF, chance.randrange(256)))
        identify(stored(bytes(damaged)))


def test_a_received_data_set_is_wrapped_and_not_touched(coding, stored):
    data_set = draft(b"Heart ").data_set(coding)
    content = part10(data_set, transfer_syntax_uid=coding.transfer_syntax_uid, source_ae_title="TPS")
    meta = read_file_meta(stored(content))
    assert content[meta.dataset_offset :] == data_set
    assert meta.transfer_syntax_uid == coding.transfer_syntax_uid
    assert (meta.sop_class_uid, meta.sop_instance_uid) == (RTSTRUCT.decode(), "1.2.3.4")


def test_pydicom_reads_the_file_meta_as_written():
    content = part10(draft(b"Heart ").data_set(EXPLICIT), source_ae_title=" A VERY LONG TITLE INDEED ")
    theirs = pydicom.dcmread(io.BytesIO(content))
    assert theirs.file_meta.SourceApplicationEntityTitle == "A VERY LONG TITL"
    assert theirs.file_meta.FileMetaInformationGroupLength + 128 + 4 + 12 == len(content) - len(
        draft(b"Heart ").data_set(EXPLICIT)
    )
    assert theirs.StructureSetROISequence[0].ROIName == "Heart"


@pytest.mark.parametrize("uid", ["", "1.2.x", "1.2\\3", "1." * 32 + "1", "../../etc", "1.2 "])
def test_what_is_not_a_uid_is_never_written_into_a_file_head(uid):
    with pytest.raises(ValueError, match="not a UID"):
        part10(b"", sop_instance_uid=uid)


def test_file_meta_in_implicit_vr_is_tolerated(stored):
    meta = IMPLICIT.text(0x00020003, "UI", b"1.2.3.4") + IMPLICIT.text(
        0x00020010, "UI", b"1.2.840.10008.1.2.1"
    )
    content = bytes(PREAMBLE_BYTES) + b"DICM" + meta + draft(b"Heart ").data_set(EXPLICIT)
    assert read_file_meta(stored(content)).transfer_syntax_uid == EXPLICIT.transfer_syntax_uid


def test_a_missing_transfer_syntax_is_guessed_from_the_first_element(stored):
    for coding in (IMPLICIT, EXPLICIT, CODINGS[4]):
        content = replace(coding, transfer_syntax_uid="").file(draft(b"Heart ").data_set(coding))
        assert read_file_meta(stored(content)).transfer_syntax_uid == coding.transfer_syntax_uid


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no", HoldReason.NOT_DICOM),
        (bytes(PREAMBLE_BYTES) + b"DICM", HoldReason.TRUNCATED),
        (bytes(PREAMBLE_BYTES) + b"DICM" + b"\x99" * 40, HoldReason.UNREADABLE),
        (bytes(PREAMBLE_BYTES) + b"DICM" + b"\x02\0\x10\0UI\x40\0" + b"1.2", HoldReason.TRUNCATED),
    ],
)
def test_a_head_that_cannot_be_read_is_held_with_its_reason(content, reason, stored):
    with pytest.raises(HeldObjectError) as held:
        read_file_meta(stored(content))
    assert held.value.reason == reason
