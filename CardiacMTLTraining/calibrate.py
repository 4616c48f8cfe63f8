"""From out-of-fold rows to all that turns a network's numbers into statements: heads, temperatures, thresholds, estimates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.network.manifest import Calibration
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining.head_fit import FittedHead, HeadRow, fit_head, install_head
from CardiacMTLTraining.head_rows import row_from_json, row_to_json
from CardiacMTLTraining.quality.fit import fit_mask_quality, fit_scope
from CardiacMTLTraining.quality.rows import NegativeRow, PatientRow
from CardiacMTLTraining.threshold_fit import label_threshold

ROWS_NAME = "rows.json"


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Out-of-fold rows of a cross-validation: for both heads, of the patients' masks, and of what is no short-axis heart."""

    indexed: tuple[HeadRow, ...]
    unindexed: tuple[HeadRow, ...]
    patients: tuple[PatientRow, ...]
    negatives: tuple[NegativeRow, ...]

    def without(self, fold: int) -> Rows:
        """The rows of the other folds."""
        return Rows(
            tuple(row for row in self.indexed if row.fold != fold),
            tuple(row for row in self.unindexed if row.fold != fold),
            tuple(row for row in self.patients if row.fold != fold),
            tuple(row for row in self.negatives if row.fold != fold),
        )

    def save(self, folder: Path) -> None:
        """Write all rows into a cross-validation's folder."""
        values = {
            "indexed": [row_to_json(row) for row in self.indexed],
            "unindexed": [row_to_json(row) for row in self.unindexed],
            "patients": [row.to_json() for row in self.patients],
            "negatives": [row.to_json() for row in self.negatives],
        }
        (folder / ROWS_NAME).write_text(json.dumps(values) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Rows:
        """The rows of a finished cross-validation; raises `InputError` where there are none."""
        try:
            values = json.loads((folder / ROWS_NAME).read_text(encoding="utf-8"))
            return cls(
                tuple(row_from_json(row) for row in values["indexed"]),
                tuple(row_from_json(row) for row in values["unindexed"]),
                tuple(PatientRow.from_json(row) for row in values["patients"]),
                tuple(NegativeRow.from_json(row) for row in values["negatives"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{folder} holds no finished cross-validation ({error!r}); expected {ROWS_NAME}; "
                "let `cardiacmtl-train crossval` end first"
            ) from error


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """Both heads, the one for indexed features (None without rows that have a body surface area), and the calibration."""

    indexed: FittedHead | None
    unindexed: FittedHead
    calibration: Calibration

    def install(self, network: MultiTaskNetwork) -> None:
        """Put the heads into a network; without an indexed head of its own it takes the other one."""
        install_head(network.head_unindexed, self.unindexed.weights)
        install_head(network.head_indexed, (self.indexed or self.unindexed).weights)


def calibrate(rows: Rows, seed: int) -> Calibrated:
    """Fit heads, temperatures, label threshold, mask quality and scope; raises `InputError` where the rows are too few."""
    unindexed = fit_head(rows.unindexed, seed)
    indexed = fit_head(rows.indexed, seed) if rows.indexed else None
    main = indexed or unindexed
    group_of = {row.patient: row.group for row in rows.unindexed}
    threshold = label_threshold(list(main.out_of_fold.values()), [group_of[name] for name in main.out_of_fold])
    calibration = Calibration(
        temperature_indexed=main.weights.temperature,
        temperature_unindexed=unindexed.weights.temperature,
        label_threshold=threshold,
        mask_quality=fit_mask_quality(rows.patients),
        scope=fit_scope(rows.patients, rows.negatives),
    )
    return Calibrated(indexed, unindexed, calibration)


def nested(rows: Rows, seed: int) -> dict[int, Calibrated]:
    """For each fold the calibration from the other folds' rows alone."""
    return {fold: calibrate(rows.without(fold), seed) for fold in sorted({row.fold for row in rows.unindexed})}
