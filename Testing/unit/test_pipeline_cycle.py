from dataclasses import replace

import numpy as np
import pytest
import torch

from CardiacMTLLib.batch.tables import RESULTS_COLUMNS, row_of
from CardiacMTLLib.inference.scope import EVIDENCE, Scope
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.report.record import result_record
from Testing.unit.hearts import ED_HEART, ES_HEART, HalfEllipsoidHeart, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)
MODEL = oracle_model()
SPACING = ORACLE_GRID.spacing_xyz_mm
SIZES = [0.9, 1.0, 0.9, 0.65, 0.35, 0.1, 0.0, 0.1, 0.35, 0.65]
TIMES_MS = tuple(80.0 * frame for frame in range(len(SIZES)))
LENGTHS = ("lv_radius_mm", "lv_length_mm", "wall_mm", "rv_radius_mm", "rv_length_mm")


def heart(size):
    lengths = {name: size * getattr(ED_HEART, name) + (1 - size) * getattr(ES_HEART, name) for name in LENGTHS}
    return HalfEllipsoidHeart(**lengths)


TRUTH = np.stack([heart(size).mask(ORACLE_GRID) for size in SIZES])
FRAMES = painted_frames(TRUTH, SPACING)


def run(frames=FRAMES, model=MODEL, whole_cycle=True, **fields):
    return analyse(study_of(frames, SPACING, **fields), model, device="cpu", whole_cycle=whole_cycle)


def test_a_cycle_has_the_curves_of_its_masks_and_rates_among_the_measurements():
    analysis = run(frame_times_ms=TIMES_MS)
    voxel_ml = ORACLE_GRID.voxel_volume_ml
    assert analysis.curves.lv_volume_ml == pytest.approx([(mask == Label.LV).sum() * voxel_ml for mask in TRUTH])
    assert analysis.curves.lv_volume_ml[1] == analysis.measurements["lv_edv_ml"].value
    assert analysis.curves.times.times_ms == TIMES_MS
    rate = analysis.measurements["lv_peak_ejection_rate_ml_per_s"].value
    stroke_ml = analysis.measurements["lv_sv_ml"].value
    assert stroke_ml / 0.4 < rate < 2 * stroke_ml / 0.4
    assert [flag.code for flag in analysis.flags] == []


def test_the_table_of_a_batch_has_a_column_for_all_that_is_in_the_record_of_a_cycle():
    assert ("case", *row_of(result_record(run(frame_times_ms=TIMES_MS)))) == RESULTS_COLUMNS


def test_given_frames_win_and_are_doubted_where_the_curve_says_otherwise():
    analysis = run(ed_frame=4, es_frame=6)
    assert analysis.frames == {Phase.ED: 4, Phase.ES: 6}
    assert [flag.code for flag in analysis.flags if "unlikely" in flag.code] == ["ed_frame_unlikely"]


def test_two_phases_have_neither_curves_nor_rates():
    analysis = run(ed_frame=1, es_frame=6, whole_cycle=False)
    assert analysis.curves is None
    assert not any("peak" in name for name in analysis.measurements)


def test_a_cycle_of_one_slice_has_rates_without_a_value_and_the_reason():
    analysis = run(FRAMES[:, 5:6])
    assert analysis.curves is None
    assert "one slice" in analysis.measurements["lv_peak_filling_rate_ml_per_s"].reason


def test_a_cycle_out_of_scope_has_no_curves():
    strict = Scope((0.0,) * len(EVIDENCE), (1.0,) * len(EVIDENCE), (0.0,) * len(EVIDENCE), -5.0, 0.9)
    analysis = run(model=oracle_model_with(strict), frame_times_ms=TIMES_MS)
    assert analysis.curves is None
    assert "out of scope" in analysis.measurements["lv_peak_ejection_rate_ml_per_s"].reason


def oracle_model_with(scope):
    calibration = replace(MODEL.manifest.calibration, scope=scope)
    return replace(MODEL, manifest=replace(MODEL.manifest, calibration=calibration))
