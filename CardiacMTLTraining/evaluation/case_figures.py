"""`CaseFigures`: all that evaluation keeps of one patient, and how it comes from an analysis and the experts' truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import STRUCTURE_PHASES, Group
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLTraining.evaluation.distance import surface_distances
from CardiacMTLTraining.evaluation.overlap import dice

COMPARED: Mapping[str, str] = {
    "lv_edv_ml": "mL",
    "lv_esv_ml": "mL",
    "lv_ef_percent": "%",
    "lv_mass_g": "g",
    "rv_edv_ml": "mL",
    "rv_esv_ml": "mL",
    "rv_ef_percent": "%",
}
"""Measurements that are compared with those of the experts' masks, by their names in the result record, with their units."""

Figures = dict[str, float | None]


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """Figures of one patient; None where undefined, or where the truth is not known.

    `dice`, `hausdorff_mm` and `surface_distance_mm` (average, symmetric) have the keys of `STRUCTURE_PHASES`; `measured` and
    `expert` (from the experts' masks by the same code) those of `COMPARED`. `probabilities` are in the order of `Group`;
    `label` is None where it was withheld, `reason` says why. `flags` are codes of quality flags. `predicted_dice`, keyed like
    `dice`, is an estimate of the overlap that was made without the truth.

    Raises `InputError` for other keys, numbers that are not finite, and probabilities that are not five that add up to 1.
    """

    name: str
    dice: Figures
    hausdorff_mm: Figures
    surface_distance_mm: Figures
    measured: Figures
    expert: Figures
    group: Group | None
    probabilities: tuple[float, ...] | None
    label: Group | None
    reason: str | None = None
    flags: tuple[str, ...] = ()
    predicted_dice: Figures | None = None

    def __post_init__(self) -> None:
        by_key: dict[str, tuple[Figures, Mapping[str, Any]]] = {
            "dice": (self.dice, STRUCTURE_PHASES),
            "hausdorff_mm": (self.hausdorff_mm, STRUCTURE_PHASES),
            "surface_distance_mm": (self.surface_distance_mm, STRUCTURE_PHASES),
            "measured": (self.measured, COMPARED),
            "expert": (self.expert, COMPARED),
        }
        if self.predicted_dice is not None:
            by_key["predicted_dice"] = (self.predicted_dice, STRUCTURE_PHASES)
        for field, (values, keys) in by_key.items():
            if set(values) != set(keys):
                raise InputError(
                    f"{field} of {self.name} has the keys {sorted(values)}; expected {list(keys)}; evaluate it again"
                )
            if not all(value is None or math.isfinite(value) for value in values.values()):
                raise InputError(f"{field} of {self.name} holds a number that is not finite; expected None; evaluate it again")
        chances = self.probabilities
        if chances is not None and not (len(chances) == len(Group) and min(chances) >= 0 and abs(sum(chances) - 1) < 1e-3):
            raise InputError(
                f"probabilities of {self.name} are {chances}; expected {len(Group)} that add up to 1; evaluate it again"
            )

    @property
    def most_likely(self) -> Group | None:
        """The group of the largest probability, whether or not the label was withheld."""
        return None if self.probabilities is None else list(Group)[int(np.argmax(self.probabilities))]

    @property
    def errors(self) -> Figures:
        """Measured less expert."""
        pairs = {key: (self.measured[key], self.expert[key]) for key in COMPARED}
        return {key: None if ours is None or theirs is None else ours - theirs for key, (ours, theirs) in pairs.items()}

    @property
    def mean_dice(self) -> float | None:
        """Mean over the structures and phases where it is defined."""
        return mean_of(self.dice)

    @property
    def mean_hausdorff_mm(self) -> float | None:
        """Mean over the structures and phases where it is defined."""
        return mean_of(self.hausdorff_mm)

    def to_json(self) -> dict[str, Any]:
        """The figures as plain JSON values; `from_json` gives them back without loss."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> CaseFigures:
        """Figures from what `to_json` gave, or from the same after a way through JSON; raises `InputError` for other keys."""
        known = {field.name for field in fields(cls)}
        if set(values) != known:
            raise InputError(f"figures of a case have {sorted(values)}; expected {sorted(known)}; evaluate it again")
        chances = values["probabilities"]
        groups = {key: None if values[key] is None else Group(values[key]) for key in ("group", "label")}
        tuples = {"flags": tuple(values["flags"]), "probabilities": None if chances is None else tuple(chances)}
        return cls(**(values | groups | tuples))


def case_figures(name: str, case: AcdcCase, analysis: Analysis, predicted_dice: Figures | None = None) -> CaseFigures:
    """Figures of one patient from an analysis of its study, whoever made it; reads and writes nothing.

    Without an expert mask of a phase its figures are None; without a mask of ours there, the structures were not found: their
    Dice is 0. Raises `InputError` where the masks do not lie on one grid.
    """
    overlap: Figures = dict.fromkeys(STRUCTURE_PHASES)
    hausdorff, average = overlap.copy(), overlap.copy()
    geometry = case.study.geometry
    for key, (structure, phase) in STRUCTURE_PHASES.items():
        truth = (case.masks or {}).get(phase)
        if truth is None:
            continue
        mask = analysis.masks.get(phase, np.zeros_like(truth))
        if mask.shape != truth.shape:
            raise InputError(f"the {phase} mask of {name} has shape {mask.shape}; expected the experts' {truth.shape}")
        found, expected = mask == structure, truth == structure
        overlap[key] = dice(found, expected)
        apart = surface_distances(found, expected, geometry)
        if apart is not None:
            hausdorff[key], average[key] = apart.hausdorff_mm, apart.average_mm
    expert = measure_function(case.masks or {}, geometry, case.study.patient)
    diagnosis = analysis.diagnosis
    chances = diagnosis.probabilities
    return CaseFigures(
        name,
        overlap,
        hausdorff,
        average,
        {key: analysis.measurements[key].value for key in COMPARED},
        {key: expert[key].value for key in COMPARED},
        case.group,
        None if chances is None else tuple(float(chances[group]) for group in Group),
        diagnosis.label,
        diagnosis.reason,
        tuple(flag.code for flag in analysis.flags),
        predicted_dice,
    )


def mean_of(values: Figures) -> float | None:
    """Mean of the values that are defined; None without any."""
    known = [value for value in values.values() if value is not None]
    return float(np.mean(known)) if known else None
