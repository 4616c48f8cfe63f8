"""Volume-time curves of both ventricles, and how fast they eject and fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.cycle_times import CycleTimes, cycle_times
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.periodic import MIN_SAMPLES, PeriodicFit
from CardiacMTLLib.measure.phases import odd_frame
from CardiacMTLLib.measure.volumes import ONE_SLICE
from CardiacMTLLib.volume import CineStudy, Mask

VENTRICLES = {"lv": Label.LV, "rv": Label.RV}
"""The ventricles by the first part of their names in the result record."""


class _Rate(NamedTuple):
    name: str
    start: Phase
    end: Phase
    sign: int
    change: str


_RATES = (
    _Rate("ejection", Phase.ED, Phase.ES, -1, "fall from ED to ES"),
    _Rate("filling", Phase.ES, Phase.ED, 1, "rise from ES to ED"),
)


@dataclass(frozen=True, slots=True)
class CycleCurves:
    """Volumes of a whole cycle, one a frame; 0 where the ventricle was not found in the frame."""

    times: CycleTimes
    lv_volume_ml: tuple[float, ...]
    rv_volume_ml: tuple[float, ...]

    def volumes_ml(self, ventricle: str) -> tuple[float, ...]:
        """The curve of "lv" or "rv"."""
        return self.lv_volume_ml if ventricle == "lv" else self.rv_volume_ml


def cycle_curves(cine: Mask, study: CineStudy) -> CycleCurves | None:
    """The curves of (t, z, y, x) masks of all frames of `study`; None for a single slice, which has no volume."""
    if study.geometry.shape_zyx[0] < 2:
        return None
    counts = {name: np.count_nonzero(cine == label, axis=(1, 2, 3)) for name, label in VENTRICLES.items()}
    lv, rv = (tuple(float(count) * study.geometry.voxel_volume_ml for count in counts[name]) for name in VENTRICLES)
    return CycleCurves(cycle_times(len(cine), study.frame_times_ms, study.patient.heart_rate_bpm), lv, rv)


def measure_rates(curves: CycleCurves | None, frames: Mapping[Phase, int]) -> dict[str, Measurement]:
    """Peak ejection and filling rates of both ventricles and their times, by their names in the result record.

    The rate is the steepest fall (ejection, from ED to ES) or rise (filling, from ES to the next ED; the early or the atrial
    peak, whichever is higher: its time tells) of a closed curve of a few harmonics through the volumes (`PeriodicFit`), in mL/s
    and over the volume at ED (EDV/s). Its time counts from ED (ejection) or ES (filling). One frame that does not fit its
    neighbours (`odd_frame`) is left out. Peaks are looked for where frames hold the curve, so that an atrial peak behind the
    last frame of prospective gating is not seen; a curve that is steepest at the edge of such a gap has no rate. `curves` None
    means a single slice. Definition by the first derivative of the volume-time curve, filling normalised to EDV: Bonow et al.,
    Circulation 1981;64:315-323; frames 30 to 50 ms apart blunt the peaks, so they suit comparisons at like frame rates only.
    """
    return {
        key: measurement
        for ventricle in VENTRICLES
        for rate in _RATES
        for key, measurement in _peak(curves, ventricle, rate, frames).items()
    }


def _peak(curves: CycleCurves | None, ventricle: str, rate: _Rate, frames: Mapping[Phase, int]) -> dict[str, Measurement]:
    found = ONE_SLICE if curves is None else _steepest(curves, ventricle, rate, frames)
    values, reason = ((None, None, None), found) if isinstance(found, str) else (found, None)
    endings = (("ml_per_s", "mL/s"), ("edv_per_s", "EDV/s"), ("time_ms", "ms"))
    return {
        f"{ventricle}_peak_{rate.name}_rate_{ending}": Measurement(value, unit, reason)
        for (ending, unit), value in zip(endings, values, strict=True)
    }


def _steepest(
    curves: CycleCurves, ventricle: str, rate: _Rate, frames: Mapping[Phase, int]
) -> tuple[float, float, float] | str:
    """Rate in mL/s, in EDV/s, and its time in ms; or the reason why there is none."""
    times, volumes_ml = curves.times, curves.volumes_ml(ventricle)
    gap = _gap(volumes_ml, ventricle, frames)
    if gap is not None:
        return gap
    if times.cycle_ms is None:
        return times.reason or "the length of the beat is not known"
    start, end = frames[rate.start], frames[rate.end]
    odd = odd_frame(volumes_ml)
    kept = [frame for frame in range(len(volumes_ml)) if frame != odd]
    fit = PeriodicFit.through([times.shares[frame] for frame in kept], [volumes_ml[frame] for frame in kept])
    peak = fit.steepest(times.shares[start], times.shares[end], rate.sign)
    if rate.sign * (volumes_ml[end] - volumes_ml[start]) <= 0 or (peak is not None and peak[0] <= 0):
        return f"the {ventricle.upper()} volume does not {rate.change}"
    if peak is None:
        return f"the steepest {rate.change} lies in a part of the beat that no frame shows"
    per_beat_ml, behind = peak
    ml_per_s = per_beat_ml / (times.cycle_ms / 1000)
    return ml_per_s, ml_per_s / volumes_ml[frames[Phase.ED]], behind * times.cycle_ms


def _gap(volumes_ml: Sequence[float], ventricle: str, frames: Mapping[Phase, int]) -> str | None:
    """What is missing in a curve for a rate."""
    if len(volumes_ml) < MIN_SAMPLES:
        return f"the cycle has {len(volumes_ml)} frames; a rate needs at least {MIN_SAMPLES}"
    unknown = [phase for phase in Phase if phase not in frames]
    if unknown:
        return f"the {' and '.join(unknown)} frame is not known"
    missing = [str(frame + 1) for frame, volume in enumerate(volumes_ml) if volume == 0]
    return f"no {ventricle.upper()} was found in frame {', '.join(missing)}" if missing else None
