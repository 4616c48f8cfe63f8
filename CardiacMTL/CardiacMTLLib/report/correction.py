"""What a correction by hand changed: the numbers before it, as the result record holds them."""

from __future__ import annotations

from typing import Any

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.recompute import CORRECTED


def corrected_phases(analysis: Analysis) -> tuple[Phase, ...]:
    """The phases whose masks differ from the network's, as the flags of a recomputed analysis say."""
    codes = {flag.code for flag in analysis.flags}
    return tuple(phase for phase in Phase if f"{CORRECTED}_{phase.lower()}" in codes)


def correction_record(analysis: Analysis, original: Analysis | None) -> dict[str, Any] | None:
    """Diagnosis, measurements and segments before the correction that led to `analysis`, with the phases that it changed.

    None without an `original`. Numbers are rounded as those of the result record.
    """
    if original is None:
        return None
    diagnosis, wall = original.diagnosis, original.segments
    shares = diagnosis.probabilities
    return {
        "phases": [phase.lower() for phase in corrected_phases(analysis)],
        "original": {
            "diagnosis": {
                "probabilities": None if shares is None else {group.value: _rounded(shares[group], 4) for group in Group},
                "label": None if diagnosis.label is None else diagnosis.label.value,
                "reason": diagnosis.reason,
            },
            "measurements": {
                name: {"value": _rounded(entry.value, 3), "unit": entry.unit, "reason": entry.reason}
                for name, entry in original.measurements.items()
            },
            "segments": None
            if wall is None
            else [
                {
                    "number": segment.number,
                    "ed_mm": _rounded(segment.ed_mm.value, 3),
                    "es_mm": _rounded(segment.es_mm.value, 3),
                    "thickening_percent": _rounded(segment.thickening_percent.value, 3),
                }
                for segment in wall.segments
            ],
            "flags": [flag.code for flag in original.flags],
        },
    }


def _rounded(value: float | None, decimals: int) -> float | None:
    return None if value is None else round(float(value), decimals) + 0.0
