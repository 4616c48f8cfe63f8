"""The cardiac cycle of a phantom: at which phases frames lie, and how far the heart has contracted there."""

from __future__ import annotations

ES_PHASE = 0.38
"""Usual share of the RR interval at which the left ventricle is smallest, at rest."""

_RAPID_FILLING_SHARE = 0.75
_RAPID_FILLING_END = 0.36
_ATRIAL_KICK_START = 0.72


def frame_phases(n_frames: int) -> tuple[tuple[float, ...], int | None]:
    """Phases (0 to 1, ED first) of evenly spaced frames, and the index of the ES frame; one frame has no ES.

    Two frames are ED and ES.
    """
    if n_frames == 1:
        return (0.0,), None
    if n_frames == 2:
        return (0.0, ES_PHASE), 1
    return tuple(index / n_frames for index in range(n_frames)), max(1, round(ES_PHASE * n_frames))


def contraction(phase: float, es_phase: float) -> float:
    """How far the heart has contracted at `phase` (0 to 1): 0 at ED, 1 at `es_phase`.

    Ejection, rapid filling, diastasis and atrial kick, each a smooth step; ED and ES are the only extremes.
    """
    if phase <= es_phase:
        return _smooth(phase / es_phase)
    filling = (phase - es_phase) / (1 - es_phase)
    rapid = _RAPID_FILLING_SHARE * _smooth(filling / _RAPID_FILLING_END)
    kick = (1 - _RAPID_FILLING_SHARE) * _smooth((filling - _ATRIAL_KICK_START) / (1 - _ATRIAL_KICK_START))
    return 1 - rapid - kick


def _smooth(share: float) -> float:
    inside = min(max(share, 0.0), 1.0)
    return inside**2 * (3 - 2 * inside)
