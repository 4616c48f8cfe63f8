"""What all plots share: an empty figure, its way to PNG, colours; needs matplotlib, opens no window."""

from __future__ import annotations

import io
from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from CardiacMTLLib.labels import Group

DOTS_PER_INCH = 120
GREY = "#6b7480"

GROUP_COLORS: Mapping[Group | None, str] = {
    Group.NOR: "#009e73",
    Group.MINF: "#e69f00",
    Group.DCM: "#d55e00",
    Group.HCM: "#0072b2",
    Group.RV: "#cc79a7",
    None: GREY,
}
"""Colours that the colour-blind can tell apart (Okabe and Ito, 2008)."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of so many inches, drawn without any display."""
    return Figure(figsize=(width, height), layout="constrained")


def tidy(axes: Axes, title: str, x_label: str, y_label: str) -> None:
    """Title, labels, and no frame on the right and above."""
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(x_label, fontsize=9)
    axes.set_ylabel(y_label, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["right", "top"]].set_visible(False)


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, the same bytes for the same figure."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return stream.getvalue()
