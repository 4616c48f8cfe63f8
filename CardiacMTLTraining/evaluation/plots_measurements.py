"""Plots of measurements: ours against the experts', and their differences (Bland and Altman)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from CardiacMTLLib.labels import Group
from CardiacMTLTraining.evaluation.agreement import Agreement
from CardiacMTLTraining.evaluation.case_figures import COMPARED, CaseFigures
from CardiacMTLTraining.evaluation.plotting import GREY, GROUP_COLORS, new_figure, png, tidy

_COLUMNS = 4
_NAMES = {"edv": "EDV", "esv": "ESV", "ef": "EF", "mass": "mass"}


def title_of(key: str) -> str:
    """`lv_edv_ml` as 'LV EDV'."""
    side, kind, *_ = key.split("_")
    return f"{side.upper()} {_NAMES[kind]}"


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """One measurement of the patients of whom both numbers are known: `ours` and `theirs` (n,), a colour each."""

    title: str
    unit: str
    ours: NDArray[np.float64]
    theirs: NDArray[np.float64]
    colours: list[str]
    error: Agreement


def bland_altman_plot(figures: Sequence[CaseFigures], errors: Mapping[str, Agreement]) -> bytes:
    """For each measurement the difference, ours less the experts', over the mean of both, with bias and limits of agreement."""
    return _panels(figures, errors, _bland_altman)


def correlation_plot(figures: Sequence[CaseFigures], errors: Mapping[str, Agreement]) -> bytes:
    """For each measurement ours over the experts', with the line of identity."""
    return _panels(figures, errors, _correlation)


def _panels(figures: Sequence[CaseFigures], errors: Mapping[str, Agreement], draw: Callable[[Axes, _Pairs], None]) -> bytes:
    rows = -(-(len(COMPARED) + 1) // _COLUMNS)
    figure = new_figure(11.5, 2.9 * rows)
    panels = list(figure.subplots(rows, _COLUMNS).ravel())
    for axes, key in zip(panels, COMPARED, strict=False):
        pairs = _pairs(figures, key, errors[key])
        if len(pairs.ours):
            draw(axes, pairs)
        else:
            axes.set_axis_off()
    for axes in panels[len(COMPARED) :]:
        axes.set_axis_off()
    _legend(panels[-1], figures)
    return png(figure)


def _pairs(figures: Sequence[CaseFigures], key: str, error: Agreement) -> _Pairs:
    known = [case for case in figures if case.errors[key] is not None]
    ours = np.array([case.measured[key] for case in known], dtype=float)
    theirs = np.array([case.expert[key] for case in known], dtype=float)
    return _Pairs(title_of(key), COMPARED[key], ours, theirs, [GROUP_COLORS[case.group] for case in known], error)


def _bland_altman(axes: Axes, pairs: _Pairs) -> None:
    axes.scatter((pairs.ours + pairs.theirs) / 2, pairs.ours - pairs.theirs, s=14, c=pairs.colours, alpha=0.85, linewidths=0)
    axes.axhline(0, color="#c4cad1", linewidth=0.8, zorder=0)
    levels = [pairs.error.bias, *(pairs.error.limits_of_agreement or ())]
    for level, style in zip(levels, ("-", "--", "--"), strict=False):
        if level is not None:
            axes.axhline(level, color="black", linewidth=1, linestyle=style)
            axes.annotate(
                f"{level:+.1f}", (1, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7.5
            )
    axes.margins(y=0.12)
    tidy(axes, pairs.title, f"mean of both ({pairs.unit})", f"ours - expert ({'points' if pairs.unit == '%' else pairs.unit})")


def _correlation(axes: Axes, pairs: _Pairs) -> None:
    axes.scatter(pairs.theirs, pairs.ours, s=14, c=pairs.colours, alpha=0.85, linewidths=0)
    ends = [min(pairs.ours.min(), pairs.theirs.min()), max(pairs.ours.max(), pairs.theirs.max())]
    axes.plot(ends, ends, color=GREY, linewidth=1, linestyle="--", zorder=0)
    r = pairs.error.pearson
    remark = "" if r is None else f", r = {r:.3f}"
    tidy(axes, f"{pairs.title}{remark}", f"expert ({pairs.unit})", f"ours ({pairs.unit})")


def _legend(axes: Axes, figures: Sequence[CaseFigures]) -> None:
    """The colours of the groups that occur, in the panel that is left over."""
    present = {case.group for case in figures}
    marks = [
        Line2D([], [], linestyle="", marker="o", markersize=5, color=GROUP_COLORS[group], label=group or "group not known")
        for group in (*Group, None)
        if group in present
    ]
    axes.legend(handles=marks, loc="center left", fontsize=9, frameon=False)
