"""What was relabelled with provenance becomes the sender's object again, byte for byte, or nothing is written."""

from __future__ import annotations

import hashlib
import os
import random
import struct
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pydicom
import pytest
from doubles.drafts import EXPLICIT, Coding, Draft, DraftRoi, draft
from doubles.edits import (
    MIXED,
    NEW,
    VARIANTS,
    data_set_of,
    files_in,
    foreign,
    head_bytes,
    transcoded,
    with_elements,
)

from tg263_scp.dicom.editing import provenance as provenance_module
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.editing.revert import revert
from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason

FIRST = Provenance(datetime(2026, 11, 23, 12, tzinfo=UTC), "NODE1")
SECOND = Provenance(datetime(2027, 1, 2, 3, tzinfo=UTC), "NODE2")


@pytest.fixture
def there_and_back(stored, tmp_path):
    def run(content: bytes, names: dict[int, str]):
        there, back = tmp_path / "relabelled.dcm", tmp_path / "reverted.dcm"
        relabel(stored(content), there, names, provenance=FIRST)
        report = revert(there, back)
        return back.read_bytes(), report

    return run


@pytest.mark.parametrize("switches", VARIANTS.values(), ids=VARIANTS)
def test_the_sender_gets_his_file_back(coding, switches, there_and_back):
    content = replace(MIXED, **switches).encoded(coding)
    back, report = there_and_back(content, NEW)
    assert back == content
    assert (report.names, report.labels, report.earlier) == (5, 2, 0)
    assert (report.relabelled_at, report.modifying_system) == ("20261123120000.000000+0000", "NODE1")


def test_what_earlier_systems_recorded_comes_back_too(coding, there_and_back):
    counted = [
        coding.element(group << 16, "UL", struct.pack(coding.order + "I", 9)) for group in (8, 0x18, 0x400)
    ]
    counted.append(coding.element(0x00080001, "UL", struct.pack(coding.order + "I", 9)))
    content = with_elements(MIXED, coding, *counted, *foreign(coding))
    assert there_and_back(content, NEW)[0] == content


def test_empty_sequences_of_the_sender_stay(coding, there_and_back):
    content = with_elements(MIXED, coding, coding.sequence(0x0018A001, []), coding.sequence(0x04000561, []))
    assert there_and_back(content, NEW)[0] == content


def test_equipment_of_unknown_vr_comes_back_too(there_and_back):
    content = with_elements(MIXED, EXPLICIT, EXPLICIT.element(0x0018A001, "UN", b""))
    assert there_and_back(content, NEW)[0] == content


def test_bytes_behind_the_data_set_come_back_too(coding, there_and_back):
    content = MIXED.encoded(coding) + bytes(0 if coding.deflated else 6)
    assert there_and_back(content, NEW)[0] == content


def test_a_file_without_preamble_comes_back_too(coding, there_and_back):
    if coding.deflated or coding.big_endian:
        return  # nobody could tell the transfer syntax
    content = draft(b"cord").data_set(coding)
    assert there_and_back(content, {0: "SpinalCord"})[0] == content


def test_each_relabelling_is_reverted_in_turn(coding, stored, tmp_path):
    content = MIXED.encoded(coding)
    once, twice = tmp_path / "once.dcm", tmp_path / "twice.dcm"
    relabel(stored(content), once, NEW, provenance=FIRST)
    relabel(once, twice, {0: "Lung_R", 8: "Heart_1"}, provenance=SECOND)
    report = revert(twice, tmp_path / "back to once.dcm")
    assert (report.names, report.earlier, report.modifying_system) == (2, 1, "NODE2")
    assert (tmp_path / "back to once.dcm").read_bytes() == once.read_bytes()
    assert revert(tmp_path / "back to once.dcm", tmp_path / "back.dcm").earlier == 0
    assert (tmp_path / "back.dcm").read_bytes() == content


def test_what_recorded_a_plain_digest_as_0_1_0_did_is_reverted(coding, there_and_back, monkeypatch):
    monkeypatch.setattr(provenance_module, "_FOLDED", "")
    content = MIXED.encoded(coding)
    back, report = there_and_back(content, NEW)
    assert back == content
    assert report.data_set_sha256 == hashlib.sha256(MIXED.data_set(coding)).hexdigest()


