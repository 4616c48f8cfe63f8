"""How each feature of the diagnosis is distributed in each group of a model's training patients; no patient can be told."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.json_values import checked_values

PERCENTILES = (5, 25, 50, 75, 95)

MIN_PATIENTS = 5
"""A distribution of fewer patients is not kept: its percentiles would be single patients."""

_DIGITS = 4


@dataclass(frozen=True, slots=True)
class Spread:
    """One feature in one group: number of patients, mean, SD (n - 1), and percentiles (linear between patients)."""

    n: int
    mean: float
    sd: float
    p5: float
    p25: float
    p50: float
    p75: float
    p95: float


@dataclass(frozen=True, slots=True)
class GroupSpreads:
    """All features in one group: `n` patients, and one number a feature, in the order of `FEATURES`, for each figure.

    Raises `ModelError` for another number of features, figures that are not finite, fewer than `MIN_PATIENTS` patients,
    negative SDs, and percentiles out of order.
    """

    n: int
    mean: tuple[float, ...]
    sd: tuple[float, ...]
    p5: tuple[float, ...]
    p25: tuple[float, ...]
    p50: tuple[float, ...]
    p75: tuple[float, ...]
    p95: tuple[float, ...]

    def __post_init__(self) -> None:
        percentiles = (self.p5, self.p25, self.p50, self.p75, self.p95)
        columns = (self.mean, self.sd, *percentiles)
        complete = all(len(column) == len(FEATURES) for column in columns)
        finite = all(math.isfinite(value) for column in columns for value in column)
        if not (complete and finite and self.n >= MIN_PATIENTS):
            raise ModelError(
                f"the distributions of a group have {[len(column) for column in columns]} figures of {self.n} patients; "
                f"expected {len(FEATURES)} finite ones each, of at least {MIN_PATIENTS} patients; install the model again"
            )
        ordered = all(list(values) == sorted(values) for values in zip(*percentiles, strict=True))
        if not ordered or min(self.sd) < 0:
            raise ModelError(
                "the distributions of a group have percentiles out of order or a negative SD; expected 5th to 95th by size; "
                "install the model again"
            )

    def spread(self, index: int) -> Spread:
        """The figures of one feature."""
        return Spread(self.n, *(float(column[index]) for column in self._columns()))

    def _columns(self) -> tuple[tuple[float, ...], ...]:
        return self.mean, self.sd, self.p5, self.p25, self.p50, self.p75, self.p95

    @classmethod
    def of(cls, features: NDArray[np.float64]) -> GroupSpreads | None:
        """Of (patients, 24) features, to four digits; None for fewer than `MIN_PATIENTS` patients."""
        if len(features) < MIN_PATIENTS:
            return None
        percentiles = np.percentile(features, PERCENTILES, axis=0)
        columns = (features.mean(axis=0), features.std(axis=0, ddof=1), *percentiles)
        return cls(len(features), *(tuple(_rounded(value) for value in column) for column in columns))


HeadDistributions = Mapping[Group, GroupSpreads]
"""The groups that have enough patients."""


@dataclass(frozen=True, slots=True)
class Distributions:
    """Distributions for both heads: of features divided by body surface area, None without such patients, and undivided.

    `rows` says in a sentence of whom and of which masks they are.
    """

    rows: str
    indexed: HeadDistributions | None
    unindexed: HeadDistributions

    def for_head(self, *, indexed: bool) -> HeadDistributions:
        """Those of one head; empty where there are none."""
        return (self.indexed or {}) if indexed else self.unindexed

    @classmethod
    def from_json(cls, values: object, where: str) -> Distributions:
        """The record in a manifest; raises `ModelError`, beginning with `where`, for keys and values that cannot be."""
        settings: dict[str, Any] = checked_values(values, _Stored, where)
        heads = {
            key: None if settings[key] is None else _head_from_json(settings[key], f"{where}: {key}")
            for key in ("indexed", "unindexed")
        }
        return cls(settings["rows"], heads["indexed"], heads["unindexed"] or {})


@dataclass(frozen=True, slots=True)
class _Stored:
    """The types of a manifest's record."""

    rows: str
    indexed: dict[str, Any] | None
    unindexed: dict[str, Any]


def _head_from_json(values: Mapping[str, object], where: str) -> dict[Group, GroupSpreads]:
    unknown = sorted(set(values) - set(Group))
    if unknown:
        raise ModelError(f"{where} has the groups {unknown}; expected some of {list(Group)}; install the model again")
    return {
        Group(name): GroupSpreads(**checked_values(figures, GroupSpreads, f"{where}: {name}"))
        for name, figures in values.items()
    }


def _rounded(value: float) -> float:
    """To `_DIGITS` significant digits: rounding keeps the order of percentiles."""
    return float(f"{value:.{_DIGITS}g}")
