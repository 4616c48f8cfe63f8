"""The segments of the LV wall as the plain list that result.json holds."""

from __future__ import annotations

from typing import Any

from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import WallSegment, WallSegments


def segments_record(wall: WallSegments | None) -> list[dict[str, Any]] | None:
    """One entry a segment, numbers with three decimals; `reasons` says why by the key that is null. None without segments."""
    return None if wall is None else [_entry(segment) for segment in wall.segments]


def _entry(segment: WallSegment) -> dict[str, Any]:
    measured = {
        "ed_mm": segment.ed_mm,
        "es_mm": segment.es_mm,
        "thickening_percent": segment.thickening_percent,
    }
    kind = segment.thickening_class
    return {
        "number": segment.number,
        "name": segment.name,
        **{key: _rounded(value) for key, value in measured.items()},
        "class": None if kind is None else kind.value,
        "reasons": {key: value.reason for key, value in measured.items() if value.reason is not None},
    }


def _rounded(measurement: Measurement) -> float | None:
    return None if measurement.value is None else round(measurement.value, 3) + 0.0
