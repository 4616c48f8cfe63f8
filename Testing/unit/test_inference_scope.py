import json
from dataclasses import asdict, astuple, fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.inference.scope import EVIDENCE, Scope, ScopeEvidence, scope_evidence
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.network.manifest import Calibration
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.pipeline import analyse
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)
GRID = Geometry((80, 60, 11), (2.2, 2.2, 8.0))
HEART = {Phase.ED: ED_HEART.mask(GRID), Phase.ES: ES_HEART.mask(GRID)}
FRAMES = painted_frames(np.stack([ED_HEART.mask(ORACLE_GRID), ES_HEART.mask(ORACLE_GRID)]), ORACLE_GRID.spacing_xyz_mm)
SURE = ({"LV_ED": 0.9, "RV_ED": 0.8}, {Phase.ED: 0.9, Phase.ES: 0.7})


def evidence_of(masks, geometry=GRID):
    return scope_evidence(masks, geometry, *SURE)


def scope_of(threshold=0.5, bias=0.0, weight=1.0):
    n = len(EVIDENCE)
    return Scope((0.5,) * n, (0.1,) * n, (weight,) * n, bias, threshold)


def run(scope, frames=FRAMES, **known):
    model = oracle_model()
    model = LoadedModel(model.network, replace(model.manifest, calibration=Calibration(scope=scope)))
    return analyse(
        study_of(frames, ORACLE_GRID.spacing_xyz_mm, **(known or {"ed_frame": 0, "es_frame": 1})), model, device="cpu"
    )


def test_a_short_axis_heart_gives_evidence_near_one():
    found = evidence_of(HEART)
    assert found.agreement == pytest.approx(0.85)
    assert found.confidence == pytest.approx(0.8)
    assert found.closure == 1
    assert found.roundness > 0.97
    assert (found.stacking, found.profile) == (1, 1)


def test_evidence_lies_between_0_and_1_for_any_mask():
    generator = np.random.default_rng(0)
    for share in (0.0, 0.02, 0.5, 1.0):
        mask = (generator.random(GRID.shape_zyx) < share) * generator.integers(1, 4, GRID.shape_zyx)
        assert all(0 <= value <= 1 for value in astuple(evidence_of({Phase.ED: mask.astype(np.uint8)})))


def test_masks_without_a_heart_are_no_evidence_for_one():
    nothing = evidence_of({phase: np.zeros_like(mask) for phase, mask in HEART.items()})
    assert (nothing.closure, nothing.roundness, nothing.stacking, nothing.profile) == (0, 0, 0, 0)


def test_half_a_wall_closes_half_of_the_cavity():
    opened = HEART[Phase.ED].copy()
    upper = opened[:, :30]
    upper[upper == Label.MYOCARDIUM] = 0
    assert evidence_of({Phase.ED: opened}).closure == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1.0, 2.0), (2.0, 1.0)])
@pytest.mark.parametrize("ratio", [1.0, 0.5, 0.25])
def test_roundness_is_the_ratio_of_the_axes_in_millimetres(ratio, spacing):
    dx, dy = spacing
    y, x = np.meshgrid(np.arange(-60, 61, dy), np.arange(-60, 61, dx), indexing="ij")
    along, across = (x + y) / 2**0.5, (x - y) / 2**0.5
    plane = np.where((along / 40) ** 2 + (across / (40 * ratio)) ** 2 <= 1, Label.LV, 0).astype(np.uint8)
    geometry = Geometry((plane.shape[1], plane.shape[0], 2), (dx, dy, 8.0))
    assert evidence_of({Phase.ED: np.stack([plane, plane])}, geometry).roundness == pytest.approx(ratio, abs=0.02)


def test_slices_beside_each_other_do_not_stack():
    mask = np.zeros((3, 20, 40), np.uint8)
    for index, start in enumerate((2, 6, 22)):
        mask[index, 5:13, start : start + 8] = Label.LV
    assert evidence_of({Phase.ED: mask}, Geometry((40, 20, 3), (2.0, 2.0, 8.0))).stacking == pytest.approx(0.25)


