"""Times of the frames of a cine file, where it states them believably."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

MS_PER_UNIT = {"ms": 1.0, "msec": 1.0, "s": 1000.0, "sec": 1000.0, "us": 0.001, "usec": 0.001}
"""Names of time units in file headers."""

_STEP_MS = (2.0, 250.0)
_CYCLE_MS = (200.0, 3000.0)


def even_frame_times_ms(step_ms: float, count: int) -> tuple[float, ...] | None:
    """Times 0, step, 2 step, ... of `count` frames in milliseconds, or None where they cannot be a heart beat's."""
    return believable_times_ms([step_ms * frame for frame in range(count)])


def believable_times_ms(times_ms: Sequence[float]) -> tuple[float, ...] | None:
    """`times_ms` where they rise from at least 0 as the frames of one heart beat do, else None.

    Steps of 2 to 250 ms and a cycle of 200 to 3000 ms (20 to 300 beats a minute) count as believable: many files carry
    a meaningless default, such as one second a frame.
    """
    if len(times_ms) < 2 or not times_ms[0] >= 0:
        return None
    steps = [later - earlier for earlier, later in pairwise(times_ms)]
    cycle = (times_ms[-1] - times_ms[0]) * len(times_ms) / len(steps)
    if min(steps) >= _STEP_MS[0] and max(steps) <= _STEP_MS[1] and _CYCLE_MS[0] <= cycle <= _CYCLE_MS[1]:
        return tuple(times_ms)
    return None
