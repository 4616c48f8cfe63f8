"""When the frames of a cine were taken within the heart beat, and how that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_MS_PER_MINUTE = 60_000

_MAX_UNSEEN = 0.5
"""Largest part of the time covered by the frames by which the beat may be longer."""

_UNKNOWN = "neither the times of the frames nor the heart rate are known; give the heart rate"


@dataclass(frozen=True, slots=True)
class CycleTimes:
    """Times of the frames of one beat.

    `shares` (0 to 1, from the first frame on) say how far the beat has gone; `times_ms` are after the R wave where the images
    say so and after the first frame where only the heart rate is known, or None. `cycle_ms` is the length of the beat, or None
    with the `reason`. `source` ends the sentence "the times are ...".
    """

    shares: tuple[float, ...]
    times_ms: tuple[float, ...] | None
    cycle_ms: float | None
    source: str
    reason: str | None = None


def cycle_times(n_frames: int, frame_times_ms: Sequence[float] | None, heart_rate_bpm: float | None) -> CycleTimes:
    """Times of `n_frames` frames from those of the images (milliseconds), or from the heart rate, or only in their order.

    The frames are taken to cover the beat evenly, so that the last one lasts as long as the mean of the others; where the
    heart rate says that the beat is longer (prospective gating leaves its end out), it counts. Where it is longer by more than
    half, or nothing is known, there is no length of the beat.
    """
    rr_ms = None if heart_rate_bpm is None else _MS_PER_MINUTE / heart_rate_bpm
    even = tuple(frame / n_frames for frame in range(n_frames))
    if frame_times_ms is None or n_frames < 2 or any(later <= earlier for earlier, later in pairwise(frame_times_ms)):
        if rr_ms is None:
            return CycleTimes(even, None, None, "not known beyond the order of the frames", _UNKNOWN)
        times_ms = tuple(share * rr_ms for share in even)
        return CycleTimes(even, times_ms, rr_ms, "derived from the heart rate, the frames spread evenly over the beat")
    first_ms = frame_times_ms[0]
    covered_ms = (frame_times_ms[-1] - first_ms) * n_frames / (n_frames - 1)
    beat_ms = max(covered_ms, rr_ms or 0)
    shares = tuple((time - first_ms) / beat_ms for time in frame_times_ms)
    reason = None
    if beat_ms > (1 + _MAX_UNSEEN) * covered_ms:
        reason = (
            f"the frames cover {covered_ms:.0f} ms of a beat that lasts {beat_ms:.0f} ms at the given heart rate; "
            "check the heart rate"
        )
    source = "those of the images"
    return CycleTimes(shares, tuple(frame_times_ms), None if reason else beat_ms, source, reason)
