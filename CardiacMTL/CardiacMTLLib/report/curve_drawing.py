"""Drawing of the volume-time curves with Matplotlib; no window is opened."""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.curve import VENTRICLES, CycleCurves
from CardiacMTLLib.report.palette import STRUCTURE_COLORS

DOTS_PER_INCH = 110

_MARK_COLOR = "#5a636e"
_STYLES = {Label.LV: ("o", "-"), Label.RV: ("s", "--")}
"""Marker and line of each ventricle, for those who do not tell the colours apart."""


def render_curves(curves: CycleCurves, frames: Mapping[Phase, int]) -> bytes:
    """The picture as a PNG file, the same bytes for the same curves; a frame without the ventricle leaves a gap."""
    figure = Figure(figsize=(8.4, 4.2), layout="constrained")
    axes = figure.subplots()
    times = curves.times
    places = times.shares if times.times_ms is None else times.times_ms
    for name, label in VENTRICLES.items():
        volumes = np.array(curves.volumes_ml(name))
        volumes[volumes == 0] = np.nan
        color = tuple(part / 255 for part in STRUCTURE_COLORS[label])
        marker, line = _STYLES[label]
        axes.plot(places, volumes, marker=marker, markersize=4, linewidth=1.8, linestyle=line, color=color, label=name.upper())
    axes.set_ylim(bottom=0)
    top = axes.get_ylim()[1]
    for phase, frame in frames.items():
        axes.axvline(places[frame], color=_MARK_COLOR, linewidth=1, linestyle="--")
        side = "right" if places[frame] > sum(axes.get_xlim()) / 2 else "left"
        axes.text(places[frame], 0.02 * top, f" {phase} ", color=_MARK_COLOR, fontsize=10, va="bottom", ha=side)
    axes.set_xlabel("share of the cycle" if times.times_ms is None else "time, ms")
    axes.set_ylabel("volume, mL")
    axes.spines[["right", "top"]].set_visible(False)
    axes.grid(axis="y", color="#e4e8ec")
    axes.set_axisbelow(True)
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    return stream.getvalue()
