"""The diagnosis head's features, from final masks and the very numbers of the measurement table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.wall import wall_motion, wall_summary
from CardiacMTLLib.volume import Mask

_FROM_TABLE = {
    "lv_edv": "lv_edv_ml",
    "lv_esv": "lv_esv_ml",
    "lv_ef": "lv_ef_percent",
    "rv_edv": "rv_edv_ml",
    "rv_esv": "rv_esv_ml",
    "rv_ef": "rv_ef_percent",
    "lv_mass": "lv_mass_g",
}


def feature_values(
    measurements: Mapping[str, Measurement], masks: Mapping[Phase, Mask], geometry: Geometry, size_divisor: float
) -> NDArray[np.float64] | str:
    """(24,) features in the order of `FEATURES`, or the reason why they are not defined.

    `size_divisor` is the body surface area in square metres, or 1 for the unindexed head.
    """
    values: dict[str, float] = {}
    for name, key in _FROM_TABLE.items():
        measurement = measurements[key]
        if measurement.value is None:
            return str(measurement.reason)
        values[name] = measurement.value
    values["lv_to_rv_edv"] = values["lv_edv"] / values["rv_edv"]
    values["rv_to_lv_esv"] = values["rv_esv"] / values["lv_esv"]
    values["mass_to_lv_edv"] = values["lv_mass"] / values["lv_edv"]
    for phase in Phase:
        summary = wall_summary(masks[phase], geometry)
        if summary is None:
            return f"no slice shows a closed wall at {phase}"
        kinds = ("wall_mean", "wall_max", "wall_sd_mean", "wall_sd_max", "wall_between")
        values |= {f"{kind}_{phase.lower()}": value for kind, value in zip(kinds, asdict(summary).values(), strict=True)}
    motion = wall_motion(masks[Phase.ED], masks[Phase.ES], geometry)
    if motion is None:
        return "no slice shows a closed wall at both ED and ES"
    values |= asdict(motion)
    return np.array([values[f.name] / (size_divisor if f.by_size else 1.0) for f in FEATURES])
