"""Whether a study looks like a short-axis stack of a heart: a few numbers about its masks, and a logistic score of them.

The score was fitted on a list of things that are no short-axis heart (`CardiacMTLTraining.quality.negatives`). It says how
far a study is from those that the network knows; what is unlike anything on that list may still pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.network.json_values import checked_values
from CardiacMTLLib.volume import Mask


@dataclass(frozen=True, slots=True)
class ScopeEvidence:
    """What speaks for a short-axis heart, each from 0 to 1 and the mean over the phases there are.

    `agreement`: Dice between single views of the network and their mean, over the structures. `confidence`: mean largest
    probability inside the heart. `closure`: share of the LV cavity's in-plane border that touches myocardium.
    `roundness`: ratio of the LV cavity's axes in the plane, weighted by area. `stacking`: how far the LV cavity of a slice
    lies over that of the next, as a share of the smaller. `profile`: 1 where the area of the whole heart grows along the
    slices to one widest slice and then shrinks, less where it goes up and down.
    """

    agreement: float
    confidence: float
    closure: float
    roundness: float
    stacking: float
    profile: float


EVIDENCE = tuple(field.name for field in fields(ScopeEvidence))
"""The names of the evidence, in the order of a scope's coefficients."""


MIN_CLOSURE = 0.75
"""Least closure of a heart, whatever the score: 99 patients had 0.89 or more out of fold, a brain in the network's eyes 0.62.

The score alone lets a smooth, round, well stacked body through that has no closed wall."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A logistic score of the evidence, and the `threshold` below which a study is out of scope.

    `mean`, `sd` and `weight` have the order of `evidence`, which repeats what the software computes. Raises `ModelError`
    for other evidence, numbers that are not finite, SDs that are not positive, and a threshold outside 0 to 1.
    """

    mean: tuple[float, ...]
    sd: tuple[float, ...]
    weight: tuple[float, ...]
    bias: float
    threshold: float
    evidence: tuple[str, ...] = EVIDENCE

    def __post_init__(self) -> None:
        if self.evidence != EVIDENCE:
            raise ModelError(
                f"the scope's evidence is {list(self.evidence)}; expected {list(EVIDENCE)}; "
                "install the model made for this software version"
            )
        coefficients = (self.mean, self.sd, self.weight)
        finite = all(math.isfinite(value) for value in (*self.mean, *self.sd, *self.weight, self.bias))
        fitting = all(len(values) == len(EVIDENCE) for values in coefficients) and min(self.sd, default=0) > 0
        if not (finite and fitting and 0 <= self.threshold <= 1):
            raise ModelError(
                f"the scope is {self}; expected {len(EVIDENCE)} finite coefficients, positive SDs and a threshold from 0 to 1; "
                "install the model again"
            )

    def score(self, evidence: ScopeEvidence) -> float:
        """From 0 (unlike a short-axis heart) to 1."""
        terms = zip(astuple(evidence), self.mean, self.sd, self.weight, strict=True)
        logit = self.bias + sum(weight * (value - mean) / sd for value, mean, sd, weight in terms)
        return 0.5 * (1 + math.tanh(logit / 2))

    def covers(self, evidence: ScopeEvidence) -> bool:
        """Whether the score reaches the threshold, and the wall is closed as that of a heart is (`MIN_CLOSURE`)."""
        return self.score(evidence) >= self.threshold and evidence.closure >= MIN_CLOSURE

    @classmethod
    def from_json(cls, values: object, where: str) -> Scope:
        """The record in a manifest; raises `ModelError`, beginning with `where`, for keys and values that cannot be."""
        settings: dict[str, Any] = checked_values(values, cls, where)
        return cls(**settings)


def scope_evidence(
    masks: Mapping[Phase, Mask], geometry: Geometry, agreement: Mapping[str, float], confidence: Mapping[Phase, float]
) -> ScopeEvidence | None:
    """The evidence in final (z, y, x) masks and what the views said (`segment.PhaseResult`).

    With one phase it is that phase's. None for a single slice, which has no neighbours to lie over; nothing is measured on
    it either.
    """
    if geometry.shape_zyx[0] < 2:
        return None
    dx_mm, dy_mm, _ = geometry.spacing_xyz_mm
    cavities = [mask == Label.LV for mask in masks.values()]
    return ScopeEvidence(
        agreement=_mean(agreement.values()),
        confidence=_mean(confidence.values()),
        closure=_mean(_closure(mask, dx_mm, dy_mm) for mask in masks.values()),
        roundness=_mean(_roundness(cavity, dx_mm, dy_mm) for cavity in cavities),
        stacking=_mean(_stacking(cavity) for cavity in cavities),
        profile=_mean(_profile(mask) for mask in masks.values()),
    )


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))


def _closure(mask: Mask, dx_mm: float, dy_mm: float) -> float:
    """Share of the length of the cavity's border, pixel edge by pixel edge, behind which lies myocardium."""
    framed = np.pad(mask, ((0, 0), (1, 1), (1, 1)))
    z, y, x = np.nonzero(framed == Label.LV)
    touching = border = 0.0
    for edge_mm, step_y, step_x in ((dx_mm, 1, 0), (dy_mm, 0, 1)):
        for sign in (-1, 1):
            beyond = framed[z, y - sign * step_y, x - sign * step_x]
            border += edge_mm * int((beyond != Label.LV).sum())
            touching += edge_mm * int((beyond == Label.MYOCARDIUM).sum())
    return touching / border if border else 0.0


def _roundness(cavity: NDArray[np.bool_], dx_mm: float, dy_mm: float) -> float:
    """Ratio of the principal axes of each slice's cavity, weighted by area; the extent of a pixel counts."""
    total = weighted = 0.0
    for plane in cavity:
        y, x = np.nonzero(plane)
        if len(y):
            variance_y, variance_x = (dy_mm**2 * (y.var() + 1 / 12), dx_mm**2 * (x.var() + 1 / 12))
            shared = dx_mm * dy_mm * float(np.mean((x - x.mean()) * (y - y.mean())))
            small, large = np.linalg.eigvalsh([[variance_x, shared], [shared, variance_y]])
            total += len(y)
            weighted += len(y) * math.sqrt(small / large)
    return weighted / total if total else 0.0


def _stacking(cavity: NDArray[np.bool_]) -> float:
    """Mean over neighbouring slices with a cavity of their common area over the smaller one; 0 where there are none."""
    flat = cavity.reshape(len(cavity), -1)
    sizes = flat.sum(axis=1)
    common, smaller = (flat[1:] & flat[:-1]).sum(axis=1), np.minimum(sizes[1:], sizes[:-1])
    there = smaller > 0
    return float((common[there] / smaller[there]).mean()) if there.any() else 0.0


def _profile(mask: Mask) -> float:
    """The heart's widest area over half of all that its area changes along the slices, from and to nothing; 0 without one."""
    areas = (mask > 0).sum(axis=(1, 2)).astype(np.float64)
    changes = np.abs(np.diff(areas, prepend=0, append=0)).sum()
    return float(2 * areas.max() / changes) if changes else 0.0
