"""Drawing of the bull's-eye plots with Matplotlib; no window is opened."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Wedge

from CardiacMTLLib.measure.insertion import SegmentOrientation
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import PLACES, SegmentPlace, WallSegments
from CardiacMTLLib.measure.thickening import ABSENT_WITHIN_PERCENT, NORMAL_FROM_PERCENT
from CardiacMTLLib.report.wording import number_text

DOTS_PER_INCH = 110

_RADII = (0.16, 0.44, 0.72, 1.0)
_ANTERIOR_INSERTION_DEGREES = 120.0
_THICKEST_MM = 20.0
_UNDEFINED_COLOR = "#d5d8dc"
_CLASS_COLORS = ("#b2182b", "#ef8a62", "#fddbc7", "#d1e5f0", "#67a9cf", "#2166ac")
_CLASS_TICKS = (-ABSENT_WITHIN_PERCENT, ABSENT_WITHIN_PERCENT, NORMAL_FROM_PERCENT, 50.0, 80.0)
_CLASS_LIMITS = (-1000.0, 0.5 - ABSENT_WITHIN_PERCENT, *_CLASS_TICKS[1:], 1000.0)
"""Whole percent are drawn: the first limit lies behind its tick, for thinning begins on it and the others begin theirs."""

CLASS_RANGES = (
    f"thinning from {-ABSENT_WITHIN_PERCENT:g} % down, "
    f"absent {1 - ABSENT_WITHIN_PERCENT:g} to {ABSENT_WITHIN_PERCENT - 1:g} %,\n"
    f"reduced {ABSENT_WITHIN_PERCENT:g} to {NORMAL_FROM_PERCENT - 1:g} %, normal from {NORMAL_FROM_PERCENT:g} % up"
)
"""What the colours of thickening mean (`thickening_class`)."""


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    unit: str
    caption: str
    values: Sequence[Measurement]
    colors: ScalarMappable
    ticks: Sequence[float]


def render_bullseye(wall: WallSegments) -> bytes:
    """The picture as a PNG file: three plots beside each other, the same bytes for the same segments."""
    figure = Figure(figsize=(13.2, 5.1), layout="constrained")
    thickness = ScalarMappable(Normalize(4.0, _THICKEST_MM), "viridis")
    growth = ScalarMappable(BoundaryNorm(_CLASS_LIMITS, len(_CLASS_COLORS)), ListedColormap(list(_CLASS_COLORS)))
    panels = (
        _Panel("Wall thickness at ED", "mm", "mm", [s.ed_mm for s in wall.segments], thickness, (4, 8, 12, 16, 20)),
        _Panel("Wall thickness at ES", "mm", "mm", [s.es_mm for s in wall.segments], thickness, (4, 8, 12, 16, 20)),
        _Panel("Thickening", "%", CLASS_RANGES, [s.thickening_percent for s in wall.segments], growth, _CLASS_TICKS),
    )
    for axes, panel in zip(figure.subplots(1, 3), panels, strict=True):
        _draw(axes, panel)
        bar = figure.colorbar(
            panel.colors, ax=axes, orientation="horizontal", shrink=0.7, pad=0.02, aspect=28, spacing="uniform"
        )
        bar.set_ticks(list(panel.ticks))
        bar.ax.tick_params(labelsize=9)
        bar.set_label(panel.caption, fontsize=10)
    figure.suptitle(_note(wall.orientation), fontsize=11)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return stream.getvalue()


def _note(orientation: SegmentOrientation) -> str:
    if orientation is SegmentOrientation.DISPLAY_ASSUMED:
        return (
            "Display orientation assumed: the file holds no orientation; where its images are mirrored, anterior and inferior "
            "are exchanged"
        )
    return "Orientation from the file's directions in the patient"


def _draw(axes: Axes, panel: _Panel) -> None:
    for place, measured in zip(PLACES, panel.values, strict=True):
        inner, outer = _RADII[2 - place.third], _RADII[3 - place.third]
        start = wedge_start_degrees(place)
        text = None if measured.value is None else number_text(measured.value, panel.unit)
        color = _UNDEFINED_COLOR if text is None else _color(panel.colors, float(text))
        axes.add_patch(
            Wedge((0, 0), outer, start, start + place.width, width=outer - inner, facecolor=color, edgecolor="white", lw=2)
        )
        middle, angle = (inner + outer) / 2, math.radians(start + place.width / 2)
        x, y = middle * math.cos(angle), middle * math.sin(angle)
        ink = "black" if text is None else _ink(panel.colors, float(text))
        axes.text(x, y - 0.035, text or "\N{EN DASH}", ha="center", va="center", fontsize=11.5, color=ink)
        axes.text(x, y + 0.065, str(place.number), ha="center", va="center", fontsize=7.5, color=ink)
    for text, x, y, turn in (
        ("anterior", 0, 1.07, 0),
        ("inferior", 0, -1.07, 0),
        ("septum", -1.07, 0, 90),
        ("lateral", 1.07, 0, 270),
    ):
        axes.text(x, y, text, ha="center", va="center", fontsize=10, rotation=turn)
    axes.set_title(panel.title, fontsize=13)
    axes.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    axes.set_axis_off()


def wedge_start_degrees(place: SegmentPlace) -> float:
    """Where a segment's wedge begins, counter-clockwise from the right: the septum, left, follows on the anterior insertion."""
    return _ANTERIOR_INSERTION_DEGREES + place.start


def _color(colors: ScalarMappable, value: float) -> tuple[float, float, float, float]:
    red, green, blue, alpha = colors.to_rgba(np.array([value]))[0]
    return float(red), float(green), float(blue), float(alpha)


def _ink(colors: ScalarMappable, value: float) -> str:
    red, green, blue, _ = _color(colors, value)
    return "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
