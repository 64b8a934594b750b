"""What a relabelled object says of itself: read by pydicom, by foreign validators, and recomputed by an auditor."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from drafts import EXPLICIT, Coding, Draft, DraftRoi, data_set_of, draft

from tg263_scp.dicom import relabel as relabel_module
from tg263_scp.dicom.provenance import Provenance
from tg263_scp.dicom.relabel import relabel
from tg263_scp.dicom.synthetic import SITES, synthetic_structure_set
from tg263_scp.errors import HeldObjectError

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
    assert (item.Manufacturer, item.ManufacturerModelName, item.SoftwareVersions) == ("tg263-scp", "tg263-scp", "1.2.3")
    assert item.ContributionDateTime == after.InstanceCoercionDateTime == "20261123120000.000250+0100"
    data_set = data_set_of(content, coding)[coding.head_bytes :]
    assert item.ContributionDescription.endswith(hashlib.sha256(data_set).hexdigest())


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
