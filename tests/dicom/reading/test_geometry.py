"""Contours tell a side, and only where that is unmistakable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pydicom
import pytest

from tg263_scp.decision import Reason, Roi, RoiPlace, Status
from tg263_scp.dicom.reading.geometry import ContourReader, places
from tg263_scp.dicom.reading.structure_set import StructureSet, read_structure_set
from tg263_scp.dicom.synthetic.structure_sets import synthetic_structure_set
from tg263_scp.naming.decide import decide_set
from tg263_scp.naming.standard.nomenclature import Nomenclature

LEFT = RoiPlace(offset_mm=60, rightmost_mm=45, leftmost_mm=75, slices=9)
RIGHT = RoiPlace(offset_mm=-60, rightmost_mm=-75, leftmost_mm=-45, slices=9)
MIDDLE = RoiPlace(offset_mm=3, rightmost_mm=-20, leftmost_mm=26, slices=9)


@cache
def drawn_once() -> bytes:
    return synthetic_structure_set("head_and_neck")


@pytest.fixture
def head_and_neck(tmp_path: Path) -> StructureSet:
    path = tmp_path / "set.dcm"
    path.write_bytes(drawn_once())
    return read_structure_set(path)


def test_the_side_is_read_against_the_body_in_the_same_slices(head_and_neck: StructureSet) -> None:
    place = places(head_and_neck.path, head_and_neck)
    seen = {roi.name: (place(roi.index) or MIDDLE).side for roi in head_and_neck.rois}
    assert seen["Lt Parotid"] == "L"
    assert seen["parotis re"] == "R"
    assert seen["Linse links"] == "L"
    assert seen["Spinal Cord"] == seen["Mandibula"] == seen["brainstem"] == ""


def test_volume_and_centroid_are_those_of_the_drawn_organ(head_and_neck: StructureSet) -> None:
    place = places(head_and_neck.path, head_and_neck)
    found = {roi.name: place(roi.index) for roi in head_and_neck.rois}
    left, right = found["Lt Parotid"], found["parotis re"]
    assert left is not None
    assert right is not None
    assert left.centroid_mm[0] - right.centroid_mm[0] == pytest.approx(
        left.offset_mm - right.offset_mm, abs=5
    )
    assert left.volume_cm3 == pytest.approx(right.volume_cm3, rel=0.5)
    assert 5 < left.volume_cm3 < 80


def test_without_a_body_outline_only_centre_and_volume_are_told(head_and_neck: StructureSet) -> None:
    reader, alone = places(head_and_neck.path, head_and_neck), ContourReader(head_and_neck.path, None)
    for roi in head_and_neck.rois:
        beside, place = reader(roi.index), alone.place(roi.number or 0)
        assert place is None or place.side == ""
        if beside and place:
            assert place.centroid_mm == pytest.approx(beside.centroid_mm)
            assert place.volume_cm3 == pytest.approx(beside.volume_cm3)


def _contours(
    path: Path, change: Callable[[float, float, float], tuple[float, float, float]], *, upward: bool
) -> None:
    """Change every contour point of an object, and the order of the slices."""
    dataset = pydicom.dcmread(path)
    for roi in dataset.ROIContourSequence:
        for contour in roi.ContourSequence:
            values = [float(value) for value in contour.ContourData]
            moved = [change(*values[at : at + 3]) for at in range(0, len(values), 3)]
            contour.ContourData = [f"{value:.2f}" for point in moved for value in point]
        if not upward:
            roi.ContourSequence = list(reversed(roi.ContourSequence))
    dataset.save_as(path)


@pytest.mark.parametrize(
    ("position", "change", "upward"),
    [
        ("HFS", lambda x, y, z: (x, y, z), True),
        ("FFS", lambda x, y, z: (x, y, z), False),
        ("HFP", lambda x, y, z: (x, y * 0.9 + 12, z), True),
        ("FFP", lambda x, y, z: (x, y * 0.9 + 12, z), False),
        ("HFDL", lambda x, y, z: (x + 25, y, z), True),
        ("FFDR", lambda x, y, z: (x - 25, y, z), False),
    ],
)
@pytest.mark.parametrize("body", [True, False])
def test_x_is_the_patient_s_left_in_every_position(
    head_and_neck: StructureSet,
    nomenclature: Nomenclature,
    position: str,
    change: Callable[[float, float, float], tuple[float, float, float]],
    upward: bool,
    body: bool,
) -> None:
    """Patients lie feet first, prone and on a side; the coordinate system lies in the patient (PS3.3 C.7.6.2.1.1)."""
    _contours(head_and_neck.path, change, upward=upward)
    named = [roi for roi in head_and_neck.rois if body or roi.interpreted_type.upper() != "EXTERNAL"]
    place = places(head_and_neck.path, replace(head_and_neck, rois=tuple(named)))
    rois = [Roi(at, roi.name, roi.interpreted_type) for at, roi in enumerate(named)]
    plain = decide_set(rois, nomenclature)
    decided = {d.original: d for d in decide_set(rois, nomenclature, place_of=place)}
    assert "V080" not in {d.rule for d in decided.values()}, position
    assert {d.original: d.name for d in plain if d.status is Status.RENAME}.items() <= {
        name: d.name for name, d in decided.items()
    }.items()


def test_a_mirrored_object_without_a_body_is_left_for_review(
    head_and_neck: StructureSet, nomenclature: Nomenclature
) -> None:
    _contours(head_and_neck.path, lambda x, y, z: (-x, y, z), upward=True)
    named = [roi for roi in head_and_neck.rois if roi.interpreted_type.upper() != "EXTERNAL"]
    place = places(head_and_neck.path, replace(head_and_neck, rois=tuple(named)))
    rois = [Roi(at, roi.name, roi.interpreted_type) for at, roi in enumerate(named)]
    decided = decide_set(rois, nomenclature, place_of=place)
    assert Status.RENAME not in {decision.status for decision in decided}
    assert "V080" in {decision.rule for decision in decided}


@pytest.mark.parametrize(
    ("place", "side"),
    [
        (LEFT, "L"),
        (RIGHT, "R"),
        (MIDDLE, ""),
        (RoiPlace(65, -4, 150, 90), "L"),
        (RoiPlace(-30, -70, 1, 9), ""),
    ],
)
def test_a_side_is_told_only_where_it_is_unmistakable(place: RoiPlace, side: str) -> None:
    assert place.side == side


def _decided(
    nomenclature: Nomenclature, named: dict[str, RoiPlace | None]
) -> dict[str, tuple[Status, str, Reason]]:
    place_of: Callable[[int], RoiPlace | None] = list(named.values()).__getitem__
    decisions = decide_set([Roi(i, name) for i, name in enumerate(named)], nomenclature, place_of=place_of)
    return {d.original: (d.status, d.name, d.reason) for d in decisions}


def test_a_missing_side_is_read_from_the_contours_where_the_written_sides_agree(
    nomenclature: Nomenclature,
) -> None:
    decided = _decided(nomenclature, {"kidney": RIGHT, "Lung_L": LEFT})
    assert decided["kidney"] == (Status.RENAME, "Kidney_R", Reason.SIDE_FROM_CONTOURS)


def test_a_mirrored_set_lends_no_side_and_shows_its_contradictions(nomenclature: Nomenclature) -> None:
    decided = _decided(nomenclature, {"kidney": RIGHT, "Lung_L": LEFT, "rt parotid": LEFT})
    assert decided["kidney"][2] is Reason.SIDE_MISSING
    assert decided["rt parotid"] == (Status.REVIEW, "rt parotid", Reason.VETO_GEOMETRY)


def test_contours_in_the_middle_lend_no_side(nomenclature: Nomenclature) -> None:
    decided = _decided(nomenclature, {"kidney": MIDDLE, "Lung_L": LEFT})
    assert decided["kidney"][0] is Status.REVIEW


def test_a_set_that_writes_no_side_lends_none(nomenclature: Nomenclature) -> None:
    assert _decided(nomenclature, {"kidney": RIGHT, "Heart": MIDDLE})["kidney"][0] is Status.REVIEW


def test_contours_are_not_asked_for_where_no_side_is_at_stake(nomenclature: Nomenclature) -> None:
    def never(index: int) -> RoiPlace | None:
        raise AssertionError(index)

    rois = [Roi(1, "Heart"), Roi(2, "PTV 60"), Roi(3, "ring")]
    assert len(decide_set(rois, nomenclature, place_of=never)) == 3


def test_two_unsided_organs_get_one_side_each(nomenclature: Nomenclature) -> None:
    place_of = [LEFT, RIGHT, LEFT].__getitem__
    rois = [Roi(1, "kidney"), Roi(2, "kidney"), Roi(3, "Lung_L")]
    assert [d.name for d in decide_set(rois, nomenclature, place_of=place_of)] == [
        "Kidney_L",
        "Kidney_R",
        "Lung_L",
    ]
