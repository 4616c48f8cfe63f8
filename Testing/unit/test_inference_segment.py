import numpy as np
import pytest
import torch

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.inference.device import DEVICES, choose_device
from CardiacMTLLib.inference.locate import locate_heart
from CardiacMTLLib.inference.segment import restore_mask, segment_phases
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.preprocess.resample import Window, centre_of
from Testing.unit.hearts import ED_HEART, ES_HEART, HalfEllipsoidHeart, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)
CPU = torch.device("cpu")
MODEL = oracle_model()
SPACING = ORACLE_GRID.spacing_xyz_mm
WINDOW = Window(centre_of(ORACLE_GRID), 48, 4.0)


def study_with(*hearts):
    return study_of(painted_frames(np.stack([heart.mask(ORACLE_GRID) for heart in hearts]), SPACING), SPACING)


def sampled(mask, geometry, window):
    """(z, label, y, x) shares of each label in the window, as a perfect network would give them."""
    to_y, to_x = window.sample_matrices(geometry)
    shares = np.stack([to_y @ (mask == label).astype(np.float32) @ to_x.T for label in Label], axis=1)
    shares[:, 0] += 1 - shares.sum(axis=1)
    return shares


@pytest.mark.parametrize("spacing", [(1.5, 1.5, 8.0), (0.8, 1.1, 8.0), (1.95, 1.95, 8.0)])
def test_a_mask_survives_the_way_through_the_window(spacing):
    geometry = Geometry((int(190 / spacing[0]), int(150 / spacing[1]), 11), spacing)
    truth = ED_HEART.mask(geometry)
    cx, cy = centre_of(geometry)
    window = Window((cx - 11.3, cy + 2.2), 128, 1.5)
    restored = restore_mask(sampled(truth, geometry, window), study_of(truth[None], spacing), window)
    for label in (Label.LV, Label.RV, Label.MYOCARDIUM):
        found, wanted = restored == label, truth == label
        assert 2 * (found & wanted).sum() / (found.sum() + wanted.sum()) > 0.97
        assert found.sum() == pytest.approx(wanted.sum(), rel=0.02)


def test_voxels_outside_the_window_are_background():
    geometry = Geometry((40, 40, 2), (2.0, 2.0, 8.0))
    study = study_of(np.zeros((1, 2, 40, 40), np.uint8), (2.0, 2.0, 8.0))
    window = Window((30.0, 50.0), 16, 1.5)
    everywhere = np.zeros((2, 4, 16, 16), np.float32)
    everywhere[:, Label.LV] = 1
    mask = restore_mask(everywhere, study, window)
    rows, columns = window.inside(geometry)
    assert (mask[:, rows, columns] == Label.LV).all()
    y, x = np.nonzero(mask.any(axis=0))
    assert np.abs(y * 2.0 - 50.0).max() < 8.5 * 1.5
    assert np.abs(x * 2.0 - 30.0).max() < 8.5 * 1.5


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 15, 17), (2, 1, 40)])
def test_the_mask_has_the_study_s_shape_whatever_it_is(shape):
    study = study_of(np.zeros((1, *shape), np.uint8), (2.0, 2.0, 8.0))
    mask = restore_mask(np.full((shape[0], 4, 16, 16), 0.25, np.float32), study, Window((0.0, 0.0), 16, 1.5))
    assert (mask.shape, mask.dtype) == (shape, np.uint8)


def test_a_window_beside_the_image_gives_an_empty_mask():
    study = study_of(np.zeros((1, 2, 40, 40), np.uint8), (2.0, 2.0, 8.0))
    assert not restore_mask(np.full((2, 4, 16, 16), 0.25, np.float32), study, Window((900.0, 50.0), 16, 1.5)).any()


def test_two_phases_in_one_pass_have_the_masks_of_single_frames():
    study = study_with(ED_HEART, ES_HEART, ED_HEART)
    both = segment_phases(study, {Phase.ED: 2, Phase.ES: 1}, WINDOW, MODEL.network, CPU)
    for phase, frame in ((Phase.ED, 2), (Phase.ES, 1)):
        single = segment_phases(study, {phase: frame}, WINDOW, MODEL.network, CPU)
        assert (both.masks[phase] == single.masks[phase]).all()
    assert both.auxiliary_logits.shape == (5,)
    assert both.auxiliary_logits.dtype == np.float64


@pytest.mark.parametrize("phase", list(Phase))
def test_one_phase_alone_has_its_mask_and_no_logits(phase):
    study = study_with(ED_HEART, ES_HEART)
    alone = segment_phases(study, {phase: 1}, WINDOW, MODEL.network, CPU)
    assert set(alone.masks) == set(alone.confidence) == {phase}
    assert (alone.masks[phase] == ES_HEART.mask(ORACLE_GRID)).all()
    assert alone.auxiliary_logits is None
    assert alone.agreement == {f"{name}_{phase}": 1.0 for name in ("LV", "RV", "MYOCARDIUM")}


def test_the_network_is_sure_of_what_it_sees_and_not_of_nothing():
    empty = study_of(painted_frames(np.zeros((1, 8, 50, 56), np.uint8), SPACING), SPACING)
    sure = segment_phases(study_with(ED_HEART), {Phase.ED: 0}, WINDOW, MODEL.network, CPU)
    unsure = segment_phases(empty, {Phase.ED: 0}, WINDOW, MODEL.network, CPU)
    assert sure.confidence[Phase.ED] > 0.999
    assert unsure.confidence == {Phase.ED: 0.0}
    assert set(unsure.agreement.values()) == {0.0}


@pytest.mark.parametrize("shift_xy_mm", [(0.0, 0.0), (30.0, -22.0), (-25.0, 20.0)])
def test_the_heart_is_found_where_it_lies(shift_xy_mm):
    heart = HalfEllipsoidHeart(centre_xy_mm=shift_xy_mm)
    centre = locate_heart(study_with(heart), 0, MODEL.network, CPU)
    cx, cy = centre_of(ORACLE_GRID)
    assert centre == pytest.approx((cx + shift_xy_mm[0], cy + shift_xy_mm[1]), abs=2.0)


def test_the_heart_is_looked_for_in_the_frame_that_is_named():
    study = study_with(HalfEllipsoidHeart(centre_xy_mm=(-20.0, 0.0)), HalfEllipsoidHeart(centre_xy_mm=(20.0, 0.0)))
    first, second = (locate_heart(study, frame, MODEL.network, CPU) for frame in (0, 1))
    assert second[0] - first[0] == pytest.approx(40.0, abs=2.0)


def test_an_image_that_shows_no_heart_or_too_small_a_one_has_no_centre():
    empty = study_of(painted_frames(np.zeros((1, 8, 50, 56), np.uint8), SPACING), SPACING)
    assert locate_heart(empty, 0, MODEL.network, CPU) is None
    tiny = HalfEllipsoidHeart(lv_radius_mm=5.0, lv_length_mm=20.0, wall_mm=3.0)
    assert locate_heart(study_with(tiny), 0, MODEL.network, CPU) is None


def test_the_device_is_the_one_that_is_named_or_one_that_is_there():
    assert choose_device("cpu") == CPU
    assert choose_device("auto").type in DEVICES


@pytest.mark.parametrize("wanted", ["tpu", "", "cuda:99", *(["mps"] if not torch.backends.mps.is_available() else [])])
def test_a_device_that_is_not_there_is_refused_by_name(wanted):
    with pytest.raises(UsageError, match=f"^device '{wanted}' is not available; .*'cpu'"):
        choose_device(wanted)
