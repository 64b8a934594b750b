"""A sketch as SVG: seen from where it is said, with nothing in it but numbers, colours and escaped names."""

from __future__ import annotations

import re

from tg263_scp.desk.pages.sketches import axial_view, coronal_view
from tg263_scp.dicom.reading.contour_sketch import Sketch, SketchedRoi

LEFT = SketchedRoi(
    1,
    "#ff0000",
    (((50.0, 0.0), (60.0, 0.0), (60.0, 10.0)),),
    (((50.0, 100.0), (60.0, 100.0), (55.0, 120.0)),),
    3,
)
RIGHT = SketchedRoi(2, "#00ff00", (((-60.0, 0.0), (-50.0, 0.0), (-50.0, 40.0)),), (), 1)
SKETCH = Sketch((LEFT, RIGHT), 100.0)


def test_the_left_of_the_patient_is_on_the_right() -> None:
    drawn = str(axial_view(SKETCH, {1: "left one", 2: "right one"}, None))
    begins, _, width, _ = map(float, re.findall(r'viewBox="([^"]+)"', drawn)[0].split())
    letters = {letter: float(x) for x, letter in re.findall(r'<text x="([-\d.]+)"[^>]*>(\w)</text>', drawn)}
    assert begins <= letters["R"] < begins + width / 2 < letters["L"]
    assert "M50.0 0.0L60.0 0.0L60.0 10.0Z" in drawn


def test_the_head_is_above_and_the_section_is_marked() -> None:
    drawn = str(coronal_view(SKETCH, {}, 1))
    assert "M50.0 -100.0L60.0 -100.0L55.0 -120.0Z" in drawn
    assert 'class="level" d="M38.0 -100.0H' in drawn


def test_what_is_in_focus_is_drawn_last_and_large_ones_first() -> None:
    def order(focus: int | None) -> list[str]:
        return re.findall(r'data-roi="(\d)"', str(axial_view(SKETCH, {}, focus)))

    assert (order(None), order(2), order(1)) == (["2", "1"], ["1", "2"], ["2", "1"])
    assert str(axial_view(SKETCH, {}, 2)).count("shape focus") == 1


def test_names_are_escaped_and_hidden_characters_written_out() -> None:
    drawn = str(axial_view(SKETCH, {1: "<script>\u202e'\"", 2: "]]>"}, None))
    assert "<script>" not in drawn
    assert "&lt;script&gt;\\u202e&#39;&#34;" in drawn


def test_where_nothing_is_drawn_there_is_no_picture() -> None:
    assert axial_view(Sketch((), None), {}, None) is None
    assert coronal_view(Sketch((RIGHT,), 0.0), {}, None) is None
