from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
import torch

from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.geometry import AxisOrder, Geometry, standard_order
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.segments import measure_segments
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.measure.wall_table import wall_measurements
from CardiacMTLLib.phantom import SHORT_AXIS_DIRECTION
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.volume import CineStudy, Patient, StoredGrid
from Testing.unit.hearts import ED_HEART, ES_HEART, HalfEllipsoidHeart, study_of
from Testing.unit.oracle import INDEXED_ANSWER, ORACLE_GRID, UNINDEXED_ANSWER, oracle_model, painted_frames

torch.set_num_threads(1)
MODEL = oracle_model()
SPACING = ORACLE_GRID.spacing_xyz_mm
TRUTH = np.stack([ED_HEART.mask(ORACLE_GRID), ES_HEART.mask(ORACLE_GRID)])
FRAMES = painted_frames(TRUTH, SPACING)
KNOWN = {"ed_frame": 0, "es_frame": 1}
ALL_SLICES = SliceSelection()
ORDERS = [AxisOrder(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]


def values(analysis):
    return {name: measurement.value for name, measurement in analysis.measurements.items()}


def codes(analysis):
    return [flag.code for flag in analysis.flags]


def run(frames=FRAMES, spacing=SPACING, model=MODEL, whole_cycle=False, progress=None, left_out=ALL_SLICES, **fields):
    study = study_of(frames, spacing, **fields)
    return analyse(study, model, device="cpu", whole_cycle=whole_cycle, left_out=left_out, progress=progress)


def cine_of(sizes):
    """Truth and frames of a cycle whose hearts are `sizes` of the way from ES (0) to ED (1)."""
    masks = []
    for size in sizes:
        lengths = {
            name: size * getattr(ED_HEART, name) + (1 - size) * getattr(ES_HEART, name)
            for name in ("lv_radius_mm", "lv_length_mm", "wall_mm", "rv_radius_mm", "rv_length_mm")
        }
        masks.append(HalfEllipsoidHeart(**lengths).mask(ORACLE_GRID))
    return np.stack(masks), painted_frames(np.stack(masks), SPACING)


def test_masks_measurements_and_diagnosis_of_a_study():
    analysis = run(**KNOWN)
    for phase, truth in zip(Phase, TRUTH, strict=True):
        assert (analysis.masks[phase] == truth).all()
        assert analysis.masks[phase].dtype == np.uint8
    masks = dict(zip(Phase, TRUTH, strict=True))
    assert analysis.segments == measure_segments(masks, ORACLE_GRID)
    truth = measure_function(masks, ORACLE_GRID, analysis.study.patient) | wall_measurements(analysis.segments)
    assert {name: analysis.measurements[name] for name in truth} == truth
    assert analysis.diagnosis.label is INDEXED_ANSWER
    assert analysis.flags == ()
    assert (analysis.frames, analysis.cine_masks) == ({Phase.ED: 0, Phase.ES: 1}, None)
    assert (analysis.model.name, analysis.model.sha256) == ("oracle", "0" * 64)


@pytest.mark.parametrize(("patient", "suffix"), [(Patient(174, 78), "ml_per_m2"), (Patient(), "ml")])
def test_the_head_sees_the_very_numbers_of_the_table(patient, suffix):
    analysis = run(patient=patient, **KNOWN)
    seen = {contribution.feature: contribution.value for contribution in analysis.diagnosis.contributions}
    assert seen["LV volume at ED"] == pytest.approx(values(analysis)[f"lv_edv_{suffix}"])
    assert seen["RV volume at ES"] == pytest.approx(values(analysis)[f"rv_esv_{suffix}"])
    assert seen["LV ejection fraction"] == values(analysis)["lv_ef_percent"]


def test_one_frame_cannot_be_both_phases():
    with pytest.raises(InputError, match="ED and ES are both frame 1"):
        run(ed_frame=1, es_frame=1)


@pytest.mark.robustness(4)
def test_all_48_ways_to_store_a_study_give_the_same_measurements_and_the_mask_at_the_same_place():
    geometry = Geometry(ORACLE_GRID.size_xyz, SPACING, SHORT_AXIS_DIRECTION, (-60.0, -80.0, 40.0))
    expected = values(run(**KNOWN))
    for way in ORDERS:
        header = way.geometry(geometry)
        order = standard_order(header, way.axes.index(2))
        study = CineStudy(
            order.apply(way.apply(FRAMES)), order.geometry(header), StoredGrid(header, order), patient=Patient(174, 78), **KNOWN
        )
        analysis = analyse(study, MODEL, device="cpu")
        assert values(analysis) == pytest.approx(expected), way
        for phase, truth in zip(Phase, TRUTH, strict=True):
            assert (study.in_file_axes(analysis.masks[phase]) == way.apply(truth)).all(), way


@pytest.mark.parametrize("centre_xy_mm", [(14.0, -9.0), (-8.0, 17.0)])
@pytest.mark.parametrize("spacing", [(2.9, 3.7, 12.0), (1.9, 1.9, 12.0)])
def test_volumes_are_true_to_the_window_s_4_mm_wherever_the_heart_lies_and_whatever_the_pixels(centre_xy_mm, spacing):
    grid = Geometry((int(224 / spacing[0]), int(200 / spacing[1]), 8), spacing)
    truth = np.stack([replace(heart, centre_xy_mm=centre_xy_mm).mask(grid) for heart in (ED_HEART, ES_HEART)])
    analysis = run(painted_frames(truth, spacing), spacing, **KNOWN)
    expected = measure_function(dict(zip(Phase, truth, strict=True)), grid, Patient())
    for name in ("lv_edv_ml", "lv_esv_ml", "lv_mass_g", "rv_edv_ml", "rv_esv_ml"):
        assert analysis.measurements[name].value == pytest.approx(expected[name].value, rel=0.1), name


@pytest.mark.robustness(17)
@pytest.mark.parametrize("change", [lambda f: f / 7.0 + 1e3, lambda f: ((f + 600) // 5).astype(np.uint8), lambda f: f * 40])
def test_the_scale_offset_and_type_of_intensities_change_nothing(change):
    assert values(run(change(FRAMES.astype(np.int32)), **KNOWN)) == values(run(**KNOWN))


@pytest.mark.robustness(18)
def test_a_study_without_a_heart_is_out_of_scope_with_nothing_but_the_reason():
    analysis = run(painted_frames(np.zeros_like(TRUTH), SPACING), **KNOWN)
    assert codes(analysis) == ["out_of_scope"]
    assert not any(mask.any() for mask in analysis.masks.values())
    assert analysis.measurements.keys() == run(**KNOWN).measurements.keys()
    for name, measurement in analysis.measurements.items():
        assert (measurement.value is None) == (name != "body_surface_area_m2")
        assert measurement.value is not None or "no short-axis heart was found" in measurement.reason
    diagnosis = analysis.diagnosis
    assert (diagnosis.probabilities, diagnosis.label) == (None, None)
    assert "no short-axis heart was found" in diagnosis.reason


@pytest.mark.robustness(13)
def test_one_frame_gives_volumes_and_says_why_there_is_no_more():
    analysis = run(FRAMES[:1])
    assert analysis.frames == {Phase.ED: 0}
    assert (analysis.masks[Phase.ED] == TRUTH[0]).all()
    assert values(analysis)["lv_edv_ml"] == values(run(**KNOWN))["lv_edv_ml"]
    for name in ("lv_esv_ml", "lv_ef_percent", "rv_ef_percent"):
        assert analysis.measurements[name].reason == "the ES frame is not known"
    assert analysis.diagnosis.probabilities is None
    assert analysis.diagnosis.reason == "the diagnosis needs ED and ES, and the ES frame is not known"


@pytest.mark.parametrize("whole_cycle", [True, False])
def test_a_single_frame_that_is_es_is_measured_as_es(whole_cycle):
    analysis = run(FRAMES[1:], es_frame=0, whole_cycle=whole_cycle)
    assert analysis.frames == {Phase.ES: 0}
    assert values(analysis)["lv_esv_ml"] == values(run(**KNOWN))["lv_esv_ml"]
    assert values(analysis)["lv_edv_ml"] is None
    assert "ED frame" in analysis.diagnosis.reason


@pytest.mark.robustness(14)
def test_one_slice_gives_masks_but_no_volumes():
    analysis = run(FRAMES[:, 5:6], **KNOWN)
    assert (analysis.masks[Phase.ED] == TRUTH[0, 5:6]).all()
    assert "one slice" in analysis.measurements["lv_edv_ml"].reason
    assert {name for name, value in values(analysis).items() if value is not None} == {"body_surface_area_m2"}
    assert analysis.diagnosis.probabilities is None
    assert "one slice" in analysis.diagnosis.reason


@pytest.mark.parametrize(
    ("patient", "missing"),
    [
        (Patient(), "height and weight are not known: "),
        (Patient(height_cm=174.0), "the weight is not known: "),
        (Patient(weight_kg=78.0), "the height is not known: "),
    ],
)
def test_without_body_size_the_other_head_diagnoses_and_a_note_says_so(patient, missing):
    analysis = run(patient=patient, **KNOWN)
    assert codes(analysis) == ["no_body_size"]
    assert analysis.flags[0].text.startswith(missing)
    assert analysis.flags[0].check == "Give height and weight and run the study again."
    assert analysis.diagnosis.label is UNINDEXED_ANSWER
    assert values(analysis)["lv_edv_ml"] == values(run(**KNOWN))["lv_edv_ml"]
    assert values(analysis)["lv_edv_ml_per_m2"] is None


def test_in_a_cycle_without_frame_numbers_ed_and_es_are_found():
    truth, frames = cine_of([0.8, 0.97, 1.0, 0.97, 0.6, 0.1, 0.0, 0.1, 0.4, 0.6])
    analysis = run(frames)
    assert analysis.frames == {Phase.ED: 2, Phase.ES: 6}
    assert analysis.cine_masks.shape == truth.shape
    assert (analysis.cine_masks == truth).all()
    assert (analysis.masks[Phase.ES] == truth[6]).all()
    assert analysis.diagnosis.label is INDEXED_ANSWER


def test_frames_that_are_known_are_kept_and_the_missing_one_is_found():
    _, frames = cine_of([1.0, 0.9, 0.3, 0.0, 0.3, 0.9])
    assert run(frames, ed_frame=1).frames == {Phase.ED: 1, Phase.ES: 3}
    assert run(frames, es_frame=2).frames == {Phase.ED: 0, Phase.ES: 2}
    both = run(frames, ed_frame=5, es_frame=4, whole_cycle=True)
    assert both.frames == {Phase.ED: 5, Phase.ES: 4}
    assert len(both.cine_masks) == 6


def test_the_frame_of_one_phase_is_never_taken_for_the_other_too():
    _, frames = cine_of([1.0, 0.9, 0.3, 0.0, 0.3, 0.9])
    analysis = run(frames, ed_frame=3)
    assert analysis.frames == {Phase.ED: 3}
    assert analysis.measurements["lv_ef_percent"].reason == "the ES frame is not known"


def test_a_heart_that_does_not_move_has_no_es():
    _, frames = cine_of([1.0] * 3)
    analysis = run(frames)
    assert analysis.frames == {Phase.ED: 0}
    assert values(analysis)["lv_edv_ml"] is not None
    assert analysis.measurements["lv_ef_percent"].reason == "the ES frame is not known"
    assert analysis.diagnosis.label is None


@pytest.mark.robustness(25)
def test_a_heart_larger_at_es_is_flagged_and_not_diagnosed():
    analysis = run(ed_frame=1, es_frame=0)
    assert codes(analysis)[:2] == ["lv_esv_above_edv", "rv_esv_above_edv"]
    assert values(analysis)["lv_ef_percent"] < 0
    assert (analysis.diagnosis.probabilities, analysis.diagnosis.label) == (None, None)
    assert "larger at ES than at ED" in analysis.diagnosis.reason
    assert len(analysis.diagnosis.auxiliary_logits) == 5


@pytest.mark.robustness(24)
def test_a_structure_that_is_not_there_is_undefined_and_so_is_the_diagnosis():
    truth = np.where(TRUTH == Label.RV, 0, TRUTH)
    analysis = run(painted_frames(truth, SPACING), **KNOWN)
    assert analysis.measurements["rv_edv_ml"].reason == "no RV was found at ED"
    assert analysis.diagnosis.reason == "no RV was found at ED"
    assert values(analysis)["lv_edv_ml"] is not None
    assert codes(analysis) == ["empty_ed", "empty_es"]


def test_an_uncertain_diagnosis_keeps_its_probabilities_without_a_label():
    analysis = run(model=oracle_model(undecided=True), **KNOWN)
    assert analysis.diagnosis.label is None
    assert "no group is likely enough" in analysis.diagnosis.reason
    assert list(analysis.diagnosis.probabilities.values()) == pytest.approx([0.2] * 5)


@pytest.mark.robustness(15)
def test_a_constant_image_is_refused_as_without_signal():
    with pytest.raises(InputError, match="no signal"):
        run(np.full_like(FRAMES, 100), **KNOWN)


@pytest.mark.robustness(19)
@pytest.mark.parametrize("size", [(16, 16), (15, 17), (1, 1)])
def test_a_tiny_image_keeps_its_shape_and_gives_numbers_or_reasons(size):
    frames = np.random.default_rng(0).integers(0, 300, (2, 4, *size), dtype=np.int16)
    analysis = run(frames, (1.4, 1.4, 8.0), **KNOWN)
    assert analysis.masks[Phase.ED].shape == (4, *size)
    assert all((m.value is None) == bool(m.reason) for m in analysis.measurements.values())
    assert analysis.diagnosis.label is None
    assert analysis.diagnosis.reason


def test_slices_left_out_are_gone_from_masks_numbers_and_features_and_a_note_says_so():
    whole = run(**KNOWN)
    planes = np.flatnonzero((TRUTH[0] == Label.LV).any(axis=(1, 2)))
    basal = int(planes[-1])
    analysis = run(left_out=SliceSelection(frozenset({basal})), **KNOWN)
    expected = TRUTH[0].copy()
    expected[basal] = 0
    assert (analysis.masks[Phase.ED] == expected).all()
    assert (analysis.masks[Phase.ES] == TRUTH[1]).all()
    masks = {Phase.ED: expected, Phase.ES: TRUTH[1]}
    truth = measure_function(masks, ORACLE_GRID, analysis.study.patient)
    assert {name: analysis.measurements[name] for name in truth} == truth
    assert analysis.segments == measure_segments(masks, ORACLE_GRID)
    assert values(analysis)["lv_edv_ml"] < values(whole)["lv_edv_ml"]
    seen = {part.feature: part.value for part in analysis.diagnosis.contributions}
    assert seen["LV volume at ED"] == pytest.approx(values(analysis)["lv_edv_ml_per_m2"])
    note = next(flag for flag in analysis.flags if flag.code == "slices_left_out_ed")
    assert f"left out at ED as asked: {basal + 1};" in note.text
    assert analysis.left_out == SliceSelection(frozenset({basal}))
    assert whole.left_out == SliceSelection()


def test_a_slice_to_be_left_out_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="left out at ES"):
        run(left_out=SliceSelection(excluded_es=frozenset({99})), **KNOWN)


def test_running_again_gives_the_same_and_leaves_the_study_as_it_was():
    before = FRAMES.copy()
    first, second = run(**KNOWN), run(**KNOWN)
    assert (before == FRAMES).all()
    assert values(first) == values(second)
    assert first.diagnosis == second.diagnosis
    assert all((first.masks[phase] == second.masks[phase]).all() for phase in Phase)


def test_progress_is_told_in_sentences_with_growing_fractions():
    told = []
    analysis = run(whole_cycle=True, progress=lambda sentence, fraction: told.append((sentence, fraction)), **KNOWN)
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert min(fractions) >= 0
    assert max(fractions) < 1
    assert all(sentence for sentence, _ in told)
    assert set(analysis.seconds) == {"locate", "segment_cycle", "segment", "measure"}
    assert min(analysis.seconds.values()) >= 0
