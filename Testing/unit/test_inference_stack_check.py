"""What the LV's shape and motion say about the stack: flags, and no diagnosis from numbers that no heart has."""

from dataclasses import replace

import numpy as np
import pytest

from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.inference.quality import FORBIDDING
from CardiacMTLLib.inference.stack_check import stack_flags
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.volume import CineStudy, Patient, StoredGrid
from Testing.unit.hearts import ED_HEART, ES_HEART, HalfEllipsoidHeart

GRID = Geometry((80, 60, 11), (2.2, 2.2, 8.0))
GOOD = {Phase.ED: ED_HEART.mask(GRID), Phase.ES: ES_HEART.mask(GRID)}
"""Slice 10 of 11 is the most basal one with a mask; the stack goes on beyond base and apex."""

STORED = AxisOrder()


def flags_of(masks, spacing_xyz_mm=GRID.spacing_xyz_mm, order=STORED):
    z, y, x = masks[Phase.ED].shape
    geometry = Geometry((x, y, z), spacing_xyz_mm)
    frames = np.zeros((2, z, y, x), dtype=np.uint16)
    study = CineStudy(frames, geometry, StoredGrid(geometry, order), patient=Patient())
    return stack_flags(masks, study, measure_function(masks, geometry, Patient()))


def codes(masks, **changes):
    return [flag.code for flag in flags_of(masks, **changes)]


def test_a_good_study_has_no_flag():
    assert codes(GOOD) == []


@pytest.mark.robustness(28)
def test_a_stack_that_ends_before_the_apex_is_flagged_though_it_goes_on_beyond_the_base():
    assert codes({phase: mask[5:] for phase, mask in GOOD.items()})[:1] == ["coverage"]
    assert "coverage" in FORBIDDING


@pytest.mark.robustness(28)
def test_a_stack_that_is_cut_off_at_both_ends_is_flagged():
    assert "coverage" in codes({phase: mask[5:9] for phase, mask in GOOD.items()})


def test_a_stack_that_ends_with_the_tip_of_the_apex_is_whole():
    whole = {phase: mask[1:10] for phase, mask in GOOD.items()}
    assert (whole[Phase.ED][0] == Label.LV).any()
    assert codes(whole) == []


@pytest.mark.robustness(28)
@pytest.mark.parametrize("distance_mm", [2.0, 3.9, 17.0, 40.0])
def test_slices_whose_distance_gives_no_lv_its_shape_are_flagged_with_both_measures(distance_mm):
    (flag,) = flags_of(GOOD, spacing_xyz_mm=(2.2, 2.2, distance_mm))
    assert flag.code == "lv_proportions"
    assert f"{9 * distance_mm:.0f} mm long and 48 mm wide" in flag.text
    assert "lv_proportions" in FORBIDDING


@pytest.mark.parametrize("distance_mm", [5.0, 8.0, 12.0])
def test_distances_that_hearts_can_have_pass(distance_mm):
    assert codes(GOOD, spacing_xyz_mm=(2.2, 2.2, distance_mm)) == []


@pytest.mark.robustness(25)
def test_the_same_moment_given_twice_is_flagged_and_forbids_a_diagnosis():
    (flag,) = flags_of(dict.fromkeys(Phase, GOOD[Phase.ED]))
    assert flag.code == "lv_still"
    assert "0 %" in flag.text
    assert "lv_still" in FORBIDDING


def test_the_weakest_hearts_of_acdc_still_beat():
    """Ejection fractions of dilated hearts reach down to 10 %."""
    weak = replace(ED_HEART, lv_radius_mm=ED_HEART.lv_radius_mm * 0.9**0.5)
    masks = {Phase.ED: ED_HEART.mask(GRID), Phase.ES: weak.mask(GRID)}
    assert 5 < measure_function(masks, GRID, Patient())["lv_ef_percent"].value < 15
    assert codes(masks) == []


@pytest.mark.parametrize(("order", "number"), [(AxisOrder(), 10), (AxisOrder(flips=(False, False, True)), 2)])
def test_wall_without_a_cavity_at_the_base_is_flagged_with_its_slice_in_the_file(order, number):
    es = GOOD[Phase.ES].copy()
    es[9][es[9] == Label.LV] = Label.BACKGROUND
    (flag,) = flags_of(GOOD | {Phase.ES: es}, order=order)
    assert flag.code == "wall_alone_es"
    assert flag.text.endswith(f"at ES, in slice {number}")
    assert flag.code not in FORBIDDING


def test_wall_without_a_cavity_at_the_apex_is_no_fault():
    capped = HalfEllipsoidHeart(lv_length_mm=60.0, wall_mm=17.0).mask(GRID)
    apical = [z for z in range(11) if (capped[z] == Label.MYOCARDIUM).any() and not (capped[z] == Label.LV).any()]
    assert apical
    assert max(apical) < 5
    assert [code for code in codes({Phase.ED: capped, Phase.ES: ES_HEART.mask(GRID)}) if code.startswith("wall_alone")] == []


def test_wall_alone_in_the_whole_stack_is_not_laid_to_the_base():
    only_wall = {phase: np.where(mask == Label.LV, 0, mask).astype(np.uint8) for phase, mask in GOOD.items()}
    assert codes(only_wall) == []


def test_one_slice_says_nothing_about_a_stack():
    assert codes({phase: mask[5:6] for phase, mask in GOOD.items()}) == []
