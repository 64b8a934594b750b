"""A sketch of contours as SVG inside the page: only numbers, colours and escaped names get in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup, escape

from tg263_scp.dicom.reading.contour_sketch import Polygon, Sketch, SketchedRoi
from tg263_scp.tools.shared.terminal import visible

_ROOM_MM = 12.0
"""Around what is drawn, for the letters of directions."""


def axial_view(sketch: Sketch, names: Mapping[int, str], focus: int | None) -> Markup | None:
    """Draw the section as it is looked at: from the feet, the patient's left on the right; None where nothing is there."""
    drawn = [(roi, roi.axial) for roi in sketch.rois if roi.axial]
    return _view(drawn, names, focus, "Axial section, seen from the feet", ("R", "L", "A", "P"))


def coronal_view(sketch: Sketch, names: Mapping[int, str], focus: int | None) -> Markup | None:
    """Draw the view from the front, the head above, with the height of the section; None where nothing is there."""
    drawn = [
        (roi, tuple(tuple((x, -z) for x, z in line) for line in roi.coronal))
        for roi in sketch.rois
        if roi.coronal
    ]
    height = None if sketch.height_mm is None else -sketch.height_mm
    return _view(drawn, names, focus, "Coronal view from the front", ("R", "L", "H", "F"), height)


def _view(
    drawn: Sequence[tuple[SketchedRoi, tuple[Polygon, ...]]],
    names: Mapping[int, str],
    focus: int | None,
    title: str,
    letters: tuple[str, str, str, str],
    level: float | None = None,
) -> Markup | None:
    corners = [corner for _, lines in drawn for line in lines for corner in line]
    if not corners:
        return None
    left, right = min(x for x, _ in corners) - _ROOM_MM, max(x for x, _ in corners) + _ROOM_MM
    top, bottom = min(y for _, y in corners) - _ROOM_MM, max(y for _, y in corners) + _ROOM_MM
    width, height = right - left, bottom - top
    # What is in focus is drawn last, above the rest; large ones first, so that small ones can be pointed at.
    ordered = sorted(drawn, key=lambda each: (each[0].number == focus, -_extent(each[1])))
    shapes = Markup("").join(
        _shape(roi, lines, names.get(roi.number, ""), focused=roi.number == focus) for roi, lines in ordered
    )
    line = (
        Markup('<path class="level" d="M{:.1f} {:.1f}H{:.1f}"/>').format(left, level, right)
        if level is not None
        else Markup("")
    )
    size = max(width, height) / 26
    places = (
        (left + size * 0.6, (top + bottom) / 2),
        (right - size * 0.6, (top + bottom) / 2),
        ((left + right) / 2, top + size),
        ((left + right) / 2, bottom - size * 0.4),
    )
    words = Markup("").join(
        Markup('<text x="{:.1f}" y="{:.1f}" font-size="{:.1f}">{}</text>').format(x, y, size, letter)
        for letter, (x, y) in zip(letters, places, strict=True)
    )
    return Markup(
        '<svg class="sketch" role="img" aria-label="{}" viewBox="{:.1f} {:.1f} {:.1f} {:.1f}">{}{}{}</svg>'
    ).format(title, left, top, width, height, shapes, line, words)


def _extent(lines: Iterable[Polygon]) -> float:
    corners = [corner for line in lines for corner in line]
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return (max(xs) - min(xs)) * (max(ys) - min(ys))


def _shape(roi: SketchedRoi, lines: Iterable[Polygon], name: str, *, focused: bool) -> Markup:
    way = "".join(
        "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line) + "Z" for line in lines if len(line) > 1
    )
    return Markup(
        '<path class="{}" data-roi="{}" d="{}" stroke="{}" fill="{}"><title>{}</title></path>'
    ).format(
        "shape focus" if focused else "shape", roi.number, way, roi.colour, roi.colour, escape(visible(name))
    )
