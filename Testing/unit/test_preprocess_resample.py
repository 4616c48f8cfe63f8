import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.preprocess.resample import Window, centre_of

few = settings(max_examples=10, deadline=None)
spacings = st.floats(0.7, 2.0)
GRID = Geometry((61, 48, 1), (1.2, 1.7, 8.0))


def places_mm(window, axis):
    return window.centre_xy_mm[axis] + (np.arange(window.size) - (window.size - 1) / 2) * window.spacing_mm


def sampled(window, geometry, plane):
    to_y, to_x = window.sample_matrices(geometry)
    return to_y @ plane.astype(np.float32) @ to_x.T


def restored(window, geometry, values):
    to_y, to_x = window.restore_matrices(geometry)
    return to_y @ values @ to_x.T


def voxel_places_mm(geometry):
    return (np.arange(geometry.size_xyz[axis]) * geometry.spacing_xyz_mm[axis] for axis in (0, 1))


def disc(geometry, centre_xy_mm, radius_mm):
    """Share of each voxel that a disc covers, blurred over one millimetre."""
    x, y = voxel_places_mm(geometry)
    distance = np.hypot(x[None, :] - centre_xy_mm[0], y[:, None] - centre_xy_mm[1])
    return np.clip(radius_mm + 0.5 - distance, 0, 1)


@few
@given(dx=spacings, dy=spacings, share=st.floats(0.4, 1.0), shift=st.tuples(st.floats(-3, 3), st.floats(-3, 3)))
def test_a_linear_ramp_is_sampled_exactly_by_a_window_finer_than_the_image(dx, dy, share, shift):
    geometry = Geometry((60, 50, 1), (dx, dy, 8.0))
    x, y = voxel_places_mm(geometry)
    cx, cy = centre_of(geometry)
    window = Window((cx + shift[0], cy + shift[1]), 16, share * min(dx, dy))
    expected = 5 + 0.3 * places_mm(window, 1)[:, None] - 0.7 * places_mm(window, 0)[None, :]
    np.testing.assert_allclose(sampled(window, geometry, 5 + 0.3 * y[:, None] - 0.7 * x[None, :]), expected, atol=1e-3)


@few
@given(step=st.floats(1.0, 5.0), shift=st.floats(0, 1))
def test_a_coarse_window_moves_a_ramp_by_less_than_a_tenth_of_a_voxel(step, shift):
    geometry = Geometry((90, 90, 1), (1.0, 1.0, 8.0))
    window = Window((44.5 + shift, 44.5), 8, step)
    ramp = np.tile(np.arange(90.0), (90, 1))
    np.testing.assert_allclose(sampled(window, geometry, ramp)[3], places_mm(window, 0), atol=0.1)


@few
@given(dx=spacings, dy=spacings, shift=st.tuples(st.floats(-6, 6), st.floats(-6, 6)))
def test_a_blob_returns_from_the_window_at_its_place_and_size(dx, dy, shift):
    geometry = Geometry((int(140 / dx), int(120 / dy), 1), (dx, dy, 8.0))
    cx, cy = centre_of(geometry)
    blob = disc(geometry, (cx + shift[0], cy + shift[1]), 25)
    window = Window((cx - 2.3, cy + 1.1), 64, 1.5)
    back = restored(window, geometry, sampled(window, geometry, blob))
    x, y = voxel_places_mm(geometry)
    for places in (x[None, :], y[:, None]):
        centroid = [(plane * places).sum() / plane.sum() for plane in (blob, back)]
        assert centroid[1] == pytest.approx(centroid[0], abs=0.1)
    assert back.sum() == pytest.approx(blob.sum(), rel=0.01)
    assert (back > 0.5).sum() == pytest.approx((blob > 0.5).sum(), rel=0.01)


def test_a_window_on_the_image_s_own_grid_copies_it_both_ways():
    geometry = Geometry((12, 12, 1), (1.5, 1.5, 8.0))
    plane = np.random.default_rng(0).normal(size=(12, 12)).astype(np.float32)
    window = Window(centre_of(geometry), 12, 1.5)
    np.testing.assert_allclose(sampled(window, geometry, plane), plane, atol=1e-6)
    np.testing.assert_allclose(restored(window, geometry, plane), plane, atol=1e-6)


