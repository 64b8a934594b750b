"""The table of written attributes holds what is written, all of it and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pydicom
import pytest
from doubles.drafts import Draft, DraftRoi
from doubles.edits import with_elements

from tg263_scp.dicom.editing.identification_codes import IdentificationCode
from tg263_scp.dicom.editing.new_uids import UidMap, new_uids
from tg263_scp.dicom.editing.provenance import Provenance
from tg263_scp.dicom.editing.relabel import relabel
from tg263_scp.dicom.editing.written_attributes import Change, Occasion, written_attributes

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
SET = Draft((DraftRoi(b"left lung ", b"left lung "), DraftRoi(b"cord"), DraftRoi(b"Heart ", b"other ")))
NAMES = {0: "Lung_L", 1: "SpinalCord"}
HEART = {2: IdentificationCode("80891009", "SCT", "Heart")}
TABLE = {attribute.path: attribute for attribute in written_attributes()}


def paths(*occasions: Occasion) -> set[tuple[int, ...]]:
    return {path for path, attribute in TABLE.items() if attribute.occasion in occasions}


def changed(
    before: pydicom.Dataset, after: pydicom.Dataset, above: tuple[int, ...] = ()
) -> Iterator[tuple[tuple[int, ...], Change]]:
    """Every attribute that differs, down to those that the table names as a whole."""
    for tag in sorted({*before.keys(), *after.keys()}):
        path = (*above, int(tag))
        assert tag in after, f"{path} was removed"
        old, new = before.get(tag), after[tag]
        if old == new:
            continue
        if new.VR != "SQ" or (
            path in TABLE and not any(other[: len(path)] == path != other for other in TABLE)
        ):
            yield path, Change.ADDED if old is None else Change.MODIFIED
            continue
        items = list(old.value) if old is not None else []
        if len(items) != len(new.value):
            yield path, Change.ADDED
        for place, item in enumerate(new.value):
            yield from changed(items[place] if place < len(items) else pydicom.Dataset(), item, path)


def read(content: bytes) -> pydicom.Dataset:
    return pydicom.dcmread(BytesIO(content), force=True)


@pytest.fixture
def written(stored, tmp_path):
    def write(coding, *, new: bool = False, **options) -> tuple[pydicom.Dataset, pydicom.Dataset]:
        frame = coding.sequence(0x30060010, [coding.text(0x00200052, "UI", b"1.2.9")])
        source, target = stored(with_elements(SET, coding, frame)), tmp_path / "relabelled.dcm"
        relabel(source, target, NAMES, **options)
        if new:
            relabelled, target = target, tmp_path / "new.dcm"
            new_uids(relabelled, target, UidMap(b"a key of 16 byte"), NOW)
        return read(source.read_bytes()), read(target.read_bytes())

    return write


def test_a_relabelled_object_differs_in_its_names_and_labels_only(coding, written):
    assert {path for path, _ in changed(*written(coding))} == paths(Occasion.RENAMED)


def test_with_everything_switched_on_exactly_the_attributes_of_the_table_are_written(coding, written):
    provenance = Provenance(NOW, "NODE1", "TPS1")
    differences = list(changed(*written(coding, provenance=provenance, codes=HEART, new=True)))
    assert {path for path, _ in differences} == set(TABLE)
    for path, change in differences:
        assert change in TABLE[path].change, path


def test_provenance_writes_what_the_table_says_of_it(coding, written):
    provenance = Provenance(NOW, "NODE1", "TPS1")
    differences = {path for path, _ in changed(*written(coding, provenance=provenance))}
    assert differences == paths(Occasion.RENAMED, Occasion.PROVENANCE)


def test_the_table_gives_names_tags_and_value_representations_of_the_data_dictionary():
    name = next(attribute for attribute in written_attributes() if attribute.path[-1] == 0x30060026)
    assert (name.name, name.tag, name.vr, name.vm) == ("ROI Name", "(3006,0026)", "LO", "1")
    assert name.full_name == "Structure Set ROI Sequence > ROI Name"


def references(dataset: pydicom.Dataset) -> list[object]:
    """What others hold on to: numbers, frames of reference, contours with their images, observations, types."""
    return [
        [(roi.ROINumber, roi.ReferencedFrameOfReferenceUID) for roi in dataset.StructureSetROISequence],
        dataset.ReferencedFrameOfReferenceSequence,
        dataset.ROIContourSequence,
        [
            (each.ObservationNumber, each.ReferencedROINumber, each.RTROIInterpretedType)
            for each in dataset.RTROIObservationsSequence
        ],
    ]


def test_numbers_order_frames_of_reference_contours_and_their_images_stay(coding, written):
    before, after = written(coding, provenance=Provenance(NOW, "NODE1", "TPS1"), codes=HEART, new=True)
    assert references(after) == references(before)
    assert before.ROIContourSequence[0].ContourSequence[0].ContourImageSequence


def test_the_character_set_of_the_object_stays(coding, stored, tmp_path):
    for charset in (None, b"ISO_IR 100", b"ISO_IR 192", b"GB18030", b"\\ISO 2022 IR 87", b"Not Supplied"):
        source = stored(replace(SET, charset=charset).encoded(coding), "source.dcm")
        target = tmp_path / "target.dcm"
        target.unlink(missing_ok=True)
        relabel(source, target, NAMES, provenance=Provenance(NOW, "NODE1", "TPS1"))
        before, after = (pydicom.dcmread(path, force=True) for path in (source, target))
        assert after.get_item(0x00080005) == before.get_item(0x00080005)
