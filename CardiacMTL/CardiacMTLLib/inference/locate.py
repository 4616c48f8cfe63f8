"""Where the heart lies in the plane of the slices: the network's coarse pass."""

from __future__ import annotations

import numpy as np
import torch

from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLLib.preprocess.windows import normalised_windows
from CardiacMTLLib.volume import CineStudy

MIN_HEART_CM2 = 5.0
"""Below this area of 'heart' in every slice, no heart was found: the smallest heart of ACDC covers 30 square centimetres."""


def locate_heart(study: CineStudy, frame: int, network: MultiTaskNetwork, device: torch.device) -> tuple[float, float] | None:
    """In-plane centre (x, y) of the heart in mm from the centre of voxel (0, 0), or None where there seems to be none.

    Looks at all slices of one frame on the network's coarse grid. Raises `InputError` for an image without signal.
    """
    configuration = network.configuration
    window = Window(centre_of(study.geometry), configuration.locator_size, configuration.locator_spacing_mm)
    images = torch.from_numpy(normalised_windows(study, (frame,), window)[0])[:, None].to(device)
    with torch.inference_mode():
        heart = torch.sigmoid(network.locate(images).float()).cpu().numpy()
    areas_cm2 = (heart > 0.5).sum(axis=(1, 2)) * configuration.locator_spacing_mm**2 / 100
    if areas_cm2.max() < MIN_HEART_CM2:
        return None
    summed = heart.sum(axis=0)
    summed[summed < 0.3 * summed.max()] = 0
    y, x = (np.average(np.arange(window.size), weights=summed.sum(axis=1 - axis)) for axis in (0, 1))
    offset = (window.size - 1) / 2
    return (
        window.centre_xy_mm[0] + (float(x) - offset) * window.spacing_mm,
        window.centre_xy_mm[1] + (float(y) - offset) * window.spacing_mm,
    )
