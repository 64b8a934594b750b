"""A sketch of contours: where things lie, in which colour, however many points there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset
from pydicom.dataset import FileDataset

from tg263_scp.dicom.encoding.budget import Budget, within
from tg263_scp.dicom.reading.contour_sketch import Sketch, SketchedRoi, read_sketch
from tg263_scp.dicom.synthetic.structure_sets import Site, synthetic_dataset
from tg263_scp.errors import HeldObjectError, HoldReason


def saved(dataset: FileDataset, folder: Path) -> Path:
    path = folder / "set.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def numbers(dataset: FileDataset) -> dict[str, int]:
    return {roi.ROIName: int(roi.ROINumber) for roi in dataset.StructureSetROISequence}


def sketched(sketch: Sketch, number: int) -> SketchedRoi:
    return next(roi for roi in sketch.rois if roi.number == number)


def middle_x(roi: SketchedRoi) -> float:
    xs = [x for line in (roi.axial or roi.coronal) for x, _ in line]
    return (min(xs) + max(xs)) / 2


@pytest.mark.parametrize("site", ["prostate", "head_and_neck", "thorax"])
def test_every_organ_lies_where_it_was_drawn(site: Site, tmp_path: Path) -> None:
    dataset = synthetic_dataset(site)
    sketch = read_sketch(saved(dataset, tmp_path))
    assert len(sketch.rois) == len(dataset.StructureSetROISequence)
    for name, number in numbers(dataset).items():
        roi = sketched(sketch, number)
        if name in ("Femoral Head, Lt", "Lt Parotid", "Lung Left"):
            assert middle_x(roi) > 20, name
        if name in ("fem_head_RT", "parotis re", "lung_rt"):
            assert middle_x(roi) < -20, name


def test_the_section_goes_through_the_roi_in_focus(tmp_path: Path) -> None:
    dataset = synthetic_dataset("head_and_neck")
    path, eye = saved(dataset, tmp_path), numbers(dataset)["Eye_Lt"]
    sketch = read_sketch(path, eye)
    assert sketch.height_mm == pytest.approx(62, abs=6)
    assert sketched(sketch, eye).axial
    assert not sketched(sketch, numbers(dataset)["LARYNX"]).axial
    assert read_sketch(path, 999).height_mm == read_sketch(path).height_mm


def test_two_parts_of_an_roi_are_two_seen_from_the_front(tmp_path: Path) -> None:
    dataset = synthetic_dataset("thorax")
    sketch = read_sketch(saved(dataset, tmp_path))
    lungs = sketched(sketch, numbers(dataset)["LUNGS"])
    assert len(lungs.coronal) == 2
    heart = sketched(sketch, numbers(dataset)["Heart"])
    assert len(heart.coronal) == 1
    assert max(z for _, z in heart.coronal[0]) > min(z for _, z in heart.coronal[0]) + 60


def test_however_many_points_there_are_few_are_drawn(tmp_path: Path) -> None:
    dataset = synthetic_dataset("prostate", slice_spacing_mm=4.0, points=120)
    sketch = read_sketch(saved(dataset, tmp_path))
    for roi in sketch.rois:
        assert all(len(line) <= 64 for line in roi.axial)
        assert sum(len(line) for line in roi.coronal) <= 2 * 38
    assert sketched(sketch, numbers(dataset)["BODY"]).slices > 50


@pytest.mark.parametrize(
    ("colour", "shown"),
    [
        ([255, 0, 16], "#ff0010"),
        (["0", "0", "0"], "#000000"),
        ([1, 2], "#9aa4ae"),
        (["300", "0", "0"], "#9aa4ae"),
        (None, "#9aa4ae"),
    ],
)
def test_a_colour_is_that_of_the_set_or_grey(tmp_path: Path, colour: list[int] | None, shown: str) -> None:
    dataset = synthetic_dataset("prostate")
    item = dataset.ROIContourSequence[0]
    del item.ROIDisplayColor
    if colour is not None:
        item.ROIDisplayColor = colour
    assert read_sketch(saved(dataset, tmp_path)).rois[0].colour == shown


def test_what_is_no_contour_is_not_drawn(tmp_path: Path) -> None:
    dataset = synthetic_dataset("prostate")
    items = dataset.ROIContourSequence
    items[0].ContourSequence[0].ContourData = ["1", "2"]
    for contour in items[1].ContourSequence:
        contour.ContourGeometricType = "POINT"
    for contour in items[2].ContourSequence:  # a sagittal loop
        contour.ContourData = [f"{value}" for step in range(8) for value in (0, step, 10 * step)]
    del items[3].ContourSequence
    items[4].ReferencedROINumber = items[5].ReferencedROINumber
    sketch = read_sketch(saved(dataset, tmp_path))
    assert [roi.number for roi in sketch.rois].count(int(items[5].ReferencedROINumber)) == 1
    for place in (1, 2, 3):
        assert sketch.rois[place].axial == sketch.rois[place].coronal == ()
    assert sketch.rois[0].coronal


def test_a_set_without_contours_has_an_empty_sketch(tmp_path: Path) -> None:
    dataset = synthetic_dataset("prostate")
    dataset.ROIContourSequence = []
    assert read_sketch(saved(dataset, tmp_path)) == Sketch((), None)
    dataset.ROIContourSequence = [Dataset()]
    assert read_sketch(saved(dataset, tmp_path)).rois == ()


def test_a_set_that_ends_too_early_or_takes_too_long_is_said(tmp_path: Path) -> None:
    path = saved(synthetic_dataset("prostate"), tmp_path)
    with pytest.raises(HeldObjectError) as costly, within(Budget(cpu_s=-1.0)):
        read_sketch(path)
    assert costly.value.reason is HoldReason.TOO_COSTLY
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(HeldObjectError) as cut:
        read_sketch(path)
    assert cut.value.reason is HoldReason.TRUNCATED
