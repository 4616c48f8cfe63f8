"""Plots of masks: overlap and distances of every patient, and estimated against real overlap."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from CardiacMTLLib.labels import STRUCTURE_PHASES, Label
from CardiacMTLLib.report.palette import STRUCTURE_COLORS
from CardiacMTLTraining.evaluation.case_figures import CaseFigures, Figures
from CardiacMTLTraining.evaluation.mask_quality import estimate_pairs
from CardiacMTLTraining.evaluation.plotting import GREY, new_figure, png, tidy

SHORT_NAMES = {Label.LV: "LV", Label.RV: "RV", Label.MYOCARDIUM: "myo"}
"""How axes and tables call the structures."""


def title_of(key: str) -> str:
    """`MYOCARDIUM_ED` as 'myo ED'."""
    structure, phase = STRUCTURE_PHASES[key]
    return f"{SHORT_NAMES[structure]} {phase}"


def mask_plot(figures: Sequence[CaseFigures]) -> bytes:
    """Dice, Hausdorff and average surface distance: a dot a patient over a box of quartiles, for each structure and phase."""
    figure = new_figure(11.5, 3.6)
    panels = figure.subplots(1, 3)
    kinds: tuple[tuple[str, str, list[Figures]], ...] = (
        ("Dice overlap", "Dice", [case.dice for case in figures]),
        ("Hausdorff distance", "mm", [case.hausdorff_mm for case in figures]),
        ("Average surface distance", "mm", [case.surface_distance_mm for case in figures]),
    )
    for axes, (title, unit, cases) in zip(panels, kinds, strict=True):
        _strips(axes, cases)
        tidy(axes, title, "", unit)
    for axes in panels[1:]:
        axes.set_ylim(bottom=0)
    return png(figure)


def _strips(axes: Axes, cases: Sequence[Figures]) -> None:
    generator = np.random.default_rng(0)
    for place, (key, (structure, _)) in enumerate(STRUCTURE_PHASES.items()):
        values = [value for case in cases if (value := case[key]) is not None]
        if not values:
            continue
        colour = _colour(structure)
        axes.boxplot(
            values,
            positions=[place],
            widths=0.6,
            showfliers=False,
            medianprops={"color": "black"},
            boxprops={"color": GREY},
            whiskerprops={"color": GREY},
            capprops={"color": GREY},
        )
        axes.scatter(place + generator.uniform(-0.18, 0.18, len(values)), values, s=11, color=colour, alpha=0.75, linewidths=0)
    axes.set_xticks(range(len(STRUCTURE_PHASES)), [title_of(key).replace(" ", "\n") for key in STRUCTURE_PHASES])
    axes.set_xlim(-0.6, len(STRUCTURE_PHASES) - 0.4)


def estimate_plot(figures: Sequence[CaseFigures]) -> bytes:
    """Estimated against real Dice, a dot for each patient, structure and phase; filled at ED, hollow at ES."""
    figure = new_figure(4.4, 4.0)
    axes = figure.subplots()
    lowest = 1.0
    for key, (structure, phase) in STRUCTURE_PHASES.items():
        pairs = estimate_pairs(figures, key)
        if pairs:
            estimates, reals = zip(*pairs, strict=True)
            colour = _colour(structure)
            axes.scatter(
                estimates,
                reals,
                s=16,
                edgecolors=[colour],
                facecolors=[colour] if phase == "ED" else "none",
                label=title_of(key),
            )
            lowest = min(lowest, *estimates, *reals)
    axes.plot((lowest, 1), (lowest, 1), color=GREY, linewidth=1, linestyle="--")
    tidy(axes, "Estimated and real overlap", "estimated Dice", "real Dice")
    axes.legend(fontsize=7, frameon=False)
    return png(figure)


def _colour(structure: Label) -> tuple[float, float, float]:
    red, green, blue = (part / 255 for part in STRUCTURE_COLORS[structure])
    return red, green, blue
