"""What the volumes of the whole cycle say about ED, ES and single frames: flags for a reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.phases import find_phases, odd_frame, smoothed

MAX_SHORTFALL = 0.15
"""Largest share of the cycle's range by which the LV volume of a given frame may miss the extremum without a flag.

By so much the stroke volume would be too small; the experts' ED frame of the one ACDC cine at hand misses it by 8 %.
"""


def cycle_flags(lv_volumes_ml: Sequence[float], given: Mapping[Phase, int]) -> tuple[QualityFlag, ...]:
    """Flags of a closed cycle's LV volumes (mL, one a frame).

    Named are a frame that does not fit the others, and `given` frames of ED and ES where the volume is far from extreme.
    """
    flags = []
    odd = odd_frame(lv_volumes_ml)
    if odd is not None:
        text = f"the LV volume at frame {odd + 1} ({lv_volumes_ml[odd]:.0f} mL) does not fit those of the frames about it"
        check = "Look at the outlines of this frame: the curve and its rates pass it over."
        flags.append(QualityFlag("odd_frame", text, check))
    smooth, found = smoothed(lv_volumes_ml), find_phases(lv_volumes_ml)
    if smooth is not None and found is not None:
        span = float(np.nanmax(smooth) - np.nanmin(smooth))
        for phase, best in zip(Phase, found, strict=True):
            frame = given.get(phase)
            if frame is not None and not abs(smooth[frame] - smooth[best]) <= MAX_SHORTFALL * span:
                flags.append(_unlikely(phase, frame, best, lv_volumes_ml))
    return tuple(flags)


def _unlikely(phase: Phase, frame: int, best: int, volumes_ml: Sequence[float]) -> QualityFlag:
    extreme = "largest" if phase is Phase.ED else "smallest"
    text = (
        f"frame {frame + 1} was given as {phase} ({volumes_ml[frame]:.0f} mL), but the LV is {extreme} "
        f"near frame {best + 1} ({volumes_ml[best]:.0f} mL)"
    )
    check = f"Look at both frames: is the number of the {phase} frame right? Frames count from 1."
    return QualityFlag(f"{phase.lower()}_frame_unlikely", text, check)
