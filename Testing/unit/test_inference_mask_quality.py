import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.inference.mask_quality import MaskQuality, QualityLine
from CardiacMTLLib.labels import STRUCTURE_PHASES, Phase
from CardiacMTLLib.network.manifest import Calibration
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.report.record import result_record
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)
SPACING = ORACLE_GRID.spacing_xyz_mm
FRAMES = painted_frames(np.stack([ED_HEART.mask(ORACLE_GRID), ES_HEART.mask(ORACLE_GRID)]), SPACING)


def quality_of(intercept=-0.5, slope=1.4, limit=0.7):
    return MaskQuality(dict.fromkeys(STRUCTURE_PHASES, QualityLine(intercept, slope, limit)))


def model_with(mask_quality):
    model = oracle_model()
    return LoadedModel(model.network, replace(model.manifest, calibration=Calibration(mask_quality=mask_quality)))


def run(mask_quality, frames=FRAMES, ed_frame=0, es_frame=1):
    return analyse(study_of(frames, SPACING, ed_frame=ed_frame, es_frame=es_frame), model_with(mask_quality), device="cpu")


def codes(analysis):
    return [flag.code for flag in analysis.flags]


def test_predicted_dice_lies_on_the_line_of_its_structure_and_phase():
    lines = {key: QualityLine(0.1, 0.8 + 0.01 * index, 0.5) for index, key in enumerate(STRUCTURE_PHASES)}
    found = MaskQuality(lines).predicted_dice({"RV_ES": 0.9, "LV_ED": 0.5})
    place = list(STRUCTURE_PHASES).index("RV_ES")
    assert found == pytest.approx({"RV_ES": 0.1 + (0.8 + 0.01 * place) * 0.9, "LV_ED": 0.1 + 0.8 * 0.5})


@given(st.floats(-5, 5), st.floats(0, 9), st.floats(0, 1))
def test_predicted_dice_is_a_dice_whatever_the_line(intercept, slope, agreement):
    assert 0 <= QualityLine(intercept, slope, 0.5).dice(agreement) <= 1


def test_views_that_agree_predict_good_masks_without_a_flag():
    analysis = run(quality_of())
    assert analysis.predicted_dice == pytest.approx(dict.fromkeys(STRUCTURE_PHASES, 0.9))
    assert codes(analysis) == []


@pytest.mark.parametrize("phase", list(Phase))
def test_a_low_predicted_dice_flags_its_phase_and_leaves_the_numbers(phase):
    quality = quality_of()
    poor = MaskQuality(quality.lines | {f"RV_{phase}": QualityLine(-0.5, 1.4, 0.95)})
    analysis, good = run(poor), run(quality)
    assert codes(analysis) == [f"low_mask_quality_{phase.lower()}"]
    assert f"at {phase} (expected Dice RV 0.90)" in analysis.flags[0].text
    assert analysis.measurements == good.measurements
    assert analysis.diagnosis.label is good.diagnosis.label is not None


def test_a_model_without_an_estimate_predicts_nothing():
    analysis = run(None)
    assert analysis.predicted_dice is None
    assert result_record(analysis)["quality"] == {"flags": [], "predicted_dice": None, "scope_score": None}


@pytest.mark.parametrize("phase", list(Phase))
def test_a_single_frame_has_the_predicted_dice_of_its_phase(phase):
    numbers = {"ed_frame": None, "es_frame": None} | {f"{phase.lower()}_frame": 0}
    analysis = run(quality_of(limit=0.95), FRAMES[:1], **numbers)
    assert set(analysis.predicted_dice) == {f"LV_{phase}", f"RV_{phase}", f"MYOCARDIUM_{phase}"}
    assert f"low_mask_quality_{phase.lower()}" in codes(analysis)


def test_the_record_rounds_the_predicted_dice():
    analysis = replace(run(quality_of()), predicted_dice={"LV_ED": 0.912345}, scope_score=0.987654)
    quality = result_record(analysis)["quality"]
    assert (quality["predicted_dice"], quality["scope_score"]) == ({"LV_ED": 0.9123}, 0.9877)


def test_a_quality_comes_back_from_json_as_it_was():
    quality = quality_of()
    assert MaskQuality.from_json(json.loads(json.dumps(asdict(quality))), "here") == quality


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"slope": -0.1}, "a slope that is not negative"),
        ({"slope": float("inf")}, "finite"),
        ({"intercept": float("nan")}, "finite"),
        ({"limit": 1.1}, "limit"),
        ({"limit": "0.7"}, "limit '0.7'; expected a finite number"),
        ({"colour": 1.0}, "colour"),
    ],
)
def test_a_line_that_cannot_be_is_refused(change, words):
    values = asdict(quality_of())
    values["lines"]["RV_ES"] |= change
    with pytest.raises(ModelError, match="RV_ES") as caught:
        MaskQuality.from_json(values, "here")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lines_of_other_structures_are_refused():
    with pytest.raises(ModelError, match=r"lines for .*'LV_ED'.*; expected"):
        MaskQuality({"LV_ED": QualityLine(0.0, 1.0, 0.5)})
