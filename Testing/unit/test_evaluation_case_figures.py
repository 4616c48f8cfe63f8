"""`CaseFigures`: from an analysis and the experts' truth, and through JSON without loss."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from CardiacMTLLib.analysis import Analysis, QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import STRUCTURE_PHASES, Group, Label, Phase
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLTraining.evaluation.case_figures import COMPARED, CaseFigures, case_figures
from Testing.unit.analyses import PROBABILITIES, analysis_of, heart_mask, study_like
from Testing.unit.evaluated import FOUR, SURE

STUDY = study_like()
TRUTH = {phase: heart_mask(STUDY.geometry, radius) for phase, radius in ((Phase.ED, 24.0), (Phase.ES, 18.0))}


def figures(case: AcdcCase, analysis: Analysis | None = None) -> CaseFigures:
    return case_figures("someone", case, analysis or analysis_of(STUDY))


def test_masks_like_the_experts_are_perfect() -> None:
    result = figures(AcdcCase(STUDY, TRUTH, Group.DCM))
    assert set(result.dice.values()) == {1.0}
    assert set(result.hausdorff_mm.values()) == set(result.surface_distance_mm.values()) == {0.0}
    assert set(result.errors.values()) == {0.0}
    assert (result.mean_dice, result.mean_hausdorff_mm) == (1.0, 0.0)
    assert (result.group, result.most_likely, result.label) == (Group.DCM,) * 3
    assert result.probabilities == tuple(PROBABILITIES[group] for group in Group)


def test_measurements_are_set_against_those_of_the_experts_masks() -> None:
    larger = analysis_of(STUDY, masks={Phase.ED: heart_mask(STUDY.geometry, 26.0), Phase.ES: TRUTH[Phase.ES]})
    result = figures(AcdcCase(STUDY, TRUTH, None), larger)
    voxels = [(mask == Label.LV).sum() for mask in (larger.masks[Phase.ED], TRUTH[Phase.ED])]
    assert result.errors["lv_edv_ml"] == pytest.approx((voxels[0] - voxels[1]) * 0.036)
    assert result.errors["lv_esv_ml"] == 0
    assert (result.errors["lv_ef_percent"] or 0) > 0


def test_without_masks_the_diagnosis_alone_is_there() -> None:
    result = figures(AcdcCase(STUDY, None, Group.DCM))
    assert {*result.dice.values(), *result.hausdorff_mm.values(), *result.expert.values(), *result.errors.values()} == {None}
    assert result.measured["lv_edv_ml"] is not None
    assert result.mean_dice is None
    assert result.group is Group.DCM


def test_without_a_mask_of_one_phase_the_other_is_judged() -> None:
    result = figures(AcdcCase(STUDY, {Phase.ED: TRUTH[Phase.ED]}, None))
    assert [key for key, value in result.dice.items() if value is None] == ["LV_ES", "RV_ES", "MYOCARDIUM_ES"]
    assert (result.errors["lv_edv_ml"], result.errors["lv_ef_percent"]) == (0.0, None)


def test_a_heart_that_is_not_found_has_no_overlap_and_no_distance() -> None:
    reason = "no short-axis heart was found"
    nothing = {phase: np.zeros_like(mask) for phase, mask in TRUTH.items()}
    flags = (QualityFlag("out_of_scope", reason, "Look at the images."),)
    result = figures(
        AcdcCase(STUDY, TRUTH, Group.NOR),
        analysis_of(STUDY, masks=nothing, diagnosis=Diagnosis(None, None, reason), flags=flags),
    )
    assert set(result.dice.values()) == {0.0}
    assert set(result.hausdorff_mm.values()) == {None}
    assert (result.probabilities, result.most_likely, result.reason, result.flags) == (None, None, reason, ("out_of_scope",))
    missing = replace(analysis_of(STUDY), masks={Phase.ED: TRUTH[Phase.ED]})
    assert figures(AcdcCase(STUDY, TRUTH, None), missing).dice["LV_ES"] == 0.0


def test_masks_of_another_grid_are_refused() -> None:
    other = study_like(size_xyz=(72, 64, 6))
    with pytest.raises(InputError, match="shape"):
        figures(AcdcCase(STUDY, TRUTH, None), analysis_of(other))


@pytest.mark.parametrize("case", [*FOUR, replace(SURE, predicted_dice=dict.fromkeys(STRUCTURE_PHASES, 1 / 3))])
def test_figures_go_through_json_without_loss(case: CaseFigures) -> None:
    assert CaseFigures.from_json(json.loads(json.dumps(case.to_json(), allow_nan=False))) == case


def test_figures_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="keys"):
        replace(SURE, dice={"LV_ED": 0.9})
    with pytest.raises(InputError, match="not finite"):
        replace(SURE, measured=dict.fromkeys(COMPARED, float("nan")))
    with pytest.raises(InputError, match="add up to 1"):
        replace(SURE, probabilities=(0.5, 0.1, 0.1, 0.1, 0.1))
    with pytest.raises(InputError, match="expected"):
        CaseFigures.from_json(SURE.to_json() | {"surprise": 1})
