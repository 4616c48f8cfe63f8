"""Frames of each slice in the order of the heart beat, and which of them make one phase of the stack.

Images are never interpolated in time: where a slice lacks a phase, its nearest frame stands in.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from CardiacMTLLib.reading.dicom.frame import DicomFrame
from CardiacMTLLib.reading.dicom.stacks import Slice

MAX_BEAT_MS = 3000.0
"""The longest heart beat that is believed (20 a minute)."""

_MAX_MISMATCH = 0.75
"""In phases: slices with all frames whose times are this far off those of the others are matched by time, not by order."""

_MAX_STAND_IN = 1.5
"""In phases: a frame stands in for a missing one up to this far away, so up to two missing in a row."""


@dataclass(frozen=True, slots=True)
class Beat:
    """The frames of one slice in order. `times_ms` are None where trigger times are missing or do not tell frames apart.

    `doubled` counts frames that were left out because another one has their time.
    """

    frames: Slice
    times_ms: tuple[float, ...] | None
    doubled: int = 0

    @property
    def step_ms(self) -> float | None:
        """The usual time between frames."""
        if self.times_ms is None or len(self.times_ms) < 2:
            return None
        return statistics.median(later - earlier for earlier, later in pairwise(self.times_ms))

    @property
    def interval_ms(self) -> float | None:
        """The heart beat as the headers state it, where it is as long as the frames are spread."""
        stated = [frame.interval_ms for frame in self.frames if frame.interval_ms]
        interval = statistics.median(stated) if stated else 0.0
        return interval if self.times_ms and self.times_ms[-1] - self.times_ms[0] < interval <= MAX_BEAT_MS else None


def beat_of(members: Sequence[DicomFrame]) -> Beat:
    """Order the frames of one slice by trigger time; else by phase number, instance number, time of day, file.

    Of frames with equal trigger times the first by instance number is kept, as long as times tell half of the frames apart.
    """
    ordered = sorted(members, key=lambda frame: frame.order)
    known = [frame.trigger_time_ms for frame in ordered if frame.trigger_time_ms is not None]
    if len(known) == len(ordered) and (len(ordered) == 1 or len(set(known)) * 2 >= max(len(ordered), 4)):
        by_time: dict[float, DicomFrame] = {}
        for frame, time_ms in zip(ordered, known, strict=True):
            by_time.setdefault(time_ms, frame)
        times = sorted(by_time)
        return Beat(tuple(by_time[time_ms] for time_ms in times), tuple(times), len(ordered) - len(times))
    for key in ("phase_number", "instance_number", "acquired_s"):
        ranks = [getattr(frame, key) for frame in ordered]
        if None not in ranks and len(set(ranks)) == len(ranks):
            return Beat(tuple(sorted(ordered, key=lambda frame: getattr(frame, key))), None)
    return Beat(tuple(ordered), None)


@dataclass(frozen=True, slots=True)
class Matching:
    """For each slice the index of its frame at every phase, or None where it cannot be told; `times_ms` one a phase."""

    indices: tuple[tuple[int, ...] | None, ...]
    times_ms: tuple[float, ...] | None


def match_phases(beats: Sequence[Beat], n_phases: int) -> Matching:
    """Match the frames of all slices by normalised time, that is time over the length of the slice's heart beat.

    Slices with `n_phases` frames whose times agree are matched by order; others by the nearest time within the beat, which
    is a circle. A slice that has another number of frames and no times, or frames too far apart, cannot be matched.
    """
    whole = [beat for beat in beats if len(beat.frames) == n_phases]
    timed = [beat for beat in whole if beat.times_ms is not None]
    if not timed or n_phases == 1:
        order = tuple(range(n_phases))
        return Matching(tuple(order if len(beat.frames) == n_phases else None for beat in beats), None)
    lengths = [_length_ms(beat, n_phases, None) for beat in timed]
    reference = np.median([np.array(beat.times_ms) / length for beat, length in zip(timed, lengths, strict=True)], axis=0)
    usual = _Usual(n_phases, statistics.median(lengths))
    times = np.median([beat.times_ms for beat in timed if beat.times_ms is not None], axis=0)
    return Matching(tuple(_indices(beat, reference, usual) for beat in beats), tuple(float(time) for time in times))


@dataclass(frozen=True, slots=True)
class _Usual:
    n_phases: int
    beat_ms: float


def _indices(beat: Beat, reference: np.ndarray, usual: _Usual) -> tuple[int, ...] | None:
    order = tuple(range(usual.n_phases))
    whole = len(beat.frames) == usual.n_phases
    if beat.times_ms is None:
        return order if whole else None
    normalised = np.array(beat.times_ms) / _length_ms(beat, usual.n_phases, usual.beat_ms)
    if whole and _circular(normalised - reference).max() * usual.n_phases <= _MAX_MISMATCH:
        return order
    distance = _circular(reference[:, None] - normalised[None, :])
    if distance.min(axis=1).max() * usual.n_phases > _MAX_STAND_IN:
        return None
    return tuple(int(index) for index in distance.argmin(axis=1))


def _circular(difference: np.ndarray) -> np.ndarray:
    return np.asarray(np.abs(difference - np.rint(difference)))


def _length_ms(beat: Beat, n_phases: int, usual_ms: float | None) -> float:
    """Length of a slice's heart beat: as stated, else from the usual step between its frames.

    A slice with fewer frames than usual either lacks some, then its beat is `n_phases` steps long, or was acquired with fewer
    phases, then it has as many steps as frames. A gap between its frames tells, else what is nearer to `usual_ms`.
    """
    if beat.interval_ms is not None:
        return beat.interval_ms
    step = beat.step_ms
    if beat.times_ms is None or step is None:
        return usual_ms or MAX_BEAT_MS
    own, whole = step * len(beat.frames), step * n_phases
    if usual_ms is None or own >= whole:
        return own
    has_gap = max(later - earlier for earlier, later in pairwise(beat.times_ms)) > 1.5 * step
    return whole if has_gap or abs(math.log(whole / usual_ms)) < abs(math.log(own / usual_ms)) else own
