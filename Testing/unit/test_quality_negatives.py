import socket

import numpy as np
import pytest
import torch

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLLib.volume import CineStudy
from CardiacMTLTraining.out_of_fold import look
from CardiacMTLTraining.quality.changed import MAX_SLICES, interleaved_slices, inverted, reformatted, shuffled_slices
from CardiacMTLTraining.quality.dicom_images import pydicom_studies
from CardiacMTLTraining.quality.gather import negative_row, patient_row
from CardiacMTLTraining.quality.negatives import KINDS, PYDICOM_KIND, Use, use_of
from CardiacMTLTraining.quality.shapes import cylinder, smooth_noise, sphere, tube
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)
MODEL = oracle_model()
TRUTH = np.stack([ED_HEART.mask(ORACLE_GRID), ES_HEART.mask(ORACLE_GRID)])
STUDY = study_of(painted_frames(TRUTH, ORACLE_GRID.spacing_xyz_mm), ORACLE_GRID.spacing_xyz_mm, ed_frame=0, es_frame=1)


def generator(seed=0):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_makes_a_study_that_is_like_the_first_in_kind_but_not_in_content(name):
    before = STUDY.frames.copy()
    made = KINDS[name].make(STUDY, generator())
    assert isinstance(made, CineStudy)
    assert (len(made.frames), made.ed_frame, made.es_frame) == (2, 0, 1)
    assert made.geometry.size_xyz[2] >= 2
    assert np.ptp(made.frames[0]) > 0
    assert made.frames.shape != before.shape or (made.frames != before).any()
    assert (STUDY.frames == before).all()


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_made_alike_from_the_same_seed(name):
    first, second = (KINDS[name].make(STUDY, generator(3)) for _ in range(2))
    assert (first.frames == second.frames).all()


def test_the_list_says_what_each_kind_is_for():
    uses = {name: use_of(name) for name in (*KINDS, PYDICOM_KIND)}
    assert {name for name, use in uses.items() if use is Use.CALIBRATION} == {
        "reformat_across_x",
        "interleaved_slices",
        "white_noise",
        "smooth_noise",
    }
    assert uses[PYDICOM_KIND] is Use.REPORTED
    with pytest.raises(KeyError):
        use_of("unheard-of")


@pytest.mark.parametrize("across", ["x", "y"])
def test_a_reformat_shows_the_same_voxels_across_the_slices(across):
    """A ramp along each axis stays a ramp, and voxels keep their place in the patient."""
    geometry = Geometry((40, 36, 9), (2.0, 2.0, 8.0))
    z, y, x = np.meshgrid(*(np.arange(n) * s for n, s in zip((9, 36, 40), (8.0, 2.0, 2.0), strict=True)), indexing="ij")
    for values, axis in ((x, 0), (y, 1), (z, 2)):
        study = study_of(np.stack([values] * 2), geometry.spacing_xyz_mm, ed_frame=0, es_frame=1)
        cut = reformatted(study, across)
        slope = np.array([np.diff(cut.frames[0], axis=2 - position).mean() for position in range(3)])
        steps = slope / cut.geometry.spacing_xyz_mm
        assert np.abs(steps @ cut.geometry.direction_matrix.T) == pytest.approx(np.eye(3)[axis], abs=1e-3)


def test_a_reformat_of_a_heart_cuts_it_along_its_axis_with_slices_as_far_apart_as_before():
    cut = reformatted(STUDY, "x")
    assert cut.geometry.spacing_xyz_mm == pytest.approx((4.0, 4.0, 12.0))
    assert cut.geometry.size_xyz[2] <= MAX_SLICES
    assert sorted(cut.geometry.size_xyz[:2]) == sorted((50, 7 * 3 + 1))


@pytest.mark.parametrize("shape", [(2, 1, 8, 8), (2, 2, 3, 5), (2, 6, 12, 200)])
def test_a_reformat_of_any_shape_is_a_study(shape):
    study = study_of(generator().integers(0, 99, shape), (1.4, 1.4, 10.0), ed_frame=0, es_frame=1)
    for across in ("x", "y"):
        assert reformatted(study, across).geometry.size_xyz[2] >= 2


