"""From tissue signal to stored grey values: point spread, magnitude, coil sensitivity, noise, rounding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.phantom.outline import Plane
from CardiacMTLLib.phantom.plane import PixelPlane

BLOOD_GREY = 500.0
"""Grey value of left ventricular blood at unit sensitivity."""

BLUR_MM = 1.1
"""Standard deviation of the in-plane point spread function."""


def acquire(
    signal: NDArray[np.float32], pixel_mm: float, gain: Plane, noise_fraction: float, rng: np.random.Generator
) -> NDArray[np.int16]:
    """Grey values (t, y, x) of a slice's signal (t, y, x).

    Magnitude of the blurred signal times the coil's `gain` (y, x), with noise of standard deviation `noise_fraction` of
    blood in both channels (a Rician magnitude).
    """
    seen = _blur(signal, BLUR_MM / pixel_mm) * gain
    noise = noise_fraction * rng.standard_normal((2, *seen.shape), dtype=np.float32)
    magnitude = np.sqrt((seen + noise[0]) ** 2 + noise[1] ** 2)
    return np.asarray(np.rint(BLOOD_GREY * magnitude), dtype=np.int16)


def coil_gain(plane: PixelPlane, bias_fraction: float) -> Plane:
    """Sensitivity (y, x) of a surface coil at the chest wall: falls to the right and the bottom of the image.

    `bias_fraction` is the relative change over 100 mm; the heart's axis has gain 1.
    """
    away = (0.8 * plane.x + 0.5 * plane.y) / 100
    return np.asarray(np.exp(-bias_fraction * (away - 0.15 * away**2)), dtype=np.float32)


def _blur(signal: NDArray[np.float32], sigma_pixels: float) -> NDArray[np.float32]:
    reach = max(1, int(np.ceil(2.5 * sigma_pixels)))
    taps = np.exp(-0.5 * (np.arange(reach + 1) / sigma_pixels) ** 2)
    taps /= taps[0] + 2 * taps[1:].sum()
    for axis in (1, 2):
        padded = np.pad(signal, [(0, 0) if other != axis else (reach, reach) for other in range(3)], mode="edge")
        middle = np.moveaxis(padded, axis, 0)
        length = signal.shape[axis]
        blurred = np.float32(taps[0]) * middle[reach : reach + length]
        for step in range(1, reach + 1):
            blurred += np.float32(taps[step]) * (middle[reach - step :][:length] + middle[reach + step :][:length])
        signal = np.moveaxis(blurred, 0, axis)
    return signal
