from __future__ import annotations

import io

import pydicom
import pytest

from tg263_scp.dicom.reading.structure_set import read_structure_set
from tg263_scp.dicom.synthetic.structure_sets import (
    SITES,
    synthetic_dataset,
    synthetic_structure_set,
    write_synthetic,
)

COARSE = {"slice_spacing_mm": 20, "points": 12}


def centroid_mm(dataset: pydicom.Dataset, name: str) -> tuple[float, float, float]:
    (roi,) = (each for each in dataset.StructureSetROISequence if each.ROIName == name)
    (drawn,) = (each for each in dataset.ROIContourSequence if each.ReferencedROINumber == roi.ROINumber)
    values = [float(value) for loop in drawn.ContourSequence for value in loop.ContourData]
    return tuple(sum(values[axis::3]) / len(values[axis::3]) for axis in range(3))


def farthest_mm(drawn: pydicom.Dataset, axis: int) -> float:
    return max(abs(float(value)) for loop in drawn.ContourSequence for value in loop.ContourData[axis::3])


def test_equal_arguments_give_equal_bytes_and_seeds_give_other_patients():
    assert synthetic_structure_set("prostate", **COARSE) == synthetic_structure_set("prostate", **COARSE)
    one, other = (synthetic_dataset("prostate", seed=seed, **COARSE) for seed in (1, 2))
    assert one.SOPInstanceUID != other.SOPInstanceUID
    assert one.PatientID != other.PatientID


@pytest.mark.parametrize("site", SITES)
def test_every_site_is_written_in_every_coding(site, coding):
    content = synthetic_structure_set(
        site, transfer_syntax_uid=coding.transfer_syntax_uid, undefined_length=coding.undefined, **COARSE
    )
    dataset = pydicom.dcmread(io.BytesIO(content))
    assert dataset.file_meta.TransferSyntaxUID == coding.transfer_syntax_uid
    assert dataset["StructureSetROISequence"].is_undefined_length == coding.undefined
    assert len(dataset.StructureSetROISequence) == len(dataset.ROIContourSequence) > 15


@pytest.mark.parametrize("charset", ["GB18030", "GBK", "\\ISO 2022 IR 87", "\\ISO 2022 IR 149", "ISO_IR 144"])
def test_names_in_other_scripts_are_readable(charset, stored):
    found = read_structure_set(stored(synthetic_structure_set("thorax", charset=charset, **COARSE)))
    assert all(roi.readable for roi in found.rois)
    assert sum(not roi.name.isascii() for roi in found.rois) == 2


def test_left_organs_lie_at_positive_x():
    dataset = synthetic_dataset("head_and_neck", **COARSE)
    assert centroid_mm(dataset, "Lt Parotid")[0] > 40
    assert centroid_mm(dataset, "parotis re")[0] < -40
    assert centroid_mm(synthetic_dataset("thorax", **COARSE), "Lung Left")[0] > 60
    assert abs(centroid_mm(synthetic_dataset("thorax", **COARSE), "LUNGS")[0]) < 1


@pytest.mark.parametrize("site", SITES)
def test_every_organ_lies_within_the_body(site):
    dataset = synthetic_dataset(site, **COARSE)
    types = {o.ReferencedROINumber: o.RTROIInterpretedType for o in dataset.RTROIObservationsSequence}
    (body,) = (each for each in dataset.ROIContourSequence if types[each.ReferencedROINumber] == "EXTERNAL")
    reach = [farthest_mm(body, axis) for axis in (0, 1)]
    for drawn in dataset.ROIContourSequence:
        if types[drawn.ReferencedROINumber] not in ("EXTERNAL", "SUPPORT"):
            assert all(farthest_mm(drawn, axis) <= reach[axis] for axis in (0, 1))


@pytest.mark.parametrize("site", SITES)
def test_contours_are_closed_planar_with_as_many_points_as_they_say(site):
    for drawn in synthetic_dataset(site, **COARSE).ROIContourSequence:
        assert drawn.ContourSequence
        for loop in drawn.ContourSequence:
            assert len(loop.ContourData) == 3 * loop.NumberOfContourPoints
            assert len({loop.ContourData[i] for i in range(2, len(loop.ContourData), 3)}) == 1


def test_the_patient_is_obviously_nobody():
    dataset = synthetic_dataset("thorax", **COARSE)
    assert str(dataset.PatientName) == "Nobody^Synthetic"
    assert all(uid.startswith("2.25.") for uid in (dataset.SOPInstanceUID, dataset.StudyInstanceUID))


def test_a_folder_is_filled_with_one_set_per_site_in_different_encodings(tmp_path):
    paths = write_synthetic(tmp_path / "new")
    assert [path.parent for path in paths] == [tmp_path / "new"] * 3
    found = [read_structure_set(path) for path in paths]
    assert len({each.transfer_syntax_uid for each in found}) == 2
    assert {each.body_part for each in found} == {"PELVIS", "HEADNECK", "CHEST"}
