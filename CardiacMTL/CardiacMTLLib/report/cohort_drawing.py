"""Drawing of a cohort's histograms with Matplotlib; no window is opened."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from CardiacMTLLib.report.cohort_cases import SHOWN

DOTS_PER_INCH = 100
_A_PICTURE = 4
_MAX_BINS = 24
_EDGES_INCHES = 0.8
_COLOR = "#1f5fae"


def render_histograms(values: Mapping[str, Mapping[str, Sequence[float]]], groups: Sequence[str]) -> list[bytes]:
    """Pictures as PNG files, of four measurements each: a column a measurement, a row a group, on one axis a column.

    `values` holds those of each group by measurement; a group without values has an empty row.
    """
    names = list(values)
    parts = [names[start : start + _A_PICTURE] for start in range(0, len(names), _A_PICTURE)]
    return [_picture({name: values[name] for name in part}, groups) for part in parts]


def _picture(values: Mapping[str, Mapping[str, Sequence[float]]], groups: Sequence[str]) -> bytes:
    height = _EDGES_INCHES + 0.95 * len(groups)
    figure = Figure(figsize=(12.0, height))
    grid = figure.subplots(len(groups), _A_PICTURE, squeeze=False, sharex="col")
    figure.subplots_adjust(0.09, 0.4 / height, 0.99, 1 - 0.4 / height, wspace=0.18, hspace=0.16)
    names = list(values)
    for column in range(_A_PICTURE):
        if column >= len(names):
            for axes in grid[:, column]:
                axes.set_axis_off()
            continue
        name = names[column]
        title, unit = SHOWN[name]
        edges = _edges([value for members in values[name].values() for value in members])
        for group, axes in zip(groups, grid[:, column], strict=True):
            _draw(axes, values[name].get(group, ()), edges, group if column == 0 else "")
        grid[0, column].set_title(f"{title}, {unit}", fontsize=12)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return stream.getvalue()


def _edges(values: Sequence[float]) -> np.ndarray:
    """Common edges of the bins: about the square root of the number of values, at least six."""
    low, high = min(values), max(values)
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, 1 + min(max(6, round(len(values) ** 0.5)), _MAX_BINS))


def _draw(axes: Axes, members: Sequence[float], edges: np.ndarray, label: str) -> None:
    if members:
        axes.hist(members, bins=edges.tolist(), color=_COLOR, edgecolor="white", linewidth=0.5)
    axes.text(0.99, 0.95, f"n = {len(members)}", transform=axes.transAxes, ha="right", va="top", fontsize=9)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
    axes.tick_params(labelsize=9)
    axes.spines[["right", "top"]].set_visible(False)
    if label:
        axes.set_ylabel(label, fontsize=11, rotation=0, ha="right", va="center")
