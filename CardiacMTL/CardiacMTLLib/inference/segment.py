"""ED and ES of a study -> masks on the study's own grid, and the embedding's say on the diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from CardiacMTLLib.inference.clean import clean_mask
from CardiacMTLLib.inference.views import agreement, confidence, segment_views
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.preprocess.windows import normalised_windows
from CardiacMTLLib.volume import CineStudy, Mask


@dataclass(frozen=True, slots=True, eq=False)
class PhaseResult:
    """What the network makes of ED and ES, or of the one that there is.

    `masks` (z, y, x) by phase; `auxiliary_logits` (5,), or None without both phases; how far the views agree
    (`views.agreement`) and how sure their mean is (`views.confidence`).
    """

    masks: Mapping[Phase, Mask]
    auxiliary_logits: NDArray[np.float64] | None
    agreement: Mapping[str, float]
    confidence: Mapping[Phase, float]


def segment_phases(
    study: CineStudy, frames: Mapping[Phase, int], window: Window, network: MultiTaskNetwork, device: torch.device
) -> PhaseResult:
    """Masks and auxiliary logits of the phases whose frames are given, each the mean over the network's views."""
    phases = [phase for phase in Phase if phase in frames]
    images = torch.from_numpy(normalised_windows(study, [frames[phase] for phase in phases], window)).to(device)
    logits: NDArray[np.float64] | None = None
    with torch.inference_mode():
        viewed = segment_views(images.flatten(0, 1)[:, None], network)
        if len(phases) == len(Phase):
            seen = [network.embed(within.unflatten(0, (len(phases), -1))) for within in viewed.within]
            logits = torch.stack(seen).mean(dim=0).cpu().double().numpy()
        probabilities = viewed.probabilities.unflatten(0, (len(phases), -1)).cpu().numpy()
    masks = {phase: restore_mask(of_phase, study, window) for phase, of_phase in zip(phases, probabilities, strict=True)}
    return PhaseResult(masks, logits, agreement(viewed, phases), confidence(viewed, phases))


def restore_mask(probabilities: NDArray[np.float32], study: CineStudy, window: Window) -> Mask:
    """(z, label, y, x) window probabilities -> cleaned (z, y, x) mask on the study's grid.

    Probabilities are interpolated, slice by slice, and the most likely label is taken at each voxel; voxels outside the
    window are background. The grid is the study's own, so nothing of its geometry changes.
    """
    to_y, to_x = window.restore_matrices(study.geometry)
    rows, columns = (np.flatnonzero(matrix.any(axis=1)) for matrix in (to_y, to_x))
    mask = np.zeros(study.geometry.shape_zyx, dtype=np.uint8)
    if not len(rows) or not len(columns):
        return mask
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    to_y, to_x = to_y[box[0]], to_x[box[1]]
    for plane, slice_probabilities in zip(mask, probabilities, strict=True):
        structures = to_y @ slice_probabilities[1:] @ to_x.T
        background = 1 - structures.sum(axis=0, keepdims=True)
        plane[box] = np.concatenate((background, structures)).argmax(axis=0)
    return clean_mask(mask)
