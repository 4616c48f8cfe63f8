import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Group, Label, Phase
from CardiacMTLLib.measure.insertion import (
    CONTACT_MM,
    SEPTUM_DEGREES,
    Insertions,
    SegmentOrientation,
    anterior_is_last,
    find_septum,
)
from CardiacMTLLib.measure.polar import polar_wall
from CardiacMTLLib.phantom import SHORT_AXIS_DIRECTION, PhantomGrid, anatomy_of, make_phantom
from Testing.unit.rings import THICKNESS_MM, RingHeart, grid


def wall_of(heart, geometry=None):
    geometry = geometry or grid()
    return polar_wall(heart.plane(0, geometry), geometry.spacing_xyz_mm[:2])


def apart(first, second):
    """Degrees between two angles."""
    return abs((first - second + 180) % 360 - 180)


@given(
    anterior=st.floats(0, 359.9),
    width=st.floats(60, 180),
    sign=st.sampled_from([-1, 1]),
    centre=st.tuples(st.floats(-6, 6), st.floats(-6, 6)),
    spacing=st.sampled_from([(1.0, 1.0), (0.8, 1.3)]),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_septum_is_found_wherever_it_lies(anterior, width, sign, centre, spacing):
    heart = RingHeart(dict.fromkeys(THICKNESS_MM, 9.0), anterior, sign, width, centre_xy_mm=centre)
    septum = find_septum(wall_of(heart, grid(spacing_mm=spacing)))
    ends = (anterior, anterior + width) if sign > 0 else (anterior - width, anterior)
    assert apart(septum.first, ends[0]) <= 4
    assert apart(septum.last, ends[1]) <= 4
    assert septum.last - septum.first == pytest.approx(width, abs=7)


@pytest.mark.parametrize(("width", "is_septum"), [(30, False), (60, True), (200, True), (230, False)])
def test_a_contact_too_narrow_or_too_wide_is_no_septum(width, is_septum):
    low, high = SEPTUM_DEGREES
    assert (low < width < high) == is_septum
    heart = RingHeart(dict.fromkeys(THICKNESS_MM, 9.0), septum_degrees=width)
    assert (find_septum(wall_of(heart)) is not None) == is_septum


@pytest.mark.parametrize(("gap_mm", "touches"), [(0.0, True), (CONTACT_MM - 1, True), (CONTACT_MM + 2, False)])
def test_the_right_cavity_touches_the_wall_across_a_small_gap_only(gap_mm, touches):
    geometry = grid()
    ring = RingHeart(dict.fromkeys(THICKNESS_MM, 9.0))
    apart_rv = RingHeart(dict.fromkeys(THICKNESS_MM, 9.0 + gap_mm))
    plane = np.where(apart_rv.plane(0, geometry) == Label.RV, int(Label.RV), 0)
    near = ring.plane(0, geometry)
    plane = np.where(near >= Label.MYOCARDIUM, near, plane).astype(np.uint8)
    assert (find_septum(polar_wall(plane, (1.0, 1.0))) is not None) == touches


def test_without_a_right_cavity_there_is_no_septum():
    heart = RingHeart(dict.fromkeys(THICKNESS_MM, 9.0), rv_width_mm=0.0)
    assert find_septum(wall_of(heart)) is None


def pair_at(first, last):
    """A round wall with a septum from `first` to `last` degrees of the image."""
    wall = wall_of(RingHeart(dict.fromkeys(THICKNESS_MM, 9.0)))
    septum = find_septum(wall_of(RingHeart(dict.fromkeys(THICKNESS_MM, 9.0), last, -1, last - first)))
    return wall, septum


@pytest.mark.parametrize(("middle", "expected"), [(180, True), (0, False), (130, True), (230, True), (45, False)])
def test_in_the_patient_the_superior_insertion_is_the_anterior_one(middle, expected):
    geometry = Geometry((110, 110, 6), (1.0, 1.0, 8.0), SHORT_AXIS_DIRECTION)
    answer = anterior_is_last([pair_at(middle - 60, middle + 60)], geometry)
    assert answer == (expected, SegmentOrientation.PATIENT)


@pytest.mark.parametrize("middle", [90, 270])
def test_insertions_side_by_side_in_the_patient_cannot_be_told_apart(middle):
    geometry = Geometry((110, 110, 6), (1.0, 1.0, 8.0), SHORT_AXIS_DIRECTION)
    assert anterior_is_last([pair_at(middle - 60, middle + 60)], geometry) == (None, SegmentOrientation.PATIENT)


@pytest.mark.parametrize("middle", [0, 90, 180, 270])
def test_without_orientation_the_anterior_wall_follows_clockwise_however_the_image_is_turned(middle):
    assert anterior_is_last([pair_at(middle - 60, middle + 60)], grid()) == (True, SegmentOrientation.DISPLAY_ASSUMED)


def test_a_slice_without_insertions_takes_those_of_the_nearest():
    insertions = Insertions({1: 240, 4: 250}, -1)
    assert [insertions.nearest(index) for index in range(7)] == [240, 240, 240, 250, 250, 250, 250]


@pytest.mark.parametrize("group", [Group.NOR, Group.RV])
def test_on_the_phantom_s_middle_slices_the_insertions_are_those_of_its_anatomy(group):
    phantom = make_phantom(anatomy_of(group), PhantomGrid(size_xyz=(160, 160, 13)), n_frames=2)
    spacing = phantom.study.geometry.spacing_xyz_mm[:2]
    checked = 0
    for frame, _ in enumerate(Phase):
        for plane in phantom.masks[frame, 4:9]:
            wall = polar_wall(plane, spacing)
            septum = None if wall is None else find_septum(wall)
            if septum is not None:
                checked += 1
                # 0 degrees of the anatomy are the septum, at 180 in the image, and turn towards anterior, up: y runs down
                assert apart(septum.last, 180 + 70) <= 25
                assert apart(septum.first, 180 - 75) <= 25
    assert checked >= 6
