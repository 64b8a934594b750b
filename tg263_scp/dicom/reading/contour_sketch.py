"""A sketch of a structure set, for somebody who asks where an unknown ROI lies and what surrounds it.

An axial section through one ROI and a view from the front, with a few points of each contour: enough to recognise, far too few
to measure. Contours are read as patient coordinates in mm (PS3.3 C.7.6.2.1.1: +x is the patient's left, +y posterior, +z
superior), colours from ROI Display Color (3006,002A).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tg263_scp.dicom.encoding.elements import Element
from tg263_scp.dicom.encoding.part10 import OpenedObject, opened
from tg263_scp.dicom.reading.geometry import (
    CONTOUR_SEQUENCE,
    Contour,
    Points,
    closed_planar,
    contour_points,
    roi_contours,
)

_COLOUR = 0x3006002A
_FIRST_POINT_BYTES = 64
_MOST_POINTS = 64
"""Of one contour in the section."""
_MOST_SLICES = 36
"""Of one ROI in the view from the front."""
_MOST_CONTOURS = 400
"""Of one ROI in the view from the front: an ROI of crumbs is not drawn crumb by crumb."""
_SAME_SLICE_MM = 3.0
_ABOUT_AS_LONG = 0.95
"""Contours of so many bytes, against the longest, are of about the same size: the middle one of them is taken."""
_GREY = "#9aa4ae"

Polygon = tuple[tuple[float, float], ...]
"""Corners of a closed line, in mm."""


@dataclass(frozen=True, slots=True)
class SketchedRoi:
    """One ROI: ``axial`` are polygons of (x, y), ``coronal`` of (x, z); both empty where it has no closed contours there."""

    number: int
    colour: str
    axial: tuple[Polygon, ...]
    coronal: tuple[Polygon, ...]
    slices: int


@dataclass(frozen=True, slots=True)
class Sketch:
    """The ROIs in the order of ROI Contour Sequence; ``height_mm`` is the z of the section, None where nothing is drawn."""

    rois: tuple[SketchedRoi, ...]
    height_mm: float | None


@dataclass(frozen=True, slots=True)
class _Outlined:
    number: int
    colour: str
    contours: tuple[tuple[float, Contour], ...]


def read_sketch(path: Path, focus: int | None = None) -> Sketch:
    """Sketch a structure set; the section goes through the largest contour of the ROI of number ``focus``.

    Without one, or where it has no contours, through the slice in which most ROIs are.

    Raises:
        HeldObjectError: the object cannot be followed to its contours.
        OSError: it cannot be read.
    """
    with opened(path) as source:
        outlined = list(_outlined(source))
        height = _height(outlined, focus)
        rois = [
            SketchedRoi(
                each.number,
                each.colour,
                tuple(_section(source, each, height)) if height is not None else (),
                tuple(_front(source, each)),
                len({round(z, 1) for z, _ in each.contours}),
            )
            for each in outlined
        ]
    return Sketch(tuple(rois), height)


def _outlined(source: OpenedObject) -> Iterator[_Outlined]:
    """Yield number, colour and contours of every ROI, each contour with its height; the first item of a number counts."""
    seen: set[int] = set()
    for number, inside in roi_contours(source):
        if number in seen:
            continue
        seen.add(number)
        sequence = inside.get(CONTOUR_SEQUENCE)
        found = closed_planar(source, sequence) if sequence else ()
        with_height = ((_height_of(source, contour), contour) for contour in found)
        contours = tuple((z, contour) for z, contour in with_height if z is not None)
        yield _Outlined(number, _colour(source, inside.get(_COLOUR)), contours)


def _colour(source: OpenedObject, element: Element | None) -> str:
    """Return ROI Display Color as a browser writes it; grey where it is absent or none."""
    raw = (
        source.window.take(element.value_offset, element.length) if element and element.length <= 32 else b""
    )
    parts = raw.strip(b" \0").split(b"\\")
    if len(parts) != 3 or not all(part.strip().isdigit() and int(part) < 256 for part in parts):
        return _GREY
    return "#" + "".join(f"{int(part):02x}" for part in parts)


def _height_of(source: OpenedObject, contour: Contour) -> float | None:
    raw = source.window.take(contour.offset, min(contour.length, _FIRST_POINT_BYTES))
    parts = raw.split(b"\\", 3)
    try:
        z = float(parts[2])
    except (IndexError, ValueError):
        return None
    return z if math.isfinite(z) else None


def _height(outlined: Sequence[_Outlined], focus: int | None) -> float | None:
    focused = next((each.contours for each in outlined if each.number == focus), ())
    if focused:
        longest = max(contour.length for _, contour in focused)
        large = sorted(z for z, contour in focused if contour.length >= _ABOUT_AS_LONG * longest)
        return large[len(large) // 2]
    crowd: dict[float, int] = {}
    for each in outlined:
        for z in {round(z, 1) for z, _ in each.contours}:
            crowd[z] = crowd.get(z, 0) + 1
    return max(crowd, key=lambda z: (crowd[z], -abs(z)), default=None)


def _section(source: OpenedObject, roi: _Outlined, height: float) -> Iterator[Polygon]:
    """Yield the contours in the slice of an ROI that is nearest to a height, if any is near."""
    nearest = min((abs(z - height) for z, _ in roi.contours), default=math.inf)
    if nearest > _SAME_SLICE_MM:
        return
    for z, contour in roi.contours:
        if abs(z - height) <= nearest + 0.01:
            points = _flat(source, contour)
            if points is not None:
                thinned = points[:: max(1, -(-len(points) // _MOST_POINTS))]
                yield tuple((round(float(x), 1), round(float(y), 1)) for x, y, _ in thinned)


def _flat(source: OpenedObject, contour: Contour) -> Points | None:
    """Parse a contour that lies in an axial plane; None for any other."""
    points = contour_points(source, contour)
    if points is None or float(np.ptp(points[:, 2])) > 1.0:
        return None
    return points


@dataclass(slots=True)
class _Strand:
    """What hangs together in the view from the front: a piece of a ROI, from slice to slice."""

    spans: list[tuple[float, float, float]]

    @property
    def polygon(self) -> Polygon:
        left = [(low, z) for z, low, _ in self.spans]
        right = [(high, z) for z, _, high in reversed(self.spans)]
        return tuple((round(x, 1), round(z, 1)) for x, z in (*left, *right))


def _front(source: OpenedObject, roi: _Outlined) -> Iterator[Polygon]:
    """Yield the outlines of an ROI as seen from the front: in each slice from its rightmost to its leftmost point."""
    slices = sorted({round(z, 1) for z, _ in roi.contours})
    wanted = set(slices[:: max(1, -(-len(slices) // _MOST_SLICES))]) | set(slices[-1:])
    spans: dict[float, list[tuple[float, float]]] = {}
    for z, contour in roi.contours:
        if round(z, 1) not in wanted or sum(map(len, spans.values())) >= _MOST_CONTOURS:
            continue
        points = _flat(source, contour)
        if points is not None:
            spans.setdefault(round(z, 1), []).append((float(points[:, 0].min()), float(points[:, 0].max())))
    for strand in _strands(spans):
        yield strand.polygon


def _strands(spans: dict[float, list[tuple[float, float]]]) -> Iterable[_Strand]:
    """Join what overlaps in neighbouring slices, so that two lungs are two."""
    done: list[_Strand] = []
    growing: list[_Strand] = []
    for z in sorted(spans):
        grown: list[_Strand] = []
        for low, high in _merged(spans[z]):
            strand = next(
                (each for each in growing if each.spans[-1][1] <= high and low <= each.spans[-1][2]), None
            )
            if strand is None:
                strand = _Strand([])
            else:
                growing.remove(strand)
            strand.spans.append((z, low, high))
            grown.append(strand)
        done += growing
        growing = grown
    return (*done, *growing)


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Join the contours of one slice that overlap: a hole and what is around it are one."""
    joined: list[tuple[float, float]] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return joined
