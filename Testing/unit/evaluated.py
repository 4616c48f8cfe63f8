"""Figures of made-up patients, for the tests of evaluation."""

from __future__ import annotations

import numpy as np

from CardiacMTLLib.labels import STRUCTURE_PHASES, Group
from CardiacMTLTraining.evaluation.case_figures import COMPARED, CaseFigures
from CardiacMTLTraining.evaluation.origin import Kind, Origin

ORIGIN = Origin(
    Kind.HELD_OUT, "tiny", "0123456789ab" * 5, "cardiacmtl-train evaluate --data ACDC --model tiny", "2025-01-31", "9.8.7"
)


def figures_of(
    name: str, overlap: float | None, group: Group | None, chances: tuple[float, ...] | None, error: float | None = None
) -> CaseFigures:
    """A case of one overlap throughout, the distances and errors that go with it; its label is withheld below a half."""
    if overlap is not None and error is None:
        error = 10 * (1 - overlap)
    label = None if chances is None or max(chances) < 0.5 else list(Group)[int(np.argmax(chances))]
    distance = None if overlap is None else 20 * (1 - overlap)
    return CaseFigures(
        name=name,
        dice=dict.fromkeys(STRUCTURE_PHASES, overlap),
        hausdorff_mm=dict.fromkeys(STRUCTURE_PHASES, distance),
        surface_distance_mm=dict.fromkeys(STRUCTURE_PHASES, None if distance is None else distance / 10),
        measured=dict.fromkeys(COMPARED, None if error is None else 100.0 + error),
        expert=dict.fromkeys(COMPARED, None if error is None else 100.0),
        group=group,
        probabilities=chances,
        label=label,
        reason=None if label else "no group is likely enough",
    )


def diagnosed(group: Group | None, *chances: float, name: str = "someone") -> CaseFigures:
    """A case without masks; chances that are left out share what remains."""
    rest = (1 - sum(chances)) / max(len(Group) - len(chances), 1)
    return figures_of(name, None, group, (*chances, *[rest] * (len(Group) - len(chances))))


SURE = figures_of("patient003", 0.9, Group.DCM, (0.05, 0.05, 0.8, 0.05, 0.05))
UNSURE = figures_of("patient008", 0.8, Group.RV, (0.1, 0.2, 0.1, 0.15, 0.45))
WRONG = figures_of("patient013", 0.7, Group.NOR, (0.1, 0.6, 0.1, 0.1, 0.1))
UNDEFINED = CaseFigures(
    name="patient018",
    dice=dict.fromkeys(STRUCTURE_PHASES, 0.0),
    hausdorff_mm=dict.fromkeys(STRUCTURE_PHASES),
    surface_distance_mm=dict.fromkeys(STRUCTURE_PHASES),
    measured=dict.fromkeys(COMPARED),
    expert=dict.fromkeys(COMPARED, 100.0),
    group=Group.HCM,
    probabilities=None,
    label=None,
    reason="no short-axis heart was found",
    flags=("out_of_scope",),
)
FOUR = (SURE, UNSURE, WRONG, UNDEFINED)
