"""ED and ES of a cine, from the volume of the left ventricle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def find_phases(lv_volumes_ml: Sequence[float]) -> tuple[int, int] | None:
    """Frames of the largest (ED) and smallest (ES) LV volume of a cycle; None where the smoothed volume does not change.

    The curve is smoothed over neighbouring frames (weights 1, 2, 1, the cycle closed), so that one bad frame does not
    decide. ED and ES by extreme volume: Schulz-Menger et al., JCMR 2020;22:19.
    """
    volumes = np.asarray(lv_volumes_ml, dtype=float)
    if len(volumes) < 2:
        return None
    smooth = volumes if len(volumes) < 6 else (np.roll(volumes, 1) + 2 * volumes + np.roll(volumes, -1)) / 4
    if np.ptp(smooth) == 0:
        return None
    return int(smooth.argmax()), int(smooth.argmin())
