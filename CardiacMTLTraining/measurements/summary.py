"""Agreement of each measurement over patients, of the segments pooled and one by one, and of the thickening classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import PLACES, WallSegment
from CardiacMTLTraining.evaluation.agreement import Agreement, agreement
from CardiacMTLTraining.evaluation.intervals import bootstrap_statistic
from CardiacMTLTraining.measurements.measured import Pair

NOT_FROM_MASKS = "body_surface_area_m2"
"""The one measurement that does not come from masks."""

SEGMENT_MEASURES: dict[str, Callable[[WallSegment], Measurement]] = {
    "thickness at ED": lambda segment: segment.ed_mm,
    "thickness at ES": lambda segment: segment.es_mm,
    "thickening": lambda segment: segment.thickening_percent,
}


@dataclass(frozen=True, slots=True)
class Line:
    """Agreement of one measurement: `undefined` counts ours and the experts', `reason` is the first reason of either."""

    title: str
    unit: str
    expert_mean: float | None
    error: Agreement
    undefined: tuple[int, int]
    reason: str | None


@dataclass(frozen=True, slots=True)
class MeasurementSummary:
    """Lines of the table, of all segments pooled, and of each segment by measure; and how many classes of thickening agree.

    `classes` is the number of segments by the expert's class and ours (both by value), where both are defined.
    """

    table: tuple[Line, ...]
    pooled: tuple[Line, ...]
    by_segment: dict[str, tuple[Line, ...]]
    classes: dict[tuple[str, str], int]

    @property
    def same_class(self) -> tuple[int, int]:
        """Segments whose class is the expert's, and all with a class of both."""
        return sum(n for (theirs, ours), n in self.classes.items() if theirs == ours), sum(self.classes.values())


def summarise_measurements(pairs: Sequence[Pair], seed: int) -> MeasurementSummary:
    """All lines; intervals by bootstrap over patients, also where segments are pooled."""
    names = [name for name in pairs[0].expert.table if name != NOT_FROM_MASKS]
    table = tuple(
        _line(name, [pair.ours.table[name] for pair in pairs], [pair.expert.table[name] for pair in pairs], seed)
        for name in names
    )
    pooled, by_segment = [], {}
    for title, measure in SEGMENT_MEASURES.items():
        ours, theirs = (
            [[measure(segment) for segment in measured.segments] for measured in side]
            for side in ([pair.ours for pair in pairs], [pair.expert for pair in pairs])
        )
        together = _line(title, [value for row in ours for value in row], [value for row in theirs for value in row], seed)
        error = replace(together.error, bias_interval_95=_interval_over_patients(ours, theirs, seed))
        pooled.append(replace(together, error=error))
        by_segment[title] = tuple(
            _line(f"{place.number} {place.name}", [row[i] for row in ours], [row[i] for row in theirs], seed)
            for i, place in enumerate(PLACES)
        )
    return MeasurementSummary(table, tuple(pooled), by_segment, _classes(pairs))


def _line(title: str, ours: Sequence[Measurement], theirs: Sequence[Measurement], seed: int) -> Line:
    both = [their.value for our, their in zip(ours, theirs, strict=True) if our.value is not None and their.value is not None]
    return Line(
        title,
        theirs[0].unit,
        float(np.mean(both)) if both else None,
        agreement([our.value for our in ours], [their.value for their in theirs], seed),
        (sum(our.value is None for our in ours), sum(their.value is None for their in theirs)),
        next((value.reason for value in (*ours, *theirs) if value.reason is not None), None),
    )


def _interval_over_patients(
    ours: Sequence[Sequence[Measurement]], theirs: Sequence[Sequence[Measurement]], seed: int
) -> tuple[float, float] | None:
    """Interval of the pooled bias, whole patients drawn: the segments of one heart are not independent."""
    sums = np.array([_sum_and_count(row, other) for row, other in zip(ours, theirs, strict=True)])

    def bias(drawn: np.ndarray) -> float | None:
        total, count = sums[drawn].sum(axis=0)
        return float(total / count) if count else None

    return bootstrap_statistic(len(sums), bias, seed)


def _sum_and_count(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> tuple[float, int]:
    pairs = [(a.value, b.value) for a, b in zip(ours, theirs, strict=True)]
    known = [a - b for a, b in pairs if a is not None and b is not None]
    return sum(known), len(known)


def _classes(pairs: Sequence[Pair]) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for pair in pairs:
        for our, their in zip(pair.ours.segments, pair.expert.segments, strict=True):
            if our.thickening_class is not None and their.thickening_class is not None:
                key = (their.thickening_class.value, our.thickening_class.value)
                counts[key] = counts.get(key, 0) + 1
    return counts
