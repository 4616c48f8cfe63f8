"""Group-typical anatomies: the measurements that a reader expects of each ACDC group."""

from __future__ import annotations

import pytest

from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import PhantomAnatomy, anatomy_of
from CardiacMTLLib.phantom.cycle import contraction, frame_phases

GROUP_MEANS = {
    Group.NOR: (130, 60, 153, 55, 102),
    Group.MINF: (172, 31, 119, 56, 123),
    Group.DCM: (285, 18, 178, 32, 170),
    Group.HCM: (129, 67, 118, 60, 177),
    Group.RV: (107, 55, 196, 31, 77),
}
"""LV EDV mL, LV EF %, RV EDV mL, RV EF %, LV mass g."""


@pytest.mark.parametrize("group", Group)
def test_an_anatomy_has_the_mean_measurements_of_its_group(group: Group) -> None:
    anatomy = anatomy_of(group)
    lv_edv_ml, lv_ef_percent, rv_edv_ml, rv_ef_percent, lv_mass_g = GROUP_MEANS[group]
    assert anatomy.lv_edv_ml == pytest.approx(lv_edv_ml, abs=0.01)
    assert anatomy.lv_ef_percent == pytest.approx(lv_ef_percent, abs=0.1)
    assert anatomy.rv_edv_ml == pytest.approx(rv_edv_ml, abs=0.01)
    assert anatomy.rv_ef_percent == pytest.approx(rv_ef_percent, abs=0.1)
    assert anatomy.lv_mass_g == pytest.approx(lv_mass_g, abs=0.01)


@pytest.mark.parametrize("group", Group)
def test_the_wall_neither_gains_nor_loses_volume(group: Group) -> None:
    anatomy = anatomy_of(group)
    for tenth in range(11):
        assert anatomy.shape_at(tenth / 10).myocardium_ml == pytest.approx(anatomy.ed.myocardium_ml, rel=1e-9)


@pytest.mark.parametrize("group", Group)
def test_the_wall_thickens_and_the_base_descends_in_systole(group: Group) -> None:
    anatomy = anatomy_of(group)
    assert anatomy.es.wall_mm > anatomy.ed.wall_mm
    assert 4 <= anatomy.ed.base_height_mm - anatomy.es.base_height_mm <= 20
    assert anatomy.es.epi_radius_mm < anatomy.ed.epi_radius_mm


def test_dilated_is_wide_and_weak_and_hypertrophic_is_thick() -> None:
    normal, dilated, hypertrophic = (anatomy_of(group) for group in (Group.NOR, Group.DCM, Group.HCM))
    assert dilated.ed.lv_radius_mm > 1.35 * normal.ed.lv_radius_mm
    assert dilated.lv_ef_percent < 20
    assert dilated.ed.wall_mm < 1.2 * normal.ed.wall_mm
    assert hypertrophic.ed.wall_mm > 1.25 * normal.ed.wall_mm
    assert regional_wall_mm(hypertrophic, "ed") > 15


def test_the_infarcted_region_is_thin_and_does_not_move() -> None:
    anatomy = anatomy_of(Group.MINF)
    assert regional_wall_mm(anatomy, "ed") < 5.5 < anatomy.ed.wall_mm
    assert regional_wall_mm(anatomy, "es") < 1.1 * regional_wall_mm(anatomy, "ed")
    inward_mm = anatomy.ed.lv_radius_mm * (1 + anatomy.ed.endo_bump) - anatomy.es.lv_radius_mm * (1 + anatomy.es.endo_bump)
    assert abs(inward_mm) < 2
    assert anatomy.ed.lv_radius_mm - anatomy.es.lv_radius_mm > 4


def test_the_right_ventricle_is_the_larger_one_in_the_rv_group_alone() -> None:
    ratios = {group: anatomy_of(group).rv_edv_ml / anatomy_of(group).lv_edv_ml for group in Group}
    assert max(ratios, key=lambda group: ratios[group]) is Group.RV
    assert ratios[Group.RV] > 1.5


def regional_wall_mm(anatomy: PhantomAnatomy, instant: str) -> float:
    shape = getattr(anatomy, instant)
    return float(shape.epi_radius_mm * (1 + shape.epi_bump) - shape.lv_radius_mm * (1 + shape.endo_bump))


@pytest.mark.parametrize("n_frames", [2, 3, 5, 10, 13, 20, 25, 30, 35, 50])
def test_the_first_frame_is_the_fullest_and_the_es_frame_the_emptiest(n_frames: int) -> None:
    phases, es_frame = frame_phases(n_frames)
    assert es_frame is not None
    states = [contraction(phase, phases[es_frame]) for phase in phases]
    assert states[0] == 0
    assert states[es_frame] == 1
    assert all(0 < state < 1 for frame, state in enumerate(states) if frame not in (0, es_frame))


def test_the_cycle_ejects_fills_rests_and_is_topped_up_by_the_atria() -> None:
    phases, es_frame = frame_phases(30)
    assert es_frame is not None
    assert 0.35 <= phases[es_frame] <= 0.40
    states = [contraction(phase, phases[es_frame]) for phase in phases]
    steps = [after - before for before, after in zip(states, [*states[1:], 0.0], strict=True)]
    assert all(step > 0 for step in steps[:es_frame])
    assert all(step <= 0 for step in steps[es_frame:])
    fastest_filling = steps.index(min(steps))
    resting = [frame for frame in range(es_frame, 30) if steps[frame] == 0]
    kick = min(range(resting[-1], 30), key=lambda frame: steps[frame])
    assert es_frame < fastest_filling < resting[0] < kick
    assert steps[fastest_filling] < steps[kick] < 0


def test_a_single_frame_has_no_es() -> None:
    assert frame_phases(1) == ((0.0,), None)
