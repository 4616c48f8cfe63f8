"""Frames of a study -> masks on the study's own grid, and the embedding's say on the diagnosis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from CardiacMTLLib.inference.clean import clean_mask
from CardiacMTLLib.network.clinical_layer import StudyScale
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.preprocess.windows import normalised_windows
from CardiacMTLLib.volume import CineStudy, Mask

_FRAMES_AT_ONCE = 2


@dataclass(frozen=True, slots=True, eq=False)
class TwoPhaseResult:
    """Masks (z, y, x) of ED and ES and the (5,) auxiliary logits, from one forward pass."""

    ed: Mask
    es: Mask
    auxiliary_logits: NDArray[np.float64]


def segment_two_phases(
    study: CineStudy, ed: int, es: int, window: Window, network: MultiTaskNetwork, device: torch.device
) -> TwoPhaseResult:
    """Masks and auxiliary logits of ED and ES in one forward pass of the multi-task network."""
    images = torch.from_numpy(normalised_windows(study, (ed, es), window)).to(device)
    scale = StudyScale(window.spacing_mm, study.geometry.spacing_xyz_mm[2])
    with torch.inference_mode():
        output = network(images, scale, indexed=False)
        probabilities = torch.softmax(output.mask_logits.float(), dim=2).cpu().numpy()
    masks = [restore_mask(phase, study, window) for phase in probabilities]
    return TwoPhaseResult(masks[0], masks[1], output.auxiliary_logits.cpu().double().numpy())


def segment_frames(
    study: CineStudy, frames: Sequence[int], window: Window, network: MultiTaskNetwork, device: torch.device
) -> Mask:
    """(frame, z, y, x) masks of the given frames, a few frames at a time."""
    n_slices = study.geometry.shape_zyx[0]
    masks = []
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        windows = normalised_windows(study, frames[start : start + _FRAMES_AT_ONCE], window)
        images = torch.from_numpy(windows).to(device)
        with torch.inference_mode():
            logits, _ = network.segment(images.flatten(0, 1)[:, None])
            probabilities = torch.softmax(logits.float(), dim=1).unflatten(0, (-1, n_slices)).cpu().numpy()
        masks += [restore_mask(frame, study, window) for frame in probabilities]
    return np.stack(masks)


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