def test_a_large_set_comes_back_too(coding, there_and_back):
    source = replace(MIXED, loops=300)
    back, report = there_and_back(source.encoded(coding), NEW)
    assert back == source.encoded(coding)
    assert report.data_set_sha256 == source.folded_sha256(coding)


def refused(source: Path, target: Path) -> str:
    before = files_in(target.parent)
    with pytest.raises(HeldObjectError) as held:
        revert(source, target)
    assert files_in(target.parent) == before
    return held.value.reason


@pytest.mark.parametrize("left_by", ["nobody", "another system", "us without provenance"])
def test_an_object_that_is_not_ours_is_refused(coding, left_by, stored, tmp_path):
    source = stored(MIXED.encoded(coding))
    if left_by == "another system":
        source = stored(with_elements(MIXED, coding, *foreign(coding)))
    elif left_by == "us without provenance":
        source = tmp_path / "relabelled.dcm"
        relabel(stored(MIXED.encoded(coding)), source, NEW)
    assert refused(source, tmp_path / "out.dcm") == HoldReason.NOT_OURS


def changed_contour(raw: bytes, coding: Coding) -> bytes:
    return raw.replace(b"1\\2\\3\\4", b"1\\2\\3\\5", 1)


def changed_name(raw: bytes, coding: Coding) -> bytes:
    return raw.replace(b"other ", b"othel ", 1)


def changed_new_name(raw: bytes, coding: Coding) -> bytes:
    return raw.replace(b"SpinalCord", b"SpinalCore")


def added_roi(raw: bytes, coding: Coding) -> bytes:
    start = raw.index(coding.element(0x30060020, "SQ", b"")[:4], raw.rindex(b"CORRECT"))
    if coding.undefined:
        at = start + (12 if coding.explicit else 8)
        return raw[:at] + coding.item(coding.text(0x30060022, "IS", b"99")) + raw[at:]
    return raw.replace(b"Bag_Bowel", b"Bag_Bones")


def changed_time(raw: bytes, coding: Coding) -> bytes:
    return raw.replace(b"20261123120000.000000", b"20261123120000.000001", 1)


def changed_description(raw: bytes, coding: Coding) -> bytes:
    return raw.replace(b"SHA-256 of", b"sha-256 of")


def appended(raw: bytes, coding: Coding) -> bytes:
    return raw + coding.text(0x7FE10010, "LO", b"LATER")


@pytest.mark.parametrize(
    "change",
    [changed_contour, changed_name, changed_new_name, added_roi, changed_time, changed_description, appended],
)
def test_an_object_that_was_edited_since_is_refused(coding, change, stored, tmp_path):
    source, edited = tmp_path / "relabelled.dcm", tmp_path / "edited.dcm"
    relabel(stored(MIXED.encoded(coding)), source, NEW, provenance=FIRST)
    raw = data_set_of(source.read_bytes(), coding)
    assert change(raw, coding) != raw
    edited.write_bytes(coding.file(change(raw, coding)[head_bytes(coding) :]))
    assert refused(edited, tmp_path / "out.dcm") == HoldReason.EDITED_SINCE


def test_an_object_that_another_system_wrote_into_after_us_is_refused(tmp_path, stored):
    relabel(stored(MIXED.encoded(EXPLICIT)), tmp_path / "ours.dcm", NEW, provenance=FIRST)
    theirs = pydicom.dcmread(tmp_path / "ours.dcm")
    for sequence in (theirs.ContributingEquipmentSequence, theirs.OriginalAttributesSequence):
        sequence.append(pydicom.Dataset())
        sequence[-1].Manufacturer = "ACME"
    theirs.save_as(tmp_path / "theirs.dcm")
    assert refused(tmp_path / "theirs.dcm", tmp_path / "out.dcm") == HoldReason.EDITED_SINCE


