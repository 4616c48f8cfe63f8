"""The volume-time curves as they stand in result.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from CardiacMTLLib.measure.curve import CycleCurves


def curves_record(curves: CycleCurves | None) -> dict[str, Any] | None:
    """Times and volumes, one a frame and in the order of the frames; None without curves.

    `time_ms` and `cycle_ms` are null where `time_reason` says so; a volume is null where the ventricle was not found.
    """
    if curves is None:
        return None
    times = curves.times
    return {
        "time_ms": None if times.times_ms is None else [round(time, 3) for time in times.times_ms],
        "cycle_share": [round(share, 5) for share in times.shares],
        "cycle_ms": None if times.cycle_ms is None else round(times.cycle_ms, 3),
        "time_source": times.source,
        "time_reason": times.reason,
        "lv_volume_ml": _volumes(curves.lv_volume_ml),
        "rv_volume_ml": _volumes(curves.rv_volume_ml),
    }


def _volumes(volumes_ml: Sequence[float]) -> list[float | None]:
    return [round(volume, 3) if volume > 0 else None for volume in volumes_ml]
