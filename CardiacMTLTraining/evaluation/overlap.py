"""Overlap of two regions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Region = NDArray[np.bool_]


def dice(found: Region, truth: Region) -> float | None:
    """Dice overlap (0 to 1) of two (z, y, x) regions; None where both are empty, 0 where one is.

    Source: Dice, Ecology 1945;26:297.
    """
    total = int(found.sum()) + int(truth.sum())
    return 2 * int((found & truth).sum()) / total if total else None