@pytest.mark.parametrize(
    "lost", ["OriginalAttributesSequence", "InstanceCoercionDateTime", "RTROIObservationsSequence"]
)
def test_an_object_that_lost_what_is_needed_is_refused(lost, tmp_path, stored):
    relabel(stored(MIXED.encoded(EXPLICIT)), tmp_path / "ours.dcm", NEW, provenance=FIRST)
    theirs = pydicom.dcmread(tmp_path / "ours.dcm")
    delattr(theirs, lost)
    theirs.save_as(tmp_path / "theirs.dcm")
    assert refused(tmp_path / "theirs.dcm", tmp_path / "out.dcm") == HoldReason.EDITED_SINCE


def test_an_existing_target_is_never_overwritten(stored, tmp_path):
    relabel(stored(MIXED.encoded(EXPLICIT)), tmp_path / "ours.dcm", NEW, provenance=FIRST)
    (tmp_path / "out.dcm").write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        revert(tmp_path / "ours.dcm", tmp_path / "out.dcm")
    assert (tmp_path / "out.dcm").read_bytes() == b"precious"


def test_a_truncated_object_is_never_reverted(coding, stored, tmp_path, no_fsync):
    source = Draft((DraftRoi(b"cord", b"cord"),))
    relabel(stored(source.encoded(coding)), tmp_path / "ours.dcm", {0: "SpinalCord"}, provenance=FIRST)
    content = (tmp_path / "ours.dcm").read_bytes()
    for cut in range(0, len(content) - 1, 3):
        cut_off = stored(content[:cut])
        with pytest.raises(HeldObjectError):
            revert(cut_off, tmp_path / "out.dcm")


def test_a_damaged_object_is_held_or_comes_back_with_its_damage(coding, stored, tmp_path, no_fsync):
    content = MIXED.encoded(replace(coding, deflated=False))
    chance = random.Random(263)
    there, back = tmp_path / "there.dcm", tmp_path / "back.dcm"
    came_back = 0
    for _ in range(120):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 5))):
            place = chance.randrange(head_bytes(coding), len(damaged))
            damaged[place] = chance.choice((0, 1, 8, 0x20, 0xFE, 0xFF, chance.randrange(256)))
        source = stored(coding.file(bytes(damaged[head_bytes(coding) :])))
        try:
            relabel(source, there, new_names(source), provenance=FIRST)
            revert(there, back)
        except HeldObjectError:
            continue
        finally:
            there.unlink(missing_ok=True)
        assert back.read_bytes() == source.read_bytes()
        back.unlink()
        came_back += 1
    assert came_back > 10


real = pytest.mark.skipif(
    not os.environ.get("TG263_RTSTRUCT_DIR"),
    reason="TG263_RTSTRUCT_DIR names no folder of real structure sets",
)


def new_names(path: Path) -> dict[int, str]:
    return {
        roi.index: f"New_{roi.index}"
        for roi in read_structure_set(path).rois
        if roi.readable and roi.raw_name
    }


@real
def test_every_real_file_comes_back(tmp_path):
    paths = sorted(Path(os.environ["TG263_RTSTRUCT_DIR"]).glob("*.dcm"))
    assert paths
    for number, path in enumerate(paths):
        there, back = tmp_path / f"{number}.dcm", tmp_path / f"{number}.back.dcm"
        relabel(path, there, new_names(path), provenance=FIRST)
        assert pydicom.dcmread(there, force=True).OriginalAttributesSequence[-1].ModifyingSystem == "NODE1"
        revert(there, back)
        assert back.read_bytes() == path.read_bytes()


@real
def test_every_real_file_comes_back_in_every_coding(coding, tmp_path):
    paths = sorted(Path(os.environ["TG263_RTSTRUCT_DIR"]).glob("*.dcm"))
    for number, path in enumerate(path for path in paths if path.stat().st_size < 500_000):
        source = transcoded(path, coding, tmp_path / f"{number}.in.dcm")
        there, back = tmp_path / f"{number}.dcm", tmp_path / f"{number}.back.dcm"
        relabel(source, there, new_names(source), provenance=FIRST)
        revert(there, back)
        assert back.read_bytes() == source.read_bytes()
