"""The pictures of the benchmark's page, as SVG files that are the same for the same figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from Testing.benchmark.growth import amounts, growth_of

NAMES = {
    "ours": "ours (code)",
    "shipped": "ours (shipped model)",
    "nnunet_2d": "nnU-Net 2D",
    "nnunet_2d_mirrored": "nnU-Net 2D, mirrored",
    "nnunet_3d": "nnU-Net 3D",
    "nnunet_3d_mirrored": "nnU-Net 3D, mirrored",
    "monai": "MONAI residual U-Net",
}
_OURS, _OTHERS, _CURVE = "#2166ac", "#9aa4ad", "#b2182b"
_LABELS = {"phases": "phases", "slices": "slices", "matrix": "matrix (samples along an edge)"}


def networks_plot(study: Mapping[str, Any], path: Path) -> None:
    """Seconds, processor seconds and memory of each network, on logarithmic axes."""
    names = [name for name in NAMES if name in study]
    figure = Figure(figsize=(9.6, 0.42 * len(names) + 1.4), layout="constrained")
    kinds = {"wall_s": "seconds", "cpu_s": "processor seconds", "peak_mb": "peak memory, MB"}
    for axes, (kind, label) in zip(figure.subplots(1, len(kinds), sharey=True), kinds.items(), strict=True):
        values = [study[name][kind] if kind == "peak_mb" else study[name][kind]["median"] for name in names]
        colors = [_OURS if name in {"ours", "shipped"} else _OTHERS for name in names]
        bars = axes.barh([NAMES[name] for name in names], values, color=colors)
        axes.bar_label(bars, [f"{value:.3g}" for value in values], padding=3, fontsize=8)
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 2, max(values) * 3)
        axes.set_xlabel(label)
        axes.spines[["right", "top"]].set_visible(False)
    axes.yaxis.set_inverted(True)
    _save(figure, path)


def scaling_plot(scaling: Mapping[str, Any], path: Path) -> None:
    """Processor seconds and peak memory over each size of the study, with the fitted growth."""
    names = [name for name in _LABELS if name in scaling]
    figure = Figure(figsize=(3.4 * len(names), 5.0), layout="constrained")
    kinds = {"cpu_s": "processor seconds", "peak_mb": "peak memory, MB"}
    grid = figure.subplots(len(kinds), len(names), squeeze=False)
    for row, (kind, label) in zip(grid, kinds.items(), strict=True):
        for axes, name in zip(row, names, strict=True):
            curve = scaling[name]
            axes.plot(curve["sizes"], curve[kind], "o", color=_OURS)
            growth = growth_of(name, curve, kind)
            if growth is not None:
                axes.plot(curve["sizes"], growth.at(amounts(name, curve["sizes"])), color=_CURVE, linewidth=1)
                axes.set_title(f"exponent {growth.exponent:.2f}", fontsize=9)
            axes.set_ylim(bottom=0)
            axes.set_xlabel(_LABELS[name])
            axes.spines[["right", "top"]].set_visible(False)
        row[0].set_ylabel(label)
    _save(figure, path)


def counts_plot(scaling: Mapping[str, Any], path: Path) -> None:
    """Seconds over the threads of the network and the workers of a batch."""
    names = [name for name in ("threads", "workers") if "sizes" in scaling.get(name, {})]
    figure = Figure(figsize=(3.4 * max(1, len(names)), 2.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, max(1, len(names)), squeeze=False)[0], names, strict=False):
        curve = scaling[name]
        axes.plot(curve["sizes"], curve["wall_s"], "o-", color=_OURS, label="seconds")
        axes.plot(curve["sizes"], curve["cpu_s"], "s--", color=_OTHERS, label="processor seconds")
        axes.set_xticks(curve["sizes"])
        axes.set_ylim(bottom=0)
        axes.set_xlabel(name)
        axes.spines[["right", "top"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with mpl.rc_context({"svg.hashsalt": "benchmark"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
    path.write_text("\n".join(line.rstrip() for line in path.read_text(encoding="utf-8").splitlines()) + "\n", encoding="utf-8")
