"""The main job: a study and a model -> masks, measurements and diagnosis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.conclude import conclude
from CardiacMTLLib.inference.device import choose_device
from CardiacMTLLib.inference.fallback import GPU_OUT_OF_MEMORY, with_cpu_fallback
from CardiacMTLLib.inference.find import FoundHeart, find_heart
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.volume import CineStudy

Progress = Callable[[str, float], None]
"""Told what is being done, and the fraction of the job that is behind it."""

_ALL_SLICES = SliceSelection()


class _Stopwatch:
    def __init__(self, progress: Progress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def stage(self, name: str, sentence: str, fraction: float) -> Iterator[None]:
        if self._progress:
            self._progress(sentence, fraction)
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def analyse(
    study: CineStudy,
    model: LoadedModel,
    *,
    device: str = "auto",
    whole_cycle: bool = False,
    left_out: SliceSelection = _ALL_SLICES,
    progress: Progress | None = None,
    note: Callable[[str], None] | None = None,
) -> Analysis:
    """Segment, measure and diagnose one study.

    Where ED or ES is not known, or `whole_cycle` is asked for, every frame is segmented, and a phase that is not known
    is taken from the LV volume curve, unless it would be the frame of the other phase. A study without a heart
    gives empty masks and no numbers, each with the reason, as does one whose headers say that it is none, which the network
    does not see; one that does not look like a short-axis heart (`inference.scope`) keeps its masks, and nothing else. The
    slices `left_out` do not count for anything that is measured or written of ED and ES.

    A GPU whose memory is not enough is given up for the CPU, once (`inference.fallback`): `progress` begins anew, `note` is
    told so at once, and a flag keeps it.

    Raises `UsageError` for a device or a slice that is not there and `InputError` for images without signal.
    """
    watch = _Stopwatch(progress)

    def find(where: torch.device) -> FoundHeart | None:
        if study.out_of_scope:
            return None
        return find_heart(study, model.network.to(where), where, watch.stage, whole_cycle=whole_cycle)

    def tell() -> None:
        if note:
            note(GPU_OUT_OF_MEMORY.text)

    found, notes = with_cpu_fallback(find, choose_device(device), tell)
    with watch.stage("measure", "measuring", 0.9):
        analysis = conclude(study, found, model, left_out)
    return replace(analysis, flags=analysis.flags + notes, seconds=watch.seconds)
