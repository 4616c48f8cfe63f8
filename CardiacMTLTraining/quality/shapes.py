"""Negatives that are made up: noise, a body without a heart, and plain shapes in the grey values of a cine study."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of
from CardiacMTLLib.phantom.acquisition import BLOOD_GREY, acquire, coil_gain
from CardiacMTLLib.phantom.body import body_slice, texture
from CardiacMTLLib.phantom.plane import PixelPlane
from CardiacMTLLib.phantom.tissue import BLOOD, MUSCLE, MYOCARDIUM
from CardiacMTLLib.volume import CineStudy

_NOISE = 0.02
"""Noise of the shapes' images, as a share of the signal of blood."""


def white_noise(study: CineStudy, generator: np.random.Generator) -> CineStudy:
    """Noise without any structure: the magnitude of a complex Gaussian, as MR shows where there is no signal."""
    real, imaginary = generator.standard_normal((2, *study.frames.shape), dtype=np.float32)
    return replace(study, frames=100 * np.hypot(real, imaginary))


def smooth_noise(study: CineStudy, generator: np.random.Generator) -> CineStudy:
    """Blobs as large as the structures of a heart: white noise smoothed by 4 to 20 mm, alike in all frames but for a tenth."""
    sigma_mm = float(generator.uniform(4, 20))
    shared, *own = (_smoothed(study, sigma_mm, generator) for _ in range(1 + len(study.frames)))
    frames = np.stack([shared + 0.1 * change for change in own])
    return replace(study, frames=(300 + 100 * frames).astype(np.float32))


def empty_body(study: CineStudy, generator: np.random.Generator) -> CineStudy:
    """The chest of the synthetic study without heart and great vessels, with lung and fat in their place."""
    ed = anatomy_of(generator.choice(list(Group))).ed
    plane = PixelPlane.of(study.geometry, PhantomGrid().heart_xy_mm)
    gain = coil_gain(plane, 0.2)
    frames = np.empty(study.frames.shape, dtype=np.int16)
    for index, height_mm in enumerate(np.linspace(0, ed.base_height_mm, study.geometry.size_xyz[2])):
        signal = body_slice(plane, ed, float(height_mm), generator) * texture(plane, generator)
        frames[:, index] = acquire(np.repeat(signal[None], len(frames), axis=0), plane.pixel_mm, gain, _NOISE, generator)
    return replace(study, frames=frames)


def sphere(study: CineStudy, generator: np.random.Generator) -> CineStudy:
    """A bright ball of 30 to 60 mm radius in grey surroundings."""
    across_mm, along_mm = _distances(study, generator)
    radius_mm = generator.uniform(30, 60)
    return _shown(study, np.where(np.hypot(across_mm, along_mm) < radius_mm, BLOOD, MUSCLE), generator)


def cylinder(study: CineStudy, generator: np.random.Generator) -> CineStudy:
    """A bright rod of 15 to 45 mm radius through all slices."""
    across_mm, along_mm = _distances(study, generator)
    return _shown(study, np.where(across_mm + 0 * along_mm < generator.uniform(15, 45), BLOOD, MUSCLE), generator)


def tube(study: CineStudy, generator: np.random.Generator) -> CineStudy:
    """A pipe through all slices: a bright bore of 10 to 30 mm radius in a dark wall of 5 to 12 mm, in bright surroundings.

    One slice of it looks like a left ventricle; it has no apex, no right ventricle, and stands still.
    """
    across_mm, along_mm = _distances(study, generator)
    bore_mm, wall_mm = generator.uniform(10, 30), generator.uniform(5, 12)
    away_mm = across_mm + 0 * along_mm
    wall = (away_mm >= bore_mm) & (away_mm < bore_mm + wall_mm)
    return _shown(study, np.where(wall, MYOCARDIUM, 0.8 * BLOOD), generator)


def _distances(study: CineStudy, generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance in mm of each voxel, (1, y, x), from an axis within 20 mm of the middle, and (z, 1, 1) from the middle slice."""
    z, y, x = (
        (np.arange(size) - (size - 1) / 2) * spacing_mm
        for size, spacing_mm in zip(study.geometry.shape_zyx, study.geometry.spacing_xyz_mm[::-1], strict=True)
    )
    off_y, off_x = generator.uniform(-20, 20, 2)
    across_mm: NDArray[np.float64] = np.hypot(x[None, None, :] - off_x, y[None, :, None] - off_y)
    along_mm: NDArray[np.float64] = z[:, None, None].astype(np.float64)
    return across_mm, along_mm


def _shown(study: CineStudy, signal: NDArray[np.float64], generator: np.random.Generator) -> CineStudy:
    """`signal` (z, y, x) as a noisy magnitude image that stands still."""
    noise = _NOISE * generator.standard_normal((2, *study.frames.shape), dtype=np.float32)
    return replace(study, frames=(BLOOD_GREY * np.hypot(signal + noise[0], noise[1])).astype(np.int16))


def _smoothed(study: CineStudy, sigma_mm: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """A (z, y, x) Gaussian field of unit SD."""
    image = sitk.GetImageFromArray(generator.standard_normal(study.geometry.shape_zyx, dtype=np.float32))
    image.SetSpacing(study.geometry.spacing_xyz_mm)
    field = sitk.GetArrayFromImage(sitk.SmoothingRecursiveGaussian(image, sigma_mm))
    result: NDArray[np.float32] = field / field.std()
    return result
