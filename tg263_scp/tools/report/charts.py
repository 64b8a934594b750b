"""Figures of a report as SVG, drawn by matplotlib where it is installed (extra ``report``)."""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tg263_scp.tools.report.page import Html

WITHOUT_FIGURES = (
    "This report has tables only: figures need the extra 'report' (pip install 'tg263-scp[report]')."
)
_SIZE_INCH = (6.6, 3.1)
_FIXED: Any = {
    "svg.hashsalt": "tg263-scp",
    "svg.fonttype": "path",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_RIGHT, _MISSED, _WRONG = "#2f6f9f", "#b9c4cf", "#a3142a"


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a figure; ``low`` and ``high`` are its interval, ``count`` how many cases it rests on."""

    x: float
    y: float
    low: float
    high: float
    count: int


def has_charts() -> bool:
    """Tell whether figures can be drawn."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return False
    return True


def _drawn(draw: Callable[[Any], None], height: float = _SIZE_INCH[1]) -> Html:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_FIXED):
        drawing = Figure(figsize=(_SIZE_INCH[0], height), layout="constrained")
        FigureCanvasSVG(drawing)
        draw(drawing.add_subplot())
        buffer = io.StringIO()
        drawing.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    # Two drawings in one page: an id stands once in a document.
    mark = f"f{hashlib.sha256(svg.encode()).hexdigest()[:8]}"
    return Html(
        re.sub(
            r'(id="|href="#|url\(#)',
            rf"\g<1>{mark}-",
            re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S),
        )
    )


def risk_coverage(points: Sequence[Point]) -> Html:
    """How the share of wrong answers grows with the share of names that are answered; both 0 to 1."""

    def draw(axes: Any) -> None:
        xs = [100 * point.x for point in points]
        axes.fill_between(
            xs, [100 * p.low for p in points], [100 * p.high for p in points], color=_RIGHT, alpha=0.15, lw=0
        )
        axes.plot(xs, [100 * point.y for point in points], color=_RIGHT, marker=".", lw=1.5)
        axes.set_xlabel("names that get an answer (%)")
        axes.set_ylabel("wrong among the answers (%)")
        axes.set_xlim(0, 100)
        axes.set_ylim(bottom=0)

    return _drawn(draw)


def calibration(points: Sequence[Point]) -> Html:
    """Stated confidence against the share of answers that are right; both 0 to 1."""

    def draw(axes: Any) -> None:
        low = min((point.x for point in points), default=0.5)
        axes.plot([low, 1], [low, 1], color=_MISSED, lw=1, ls="--")
        bars = [[max(0.0, p.y - p.low) for p in points], [max(0.0, p.high - p.y) for p in points]]
        axes.errorbar(
            [p.x for p in points], [p.y for p in points], yerr=bars, fmt="o", color=_RIGHT, ms=4, lw=1
        )
        for point in points:
            axes.annotate(
                str(point.count), (point.x, point.low), textcoords="offset points", xytext=(5, -3), fontsize=7
            )
        axes.set_xlabel("stated confidence")
        axes.set_ylabel("share that is right")

    return _drawn(draw)


def shares(groups: Sequence[tuple[str, int, int, int]]) -> Html:
    """Right, missed and wrong of each group, as bars to 100 %."""

    def draw(axes: Any) -> None:
        names = [_plain(name) for name, *_ in groups]
        left = [0.0] * len(groups)
        for place, (label, colour) in enumerate(
            (("right", _RIGHT), ("missed", _MISSED), ("wrong", _WRONG)), start=1
        ):
            widths = [100 * float(group[place]) / (sum(group[1:]) or 1) for group in groups]
            axes.barh(range(len(groups)), widths, left=left, color=colour, label=label)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        axes.set_yticks(range(len(groups)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("names (%)")
        axes.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.0), frameon=False)

    return _drawn(draw, 1.2 + 0.28 * len(groups))


def control_chart(
    labels: Sequence[str], values: Sequence[float], centre: float, limits: Sequence[tuple[float, float]]
) -> Html:
    """Shares (0 to 1) week by week with the limits that chance alone keeps them in; what lies outside is red."""

    def draw(axes: Any) -> None:
        places = range(len(labels))
        axes.step(places, [100 * high for _, high in limits], where="mid", color=_MISSED, lw=1)
        axes.step(places, [100 * low for low, _ in limits], where="mid", color=_MISSED, lw=1)
        axes.axhline(100 * centre, color=_MISSED, lw=1, ls="--")
        colours = [
            _RIGHT if low <= value <= high else _WRONG
            for value, (low, high) in zip(values, limits, strict=True)
        ]
        axes.plot(places, [100 * value for value in values], color=_RIGHT, lw=1, zorder=1)
        axes.scatter(places, [100 * value for value in values], c=colours, s=18, zorder=2)
        axes.set_ylabel("left for review (%)")
        axes.set_ylim(bottom=0)
        step = max(1, len(labels) // 12)
        axes.set_xticks(
            list(places)[::step], [labels[place] for place in places][::step], rotation=45, ha="right"
        )

    return _drawn(draw)


def _plain(name: str) -> str:
    """A label that matplotlib does not read as mathematics, of a length that fits."""
    return (name if len(name) <= 28 else f"{name[:27]}…").replace("$", r"\$")
