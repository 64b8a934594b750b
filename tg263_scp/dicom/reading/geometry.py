"""Where an ROI lies in the patient, from the contours the object already holds.

Contours are in the patient coordinate system: +x is the patient's left whatever the patient's position on the couch
(PS3.3 C.7.6.2.1.1), so the side of an ROI can be told from the body's midline in the same slices. Nothing is parsed until
it is asked for, and then only the contours of that ROI and the body slices beside them.

Standard: ROI Contour Module, PS3.3 C.8.8.6; Contour Data (3006,0050) in mm.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tg263_scp.decision import RoiPlace
from tg263_scp.dicom.encoding.elements import Element, data_set_elements, elements, items
from tg263_scp.dicom.encoding.part10 import OpenedObject, opened
from tg263_scp.dicom.reading.charsets import ASCII
from tg263_scp.dicom.reading.roi_items import REFERENCED_ROI_NUMBER, SequenceItem
from tg263_scp.dicom.reading.structure_set import StructureSet
from tg263_scp.errors import HeldObjectError

_ROI_CONTOURS = 0x30060039
CONTOUR_SEQUENCE = 0x30060040
_GEOMETRIC_TYPE = 0x30060042
_CONTOUR_DATA = 0x30060050
_LONGEST_CONTOUR_BYTES = 8 << 20
_SAME_SLICE_MM = 5.0

Points = NDArray[np.float64]
"""Points of one contour, shape (n, 3), patient coordinates in mm."""


@dataclass(frozen=True, slots=True)
class Contour:
    """Where the points of one contour lie in the file."""

    offset: int
    length: int


def places(path: Path, structure_set: StructureSet) -> Callable[[int], RoiPlace | None]:
    """Return what tells the place of the ROI at an index of the set; it reads contours when it is asked, not before.

    The body is the one ROI of interpreted type EXTERNAL, or else the one called Body or External. An ROI without a number of
    its own, and an object whose contours cannot be followed, have no place.
    """
    times = Counter(roi.number for roi in structure_set.rois)
    outlines = [roi.number for roi in structure_set.rois if roi.interpreted_type.upper() == "EXTERNAL"]
    named = [roi.number for roi in structure_set.rois if roi.name.strip().casefold() in ("body", "external")]
    body = next((found[0] for found in (outlines, named) if len(found) == 1), None)
    reader = ContourReader(path, body if times[body] == 1 else None)

    def place(index: int) -> RoiPlace | None:
        number = structure_set.rois[index].number
        if number is None or times[number] != 1:
            return None
        try:
            return reader.place(number)
        except HeldObjectError:
            return None

    return place


class ContourReader:
    """The contours of one structure set, read as they are asked for.

    ``body_number`` is the ROI Number of the body outline; without one :meth:`place` knows no midline, only centre and volume.
    """

    def __init__(self, path: Path, body_number: int | None) -> None:
        self._path = path
        self._body_number = body_number
        self._index: Mapping[int, tuple[Contour, ...]] | None = None
        self._body: tuple[Points, Points] | None = None

    def place(self, roi_number: int) -> RoiPlace | None:
        """Return where the ROI lies, against the body's midline where one is drawn; None where it has no closed contours.

        Raises:
            HeldObjectError: the object cannot be followed to its contours.
        """
        if roi_number == self._body_number:
            return None
        with opened(self._path) as source:
            if self._index is None:
                self._index = _indexed(source)
            own = [
                c
                for c in (contour_points(source, c) for c in self._index.get(roi_number, ()))
                if c is not None
            ]
            if not own:
                return None
            if self._body is None:
                outlines = () if self._body_number is None else self._index.get(self._body_number, ())
                self._body = _midline(source, outlines)
        return _placed(own, *self._body) or _placed_alone(own)


def _indexed(source: OpenedObject) -> dict[int, tuple[Contour, ...]]:
    """Note where the closed planar contours of every ROI lie; the first item of a ROI Number counts."""
    found: dict[int, tuple[Contour, ...]] = {}
    for number, inside in roi_contours(source):
        if CONTOUR_SEQUENCE in inside:
            found.setdefault(number, tuple(closed_planar(source, inside[CONTOUR_SEQUENCE])))
    return found


def roi_contours(source: OpenedObject) -> Iterator[tuple[int, Mapping[int, Element]]]:
    """Yield Referenced ROI Number and elements of each item of ROI Contour Sequence (PS3.3 C.8.8.6) that has a number."""
    window = source.window
    for element in data_set_elements(window, source.start, source.encoding):
        if element.tag != _ROI_CONTOURS:
            continue
        for index, item in enumerate(items(window, element)):
            inside = {e.tag: e for e in elements(window, item.value_offset, item.content_end, item.encoding)}
            number = SequenceItem(index, inside, ASCII, ()).integer(window, REFERENCED_ROI_NUMBER)
            if number is not None:
                yield number, inside


def closed_planar(source: OpenedObject, sequence: Element) -> Iterator[Contour]:
    """Yield where the closed planar contours of a Contour Sequence lie (PS3.3 C.8.8.6.3); very long ones are left out."""
    window = source.window
    for item in items(window, sequence):
        inside = {e.tag: e for e in elements(window, item.value_offset, item.content_end, item.encoding)}
        data = inside.get(_CONTOUR_DATA)
        kind = inside.get(_GEOMETRIC_TYPE)
        planar = (
            kind is not None and window.take(kind.value_offset, kind.length).strip(b" \0") == b"CLOSED_PLANAR"
        )
        if data is not None and planar and 0 < data.length <= _LONGEST_CONTOUR_BYTES:
            yield Contour(data.value_offset, data.length)


def contour_points(source: OpenedObject, contour: Contour) -> Points | None:
    """Parse the points of a contour; None where the value is not a list of triplets of numbers."""
    raw = source.window.take(contour.offset, contour.length).rstrip(b" \0")
    try:
        values = np.array(raw.split(b"\\"), dtype=np.float64)
    except ValueError:
        return None
    if values.size < 9 or values.size % 3 or not np.isfinite(values).all():
        return None
    return values.reshape(-1, 3)


def _midline(source: OpenedObject, contours: tuple[Contour, ...]) -> tuple[Points, Points]:
    """Return the heights (z) of the body's slices and the x of the middle of the largest outline in each, both in mm."""
    widest: dict[float, tuple[float, float]] = {}
    for contour in contours:
        points = contour_points(source, contour)
        if points is None:
            continue
        z, x = round(float(points[0, 2]), 2), points[:, 0]
        width = float(x.max() - x.min())
        if z not in widest or width > widest[z][0]:
            widest[z] = (width, float(x.max() + x.min()) / 2)
    heights = sorted(widest)
    return np.array(heights), np.array([widest[z][1] for z in heights])


