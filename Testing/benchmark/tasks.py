"""What a child process measures, by name; each function's options come as JSON and its findings go back as JSON.

Imports wait for the task that needs them: a process begins with the memory of the one that starts it, so that those
whose memory is measured must be started by a small one.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from Testing.benchmark.child import process_cost, timed
from Testing.benchmark.machine import matrix_products

Found = dict[str, Any]

CONTENDERS = {
    "ours": ("own", "coded", {}),
    "shipped": ("own", "shipped", {}),
    "nnunet_2d": ("nnunet", "two_dimensional", {"mirrored": False}),
    "nnunet_2d_mirrored": ("nnunet", "two_dimensional", {"mirrored": True}),
    "nnunet_3d": ("nnunet", "three_dimensional", {"mirrored": False}),
    "nnunet_3d_mirrored": ("nnunet", "three_dimensional", {"mirrored": True}),
    "monai": ("monai_bundle", "residual_unet", {}),
}
"""Name -> module in `contenders`, its function, and options."""


def peak(threads: int) -> Found:
    """The matrix product."""
    _use(threads)
    return dict(matrix_products())


def network(contender: str, study: str, threads: int, passes: int, *, warm_up: bool = True) -> Found:
    """A network on the frames of a study, without reading, preparing and writing."""
    import torch  # noqa: PLC0415

    _use(threads)
    chosen, frames = _prepared(contender, Path(study))
    with torch.inference_mode():
        return timed(lambda: chosen.predict(frames), passes, warm_up=warm_up)


def operations(contender: str, study: str, threads: int) -> Found:
    """Billions of operations of a network for a study, and the seconds that its convolutions take of all."""
    import torch  # noqa: PLC0415
    from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415
    from torch.utils.flop_counter import FlopCounterMode  # noqa: PLC0415

    _use(threads)
    chosen, frames = _prepared(contender, Path(study))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        chosen.predict(frames)
    parameters = sum(parameter.numel() for parameter in chosen.network.parameters())
    found: Found = {"gflop": counter.get_total_flops() / 1e9, "parameters": parameters}
    if contender in {"ours", "shipped"}:
        with torch.inference_mode(), profile(activities=[ProfilerActivity.CPU]) as seen:
            chosen.predict(frames)
        events = seen.key_averages()
        found["all_s"] = sum(event.self_cpu_time_total for event in events) / 1e6
        found["convolutions_s"] = sum(event.self_cpu_time_total for event in events if "conv" in event.key) / 1e6
    return found


def job(study: str, threads: int, passes: int, *, scene: bool = True) -> Found:
    """The whole job in one process that has done one before: read, find, measure, write; and what the network took of it.

    The scene is made in a second process, as by the program; its processor seconds and memory are its own.
    """
    from CardiacMTLLib.cli import render_view, save_scene, warm_up_scene  # noqa: PLC0415
    from CardiacMTLLib.network.weights import load_model  # noqa: PLC0415
    from CardiacMTLLib.outputs import write_outputs  # noqa: PLC0415
    from CardiacMTLLib.pipeline import analyse  # noqa: PLC0415
    from CardiacMTLLib.reading import read_study  # noqa: PLC0415
    from CardiacMTLLib.writer_process import WriterProcess  # noqa: PLC0415
    from Testing.benchmark.inside import NetworkClock  # noqa: PLC0415

    _use(threads)
    model = load_model()
    parts: dict[str, list[float]] = {}
    second = WriterProcess(warm_up_scene) if scene else nullcontext()
    with tempfile.TemporaryDirectory() as folder, NetworkClock() as clock, second as beside:
        saving, rendering = (partial(beside.write, save_scene), partial(beside.write, render_view)) if beside else (None, None)

        def work() -> None:
            with clock.part("reading"):
                read = read_study(Path(study))
            with clock.part("analysing"):
                analysis = analyse(read, model, device="cpu", whole_cycle=len(read.frames) > 2)
            with clock.part("writing"):
                write_outputs(analysis, Path(folder) / "out", scene_writer=saving, view_renderer=rendering, at_once=scene)
            for name, seconds in clock.taken().items():
                parts.setdefault(name, []).append(seconds)

        times = timed(work, passes)
    outside = {
        f"outside_{kind}": [
            whole - inside for whole, inside in zip(times[all_of_it], parts[f"network_{kind}"][1:], strict=True)
        ]
        for kind, all_of_it in (("s", "wall_s"), ("cpu_s", "cpu_s"))
    }
    return times | outside | {"parts": {name: seconds[1:] for name, seconds in parts.items()}}


def command_line(study: str, threads: int) -> Found:
    """`cardiacmtl run` as a user starts it, to its end."""
    with tempfile.TemporaryDirectory() as folder:
        return process_cost([*_program(), "run", study, "--out", str(Path(folder) / "out")], threads)


def batch(study: str, copies: int, workers: int, threads: int) -> Found:
    """`cardiacmtl batch` over several copies of one study."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "in"
        root.mkdir()
        for index in range(copies):
            shutil.copytree(study, root / f"case{index}" / Path(study).name)
        options = ["--out", str(Path(folder) / "out"), "--workers", str(workers)]
        return process_cost([*_program(), "batch", str(root), *options], threads)


def help_text(threads: int) -> Found:
    """`cardiacmtl --help`."""
    return process_cost([*_program(), "--help"], threads)


def module_import(threads: int) -> Found:
    """What the module's file imports of our own, in a bare interpreter, less that interpreter; and whether torch came along."""
    from Testing.benchmark.module_file import import_cost  # noqa: PLC0415

    return import_cost(threads)


def training(threads: int, steps: int) -> Found:
    """Loader and augmentation against the bare training step."""
    from Testing.benchmark.training import throughput  # noqa: PLC0415

    _use(threads)
    return throughput(steps)


def study_file(folder: str, phases: int, slices: int, matrix: int) -> Found:
    """Write a study and say where it is."""
    from Testing.benchmark.studies import StudySize  # noqa: PLC0415

    return {"path": str(StudySize(phases, slices, matrix).write(Path(folder)))}


TASKS: dict[str, Callable[..., Found]] = {
    task.__name__: task
    for task in (peak, network, operations, job, command_line, batch, help_text, module_import, training, study_file)
}


def _use(threads: int) -> None:
    import torch  # noqa: PLC0415

    torch.set_num_threads(threads)
    torch.manual_seed(0)


def _prepared(contender: str, path: Path) -> Any:
    """A contender, and the study's frames on its grid."""
    from importlib import import_module  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415

    from CardiacMTLLib.reading import read_study  # noqa: PLC0415

    module, function, options = CONTENDERS[contender]
    chosen = getattr(import_module(f"Testing.benchmark.contenders.{module}"), function)(**options)
    study = read_study(path)
    spacing_zyx_mm = tuple(reversed(study.geometry.spacing_xyz_mm))
    voxels = torch.from_numpy(np.ascontiguousarray(study.frames, dtype=np.float32))
    return chosen, [chosen.prepare(frame, spacing_zyx_mm) for frame in voxels]


def _program() -> list[str]:
    return [sys.executable, "-m", "CardiacMTLLib"]
