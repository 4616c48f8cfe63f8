"""ED and ES of a cine, from the volume of the left ventricle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

ODD_SHARE = 0.2
"""A frame whose volume misses the curve through its neighbours by more than this share of the cycle's range is odd ..."""

ODD_LEAST_ML = 5.0
"""... and by more than this, which masks of an unchanged heart in noise do not reach (0.5 mL)."""

CLOSED_SHARE = 0.5
"""A curve whose ends differ by at most this share of its range is a closed cycle."""

LEVEL_SHARE = 0.03
"""Volumes that differ by less than this share of the cycle's range count as level (one or two mL, less than masks can tell)."""

_MIN_SMOOTHED = 6


def find_phases(lv_volumes_ml: Sequence[float]) -> tuple[int, int] | None:
    """Frames of ED and ES of a closed cycle; None where the smoothed volume does not change.

    ES is the frame of the smallest volume. ED is that of the largest, or where the volume stays level afterwards
    (`LEVEL_SHARE`), as in diastasis without an atrial kick, the last frame before it falls: the end of filling. Frames
    without an LV (volume 0) are passed over. ED and ES by extreme volume: Schulz-Menger et al., JCMR 2020;22:19.
    """
    smooth = smoothed(lv_volumes_ml)
    if smooth is None:
        return None
    n_frames, highest = len(smooth), np.nanmax(smooth)
    span = highest - np.nanmin(smooth)
    if span == 0:
        return None
    ed = int(np.nanargmax(smooth))
    while smooth[(ed + 1) % n_frames] >= highest - LEVEL_SHARE * span:
        ed = (ed + 1) % n_frames
    return ed, int(np.nanargmin(smooth))


def smoothed(volumes_ml: Sequence[float]) -> NDArray[np.float64] | None:
    """The curve of a closed cycle in which one bad frame decides nothing; None where fewer than two frames have a volume.

    From six frames on an odd frame (`odd_frame`) is replaced by the mean of its neighbours, and all are smoothed over
    neighbouring frames (weights 1, 2, 1). Frames of volume 0 are NaN.
    """
    volumes = np.asarray(volumes_ml, dtype=float)
    there = np.flatnonzero(volumes > 0)
    if len(there) < 2:
        return None
    filled: NDArray[np.float64] = np.interp(np.arange(len(volumes)), there, volumes[there], period=len(volumes))
    if len(filled) >= _MIN_SMOOTHED:
        odd = odd_frame(filled.tolist())
        if odd is not None:
            filled[odd] = (filled[odd - 1] + filled[(odd + 1) % len(filled)]) / 2
        filled = (np.roll(filled, 1) + 2 * filled + np.roll(filled, -1)) / 4
    return np.where(volumes > 0, filled, np.nan)


def odd_frame(volumes_ml: Sequence[float]) -> int | None:
    """The frame of a cycle whose volume does not fit its neighbours; None where all fit or there are fewer than six.

    Each volume is compared with the cubic through two neighbours on either side. Of the frames that stick out above or below
    both neighbours the worst is odd where it misses by more than `ODD_SHARE` of the range of the others, `ODD_LEAST_ML` and
    twice the median miss: in a curve that is rough everywhere none stands out, and a steep rise is no fault. The first and the
    last frame are neighbours, and may be odd, only where the others close (`CLOSED_SHARE`): frames may show a part of the beat.
    """
    if len(volumes_ml) < _MIN_SMOOTHED:
        return None
    volumes = np.asarray(volumes_ml, dtype=float)
    before, after = np.roll(volumes, 1), np.roll(volumes, -1)
    misses = np.abs(volumes - (4 * (before + after) - np.roll(volumes, 2) - np.roll(volumes, -2)) / 6)
    sticks_out = (volumes - before) * (volumes - after) > 0
    worst = int(np.where(sticks_out, misses, 0).argmax())
    others = np.delete(volumes, worst)
    if worst in {0, len(others)} and abs(others[-1] - others[0]) > CLOSED_SHARE * np.ptp(others):
        return None
    limit = max(ODD_SHARE * np.ptp(others), ODD_LEAST_ML, 2 * float(np.median(misses)))
    return worst if misses[worst] > limit else None
