"""A patient's study and masks onto the cache's in-plane grid, and masks from there back onto the study's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.network.configuration import N_LABELS, NetworkConfiguration
from CardiacMTLLib.preprocess.intensity import IntensityScale
from CardiacMTLLib.preprocess.resample import Matrix, Window, centre_of
from CardiacMTLLib.preprocess.windows import above_darkest
from CardiacMTLTraining.cache import CachedCase, CaseScale, NativeGrid
from CardiacMTLTraining.sources.case import SourceCase

CACHE_SIZE = 224
"""Samples along each side of a cached slice: wide enough for any heart of ACDC and the window turned around it."""


def cached_case(source: SourceCase) -> CachedCase:
    """One patient on the cache's grid; raises `InputError` for an image without signal and a heart that leaves the grid.

    Intensities count from each frame's darkest voxel, as in `preprocess.windows`.
    """
    study, geometry = source.study, source.study.geometry
    configuration = NetworkConfiguration()
    masks = np.stack([source.masks[phase] for phase in Phase])
    window = Window(centre_of(geometry), CACHE_SIZE, configuration.window_spacing_mm)
    _check_inside(masks, window, source)
    to_y, to_x = window.sample_matrices(geometry)
    images, low, high = [], [], []
    heart = heart_centre(masks, geometry.spacing_xyz_mm)
    around_heart = Window(heart, configuration.window_size, configuration.window_spacing_mm)
    heart_y, heart_x = around_heart.sample_matrices(geometry)
    for phase in Phase:
        slices = above_darkest(study.frames[source.frame_of(phase)])
        scale = IntensityScale.of(heart_y @ slices @ heart_x.T, f"the {phase} frame around the heart")
        values = scale.apply(to_y @ slices @ to_x.T)
        bottom, top = (float(v) for v in scale.apply(np.array([scale.low, scale.high])))
        images.append(np.round((values - bottom) * (255 / (top - bottom))).astype(np.uint8))
        low.append(bottom)
        high.append(top)
    corner = [window.centre_xy_mm[a] - (CACHE_SIZE - 1) / 2 * window.spacing_mm for a in (0, 1)]
    patient = study.patient
    return CachedCase(
        name=source.name,
        images=np.stack(images),
        masks=resampled_masks(masks, to_y, to_x),
        low=(low[0], low[1]),
        high=(high[0], high[1]),
        heart_xy=((heart[0] - corner[0]) / window.spacing_mm, (heart[1] - corner[1]) / window.spacing_mm),
        scale=CaseScale(window.spacing_mm, geometry.spacing_xyz_mm[2], patient.height_cm, patient.weight_kg),
        group=source.group,
        source_sha256=source.source_sha256(),
        native=NativeGrid(geometry, window, study.stored.order),
    )


def restored_masks(masks: NDArray[np.uint8], native: NativeGrid) -> NDArray[np.uint8]:
    """Masks (..., z, y, x) on the cache's grid, such as a case's own or a network's, on the grid of the study: (..., z, y, x).

    What lies outside the cached window is background. `native.file_order.undo` puts the result in the axes of the file.
    """
    to_y, to_x = native.window.restore_matrices(native.geometry)
    return resampled_masks(masks, to_y, to_x)


def resampled_masks(masks: NDArray[np.uint8], to_y: Matrix, to_x: Matrix) -> NDArray[np.uint8]:
    """Masks (..., y, x) through in-plane matrices: each voxel gets the label that has the largest share in it."""
    shares = np.stack([to_y @ (masks == label).astype(np.float32) @ to_x.T for label in range(N_LABELS)])
    shares[0] += 1 - shares.sum(axis=0)
    labels: NDArray[np.uint8] = shares.argmax(axis=0).astype(np.uint8)
    return labels


def heart_centre(mask: NDArray[np.uint8], spacing_xyz_mm: tuple[float, float, float]) -> tuple[float, float]:
    """In-plane centroid (x, y) of all labelled voxels of (..., y, x), in mm from the centre of voxel (0, 0)."""
    *_, y, x = np.nonzero(mask)
    if not len(x):
        raise InputError("the masks are empty; expected labels 1 to 3; check the case")
    return float(x.mean()) * spacing_xyz_mm[0], float(y.mean()) * spacing_xyz_mm[1]


def _check_inside(masks: NDArray[np.uint8], window: Window, source: SourceCase) -> None:
    rows, columns = window.inside(source.study.geometry)
    outside = np.count_nonzero(masks) - np.count_nonzero(masks[..., rows, columns])
    if outside:
        side_mm = window.size * window.spacing_mm
        raise InputError(
            f"{outside} voxels of the heart lie outside the cached square of {side_mm:g} mm about the middle of the image; "
            "expected the whole heart inside; crop the image around the heart"
        )