def test_mixed_slices_are_the_same_slices_in_another_order():
    for mixed in (interleaved_slices(STUDY), shuffled_slices(STUDY, generator())):
        order = [int(np.flatnonzero([(plane == old).all() for old in STUDY.frames[0]])[0]) for plane in mixed.frames[0]]
        assert mixed.geometry == STUDY.geometry
        assert sorted(mixed.frames.sum(axis=(2, 3))[0]) == sorted(STUDY.frames.sum(axis=(2, 3))[0])
        assert (mixed.frames[1] == STUDY.frames[1][order]).all() or len(set(order)) < len(order)


def test_inverting_twice_gives_the_image_back():
    assert (inverted(inverted(STUDY)).frames == STUDY.frames).all()


def test_smooth_noise_is_alike_in_neighbouring_voxels_and_frames():
    frames = smooth_noise(STUDY, generator()).frames
    assert np.corrcoef(frames[0].ravel(), frames[1].ravel())[0, 1] > 0.95
    assert np.corrcoef(frames[0, :, :, 1:].ravel(), frames[0, :, :, :-1].ravel())[0, 1] > 0.5


@pytest.mark.parametrize(("shape", "ends_differ"), [(sphere, True), (cylinder, False), (tube, False)])
def test_shapes_stand_still_and_only_the_sphere_tapers(shape, ends_differ):
    frames = shape(STUDY, generator(2)).frames.astype(float)
    assert np.abs(frames[0] - frames[1]).mean() < 20
    assert (np.abs(frames[0, 0] - frames[0, 3]).mean() > 20) == ends_differ


def test_pydicom_s_images_are_read_from_its_package_without_a_network(monkeypatch):
    def refuse(*_):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    studies = dict(pydicom_studies())
    assert len(studies) == 7
    for study in studies.values():
        assert isinstance(study, CineStudy)
        assert study.geometry.size_xyz[2] >= 2
        assert np.ptp(study.frames) > 0
        assert (study.frames[0] == study.frames[1]).all()


def test_a_patient_s_row_says_how_good_its_masks_are_and_what_speaks_for_a_heart():
    row = patient_row("p", 2, AcdcCase(STUDY, dict(zip(Phase, TRUTH, strict=True)), None), look(STUDY, MODEL.network))
    assert (row.name, row.fold) == ("p", 2)
    assert set(row.dice.values()) == {1.0}
    assert set(row.agreement.values()) == {1.0}
    assert row.evidence.closure == 1


def test_where_no_heart_is_found_the_row_says_so():
    empty = study_of(painted_frames(np.zeros_like(TRUTH), ORACLE_GRID.spacing_xyz_mm), ORACLE_GRID.spacing_xyz_mm)
    found = look(empty, MODEL.network)
    assert negative_row("n", "empty_body", 1, empty, found).evidence is None
    lost = patient_row("p", 0, AcdcCase(empty, dict(zip(Phase, TRUTH, strict=True)), None), found)
    assert (lost.agreement, lost.evidence, set(lost.dice.values())) == (None, None, {0.0})


def test_a_patient_without_expert_masks_and_a_single_slice_are_refused():
    with pytest.raises(InputError, match="expected ED and ES"):
        patient_row("p", 0, AcdcCase(STUDY, {Phase.ED: TRUTH[0]}, None), look(STUDY, MODEL.network))
    one = study_of(STUDY.frames[:, 5:6], ORACLE_GRID.spacing_xyz_mm, ed_frame=0, es_frame=1)
    with pytest.raises(InputError, match="one slice"):
        negative_row("n", "tube", 0, one, look(one, MODEL.network))


def test_slices_in_disorder_speak_less_for_a_heart_than_the_heart_itself():
    disordered = interleaved_slices(STUDY)
    row = negative_row("p", "interleaved_slices", 1, disordered, look(disordered, MODEL.network))
    straight = patient_row("p", 1, AcdcCase(STUDY, dict(zip(Phase, TRUTH, strict=True)), None), look(STUDY, MODEL.network))
    assert row.evidence.profile < straight.evidence.profile
