from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Group, Label, Phase
from CardiacMTLLib.measure.insertion import SegmentOrientation
from CardiacMTLLib.measure.segments import PLACES, measure_segments, segment_degrees, undefined_segments
from CardiacMTLLib.measure.thickening import ThickeningClass, thickening_class
from CardiacMTLLib.phantom import SHORT_AXIS_DIRECTION, anatomy_of, make_phantom
from Testing.unit.rings import THICKNESS_MM, RingHeart, grid

HEART = RingHeart(THICKNESS_MM)
THICKER = RingHeart({number: 1.4 * mm for number, mm in THICKNESS_MM.items()}, radius_mm=14.0)
IN_PLANE = [AxisOrder(axes, (*flips, False)) for axes in ((0, 1, 2), (1, 0, 2)) for flips in product((False, True), repeat=2)]
MIRRORED = {1: 4, 2: 3, 3: 2, 4: 1, 5: 6, 6: 5, 7: 10, 8: 9, 9: 8, 10: 7, 11: 12, 12: 11, 13: 15, 14: 14, 15: 13, 16: 16}


def thickness(masks, geometry, key="ed_mm"):
    return {segment.number: getattr(segment, key).value for segment in measure_segments(masks, geometry).segments}


def ed_of(heart, geometry, **options):
    return {Phase.ED: heart.stack(geometry, **options)}


def test_the_segments_are_those_of_the_aha_in_their_order_round_the_wall():
    names = {place.number: place.name for place in PLACES}
    assert list(names) == list(range(1, 17))
    assert [names[n] for n in (1, 2, 3, 4, 5, 6)] == [
        "basal anterior", "basal anteroseptal", "basal inferoseptal", "basal inferior", "basal inferolateral",
        "basal anterolateral",
    ]  # fmt: skip
    assert [names[n].removeprefix("mid ") for n in range(7, 13)] == [names[n].removeprefix("basal ") for n in range(1, 7)]
    assert [names[n] for n in (13, 14, 15, 16)] == ["apical anterior", "apical septal", "apical inferior", "apical lateral"]


@pytest.mark.parametrize("third", [0, 1, 2])
@pytest.mark.parametrize("towards_septum", [-1, 1])
def test_the_segments_of_a_third_cover_the_circle_once(third, towards_septum):
    parts = [segment_degrees(77, towards_septum, place) for place in PLACES if place.third == third]
    assert sorted(np.concatenate(parts).tolist()) == list(range(360))


def test_the_middle_of_the_septum_is_the_middle_of_the_apical_septal_segment():
    middles = {place.name: place.start + place.width / 2 for place in PLACES}
    assert middles["apical septal"] == (middles["basal anteroseptal"] + middles["basal inferoseptal"]) / 2 == 60
    assert middles["apical lateral"] == (middles["mid inferolateral"] + middles["mid anterolateral"]) / 2 == 240


@given(
    anterior=st.floats(0, 359.9),
    centre=st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
    base_first=st.booleans(),
    n_slices=st.sampled_from([3, 6]),
)
@settings(max_examples=12, deadline=None, derandomize=True)
def test_every_segment_has_its_own_thickness_however_the_heart_lies_in_an_image_without_orientation(
    anterior, centre, base_first, n_slices
):
    heart, geometry = replace(HEART, anterior_degrees=anterior, centre_xy_mm=centre), grid(n_slices=n_slices)
    wall = measure_segments(ed_of(heart, geometry, base_first=base_first), geometry)
    assert wall.orientation is SegmentOrientation.DISPLAY_ASSUMED
    for segment in wall.segments:
        assert segment.ed_mm.value == pytest.approx(THICKNESS_MM[segment.number], abs=0.6)


def test_the_mean_over_segments_of_an_even_wall_is_exact_to_a_twentieth_of_a_pixel():
    even = replace(HEART, thickness_mm=dict.fromkeys(THICKNESS_MM, 9.0))
    assert np.mean(list(thickness(ed_of(even, grid()), grid()).values())) == pytest.approx(9.0, abs=0.05)


def test_an_image_that_was_mirrored_and_lost_its_orientation_exchanges_anterior_and_inferior():
    mirrored = replace(HEART, towards_septum=1, anterior_degrees=120.0)
    measured = thickness(ed_of(mirrored, grid()), grid())
    for number, value in measured.items():
        assert value == pytest.approx(THICKNESS_MM[MIRRORED[number]], abs=0.6)


