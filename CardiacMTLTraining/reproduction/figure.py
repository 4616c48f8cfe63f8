"""The learning curves of both arms, as a PNG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from CardiacMTLTraining.reproduction.arms import Arm
from CardiacMTLTraining.reproduction.convergence import THRESHOLD, first_epoch, share_waiting
from CardiacMTLTraining.reproduction.record import Curves, RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {Arm.ALONE: "#b35806", Arm.JOINT: "#2166ac"}


def draw_curves(records: Sequence[RunRecord], path: Path) -> None:
    """Validation accuracy, training accuracy, and the share of runs at 70 %, epoch by epoch; thin lines are single runs."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - only this command needs matplotlib
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots(1, 3)
    for arm in Arm:
        runs = [record for record in records if record.arm is arm]
        _accuracy(axes[0], arm, runs, lambda curves: curves.validation_accuracy)
        _accuracy(axes[1], arm, runs, lambda curves: curves.training_accuracy)
        horizon = runs[0].configuration.epochs
        reached = [first_epoch(record.curves.validation_accuracy) for record in runs]
        shares = [1 - share for share in share_waiting(reached, horizon)]
        axes[2].step(range(horizon + 1), shares, where="post", color=_COLOURS[arm], linewidth=2, label=arm.words)
    axes[0].axhline(THRESHOLD, color="grey", linestyle=":", linewidth=1)
    titles = (
        "accuracy on the held-out fold",
        "accuracy on augmented training studies",
        f"share of runs that have reached {THRESHOLD:.0%}".replace("%", " %"),
    )
    for axis, title in zip(axes, titles, strict=True):
        axis.set(title=title, xlabel="epoch", ylim=(0, 1.02))
        axis.grid(alpha=0.25)
        axis.legend(loc="upper left", frameon=False)
    temporary = path.with_suffix(".part")
    canvas.print_png(temporary, metadata={"Software": None})  # type: ignore[no-untyped-call]
    temporary.replace(path)


def _accuracy(axis: Axes, arm: Arm, runs: Sequence[RunRecord], value: Callable[[Curves], tuple[float, ...]]) -> None:
    values = np.array([value(record.curves) for record in runs])
    epochs = np.arange(1, values.shape[1] + 1)
    axis.plot(epochs, values.T, color=_COLOURS[arm], linewidth=0.6, alpha=0.2)
    axis.plot(epochs, values.mean(axis=0), color=_COLOURS[arm], linewidth=2, label=f"{arm.words}, mean of {len(runs)} runs")
