import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.errors import GeometryError
from CardiacMTLLib.geometry import MAX_ROUNDING_DEGREES, Geometry, is_orthonormal, nearest_rotation, slice_axis_of_spacing

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
LEFT_HANDED = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def rotation_of(quaternion: tuple[float, float, float, float]) -> np.ndarray:
    a, b, c, d = np.asarray(quaternion) / np.linalg.norm(quaternion)
    return np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )


unit = st.floats(-1, 1, allow_nan=False)
rotations = st.tuples(unit, unit, unit, unit).filter(lambda q: np.linalg.norm(q) > 0.1).map(rotation_of) | st.sampled_from(
    [np.eye(3), np.diag([1.0, 1.0, -1.0])]
)


@st.composite
def geometries(draw: st.DrawFn) -> Geometry:
    matrix = draw(rotations) * np.array([1, 1, draw(st.sampled_from([1, -1]))])
    return Geometry(
        draw(st.tuples(*[st.integers(1, 300)] * 3)),
        draw(st.tuples(*[st.floats(0.3, 15)] * 3)),
        tuple(matrix.ravel().tolist()),
        draw(st.tuples(*[st.floats(-500, 500)] * 3)),
    )


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("size_xyz", (4, 0, 2), "grid size"),
        ("size_xyz", (4, 4), "grid size"),
        ("spacing_xyz_mm", (1.0, 0.0, 8.0), "spacing"),
        ("spacing_xyz_mm", (1.0, -1.0, 8.0), "spacing"),
        ("spacing_xyz_mm", (1.0, math.nan, 8.0), "spacing"),
        ("origin_xyz_mm", (0.0, math.inf, 0.0), "origin"),
        ("direction", (1.0, 0.1, *IDENTITY[2:]), "orthonormal"),
        ("direction", (math.nan, *IDENTITY[1:]), "orthonormal"),
        ("direction", (2.0, *IDENTITY[1:]), "orthonormal"),
        ("direction", IDENTITY[:4], "orthonormal"),
    ],
)
def test_a_grid_that_describes_no_voxels_is_refused(field: str, value: tuple[float, ...], words: str) -> None:
    usual = {"size_xyz": (4, 5, 6), "spacing_xyz_mm": (1.0, 1.0, 8.0), "direction": IDENTITY, "origin_xyz_mm": (0.0, 0.0, 0.0)}
    Geometry(**usual)
    with pytest.raises(GeometryError, match=words):
        Geometry(**{**usual, field: value})


def test_voxel_volume_is_in_millilitres() -> None:
    assert Geometry((4, 4, 4), (2.0, 2.5, 10.0)).voxel_volume_ml == pytest.approx(0.05)


def test_handedness_is_told_from_the_directions() -> None:
    assert Geometry((4, 4, 4), (1.0, 1.0, 8.0), LEFT_HANDED).is_left_handed
    assert not Geometry((4, 4, 4), (1.0, 1.0, 8.0), IDENTITY).is_left_handed


def test_slicer_matrix_differs_from_lps_by_the_signs_of_the_first_two_coordinates() -> None:
    geometry = Geometry((4, 4, 4), (1.0, 2.0, 8.0), IDENTITY, (10.0, 20.0, 30.0))
    expected = [[-1, 0, 0, -10], [0, -2, 0, -20], [0, 0, 8, 30], [0, 0, 0, 1]]
    assert geometry.ijk_to_ras.tolist() == expected


@given(geometries())
def test_a_grid_survives_the_way_through_slicers_matrix(geometry: Geometry) -> None:
    back = Geometry.from_ijk_to_ras(geometry.ijk_to_ras, geometry.size_xyz)
    assert back.matches(geometry, tolerance_mm=1e-6)
    assert back.is_left_handed == geometry.is_left_handed


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_matrix_with_undefined_numbers_is_refused(bad: float) -> None:
    matrix = np.eye(4)
    matrix[0, 0] = bad
    with pytest.raises(GeometryError):
        Geometry.from_index_to_lps(matrix, (4, 4, 4))


def test_a_scaled_or_flat_matrix_is_told_apart() -> None:
    assert Geometry.from_index_to_lps(np.diag([2.0, 3.0, 8.0, 1.0]), (4, 4, 4)).spacing_xyz_mm == (2.0, 3.0, 8.0)
    with pytest.raises(GeometryError, match="spacing"):
        Geometry.from_index_to_lps(np.diag([2.0, 0.0, 8.0, 1.0]), (4, 4, 4))


@given(geometries(), st.floats(0.02, 5))
def test_grids_that_lie_apart_do_not_match(geometry: Geometry, shift_mm: float) -> None:
    x, y, z = geometry.origin_xyz_mm
    moved = Geometry(geometry.size_xyz, geometry.spacing_xyz_mm, geometry.direction, (x, y + shift_mm, z))
    assert geometry.matches(geometry)
    assert not geometry.matches(moved)


def test_grids_of_other_spacing_do_not_match_even_from_one_origin() -> None:
    assert not Geometry((100, 100, 10), (1.4, 1.4, 8.0)).matches(Geometry((100, 100, 10), (1.4, 1.401, 8.0)))


def sheared_by(degrees: float) -> np.ndarray:
    angle = math.radians(degrees)
    return np.array([[1.0, math.sin(angle), 0.0], [0.0, math.cos(angle), 0.0], [0.0, 0.0, 1.0]])


@pytest.mark.robustness("3b")
@given(rotations, st.floats(0.0, MAX_ROUNDING_DEGREES * 0.99))
def test_directions_off_by_rounding_become_the_nearest_rotation(rotation: np.ndarray, degrees: float) -> None:
    sheared = rotation @ sheared_by(degrees)
    found, deviation = nearest_rotation(sheared)
    matrix = np.reshape(found, (3, 3))
    assert is_orthonormal(matrix)
    assert deviation == pytest.approx(degrees, abs=1e-5)
    assert np.abs(matrix - sheared).max() <= math.radians(degrees) + 1e-9
    assert np.linalg.det(matrix) == pytest.approx(np.linalg.det(rotation))


@pytest.mark.robustness(3)
@pytest.mark.parametrize("degrees", [0.5, 5.0, 45.0])
def test_sheared_axes_are_refused_naming_the_angle(degrees: float) -> None:
    with pytest.raises(GeometryError, match=rf"{90 - degrees:.1f} degrees apart"):
        nearest_rotation(sheared_by(degrees))


def test_undefined_directions_are_refused() -> None:
    with pytest.raises(GeometryError, match="not finite"):
        nearest_rotation(np.full((3, 3), math.nan))


@pytest.mark.parametrize(
    ("spacing", "axis"),
    [((1.4, 1.4, 8.0), 2), ((8.0, 1.4, 1.4), 0), ((1.4, 8.0, 1.3), 1), ((2.0, 2.0, 2.0), 2), ((8.0, 8.0, 1.0), 2)],
)
def test_the_slice_axis_is_the_coarsest_or_the_third_where_that_ties(spacing: tuple[float, float, float], axis: int) -> None:
    assert slice_axis_of_spacing(spacing) == axis