def _placed(contours: list[Points], heights: Points, middles: Points) -> RoiPlace | None:
    if not heights.size:
        return None
    areas: list[float] = []
    centres: list[Points] = []
    offsets: list[float] = []
    nearest, farthest = np.inf, -np.inf
    for points in contours:
        z = float(points[0, 2])
        at = int(np.abs(heights - z).argmin())
        if abs(heights[at] - z) > _SAME_SLICE_MM:
            continue
        offset = points[:, 0] - middles[at]
        areas.append(_area_mm2(points))
        centres.append(points.mean(axis=0))
        offsets.append(float(offset.mean()))
        nearest, farthest = min(nearest, float(offset.min())), max(farthest, float(offset.max()))
    if not sum(areas):
        return None
    x, y, z = np.average(np.array(centres), axis=0, weights=areas)
    return RoiPlace(
        offset_mm=float(np.average(offsets, weights=areas)),
        rightmost_mm=nearest,
        leftmost_mm=farthest,
        slices=len(areas),
        centroid_mm=(float(x), float(y), float(z)),
        volume_cm3=sum(areas) * _spacing_mm([float(c[2]) for c in centres]) / 1000,
    )


def _placed_alone(contours: list[Points]) -> RoiPlace | None:
    """Return centre and volume of an ROI with no body beside it; None where it encloses nothing."""
    areas = [_area_mm2(points) for points in contours]
    if not sum(areas):
        return None
    x, y, z = np.average([points.mean(axis=0) for points in contours], axis=0, weights=areas)
    spacing = _spacing_mm([float(points[0, 2]) for points in contours])
    volume_cm3 = sum(areas) * spacing / 1000
    return RoiPlace(0.0, 0.0, 0.0, 0, (float(x), float(y), float(z)), volume_cm3, against_body=False)


def _spacing_mm(heights: list[float]) -> float:
    """Return the usual distance between neighbouring slices; 0 where there is one slice only, whose thickness nobody says."""
    apart = np.diff(np.unique(np.round(heights, 2)))
    return float(np.median(apart)) if apart.size else 0.0


def _area_mm2(points: Points) -> float:
    """Area of a closed polygon in its plane (shoelace); x and y only, which is exact for axial contours."""
    x, y = points[:, 0], points[:, 1]
    return abs(float(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))) / 2