@pytest.mark.parametrize("order", IN_PLANE)
@pytest.mark.parametrize("base_at_end", [True, False])
@pytest.mark.parametrize("turn", [0.0, 213.0])
def test_with_orientation_segments_are_right_in_every_turn_and_mirroring_of_the_image(order, base_at_end, turn):
    usual = Geometry((110, 110, 6), (1.0, 1.0, 8.0), SHORT_AXIS_DIRECTION)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    turned = usual.direction_matrix @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    geometry = AxisOrder(order.axes, (*order.flips[:2], not base_at_end)).geometry(
        Geometry(usual.size_xyz, usual.spacing_xyz_mm, tuple(turned.ravel().tolist()))
    )
    # in the usual image the anterior insertion is up left (240 degrees, y runs down) and the septum follows to the left
    patient = usual.direction_matrix[:, :2] @ np.array([np.cos(np.radians(240)), np.sin(np.radians(240))])
    septal = usual.direction_matrix[:, :2] @ np.array([np.cos(np.radians(180)), np.sin(np.radians(180))])
    anterior, septum = (np.degrees(np.arctan2(*(geometry.direction_matrix[:, :2].T @ way)[::-1])) for way in (patient, septal))
    sign = 1 if (septum - anterior) % 360 < 180 else -1
    assert geometry.is_left_handed == ((sign > 0) == base_at_end)
    heart = replace(HEART, anterior_degrees=anterior, towards_septum=sign)
    wall = measure_segments(ed_of(heart, geometry, base_first=not base_at_end), geometry)
    assert wall.orientation is SegmentOrientation.PATIENT
    for segment in wall.segments:
        assert segment.ed_mm.value == pytest.approx(THICKNESS_MM[segment.number], abs=0.6)


def test_thickening_is_the_growth_over_the_thickness_at_ed_with_its_class():
    masks = {Phase.ED: HEART.stack(grid()), Phase.ES: THICKER.stack(grid())}
    for segment in measure_segments(masks, grid()).segments:
        assert segment.es_mm.value == pytest.approx(1.4 * THICKNESS_MM[segment.number], abs=0.8)
        assert segment.thickening_percent.value == pytest.approx(100 * (segment.es_mm.value / segment.ed_mm.value - 1))
        assert segment.thickening_percent.value == pytest.approx(40, abs=12)
        assert segment.thickening_class is thickening_class(segment.thickening_percent.value)


@pytest.mark.parametrize(
    ("percent", "kind"),
    [
        (80, ThickeningClass.NORMAL),
        (30, ThickeningClass.NORMAL),
        (29.6, ThickeningClass.NORMAL),
        (29.4, ThickeningClass.REDUCED),
        (9.6, ThickeningClass.REDUCED),
        (9.4, ThickeningClass.ABSENT),
        (-9.4, ThickeningClass.ABSENT),
        (-9.6, ThickeningClass.THINNING),
        (-40, ThickeningClass.THINNING),
    ],
)
def test_the_class_follows_the_thickening(percent, kind):
    assert thickening_class(percent) is kind


def reasons(masks, geometry, key="ed_mm"):
    found = {getattr(segment, key).reason for segment in measure_segments(masks, geometry).segments}
    assert len(found) == 1
    return found.pop()


def test_each_way_to_be_undefined_says_why():
    geometry = grid()
    stack = HEART.stack(geometry)
    assert reasons({Phase.ED: stack}, geometry, "es_mm") == "the ES frame is not known"
    assert reasons({Phase.ED: stack}, geometry, "thickening_percent") == "the ES frame is not known"
    assert "fewer than three slices" in reasons({Phase.ED: np.where(np.arange(6)[:, None, None] < 2, stack, 0)}, geometry)
    assert "fewer than three slices" in reasons({Phase.ED: np.zeros_like(stack)}, geometry)
    without_rv = np.where(stack == Label.RV, 0, stack).astype(np.uint8)
    assert reasons({Phase.ED: without_rv}, geometry) == "no slice shows the insertions of the RV at ED"
    assert reasons({Phase.ED: stack, Phase.ES: without_rv}, geometry, "es_mm").endswith("at ES")
    side_by_side = Geometry(geometry.size_xyz, geometry.spacing_xyz_mm, SHORT_AXIS_DIRECTION)
    heart = replace(HEART, anterior_degrees=330.0)
    assert "side by side" in reasons(ed_of(heart, side_by_side), side_by_side)
    assert reasons({Phase.ED: without_rv}, side_by_side) == "no slice shows the insertions of the RV at ED"
    assert reasons({}, side_by_side) == "the ED frame is not known"
    wall = undefined_segments("because", geometry)
    assert {segment.thickening_percent.reason for segment in wall.segments} == {"because"}
    assert wall.orientation is SegmentOrientation.DISPLAY_ASSUMED
    assert undefined_segments("because", side_by_side).orientation is SegmentOrientation.PATIENT


