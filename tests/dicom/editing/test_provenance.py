"""What a relabelled object says of itself: read by pydicom, by foreign validators, and recomputed by an auditor."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import struct
import subprocess
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from doubles.drafts import EXPLICIT, Coding, Draft, DraftRoi, draft
from doubles.edits import data_set_of, foreign, head_bytes, with_elements

from tg263_scp.dicom.editing import relabel as relabel_module
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.synthetic.structure_sets import SITES, synthetic_structure_set
from tg263_scp.errors import HeldObjectError, HoldReason

NOON = datetime(2026, 11, 23, 12, 0, 0, 250, tzinfo=timezone(timedelta(hours=1)))
PROVENANCE = Provenance(NOON, "NODE1", "TPS1", software_versions="1.2.3")
SET = Draft((DraftRoi(b"left lung ", b"left lung "), DraftRoi(b"cord"), DraftRoi(b"Heart ", b"other ")))
NAMES = {0: "Lung_L", 1: "SpinalCord"}


@pytest.fixture
def relabelled(stored, tmp_path):
    def run(content: bytes, names: dict[int, str], provenance: Provenance | None = PROVENANCE):
        target = tmp_path / "relabelled.dcm"
        target.unlink(missing_ok=True)
        proof = relabel(stored(content), target, names, provenance=provenance)
        return target.read_bytes(), proof

    return run


def read(content: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(BytesIO(content), force=True)


def test_what_was_before_is_recorded_whole(coding, relabelled):
    content = SET.encoded(coding)
    written, proof = relabelled(content, NAMES)
    before, after = read(content), read(written)
    (item,) = after.OriginalAttributesSequence
    assert item.AttributeModificationDateTime == "20261123120000.000250+0100"
    assert (item.ModifyingSystem, item.SourceOfPreviousValues) == ("NODE1", "TPS1")
    assert item.ReasonForTheAttributeModification == "CORRECT"
    (modified,) = item.ModifiedAttributesSequence
    assert [element.tag for element in modified] == [0x30060020, 0x30060080]
    assert modified.StructureSetROISequence == before.StructureSetROISequence
    assert modified.RTROIObservationsSequence == before.RTROIObservationsSequence
    assert [roi.ROIName for roi in after.StructureSetROISequence] == ["Lung_L", "SpinalCord", "Heart"]
    assert proof.added


def test_observations_are_recorded_only_where_a_label_changed(relabelled):
    written, proof = relabelled(SET.encoded(EXPLICIT), {1: "SpinalCord"})
    (modified,) = read(written).OriginalAttributesSequence[0].ModifiedAttributesSequence
    assert [element.tag for element in modified] == [0x30060020]
    assert proof.edited_labels == 0


def test_the_equipment_that_changed_it_is_named(coding, relabelled):
    content = SET.encoded(coding)
    written, _ = relabelled(content, NAMES)
    after = read(written)
    (item,) = after.ContributingEquipmentSequence
    (purpose,) = item.PurposeOfReferenceCodeSequence
    assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("109103", "DCM")
    assert purpose.CodeMeaning == "Modifying Equipment"
    assert (item.Manufacturer, item.ManufacturerModelName, item.SoftwareVersions) == (
        "tg263-scp",
        "tg263-scp",
        "1.2.3",
    )
    assert item.ContributionDateTime == after.InstanceCoercionDateTime == "20261123120000.000250+0100"
    said = "data set before (elements of 64 KiB and more as their SHA-256)"
    assert f"{said}: {SET.folded_sha256(coding)};" in item.ContributionDescription


def test_the_recorded_digest_of_a_large_set_is_a_folded_one(coding, relabelled):
    source = replace(SET, loops=1000)
    written, proof = relabelled(source.encoded(coding), NAMES)
    (item,) = read(written).ContributingEquipmentSequence
    assert f": {source.folded_sha256(coding)};" in item.ContributionDescription
    assert proof.sha256_before == source.folded_sha256(coding)


def test_without_provenance_nothing_is_added(coding, relabelled):
    written, proof = relabelled(SET.encoded(coding), NAMES, provenance=None)
    raw = {0: b"Lung_L", 1: b"SpinalCord"}
    wanted = SET.renamed(raw, {0: b"Lung_L"}).encoded(coding)
    assert data_set_of(written, coding) == data_set_of(wanted, coding)
    assert not proof.added


def test_where_no_name_changes_nothing_is_added(coding, relabelled):
    content = SET.encoded(coding)
    written, proof = relabelled(content, {0: "left lung"})
    assert written == content
    assert not proof.added


def test_what_earlier_systems_recorded_is_kept(coding, relabelled):
    written, _ = relabelled(with_elements(SET, coding, *foreign(coding)), NAMES)
    after = read(written)
    assert [item.Manufacturer for item in after.ContributingEquipmentSequence] == ["ACME", "tg263-scp"]
    first, second = after.OriginalAttributesSequence
    assert first.ModifiedAttributesSequence[0].PatientID == "OLD-ID"
    assert second.ModifyingSystem == "NODE1"
    assert second.ModifiedAttributesSequence[0].InstanceCoercionDateTime == "20200101"
    assert after.InstanceCoercionDateTime == "20261123120000.000250+0100"


def test_the_added_elements_stand_in_tag_order(coding, relabelled):
    written, _ = relabelled(SET.encoded(coding), NAMES)
    order = struct.Struct(coding.order + "HH")
    raw = data_set_of(written, coding)[head_bytes(coding) :]
    tags = (0x00080005, 0x00080015, 0x00080016, 0x0018A001, 0x0020000D, 0x04000561, 0x30060002)
    places = [raw.index(order.pack(tag >> 16, tag & 0xFFFF)) for tag in tags]
    assert places == sorted(places)


def test_group_lengths_and_length_to_end_count_what_was_added(coding, relabelled):
    counted = [
        coding.element(group << 16, "UL", struct.pack(coding.order + "I", 100)) for group in (8, 0x18, 0x400)
    ]
    counted.append(coding.element(0x00080001, "UL", struct.pack(coding.order + "I", 1000)))
    content = with_elements(SET, coding, *counted, *foreign(coding))
    before, (written, _) = data_set_of(content, coding), relabelled(content, NAMES)
    after = data_set_of(written, coding)
    growth = {8: len("20261123120000.000250+0100") - len("20200101"), 0x18: 0, 0x400: 0}
    for group in (8, 0x18, 0x400):
        header = coding.element(group << 16, "UL", b"1234")[:-4]
        grown = struct.unpack_from(
            coding.order + "I", after, after.index(header, head_bytes(coding)) + len(header)
        )[0]
        growth[group] = grown - 100 - growth[group]
    header = coding.element(0x00080001, "UL", b"1234")[:-4]
    to_end = struct.unpack_from(coding.order + "I", after, after.index(header) + len(header))[0]
    assert growth[8] == 0
    assert growth[0x18] > 200
    assert growth[0x400] > 200
    assert to_end - 1000 == len(after) - len(before)


def blanked(raw: bytes, coding: Coding, head: int) -> bytes:
    """The naive auditor: finds by search what the proof leaves out of a set with one ROI, and takes it out."""

    def start(tag: int) -> int:
        return raw.index(coding.element(tag, "SQ", b"")[:4], head)

    out = bytearray(raw)
    name = re.compile(b"left lung |Lung_L").search(raw, start(0x30060020) if coding.explicit else 0)
    roi_sequence = raw.rindex(coding.element(0x30060020, "SQ", b"")[:4])
    at = re.compile(b"left lung |Lung_L").search(raw, roi_sequence)
    assert name
    assert at
    width = 2 if coding.explicit else 4
    cuts = [(at.start() - width, at.end())]
    if not coding.undefined:
        item = raw.index(coding.item(b"")[:4], roi_sequence)
        cuts += [(item - 4, item), (item + 4, item + 8)]
    if b"tg263-scp" in raw:
        for tag, following in ((0x00080015, 0x00080016), (0x0018A001, 0x0020000D), (0x04000561, 0x30060002)):
            cuts.append((start(tag), raw.index(coding.element(following, "UI", b"")[:4], start(tag))))
    for first, last in sorted(cuts, reverse=True):
        del out[first:last]
    return bytes(out)


def test_the_proof_can_be_recomputed_by_an_auditor(coding, relabelled):
    content = draft(b"left lung ").encoded(coding)
    written, proof = relabelled(content, {0: "Lung_L"})
    head = head_bytes(coding)
    assert proof.sha256_after == hashlib.sha256(data_set_of(written, coding)[head:]).hexdigest()
    for each in (content, written):
        rest = blanked(data_set_of(each, coding), coding, head)[head:]
        assert hashlib.sha256(rest).hexdigest() == proof.blanked_sha256_after == proof.blanked_sha256_before


@pytest.mark.parametrize(
    "damage", [(b"109103", b"109104"), (b"CORRECT ", b"COERCE  "), (b"left lung ", b"left lunG ")]
)
def test_an_addition_that_is_not_what_it_should_be_is_discarded(
    coding, damage, stored, tmp_path, monkeypatch
):
    whole = relabel_module.write_spliced

    def write_and_spoil(before, patches, out, **options):
        whole(before, patches, out, **options)
        out.flush()
        path = Path(out.name)
        raw = data_set_of(path.read_bytes(), coding)
        assert damage[0] in raw
        path.write_bytes(coding.file(raw.replace(*damage)[head_bytes(coding) :]))

    monkeypatch.setattr(relabel_module, "write_spliced", write_and_spoil)
    source = stored(SET.encoded(coding))
    with pytest.raises(HeldObjectError) as held:
        relabel(source, tmp_path / "out.dcm", NAMES, provenance=PROVENANCE)
    assert held.value.reason == HoldReason.EDIT_NOT_PROVEN
    assert [path.name for path in tmp_path.iterdir()] == ["received.dcm"]


def test_an_original_attributes_sequence_of_unknown_vr_is_not_written_into(stored, tmp_path):
    content = with_elements(SET, EXPLICIT, EXPLICIT.element(0x04000561, "UN", b""))
    with pytest.raises(HeldObjectError) as held:
        relabel(stored(content), tmp_path / "out.dcm", NAMES, provenance=PROVENANCE)
    assert held.value.reason == HoldReason.PROVENANCE_NOT_WRITABLE
    relabel(stored(content), tmp_path / "out.dcm", NAMES)


@pytest.mark.parametrize(
    "changes",
    [
        {"modified_at": datetime(2026, 11, 23)},
        {"modifying_system": ""},
        {"modifying_system": "Klinik für Strahlen"},
        {"manufacturer": "a\\b"},
        {"source_of_previous_values": "x" * 65},
        {"software_versions": "1\n2"},
    ],
    ids=repr,
)
def test_provenance_that_dicom_cannot_hold_is_refused(changes):
    with pytest.raises(ValueError, match="must"):
        replace(PROVENANCE, **changes)


def problems(command: list[str], path: Path) -> list[str]:
    """Errors of a foreign validator, without offsets and values that differ between objects."""
    answer = subprocess.run(
        [*command, str(path)], capture_output=True, text=True, errors="replace", timeout=60
    )
    lines = [
        line for line in (answer.stdout + answer.stderr).splitlines() if re.match(r"(Error|E:|F:)", line)
    ]
    return sorted(set(lines))


def inflated(path: Path) -> Path:
    """The same as explicit VR little endian, for a validator that cannot inflate."""
    plain = pydicom.dcmread(path)
    plain.file_meta.TransferSyntaxUID = EXPLICIT.transfer_syntax_uid
    plain.save_as(path)
    return path


def peer(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        assert not os.environ.get("TG263_REQUIRE_PEERS"), f"{name} is required and not installed"
        pytest.skip(f"{name} is not installed (Debian: dicom3tools, dcmtk)")
    return found


@pytest.mark.peer
@pytest.mark.parametrize("command", [("dciodvfy",), ("dcmdump", "-q")], ids=lambda command: command[0])
def test_foreign_validators_find_no_new_error(coding, command, stored, tmp_path):
    call = [peer(command[0]), *command[1:]]
    for site in SITES[:2]:
        content = synthetic_structure_set(
            site,
            transfer_syntax_uid=coding.transfer_syntax_uid,
            undefined_length=coding.undefined,
            slice_spacing_mm=40,
            points=6,
        )
        source, target = stored(content), tmp_path / "out.dcm"
        names = {index: f"New_{index}" for index in range(len(read(content).StructureSetROISequence))}
        relabel(source, target, names, provenance=PROVENANCE)
        if coding.deflated and command[0] == "dciodvfy":
            source, target = inflated(source), inflated(target)
        assert not set(problems(call, target)) - set(problems(call, source))
        target.unlink()
