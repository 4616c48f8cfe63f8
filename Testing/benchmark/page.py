"""docs/benchmark.md: the figures of results.json as tables beside the aims, with the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from Testing.benchmark.aims import Aim, aims
from Testing.benchmark.growth import FLAT, NOISE, SUPER_LINEAR, growth_of
from Testing.benchmark.plots import NAMES, counts_plot, networks_plot, scaling_plot

QUIET_LOAD = 0.7
"""A load above this at the start means that others used the machine: seconds by the clock are then too long."""

_HEAD = """# Benchmark

`python -m Testing.benchmark` measures all of this in one run and writes this page. Everything is measured in processes of its
own, side by side and in turn, on synthetic hearts as files: ED and ES of 10 slices of 256 x 256 samples (350 mm), and a cine of
30 phases of the same size. Seconds are medians, with the least and the most in brackets; memory is the most that the process
held. The networks of others have random weights (time does not depend on them) and come from the extra `benchmark`; their
configurations, with the sources, stand in `Testing/benchmark/contenders`. What was changed for speed, and what did not pay, is
in [changes](benchmark/changes.md)."""

_BUSY = (
    "**These figures are from a machine that others used at the same time (load {load} at the start): seconds by the clock "
    "may be too long, processor seconds are right to about a fifth.**"
)


def write_page(results: Mapping[str, Any], out: Path) -> None:
    """Write benchmark.md and the pictures beside results.json."""
    parts, pictures = results["parts"], out / "benchmark"
    found = {name: part["found"] for name, part in parts.items()}
    blocks = [_HEAD, *_busy(parts), _aims_table(aims(found))]
    if "networks" in found:
        networks_plot(found["networks"]["ED and ES"], pictures / "networks.svg")
        blocks += ["## Networks", *_networks(found["networks"]), "![networks](benchmark/networks.svg)"]
    if "pipeline" in found:
        blocks += ["## The whole job", *_pipeline(found["pipeline"])]
    if "scaling" in found:
        scaling_plot(found["scaling"], pictures / "scaling.svg")
        counts_plot(found["scaling"], pictures / "counts.svg")
        blocks += ["## Growth", *_scaling(found["scaling"])]
        blocks += ["![growth](benchmark/scaling.svg)", "![threads and workers](benchmark/counts.svg)"]
    if "training" in found:
        blocks += ["## Training", _training(found["training"])]
    blocks += ["## Measured on", _measured_on(parts)]
    (out / "benchmark.md").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _busy(parts: Mapping[str, Any]) -> list[str]:
    loads = [part["load_at_start"] for part in parts.values() if part["load_at_start"] is not None]
    return [_BUSY.format(load=max(loads))] if loads and max(loads) > QUIET_LOAD else []


def _aims_table(rows: list[Aim]) -> str:
    body = [(row.what, row.wanted, row.found, {True: "yes", False: "**no**", None: "not measured"}[row.met]) for row in rows]
    return "## Aims\n\n" + _table(("aim", "wanted", "found", "met"), body)


def _networks(found: Mapping[str, Any]) -> list[str]:
    peak = found["matrix_product"]
    product = f"{peak['gflop_per_s']['median']:.0f} GFLOP/s, {peak['gflop_per_cpu_s']['median']:.0f} GFLOP by processor second"
    blocks = [
        "The network alone: no reading, resampling, cleaning or writing. Ours locates the heart and sees each slice in four "
        f"views. The share is that of a product of two large matrices in the same run ({product}), by processor seconds."
    ]
    for study in (study for study in ("ED and ES", "30-phase cine") if study in found):
        ours = found[study]["ours"]
        rows = []
        for name in (name for name in NAMES if name in found[study]):
            one = found[study][name]
            share = one["gflop"] / one["cpu_s"]["median"] / peak["gflop_per_cpu_s"]["median"]
            ratio = one["cpu_s"]["median"] / ours["cpu_s"]["median"]
            cells = (_spread(one["wall_s"]), _spread(one["cpu_s"]), f"{ratio:.1f}", f"{one['peak_mb']:.0f}")
            rows.append((NAMES[name], *cells, f"{one['gflop']:.0f}", f"{share:.0%}"))
        head = ("network", "seconds", "processor seconds", "times ours", "memory, MB", "GFLOP", "share of peak")
        blocks += [f"**{study}**", _table(head, rows)]
    blocks.append("nnU-Net's 3D network, and mirroring, cost the same for every frame: 15 times ED and ES for the cine.")
    return blocks


def _pipeline(found: Mapping[str, Any]) -> list[str]:
    rows, parts = [], []
    for study, ways in found.items():
        for way, name in (("command_line", "`cardiacmtl run`, start to end"), ("job", "in a process that has done one before")):
            one = ways[way]
            rows.append((study, name, _spread(one["wall_s"]), _spread(one["cpu_s"]), f"{one['peak_mb']:.0f}"))
        one = ways["job"]
        names = ("reading", "analysing", "network", "writing")
        for kind, label in (("s", "seconds"), ("cpu_s", "processor seconds")):
            cells = [f"{one['parts'][f'{name}_{kind}']['median']:.2f}" for name in names]
            parts.append((study, label, *cells, _spread(one[f"outside_{kind}"])))
    return [
        "Masks, record, report, pictures, 3D picture and scene are written, as far as their packages are there.",
        _table(("study", "way", "seconds", "processor seconds", "memory, MB"), rows),
        "The parts of a job in a process that has done one before; the network is within the analysis, 'outside' is all but "
        "the network. Scene and 3D picture are made in a second process at the same time; its processor seconds are left out.",
        _table(("study", "", "reading", "analysing", "of it network", "writing", "outside the network"), parts),
    ]


def _scaling(found: Mapping[str, Any]) -> list[str]:
    rows = []
    for name in ("phases", "slices", "matrix"):
        curve = found[name]
        for kind, label in (("cpu_s", "processor seconds"), ("peak_mb", "memory, MB")):
            growth = growth_of(name, curve, kind)
            values = ", ".join(f"{size}: {value:.3g}" for size, value in zip(curve["sizes"], curve[kind], strict=True))
            exponent = "–" if growth is None else f"{growth.exponent:.2f}"  # noqa: RUF001 - a dash
            linear = "–" if growth is None else ("**no**" if growth.super_linear else "yes")  # noqa: RUF001
            rows.append((name, label, values, exponent, linear))
    blocks = [
        "The whole job without the scene; each size is changed alone. The curve is constant + factor x size^exponent (for the "
        "matrix the size is the number of samples of a slice). Memory is a peak, the most of what several stages need: its "
        f"curve is that of the sizes at which it lies more than {FLAT:.0%} above its least. More than linear is what a "
        f"straight line misses by more than {NOISE:.0%} of a cost somewhere, with an exponent above {SUPER_LINEAR:g}.",
        _table(("size", "cost", "measured", "exponent", "at most linear"), rows),
    ]
    for name, what in (("threads", "Threads of the network, ED and ES"), ("workers", "Workers of a batch, one thread each")):
        curve = found.get(name, {})
        if "sizes" in curve:
            pairs = zip(curve["sizes"], curve["wall_s"], curve["cpu_s"], curve["peak_mb"], strict=True)
            counts = [(str(size), f"{wall:.2f}", f"{cpu:.2f}", f"{memory:.0f}") for size, wall, cpu, memory in pairs]
            blocks += [f"{what}:", _table((name, "seconds", "processor seconds", "memory of the largest process, MB"), counts)]
        elif "missing" in curve:
            blocks.append(f"{what}: not measured ({curve['missing']}).")
    return blocks


def _training(found: Mapping[str, Any]) -> str:
    rows = [
        (
            name.partition("_")[2],
            f"{one['loading_cpu_s']:.3f}",
            f"{one['step_cpu_s']:.3f}",
            f"{one['loader_samples_per_s']:.0f}",
            f"{one['step_samples_per_s']:.0f}",
            f"{one['share']:.1%}",
        )
        for name, one in found.items()
    ]
    head = ("window", "batch, CPU-s", "step, CPU-s", "loader, samples/s", "step, samples/s", "loader's share of a step")
    return "Loader and augmentation of a batch of 16 slices against the bare step on it (CPU, processor seconds):\n\n" + _table(
        head, rows
    )


def _measured_on(parts: Mapping[str, Any]) -> str:
    rows = []
    for name, part in parts.items():
        machine = part["machine"]
        where = f"{machine['processor']}, {machine['logical_cores']} logical cores, {machine['memory_gb']} GB"
        torch = f"Python {machine['python']}, PyTorch {machine['packages']['torch']}"
        rows.append((name, f"`{part['command']}`", part["commit"][:18], part["date"], str(part["load_at_start"]), where, torch))
    return _table(("part", "command", "commit", "date", "load at the start", "machine", "software"), rows)


def _spread(values: Mapping[str, float]) -> str:
    return f"{values['median']:.2f} ({values['min']:.2f}-{values['max']:.2f})"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
