import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.labels import Label
from CardiacMTLLib.measure.polar import DEGREES, MIN_CAVITY_MM2, polar_wall

ALL = np.arange(DEGREES)


def axes(spacing, centre=(0.0, 0.0), side_mm=110.0):
    x = (np.arange(round(side_mm / spacing[0])) + 0.5) * spacing[0] - side_mm / 2 - centre[0]
    y = (np.arange(round(side_mm / spacing[1])) + 0.5) * spacing[1] - side_mm / 2 - centre[1]
    return x[None, :], y[:, None]


def ring(radius_mm=20.0, wall_mm=9.0, spacing=(1.5, 1.5), centre=(0.0, 0.0)):
    radius = np.hypot(*axes(spacing, centre))
    return np.select([radius < radius_mm, radius < radius_mm + wall_mm], [int(Label.LV), int(Label.MYOCARDIUM)], 0).astype(
        np.uint8
    )


def ellipses(a_mm, b_mm, wall_mm, turn_degrees, spacing=(1.0, 1.0)):
    """A cavity with semi-axes a and b, and a wall of constant thickness across it: the parallel curve of the ellipse."""
    x, y = axes(spacing)
    turn = np.radians(turn_degrees)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    t = np.linspace(0, 2 * np.pi, 1440, endpoint=False)
    edge = np.stack([a_mm * np.cos(t), b_mm * np.sin(t)], axis=1)
    points = np.stack([u.ravel(), v.ravel()], axis=1)
    away = np.sqrt(((points[:, None, :] - edge[None, ::4, :]) ** 2).sum(axis=2)).min(axis=1).reshape(u.shape)
    inside = (u / a_mm) ** 2 + (v / b_mm) ** 2 < 1
    return np.select([inside, away < wall_mm], [int(Label.LV), int(Label.MYOCARDIUM)], 0).astype(np.uint8)


@given(
    radius_mm=st.floats(8, 35),
    wall_mm=st.floats(4, 16),
    spacing=st.tuples(st.floats(0.7, 2.0), st.floats(0.7, 2.0)),
    centre=st.tuples(st.floats(-4, 4), st.floats(-4, 4)),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_ring_is_as_thick_as_it_is_drawn_to_a_fraction_of_a_pixel(radius_mm, wall_mm, spacing, centre):
    wall = polar_wall(ring(radius_mm, wall_mm, spacing, centre), spacing)
    assert wall is not None
    assert wall.closed.all()
    assert wall.thickness_mm(ALL) == pytest.approx(wall_mm, abs=0.3 * max(spacing))
    for start in range(0, DEGREES, 60):
        assert wall.thickness_mm(ALL[start : start + 60]) == pytest.approx(wall_mm, abs=0.75 * max(spacing))


@pytest.mark.parametrize("turn_degrees", [0.0, 30.0, 77.0])
@pytest.mark.parametrize(("a_mm", "b_mm"), [(28.0, 18.0), (24.0, 20.0)])
def test_the_thickness_is_that_across_an_oval_wall_not_along_rays_that_cross_it_aslant(a_mm, b_mm, turn_degrees):
    wall = polar_wall(ellipses(a_mm, b_mm, 9.0, turn_degrees), (1.0, 1.0))
    assert wall is not None
    for start in range(0, DEGREES, 60):
        assert wall.thickness_mm(ALL[start : start + 60]) == pytest.approx(9.0, abs=0.5)


def test_an_open_stretch_is_not_closed_and_does_not_thin_the_rest():
    x, y = axes((1.0, 1.0))
    mask = ring(spacing=(1.0, 1.0))
    angle = np.degrees(np.arctan2(y, x)) % 360
    mask[(mask == Label.MYOCARDIUM) & (angle > 100) & (angle < 150)] = 0
    wall = polar_wall(mask, (1.0, 1.0))
    assert wall is not None
    assert set(np.flatnonzero(~wall.closed)) >= set(range(105, 145))
    assert wall.closed.sum() == pytest.approx(312, abs=6)
    assert wall.thickness_mm(ALL) == pytest.approx(9.0, abs=0.2)
    assert wall.thickness_mm(np.arange(70, 130)) == pytest.approx(9.0, abs=0.6)


def test_the_right_cavity_begins_where_it_is_drawn():
    x, y = axes((1.0, 1.0))
    mask = ring(spacing=(1.0, 1.0))
    mask[(np.hypot(x, y) > 33) & (np.hypot(x, y) < 40) & (x < 0) & (np.abs(y) < -x)] = Label.RV
    wall = polar_wall(mask, (1.0, 1.0))
    assert wall is not None
    assert wall.rv_mm[180] == pytest.approx(33, abs=1)
    assert np.isinf(wall.rv_mm[0])
    np.testing.assert_allclose(wall.outer_mm, 29, atol=1.2)


def test_too_small_a_cavity_or_no_wall_gives_none():
    assert polar_wall(ring(radius_mm=3.9, spacing=(0.5, 0.5)), (0.5, 0.5)) is None
    assert np.pi * 3.9**2 < MIN_CAVITY_MM2
    assert polar_wall(ring(radius_mm=4.2, spacing=(0.5, 0.5)), (0.5, 0.5)) is not None
    assert polar_wall(ring(wall_mm=0.0), (1.5, 1.5)) is None
    assert polar_wall(np.zeros((40, 40), np.uint8), (1.5, 1.5)) is None
    speck = ring(wall_mm=0.0, spacing=(0.3, 0.3))
    speck[0, 0] = Label.MYOCARDIUM
    assert polar_wall(speck, (0.3, 0.3)) is None
