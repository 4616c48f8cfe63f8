"""Whether the values of a plain image file can be those of a magnitude image: such a file does not say what made it."""

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