def test_each_sample_shows_the_voxel_at_its_place_in_an_anisotropic_plane():
    plane = np.zeros((48, 61))
    plane[10, 40] = 1.0
    window = Window((40 * 1.2, 10 * 1.7), 21, 0.6)
    values = sampled(window, GRID, plane)
    assert np.unravel_index(values.argmax(), values.shape) == (10, 10)
    assert values.max() == pytest.approx(1.0)
    assert values[10, 12] == pytest.approx(0.0, abs=1e-6)
    assert values[12, 10] == pytest.approx(1 - 1.2 / 1.7, abs=1e-6)


@pytest.mark.parametrize("step", [2.0, 2.5, 3.0, 4.0])
def test_a_checkerboard_becomes_its_mean_in_a_coarse_window(step):
    board = np.indices((64, 64)).sum(axis=0) % 2
    values = sampled(Window((31.3, 31.8), 8, step), Geometry((64, 64, 1), (1.0, 1.0, 8.0)), board)
    np.testing.assert_allclose(values, 0.5, atol=5e-3)


@pytest.mark.parametrize("step", [1.7, 2.5, 3.3, 5.7])
def test_fine_stripes_do_not_alias_into_a_coarse_window(step):
    stripes = np.tile(np.arange(90) % 2, (90, 1))
    values = sampled(Window((44.1, 44.5), 10, step), Geometry((90, 90, 1), (1.0, 1.0, 8.0)), stripes)
    assert np.abs(values - 0.5).max() < 0.08


def test_samples_outside_the_image_are_zero():
    window = Window(centre_of(GRID), 100, 1.5)
    values = sampled(window, GRID, np.full((48, 61), 7.0))
    x, y = (places_mm(window, axis) / GRID.spacing_xyz_mm[axis] for axis in (0, 1))
    outside = (y[:, None] <= -1) | (y[:, None] >= 48) | (x[None, :] <= -1) | (x[None, :] >= 61)
    inside = (y[:, None] >= 0) & (y[:, None] <= 47) & (x[None, :] >= 0) & (x[None, :] <= 60)
    assert (values[outside] == 0).all()
    np.testing.assert_allclose(values[inside], 7.0, rtol=0.2)
    assert values.max() <= 7.0 + 1e-4


def test_a_window_beside_the_image_sees_and_restores_nothing():
    window = Window((500.0, 40.0), 32, 1.5)
    assert (sampled(window, GRID, np.ones((48, 61))) == 0).all()
    assert (restored(window, GRID, np.ones((32, 32), np.float32)) == 0).all()
    rows, columns = window.inside(GRID)
    assert np.ones((48, 61))[rows, columns].size == 0


def test_voxels_outside_the_window_are_restored_to_zero_and_those_inside_in_full():
    window = Window((30.0, 40.0), 16, 1.5)
    values = restored(window, GRID, np.ones((16, 16), np.float32))
    rows, columns = window.inside(GRID)
    np.testing.assert_allclose(values[rows.start + 1 : rows.stop - 1, columns.start + 1 : columns.stop - 1], 1.0, atol=1e-5)
    beyond = np.ones_like(values, dtype=bool)
    beyond[rows.start - 1 : rows.stop + 1, columns.start - 1 : columns.stop + 1] = False
    assert (values[beyond] == 0).all()


def test_the_inside_of_a_window_is_bounded_by_its_outermost_samples():
    window = Window((30.0, 40.0), 16, 1.5)
    x, y = voxel_places_mm(GRID)
    rows, columns = window.inside(GRID)
    assert (np.abs(y[rows] - 40.0) <= 7.5 * 1.5).all()
    assert (np.abs(x[columns] - 30.0) <= 7.5 * 1.5).all()
    assert len(y[rows]) == (np.abs(y - 40.0) <= 7.5 * 1.5).sum()
    assert len(x[columns]) == (np.abs(x - 30.0) <= 7.5 * 1.5).sum()


@pytest.mark.robustness(19)
@pytest.mark.parametrize("size", [(16, 16), (15, 16), (1, 1), (17, 512)])
def test_any_matrix_fits_any_window_and_keeps_its_shape(size):
    geometry = Geometry((*size, 1), (1.4, 1.4, 8.0))
    window = Window(centre_of(geometry), 128, 1.5)
    values = sampled(window, geometry, np.ones(size[::-1]))
    assert values.shape == (128, 128)
    assert restored(window, geometry, values).shape == size[::-1]
    assert np.isfinite(values).all()
