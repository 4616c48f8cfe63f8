"""Grey values of a plain image file: in single precision, and whether they can be those of a magnitude image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.volume import Image

_AIR = -900.0
"""CT numbers below this are air outside the body, or stand for no measurement (in Hounsfield units)."""

_TISSUE = 200.0
"""CT numbers of soft tissue, fat and blood lie between this and its negative."""

_SHARE = 0.05

_LARGEST = float(np.finfo(np.float32).max)


def check_magnitude(frames: Image, path: Path) -> None:
    """Raise `InputError` where the first of `frames` (t, z, y, x) has values on the scale of CT numbers.

    That are at least 5 % air and 5 % soft tissue. Magnitude images of MR are not negative; where software has shifted or
    normalised them, they do not gather round -1000 and 0 both. Phase images of flow may, and are no magnitude images either.
    """
    first = frames[0]
    air = np.mean(first <= _AIR)
    if air >= _SHARE and np.mean(np.abs(first.astype(np.float32)) <= _TISSUE) >= _SHARE:
        raise InputError(
            f"{path} holds values of CT or of phase images ({air:.0%} lie below {_AIR:g}); expected magnitude images of MR; "
            "give the cine, with its values as the scanner stored them"
        )


def in_single_precision(voxels: Image, path: Path, slope: float = 1.0, intercept: float = 0.0) -> Image:
    """`voxels * slope + intercept` as float32; raises `InputError` where a finite value is too large for that."""
    with np.errstate(over="ignore", invalid="ignore"):
        values = voxels.astype(np.float32)
        if (slope, intercept) != (1.0, 0.0):
            values *= slope
            values += intercept
    too_large = int(np.isfinite(voxels).sum() - np.isfinite(values).sum())
    if too_large > 0:
        raise InputError(
            f"{path} has {too_large} voxels beyond {_LARGEST:.2g}, the largest number of single precision; expected grey "
            "values of an image; export it again"
        )
    return values
