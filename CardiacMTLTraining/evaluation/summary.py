"""`Summary`: the figures of all patients together, the record that summary.json holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from CardiacMTLLib.labels import STRUCTURE_PHASES
from CardiacMTLTraining.evaluation.agreement import Agreement, agreement
from CardiacMTLTraining.evaluation.case_figures import COMPARED, CaseFigures, Figures, mean_of
from CardiacMTLTraining.evaluation.classification import DiagnosisSummary, diagnosis_summary
from CardiacMTLTraining.evaluation.intervals import Interval, bootstrap_interval
from CardiacMTLTraining.evaluation.mask_quality import MaskQuality, mask_quality
from CardiacMTLTraining.evaluation.origin import Origin

SCHEMA_VERSION = 2


@dataclass(frozen=True, slots=True)
class Spread:
    """How a figure varies over the `n` patients where it is defined; the interval is that of the mean."""

    n: int
    mean: float | None = None
    interval_95: Interval | None = None
    sd: float | None = None
    median: float | None = None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True)
class MaskSummary:
    """A figure of masks: its spread over patients of their means, and for each structure and phase."""

    patients: Spread
    by_structure: dict[str, Spread]

    @property
    def means(self) -> Figures:
        """The mean for each structure and phase."""
        return {key: spread.mean for key, spread in self.by_structure.items()}


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of all patients; a figure that no patient defines is None.

    `n_with_masks` patients have an expert mask. A patient's mean is over the structures and phases where the figure is
    defined: a distance is not where nothing was found, which its `n` shows and which Dice counts as 0.
    """

    patients: tuple[str, ...]
    n_with_masks: int
    dice: MaskSummary
    hausdorff_mm: MaskSummary
    surface_distance_mm: MaskSummary
    errors: dict[str, Agreement]
    diagnosis: DiagnosisSummary | None
    predicted_dice: MaskQuality | None
    flags: dict[str, int]

    def to_json(self, origin: Origin) -> dict[str, Any]:
        """The record as plain JSON values, with where it comes from; `diagnosis` is there where groups are known."""
        record: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "n_patients": len(self.patients),
            "patients": list(self.patients),
            "n_with_masks": self.n_with_masks,
        }
        figures = {
            "dice": (self.dice, "dice_mean"),
            "hausdorff_mm": (self.hausdorff_mm, "hausdorff_mean_mm"),
            "surface_distance_mm": (self.surface_distance_mm, "surface_distance_mean_mm"),
        }
        for key, (masks, mean_key) in figures.items():
            record |= {mean_key: masks.patients.mean, f"{mean_key}_interval_95": masks.patients.interval_95, key: masks.means}
        record["spread"] = {key: asdict(masks) for key, (masks, _) in figures.items()}
        record["errors"] = {key: asdict(error) for key, error in self.errors.items()}
        if self.diagnosis is not None:
            record["diagnosis"] = asdict(self.diagnosis)
        if self.predicted_dice is not None:
            record["predicted_dice"] = asdict(self.predicted_dice)
        return record | {"flags": self.flags} | asdict(origin)


def summarise(figures: Sequence[CaseFigures], seed: int = 0) -> Summary:
    """Figures over all cases, with 95 % bootstrap intervals over patients that depend on `seed` alone."""
    return Summary(
        patients=tuple(case.name for case in figures),
        n_with_masks=sum(case.mean_dice is not None for case in figures),
        dice=_mask_summary([case.dice for case in figures], seed),
        hausdorff_mm=_mask_summary([case.hausdorff_mm for case in figures], seed),
        surface_distance_mm=_mask_summary([case.surface_distance_mm for case in figures], seed),
        errors={
            key: agreement([case.measured[key] for case in figures], [case.expert[key] for case in figures], seed)
            for key in COMPARED
        },
        diagnosis=diagnosis_summary(figures, seed),
        predicted_dice=mask_quality(figures),
        flags=dict(sorted(Counter(code for case in figures for code in case.flags).items())),
    )


def _mask_summary(cases: Sequence[Figures], seed: int) -> MaskSummary:
    return MaskSummary(
        _spread([mean_of(case) for case in cases], seed),
        {key: _spread([case[key] for case in cases], seed) for key in STRUCTURE_PHASES},
    )


def _spread(values: Sequence[float | None], seed: int) -> Spread:
    known = np.array([value for value in values if value is not None], dtype=float)
    if not len(known):
        return Spread(0)
    return Spread(
        n=len(known),
        mean=float(known.mean()),
        interval_95=bootstrap_interval(known.tolist(), seed),
        sd=float(known.std(ddof=1)) if len(known) > 1 else None,
        median=float(np.median(known)),
        lowest=float(known.min()),
        highest=float(known.max()),
    )
