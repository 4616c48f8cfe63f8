from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.geometry import AxisOrder, Geometry, standard_order

ORDERS = [AxisOrder(axes, flips) for axes in permutations(range(3)) for flips in product((False, True), repeat=3)]
HEADER_ROUNDING = 1e-7


def turn(axis: int, degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[first, first], matrix[first, second] = cos, -sin
    matrix[second, first], matrix[second, second] = sin, cos
    return matrix


# Multiples of 15 degrees meet the ties (two axes equally far to the left, a normal square to the usual one).
angle = st.integers(0, 23).map(lambda n: 15.0 * n) | st.floats(0, 360)
directions = st.tuples(angle, angle, angle).map(lambda a: turn(0, a[0]) @ turn(1, a[1]) @ turn(2, a[2]))


@st.composite
def grids(draw: st.DrawFn) -> Geometry:
    return Geometry(
        draw(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))),
        draw(st.tuples(st.floats(0.7, 2.0), st.floats(0.7, 2.0), st.floats(5.0, 10.0))),
        tuple(draw(directions).ravel().tolist()),
        draw(st.tuples(*[st.floats(-200, 200)] * 3)),
    )


def numbered(geometry: Geometry, frames: int = 2) -> np.ndarray:
    return np.arange(frames * np.prod(geometry.size_xyz)).reshape(frames, *geometry.shape_zyx)


def place_of(value: int, array: np.ndarray, geometry: Geometry) -> np.ndarray:
    z, y, x = np.argwhere(array == value)[0]
    return (geometry.index_to_lps @ [x, y, z, 1.0])[:3]


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_and_its_undoing_cancel(order: AxisOrder) -> None:
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    assert (order.undo(order.apply(array)) == array).all()
    assert (order.apply(order.undo(array)) == array).all()
    assert order.inverse.inverse == order


@pytest.mark.parametrize("order", ORDERS)
def test_rearranging_copies_nothing(order: AxisOrder) -> None:
    array = np.zeros((2, 3, 4, 5))
    assert np.shares_memory(order.apply(array), array)


@pytest.mark.robustness(5)
@given(grids(), st.sampled_from(ORDERS), st.data())
def test_every_voxel_keeps_its_place_in_the_patient(geometry: Geometry, order: AxisOrder, data: st.DataObject) -> None:
    array = numbered(geometry, 1)[0]
    turned, turned_geometry = order.apply(array), order.geometry(geometry)
    assert turned.shape == turned_geometry.shape_zyx
    value = data.draw(st.integers(0, array.size - 1))
    np.testing.assert_allclose(
        place_of(value, turned, turned_geometry), place_of(value, array, geometry), atol=1e-9, err_msg=str(order)
    )


@given(grids(), st.integers(0, 2**32 - 1))
def test_all_48_ways_to_store_a_study_give_the_same_standard_array(geometry: Geometry, seed: int) -> None:
    array = numbered(geometry)
    standard = standard_order(geometry, 2)
    expected, expected_geometry = standard.apply(array), standard.geometry(geometry)
    noise = np.random.default_rng(seed)
    for way in ORDERS:
        stored, stored_geometry = way.apply(array), way.geometry(geometry)
        rounded = stored_geometry.direction_matrix + noise.uniform(-HEADER_ROUNDING, HEADER_ROUNDING, (3, 3))
        header = Geometry(
            stored_geometry.size_xyz, stored_geometry.spacing_xyz_mm, tuple(rounded.ravel()), stored_geometry.origin_xyz_mm
        )
        order = standard_order(header, way.axes.index(2))
        assert (order.apply(stored) == expected).all()
        assert order.geometry(header).matches(expected_geometry)


@pytest.mark.robustness(5)
@given(grids())
def test_standard_axes_are_right_handed_with_the_slices_along_z(geometry: Geometry) -> None:
    for slice_axis in range(3):
        order = standard_order(geometry, slice_axis)
        assert order.axes[2] == slice_axis
        assert not order.geometry(geometry).is_left_handed


@given(grids())
def test_left_in_the_image_is_the_more_leftward_axis_of_the_patient(geometry: Geometry) -> None:
    leftness = standard_order(geometry, 2).geometry(geometry).direction_matrix[0]
    assert leftness[0] >= abs(leftness[1]) - 1e-3


def test_a_file_without_orientation_stays_as_it_is() -> None:
    assert standard_order(Geometry((4, 4, 4), (1.4, 1.4, 8.0)), 2) == AxisOrder()


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_slices_of_a_short_axis_stack_run_from_apex_to_base(sign: float) -> None:
    to_base = np.array([-0.6, 0.6, 0.5]) / np.linalg.norm([-0.6, 0.6, 0.5])
    across = np.cross(to_base, [0.0, 0.0, 1.0])
    across /= np.linalg.norm(across)
    matrix = np.column_stack([across, np.cross(to_base, across), to_base * sign])
    geometry = Geometry((4, 4, 4), (1.4, 1.4, 8.0), tuple(matrix.ravel().tolist()))
    assert standard_order(geometry, 2).geometry(geometry).direction_matrix[:, 2] @ to_base == pytest.approx(1.0)
