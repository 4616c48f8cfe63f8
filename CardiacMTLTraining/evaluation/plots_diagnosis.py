"""Plots of the diagnosis: confusion, ROC curves, reliability, selective accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from sklearn.metrics import roc_curve

from CardiacMTLLib.labels import Group
from CardiacMTLTraining.evaluation.calibration import ProbabilityTable
from CardiacMTLTraining.evaluation.case_figures import CaseFigures
from CardiacMTLTraining.evaluation.classification import UNDEFINED, DiagnosisSummary
from CardiacMTLTraining.evaluation.intervals import exact_interval
from CardiacMTLTraining.evaluation.plotting import GREY, GROUP_COLORS, new_figure, png, tidy

_BLUE, _ORANGE = "#1f5fae", "#b35900"


def confusion_and_roc_plot(figures: Sequence[CaseFigures], diagnosis: DiagnosisSummary) -> bytes:
    """The confusion table as a picture, and a ROC curve for each group against the rest."""
    figure = new_figure(9.5, 4.0)
    left, right = figure.subplots(1, 2)
    _confusion(left, diagnosis)
    _roc(right, ProbabilityTable.of(figures), diagnosis)
    return png(figure)


def calibration_plot(diagnosis: DiagnosisSummary) -> bytes:
    """Reliability with exact intervals and the patients of each bin, and selective accuracy over coverage."""
    figure = new_figure(9.5, 4.2)
    grid = figure.add_gridspec(2, 2, height_ratios=(3, 1))
    _reliability(figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[1, 0]), diagnosis)
    _selective(figure.add_subplot(grid[:, 1]), diagnosis)
    return png(figure)


def _confusion(axes: Axes, diagnosis: DiagnosisSummary) -> None:
    counts = np.array([list(row.values()) for row in diagnosis.confusion.values()])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), n in np.ndenumerate(counts):
        axes.text(
            column, row, str(n) if n else "·", ha="center", va="center", color="white" if shares[row, column] > 0.5 else "black"
        )
    names = [group.value for group in Group]
    tidy(axes, "Patients by true and most likely group", "most likely", "true")
    axes.set_xticks(range(len(names) + 1), [*names, UNDEFINED])
    axes.set_yticks(range(len(names)), names)


def _roc(axes: Axes, table: ProbabilityTable, diagnosis: DiagnosisSummary) -> None:
    axes.plot((0, 1), (0, 1), color=GREY, linewidth=1, linestyle="--")
    for place, group in enumerate(Group):
        auc = diagnosis.groups[group.value].auc
        if auc is not None:
            false, true, _ = roc_curve(table.truth == place, table.chances[:, place])
            axes.plot(false, true, color=GROUP_COLORS[group], linewidth=1.6, label=f"{group}: AUC {auc:.3f}")
    tidy(axes, "Each group against the rest", "1 - specificity", "sensitivity")
    axes.set_aspect("equal")
    if diagnosis.auc_mean is not None:
        axes.legend(fontsize=8, frameon=False, loc="lower right")


def _reliability(axes: Axes, counts: Axes, diagnosis: DiagnosisSummary) -> None:
    axes.plot((0, 1), (0, 1), color=GREY, linewidth=1, linestyle="--")
    for item in diagnosis.reliability:
        counts.bar((item.low + item.high) / 2, item.n, width=0.09, color=_BLUE)
        if item.confidence is not None and item.accuracy is not None:
            low, high = exact_interval(item.accuracy * item.n, item.n)
            axes.plot((item.confidence, item.confidence), (low, high), color=_BLUE, linewidth=1)
            axes.plot(item.confidence, item.accuracy, marker="o", color=_BLUE, markersize=5)
    remark = "" if diagnosis.ece is None else f", ECE {diagnosis.ece:.3f}"
    tidy(axes, f"Reliability{remark}", "", "share right")
    axes.tick_params(labelbottom=False)
    tidy(counts, "", "largest probability", "patients")
    for panel in (axes, counts):
        panel.set_xlim(0, 1)
    axes.set_ylim(-0.02, 1.02)


def _selective(axes: Axes, diagnosis: DiagnosisSummary) -> None:
    curve = diagnosis.selective
    coverage = [point.coverage for point in curve]
    lows, highs = ([point.accuracy_interval_95[side] for point in curve] for side in (0, 1))
    axes.fill_between(coverage, lows, highs, color=_BLUE, alpha=0.12, linewidth=0, label="95 % interval, point by point")
    axes.plot(coverage, [point.accuracy for point in curve], color=_BLUE, linewidth=1.6)
    marks = (
        (diagnosis.selective_at_90, "s", _BLUE, "the surest 90 %"),
        (diagnosis.labels_given, "D", _ORANGE, "labels as given"),
    )
    for point, marker, colour, name in marks:
        if point is not None:
            text = f"{name}: {point.accuracy:.3f} at {point.coverage:.2f}"
            axes.plot(point.coverage, point.accuracy, marker, color=colour, markersize=7, linestyle="", label=text)
    tidy(axes, "Accuracy of the surest", "coverage: share of patients that get an answer", "share right")
    axes.set_xlim(0, 1.02)
    axes.set_ylim(min([0.5, *(point.accuracy for point in curve)]) - 0.02, 1.01)
    axes.legend(fontsize=8, frameon=False, loc="lower left")
