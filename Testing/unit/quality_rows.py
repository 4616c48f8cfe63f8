"""Made-up rows for the tests of the quality estimates: patients whose Dice follows the agreement, and poor negatives."""

from __future__ import annotations

import numpy as np

from CardiacMTLLib.inference.scope import EVIDENCE, ScopeEvidence
from CardiacMTLLib.labels import STRUCTURE_PHASES
from CardiacMTLTraining.quality.rows import NegativeRow, PatientRow

N_FOLDS = 4


def true_dice(agreement: float) -> float:
    return 2 * agreement - 1


def evidence_about(mean: float, generator: np.random.Generator) -> ScopeEvidence:
    return ScopeEvidence(*np.clip(generator.normal(mean, 0.05, len(EVIDENCE)), 0, 1).tolist())


def patients(n: int = 40, noise: float = 0.0, seed: int = 0) -> list[PatientRow]:
    generator = np.random.default_rng(seed)
    rows = []
    for index in range(n):
        agreement = {key: float(value) for key, value in zip(STRUCTURE_PHASES, generator.uniform(0.85, 1, 6), strict=True)}
        dice = {key: true_dice(value) + float(generator.normal(0, noise)) for key, value in agreement.items()}
        rows.append(PatientRow(f"p{index:03d}", index % N_FOLDS, agreement, evidence_about(0.9, generator), dice))
    return rows


def negatives(kind: str, n: int = 20, mean: float = 0.4, seed: int = 1) -> list[NegativeRow]:
    generator = np.random.default_rng(seed)
    return [NegativeRow(f"n{index}", kind, index % N_FOLDS, evidence_about(mean, generator)) for index in range(n)]