def test_a_heart_whose_slices_are_out_of_order_has_no_single_widest_slice():
    order = [*range(0, 11, 2), *range(1, 11, 2)]
    mixed = evidence_of({phase: mask[order] for phase, mask in HEART.items()})
    assert mixed.profile < 0.8
    assert evidence_of({phase: mask[::-1] for phase, mask in HEART.items()}) == evidence_of(HEART)


def test_one_slice_gives_no_evidence():
    one = {phase: mask[5:6] for phase, mask in HEART.items()}
    assert evidence_of(one, Geometry((80, 60, 1), (2.2, 2.2, 8.0))) is None
    assert run(scope_of(), FRAMES[:, 5:6]).scope_score is None


@given(st.lists(st.floats(0, 1), min_size=len(EVIDENCE), max_size=len(EVIDENCE)), st.sampled_from(EVIDENCE))
def test_more_evidence_never_lowers_the_score(values, name):
    scope, evidence = scope_of(), ScopeEvidence(*values)
    more = replace(evidence, **{name: min(getattr(evidence, name) + 0.1, 1.0)})
    assert 0 <= scope.score(evidence) <= scope.score(more) <= 1


def test_the_score_is_logistic_in_the_standardised_evidence():
    scope = scope_of(bias=-1.0, weight=0.5)
    logit = -1.0 + len(EVIDENCE) * 0.5 * (0.6 - 0.5) / 0.1
    assert scope.score(ScopeEvidence(*[0.6] * len(EVIDENCE))) == pytest.approx(1 / (1 + np.exp(-logit)))


def test_a_study_in_scope_keeps_everything_beside_its_score():
    analysis = run(scope_of())
    plain = run(None)
    assert analysis.scope_score > 0.99
    assert plain.scope_score is None
    assert (analysis.measurements, analysis.diagnosis.label, analysis.flags) == (plain.measurements, plain.diagnosis.label, ())


@pytest.mark.robustness(18)
def test_a_study_out_of_scope_keeps_its_masks_and_says_why_there_is_nothing_else():
    analysis, plain = run(scope_of(bias=-60.0)), run(None)
    assert analysis.scope_score < 0.01
    assert [flag.code for flag in analysis.flags] == ["out_of_scope"]
    assert all((analysis.masks[phase] == plain.masks[phase]).all() for phase in Phase)
    assert analysis.measurements.keys() == plain.measurements.keys()
    for name, measurement in analysis.measurements.items():
        assert (measurement.value is None) == (name != "body_surface_area_m2")
        assert measurement.value is not None or "out of scope" in measurement.reason
    diagnosis = analysis.diagnosis
    assert (diagnosis.probabilities, diagnosis.label, diagnosis.auxiliary_logits) == (None, None, None)
    assert "do not look like a short-axis stack of a heart" in diagnosis.reason


def test_a_single_frame_is_judged_by_the_phase_there_is():
    assert run(scope_of(), FRAMES[:1], ed_frame=0).scope_score > 0.99
    refused = run(scope_of(bias=-60.0), FRAMES[1:], es_frame=0)
    assert [flag.code for flag in refused.flags] == ["out_of_scope"]


def test_a_scope_comes_back_from_json_as_it_was():
    scope = scope_of(0.3, -1.5)
    assert Scope.from_json(json.loads(json.dumps(asdict(scope))), "here") == scope


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"weight": [1.0] * 3}, "finite coefficients"),
        ({"mean": [float("nan")] * len(EVIDENCE)}, "each item a finite number"),
        ({"sd": [0.0] * len(EVIDENCE)}, "positive SDs"),
        ({"sd": []}, "positive SDs"),
        ({"bias": float("inf")}, "a finite number"),
        ({"bias": None}, "bias 'None'; expected a finite number"),
        ({"threshold": 1.5}, "threshold from 0 to 1"),
        ({"evidence": list(reversed(EVIDENCE))}, "evidence is"),
        ({"colour": 1}, "colour"),
    ],
)
def test_a_scope_that_cannot_be_is_refused(change, words):
    with pytest.raises(ModelError) as caught:
        Scope.from_json(asdict(scope_of()) | change, "here")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_evidence_is_named_in_the_order_of_the_coefficients():
    assert tuple(field.name for field in fields(ScopeEvidence)) == EVIDENCE
