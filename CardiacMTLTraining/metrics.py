"""Figures of agreement: overlap and distance of masks, intervals of proportions and means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy.stats import beta

from CardiacMTLLib.geometry import Geometry

Region = NDArray[np.bool_]


def dice(found: Region, truth: Region) -> float | None:
    """Dice overlap of two (z, y, x) regions; None where both are empty. Source: Dice, Ecology 1945;26:297."""
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else None


def hausdorff_mm(found: Region, truth: Region, geometry: Geometry) -> float | None:
    """Largest distance in mm (3D, both ways) from a voxel of one region to the other; None where one is empty."""
    if not found.any() or not truth.any():
        return None
    box = tuple(slice(int(span.min()), int(span.max()) + 1) for span in np.nonzero(found | truth))
    images = []
    for region in (found, truth):
        image = sitk.GetImageFromArray(region[box].astype(np.uint8))
        image.SetSpacing(geometry.spacing_xyz_mm)
        images.append(image)
    distance = sitk.HausdorffDistanceImageFilter()
    distance.Execute(*images)
    return float(distance.GetHausdorffDistance())


def exact_interval(right: int, n: int) -> tuple[float, float]:
    """95 % Clopper-Pearson interval of a proportion. Source: Clopper and Pearson, Biometrika 1934;26:404."""
    low = float(beta.ppf(0.025, right, n - right + 1)) if right else 0.0
    high = float(beta.ppf(0.975, right + 1, n - right)) if right < n else 1.0
    return low, high


def bootstrap_interval(values: Sequence[float], seed: int, draws: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of a mean over patients."""
    array = np.asarray(values, dtype=float)
    generator = np.random.default_rng(seed)
    means = array[generator.integers(0, len(array), (draws, len(array)))].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
