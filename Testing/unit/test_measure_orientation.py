from itertools import permutations, product

import numpy as np
import pytest

from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.measure.orientation import BaseKnownBy, base_first, has_orientation, superior_in_plane
from CardiacMTLLib.phantom import SHORT_AXIS_DIRECTION

ORDERS = [AxisOrder(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]


def geometry(direction):
    return Geometry((8, 8, 6), (1.5, 1.5, 8.0), tuple(np.asarray(direction).ravel().tolist()))


def rotated(degrees):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return [[c, -s, 0], [s, c, 0], [0, 0, 1]]


@pytest.mark.parametrize("order", ORDERS)
def test_directions_along_the_patient_s_axes_in_any_order_say_nothing(order):
    assert not has_orientation(order.geometry(geometry(np.eye(3))))


@pytest.mark.parametrize("order", ORDERS)
def test_an_oblique_stack_has_orientation_in_any_order_of_its_axes(order):
    assert has_orientation(order.geometry(geometry(SHORT_AXIS_DIRECTION)))


def test_header_rounding_is_no_orientation_and_half_a_degree_is():
    assert not has_orientation(geometry(rotated(0.001)))
    assert has_orientation(geometry(rotated(0.5)))


def test_with_orientation_the_base_lies_where_the_slice_axis_points():
    towards_base = geometry(SHORT_AXIS_DIRECTION)
    towards_apex = AxisOrder(flips=(False, False, True)).geometry(towards_base)
    wide_apex = np.zeros((6, 8, 8), np.uint8)
    wide_apex[0] = 1
    assert base_first(towards_base, [wide_apex]) == ([5, 4, 3, 2, 1, 0], BaseKnownBy.ORIENTATION)
    assert base_first(towards_apex, [wide_apex]) == ([0, 1, 2, 3, 4, 5], BaseKnownBy.ORIENTATION)


@pytest.mark.parametrize(("wide", "order"), [(1, [0, 1, 2, 3, 4, 5]), (4, [5, 4, 3, 2, 1, 0])])
def test_without_orientation_the_wider_half_of_the_heart_is_basal(wide, order):
    mask = np.zeros((6, 8, 8), np.uint8)
    mask[1:5, 3:5, 3:5] = 3
    mask[wide, 1:7, 1:7] = 2
    assert base_first(geometry(np.eye(3)), [mask]) == (order, BaseKnownBy.MASKS)


@pytest.mark.parametrize("masks", [[], [np.zeros((6, 8, 8), np.uint8)]])
def test_without_orientation_and_masks_the_stored_order_stays(masks):
    assert base_first(geometry(np.eye(3)), masks) == ([0, 1, 2, 3, 4, 5], BaseKnownBy.UNKNOWN)


def test_superior_is_up_in_the_usual_short_axis_and_turns_with_the_image():
    x, y = superior_in_plane(geometry(SHORT_AXIS_DIRECTION))
    assert y < -0.8
    assert abs(x) < 0.1
    turned = AxisOrder(axes=(1, 0, 2), flips=(True, False, False)).geometry(geometry(SHORT_AXIS_DIRECTION))
    np.testing.assert_allclose(superior_in_plane(turned), (-y, x))
