from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from CardiacMTLLib.diagnosis.features import FEATURES, WALL_SECTORS
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.measure.features import feature_values
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.network.clinical_layer import StudyScale, clinical_features, sector_radii
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom
from CardiacMTLLib.volume import Patient
from Testing.unit.hearts import ED_HEART, ES_HEART

torch.set_num_threads(1)
GRID = Geometry((88, 72, 11), (1.8, 1.8, 9.0))
NAMES = [feature.name for feature in FEATURES]


def one_hot(ed, es):
    codes = F.one_hot(torch.from_numpy(np.stack([ed, es])).long(), 4)
    return codes.movedim(-1, 2).float()


def both_ways(ed, es, geometry, divisor=1.0):
    masks = {Phase.ED: ed, Phase.ES: es}
    scale = StudyScale(geometry.spacing_xyz_mm[0], geometry.spacing_xyz_mm[2], divisor)
    final = feature_values(measure_function(masks, geometry, Patient()), masks, geometry, divisor)
    return clinical_features(one_hot(ed, es), scale).numpy(), final


@pytest.mark.parametrize("centre_xy_mm", [(0.0, 0.0), (7.3, -4.1), (0.9, 0.9)])
@pytest.mark.parametrize("divisor", [1.0, 1.85])
def test_soft_and_final_features_agree_on_hard_masks_of_analytic_hearts(centre_xy_mm, divisor):
    ed, es = (replace(heart, centre_xy_mm=centre_xy_mm).mask(GRID) for heart in (ED_HEART, ES_HEART))
    soft, final = both_ways(ed, es, GRID, divisor)
    np.testing.assert_allclose(soft, final, rtol=1e-4, atol=2e-3)


@pytest.mark.parametrize("group", [Group.MINF, Group.HCM])
def test_soft_and_final_features_agree_on_the_phantom_s_truth(group):
    phantom = make_phantom(anatomy_of(group), PhantomGrid((100, 100, 10), (2.4, 2.4, 10.0)), n_frames=2)
    soft, final = both_ways(*phantom.masks, phantom.study.geometry)
    np.testing.assert_allclose(soft, final, rtol=1e-4, atol=0.02)


def test_volumes_and_mass_are_those_of_the_analytic_hearts():
    features = dict(zip(NAMES, both_ways(ED_HEART.mask(GRID), ES_HEART.mask(GRID), GRID)[0], strict=True))
    assert features["lv_edv"] == pytest.approx(ED_HEART.lv_ml, rel=0.015)
    assert features["lv_esv"] == pytest.approx(ES_HEART.lv_ml, rel=0.015)
    assert features["rv_edv"] == pytest.approx(ED_HEART.rv_ml, rel=0.015)
    assert features["rv_esv"] == pytest.approx(ES_HEART.rv_ml, rel=0.015)
    assert features["lv_mass"] == pytest.approx(1.05 * ED_HEART.myocardium_ml, rel=0.015)
    assert features["lv_ef"] == pytest.approx(100 * (1 - ES_HEART.lv_ml / ED_HEART.lv_ml), abs=1)


def test_half_certain_masks_have_half_the_volume():
    codes = one_hot(ED_HEART.mask(GRID), ES_HEART.mask(GRID))
    scale = StudyScale(1.8, 9.0)
    halved = clinical_features(0.5 * codes, scale)
    np.testing.assert_allclose(halved[:2], clinical_features(codes, scale)[:2] / 2, rtol=1e-5)


@pytest.mark.parametrize("wall_mm", [5.0, 9.0, 14.0])
def test_every_sector_of_a_circular_ring_is_as_thick_as_the_ring(wall_mm):
    distance = torch.hypot(*torch.meshgrid(*[(torch.arange(120) - 59.3) * 0.75] * 2, indexing="ij"))[None]
    cavity, wall = (distance <= 20).float(), ((distance > 20) & (distance <= 20 + wall_mm)).float()
    inner, outer = sector_radii(cavity, wall, 0.75)
    thickness = outer - inner
    assert thickness.shape == (1, WALL_SECTORS)
    np.testing.assert_allclose(thickness, wall_mm, atol=0.75)


def soft_start(kind):
    generator = torch.Generator().manual_seed(2)
    if kind == "random":
        return torch.randn(2, 3, 4, 24, 24, generator=generator)
    logits = torch.full((2, 3, 4, 24, 24), -30.0)
    present = {"no structure": 0, "RV alone": 1, "wall alone": 2, "LV alone": 3}[kind]
    logits[:, :, present] = 30.0
    return logits


@pytest.mark.parametrize("kind", ["random", "no structure", "RV alone", "wall alone", "LV alone"])
def test_features_and_gradients_are_finite_whatever_the_masks(kind):
    logits = soft_start(kind).requires_grad_()
    features = clinical_features(torch.softmax(logits, dim=2), StudyScale(1.5, 8.0, 1.9))
    assert features.shape == (len(FEATURES),)
    features.sum().backward()
    assert torch.isfinite(features).all()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("present", ["zeros", "ones"])
def test_gradients_are_finite_on_masks_of_exact_zeros_and_ones(present):
    probabilities = (torch.zeros if present == "zeros" else torch.ones)(2, 3, 4, 16, 16, requires_grad=True)
    clinical_features(probabilities, StudyScale(1.5, 8.0)).sum().backward()
    assert torch.isfinite(probabilities.grad).all()


def test_gradients_point_where_the_formulas_say():
    codes = one_hot(ED_HEART.mask(GRID), ES_HEART.mask(GRID)).requires_grad_()
    features = clinical_features(codes, StudyScale(1.8, 9.0))
    (edv,) = torch.autograd.grad(features[NAMES.index("lv_edv")], codes, retain_graph=True)
    assert edv[0, :, 3].unique().tolist() == pytest.approx([1.8 * 1.8 * 9 / 1000])
    assert edv[1].abs().sum() == 0
    (ef,) = torch.autograd.grad(features[NAMES.index("lv_ef")], codes)
    assert (ef[0, :, 3] > 0).all()
    assert (ef[1, :, 3] < 0).all()


def test_one_slice_has_finite_features():
    ed, es = (heart.mask(GRID)[5:6] for heart in (ED_HEART, ES_HEART))
    assert torch.isfinite(clinical_features(one_hot(ed, es), StudyScale(1.8, 9.0))).all()