def opened(plane, geometry, start, stop):
    """The plane without wall between two angles of the image."""
    width, height, _ = geometry.size_xyz
    y, x = np.arange(height)[:, None] - (height - 1) / 2, np.arange(width)[None, :] - (width - 1) / 2
    angle = np.degrees(np.arctan2(y, x)) % 360
    return np.where((plane == Label.MYOCARDIUM) & (angle >= start) & (angle < stop), 0, plane).astype(np.uint8)


def test_an_open_slice_counts_for_nothing_and_the_others_share_the_thirds():
    geometry = grid(n_slices=7)
    stack = np.concatenate([opened(HEART.plane(0, geometry), geometry, 30, 90)[None], HEART.stack(grid(n_slices=6))])
    for number, value in thickness({Phase.ED: stack}, geometry).items():
        assert value == pytest.approx(THICKNESS_MM[number], abs=0.6)


def test_a_segment_whose_wall_is_open_in_the_only_slice_of_its_third_is_undefined_alone():
    geometry = grid(n_slices=3)
    stack = HEART.stack(geometry)
    # 20 degrees are open: little of the circle, but more than a quarter of the inferolateral segment at 0 to 60 degrees
    stack[0] = opened(stack[0], geometry, 20, 40)
    segments = {segment.number: segment.ed_mm for segment in measure_segments({Phase.ED: stack}, geometry).segments}
    assert [number for number, measured in segments.items() if measured.value is None] == [5]
    assert segments[5].reason == "the wall is open in this segment at ED"


def test_the_phases_have_their_own_thirds_as_the_base_descends():
    geometry = grid(n_slices=9)
    ed = HEART.stack(geometry)
    es = np.concatenate([np.zeros_like(ed[:3]), THICKER.stack(grid(n_slices=6))])
    masks = {Phase.ED: ed, Phase.ES: es}
    for number, value in thickness(masks, geometry, "thickening_percent").items():
        assert value == pytest.approx(40, abs=12), number


def wall_truth(shape, heights_mm):
    """Mean thickness over slices of a phantom without regions."""
    return float(np.mean([shape.epi_radius_at(h) - shape.lv_radius_at(h) for h in heights_mm]))


def test_on_the_phantom_the_basal_and_middle_thickness_is_that_of_its_anatomy():
    anatomy = anatomy_of(Group.DCM)
    phantom = make_phantom(anatomy, n_frames=2)
    geometry = phantom.study.geometry
    wall = measure_segments(dict(zip(Phase, phantom.masks, strict=True)), geometry)
    assert wall.orientation is SegmentOrientation.PATIENT
    n_slices, dz = geometry.size_xyz[2], geometry.spacing_xyz_mm[2]
    heights = [anatomy.ed.base_height_mm + dz - (n_slices - i - 0.5) * dz for i in range(n_slices)][::-1]
    for key, shape in (("ed_mm", anatomy.ed), ("es_mm", anatomy.es)):
        closed = [h for h in heights if h + dz / 2 <= shape.base_height_mm + dz / 2 and shape.lv_radius_at(h) > 6]
        thirds = [[h for i, h in enumerate(closed) if 3 * i // len(closed) == third] for third in range(3)]
        for third in (0, 1):
            values = [
                getattr(segment, key).value
                for segment, place in zip(wall.segments, PLACES, strict=True)
                if place.third == third
            ]
            assert np.mean(values) == pytest.approx(wall_truth(shape, thirds[third]), abs=0.6), (key, third)


def test_on_the_phantom_the_region_that_does_not_thicken_is_found_where_it_is():
    anatomy = anatomy_of(Group.MINF)
    phantom = make_phantom(anatomy, n_frames=2)
    wall = measure_segments(dict(zip(Phase, phantom.masks, strict=True)), phantom.study.geometry)
    growth = [segment.thickening_percent.value for segment in wall.segments[:12]]
    # angles of the anatomy: 0 septum, 90 anterior, 180 lateral, -90 inferior; segments 1 and 7 are centred at 100
    centres = {1: 100, 2: 40, 3: -20, 4: -80, 5: -140, 6: 160}
    nearest = min(centres, key=lambda n: abs((centres[n] - anatomy.regional_angle_deg + 180) % 360 - 180))
    assert {int(np.argmin(growth[:6])) + 1, int(np.argmin(growth[6:])) + 1} == {nearest}
