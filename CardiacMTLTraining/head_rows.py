"""Rows for the diagnosis heads: the final features of predicted and of expert masks of one patient."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from CardiacMTLLib.inference.find import FoundHeart
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.measure.body import body_surface_area_m2
from CardiacMTLLib.measure.features import feature_values
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLTraining.head_fit import HeadRow

log = logging.getLogger(__name__)


def head_rows(name: str, fold: int, case: AcdcCase, found: FoundHeart | None, *, indexed: bool) -> list[HeadRow]:
    """Rows of the masks that the network of `fold` found and of the case's expert masks, where each gives features.

    None for a case without a group or without auxiliary logits, and, for the indexed head, without height and weight.
    """
    study = case.study
    divisor = body_surface_area_m2(study.patient) if indexed else 1.0
    if case.group is None or divisor is None or found is None or found.phases.auxiliary_logits is None:
        return []
    rows = []
    for is_prediction, masks in ((True, found.phases.masks), (False, case.masks or {})):
        if any(phase not in masks for phase in Phase):
            continue
        measured = measure_function(masks, study.geometry, study.patient)
        values = feature_values(measured, masks, study.geometry, divisor)
        if isinstance(values, str):
            log.warning("%s: no features of the %s masks (%s)", name, "predicted" if is_prediction else "expert", values)
            continue
        group = list(Group).index(case.group)
        rows.append(HeadRow(name, values, found.phases.auxiliary_logits, group, fold, is_prediction))
    return rows


def row_to_json(row: HeadRow) -> dict[str, Any]:
    """Plain JSON values; `row_from_json` gives the row back without loss."""
    return {
        "patient": row.patient,
        "features": row.features.tolist(),
        "auxiliary_logits": row.auxiliary_logits.tolist(),
        "group": row.group,
        "fold": row.fold,
        "is_prediction": row.is_prediction,
    }


def row_from_json(values: Mapping[str, Any]) -> HeadRow:
    """The row that `row_to_json` wrote."""
    arrays = {key: np.array(values[key], dtype=np.float64) for key in ("features", "auxiliary_logits")}
    return HeadRow(**(dict(values) | arrays))
