"""A study -> its masks, and how sure the network is of them: the heart is located, phases are found and segmented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch

from CardiacMTLLib.inference.cycle import segment_cycle
from CardiacMTLLib.inference.empty_slices import of_slices, put_back, slices_with_signal
from CardiacMTLLib.inference.locate import locate_heart
from CardiacMTLLib.inference.segment import PhaseResult, segment_phases
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.phases import find_phases
from CardiacMTLLib.network.folding import folded
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.volume import CineStudy, Mask

Stage = Callable[[str, str, float], AbstractContextManager[None]]
"""Runs a block as a named stage of the job, with a sentence about it and the fraction of the job that is behind it."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundHeart:
    """The heart in a study: where the network looked, the 0-based `frames` of the phases, and what it made of them.

    `cine` (t, z, y, x) holds the masks of all frames, or None where only the phases were segmented.
    """

    window: Window
    frames: Mapping[Phase, int]
    phases: PhaseResult
    cine: Mask | None


def find_heart(
    study: CineStudy, network: MultiTaskNetwork, device: torch.device, stage: Stage | None = None, *, whole_cycle: bool = False
) -> FoundHeart | None:
    """Masks of the heart in a study, or None where the coarse pass finds none.

    Where ED or ES is not known, or `whole_cycle` is asked for, every frame is segmented, and a phase that is not known
    is taken from the LV volume curve, unless it would be the frame of the other phase. ED and ES are then segmented on their
    own, unsmoothed, and stand in the cycle with these very masks. Slices without signal hold no mask. Raises `InputError` for
    images without signal.
    """
    kept = slices_with_signal(study)
    if kept.all() or not kept.any():
        return _find_heart(study, network, device, stage or _unwatched, whole_cycle=whole_cycle)
    found = _find_heart(of_slices(study, kept), network, device, stage or _unwatched, whole_cycle=whole_cycle)
    if found is None:
        return None
    masks = {phase: put_back(mask, kept) for phase, mask in found.phases.masks.items()}
    cine = None if found.cine is None else put_back(found.cine, kept)
    return replace(found, phases=replace(found.phases, masks=masks), cine=cine)


def _find_heart(
    study: CineStudy, network: MultiTaskNetwork, device: torch.device, stage: Stage, *, whole_cycle: bool
) -> FoundHeart | None:
    network = folded(network)
    with stage("locate", "finding the heart", 0.05):
        first = study.ed_frame if study.ed_frame is not None else 0
        centre = locate_heart(study, first, network, device)
    if centre is None:
        return None
    window = Window(centre, network.configuration.window_size, network.configuration.window_spacing_mm)
    cine: Mask | None = None
    frames = {phase: frame for phase in Phase if (frame := study.frame_of(phase)) is not None}
    n_frames = len(study.frames)
    if whole_cycle or (len(frames) < len(Phase) and n_frames > 1):
        with stage("segment_cycle", f"segmenting {n_frames} frames", 0.15):
            cine = segment_cycle(study, window, network, device)
        frames = _complete_phases(frames, cine, study)
    elif not frames:
        frames = {Phase.ED: 0}
    with stage("segment", "segmenting ED and ES", 0.6):
        phases = segment_phases(study, frames, window, network, device)
    if cine is not None:
        for phase, frame in frames.items():
            cine[frame] = phases.masks[phase]
    return FoundHeart(window, frames, phases, cine)


def _unwatched(name: str, sentence: str, fraction: float) -> AbstractContextManager[None]:  # noqa: ARG001 - the shape of `Stage`
    return nullcontext()


def _complete_phases(known: Mapping[Phase, int], cine: Mask, study: CineStudy) -> dict[Phase, int]:
    volumes = (cine == Label.LV).sum(axis=(1, 2, 3)) * study.geometry.voxel_volume_ml
    found = find_phases(volumes.tolist())
    curve = dict(zip(Phase, found, strict=True)) if found else {Phase.ED: 0}
    new = {phase: frame for phase, frame in curve.items() if frame not in known.values()}
    return {phase: frame for phase in Phase if (frame := known.get(phase, new.get(phase))) is not None}
