"""Wall thickness in the measurement table: mean and maximum over the segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import WallSegments

MIN_SEGMENTS = 12
"""A mean or maximum stands for the LV where at least so many of the 16 segments are defined."""


def wall_measurements(wall: WallSegments) -> dict[str, Measurement]:
    """Wall thickness at ED and ES (mm) and thickening (%) of the LV, by their names in the result record, in display order.

    The mean weighs all segments alike; the maximum is that of the thickest segment, each a mean over its own area, so that it
    lies below the thickest spot that a reader may measure (the 15 mm of hypertrophic cardiomyopathy, Ommen et al., Circulation
    2024;149:e1239, are meant for that). Segments: `measure_segments`.
    """
    ed = [segment.ed_mm for segment in wall.segments]
    es = [segment.es_mm for segment in wall.segments]
    growth = [segment.thickening_percent for segment in wall.segments]
    return {
        "lv_wall_thickness_mean_ed_mm": _over_segments(np.mean, ed, "mm"),
        "lv_wall_thickness_max_ed_mm": _over_segments(np.max, ed, "mm"),
        "lv_wall_thickness_mean_es_mm": _over_segments(np.mean, es, "mm"),
        "lv_wall_thickness_max_es_mm": _over_segments(np.max, es, "mm"),
        "lv_wall_thickening_mean_percent": _over_segments(np.mean, growth, "%"),
    }


def _over_segments(summary: Callable[[list[float]], np.float64], parts: Sequence[Measurement], unit: str) -> Measurement:
    known = [part.value for part in parts if part.value is not None]
    if len(known) >= MIN_SEGMENTS:
        return Measurement(float(summary(known)), unit)
    reason = next(str(part.reason) for part in parts if part.value is None)
    if known:
        reason = f"only {len(known)} of {len(parts)} segments are defined ({reason})"
    return Measurement(None, unit, reason)
