"""Figures are drawings in the page: no file, no network, no id twice."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from tg263_scp.tools.report import charts
from tg263_scp.tools.report.charts import Point
from tg263_scp.tools.report.page import Html

pytest.importorskip("matplotlib")
POINTS = [Point(0.5, 0.9, 0.8, 0.95, 20), Point(0.9, 0.99, 0.95, 1.0, 80)]


def drawings() -> list[Html]:
    return [
        charts.risk_coverage(POINTS),
        charts.calibration(POINTS),
        charts.shares([("organ $x$ <b>", 8, 1, 1), ("target", 0, 0, 0)]),
        charts.control_chart(["2026-W01", "2026-W02"], [0.2, 0.9], 0.3, [(0.1, 0.5), (0.1, 0.5)]),
    ]


def test_a_figure_is_a_drawing_that_stands_in_a_page() -> None:
    ids: list[str] = []
    for drawing in drawings():
        assert ElementTree.fromstring(drawing.text).tag.endswith("svg")
        assert not re.search(r'href="(?!#)', drawing.text)
        ids += re.findall(r' id="([^"]+)"', drawing.text)
    assert ids
    assert len(ids) == len(set(ids))


def test_the_same_data_give_the_same_drawing() -> None:
    assert [each.text for each in drawings()] == [each.text for each in drawings()]


def test_without_matplotlib_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    assert not charts.has_charts()
