"""The phantom's closed-form volumes, against numerical integration of its own outlines."""

from __future__ import annotations

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.phantom import HeartShape
from CardiacMTLLib.phantom.outline import RV_SECTOR, regional_bump, rv_lobes, rv_outer_radius
from CardiacMTLLib.phantom.shape import between

ANGLES = (np.arange(2880) + 0.5) * (2 * np.pi / 2880) - np.pi

SHAPES = st.builds(
    HeartShape,
    lv_length_mm=st.floats(40, 110),
    lv_radius_mm=st.floats(10, 45),
    wall_mm=st.floats(6, 20),
    apex_wall_mm=st.floats(3, 18),
    rv_length_mm=st.floats(20, 42),
    rv_base_area_mm2=st.floats(500, 6000),
    endo_bump=st.floats(-0.15, 0.1),
    epi_bump=st.floats(0.0, 0.15),
)


def integrated_volumes_ml(shape: HeartShape, n_levels: int = 250) -> tuple[float, float, float]:
    """Left cavity, left wall and right cavity by summing thin sectors of thin slices."""
    bump = regional_bump(ANGLES.astype(np.float32), 0.4).astype(float)
    basal, apical = (density.astype(float) for density in rv_lobes(ANGLES.astype(np.float32)))
    step_mm = shape.base_height_mm / n_levels
    lv = epi = rv = 0.0
    for height_mm in (np.arange(n_levels) + 0.5) * step_mm:
        endo_radius = shape.lv_radius_at(height_mm) * (1 + shape.endo_bump * bump)
        epi_radius = shape.epi_radius_at(height_mm) * (1 + shape.epi_bump * bump)
        level = shape.rv_level_at(height_mm)
        outer_radius = rv_outer_radius(epi_radius, shape.rv_area_at(height_mm), apical + level * (basal - apical))
        lv += float(np.mean(endo_radius**2))
        epi += float(np.mean(epi_radius**2))
        rv += float(np.mean(outer_radius**2 - epi_radius**2))
    scale = np.pi * step_mm / 1000
    return lv * scale, (epi - lv) * scale, rv * scale


@settings(max_examples=15, deadline=None)
@given(SHAPES)
def test_closed_form_volumes_equal_the_integral_over_the_outlines(shape: HeartShape) -> None:
    lv_ml, wall_ml, rv_ml = integrated_volumes_ml(shape)
    assert shape.lv_ml == pytest.approx(lv_ml, rel=2e-3)
    assert shape.myocardium_ml == pytest.approx(wall_ml, rel=4e-3)
    assert shape.rv_ml == pytest.approx(rv_ml, rel=4e-3)


def test_a_half_ellipsoid_has_two_thirds_of_its_cylinder() -> None:
    shape = HeartShape(65.0, 20.0, 8.0, 6.0, 50.0, 2000.0)
    assert shape.lv_semi_axis_mm == pytest.approx(50.0)
    # cut 0.3 semi-axes above the equator: pi r^2 c (2/3 + 0.3 - 0.009)
    assert shape.lv_ml == pytest.approx(np.pi * 400 * 50 * (2 / 3 + 0.3 - 0.009) / 1000)


def test_the_right_cavity_is_spread_over_its_sector_only() -> None:
    angles = ANGLES.astype(np.float32)
    for density in rv_lobes(angles):
        assert float(density.mean()) * 2 * np.pi == pytest.approx(1.0, rel=5e-3)
        assert not density[(angles < RV_SECTOR[0]) | (angles > RV_SECTOR[1])].any()
        assert (density >= 0).all()


@given(SHAPES)
def test_the_wall_encloses_the_cavity_at_every_height_and_angle(shape: HeartShape) -> None:
    for height_mm in np.linspace(shape.apex_wall_mm + 0.01, shape.base_height_mm, 40):
        endo_radius, epi_radius = shape.lv_radius_at(height_mm), shape.epi_radius_at(height_mm)
        assert endo_radius < epi_radius
        assert endo_radius * (1 + shape.endo_bump) < epi_radius * (1 + shape.epi_bump)


def test_nothing_lies_below_the_apex_or_above_the_base() -> None:
    shape = HeartShape(80.0, 26.0, 8.0, 6.0, 70.0, 4000.0)
    for height_mm in (-1.0, 0.0, shape.base_height_mm + 0.1):
        assert shape.lv_radius_at(height_mm) == shape.epi_radius_at(height_mm) == shape.rv_area_at(height_mm) == 0


def test_shapes_between_two_instants_start_and_end_at_them() -> None:
    start, end = HeartShape(80.0, 26.0, 8.0, 6.0, 70.0, 4000.0), HeartShape(64.0, 18.0, 11.0, 9.0, 60.0, 2200.0)
    for fraction, expected in ((0.0, start), (1.0, end)):
        assert astuple(between(start, end, fraction)) == pytest.approx(astuple(expected), rel=1e-12)
    volumes = [between(start, end, fraction).lv_ml for fraction in np.linspace(0, 1, 9)]
    assert volumes == sorted(volumes, reverse=True)


@pytest.mark.parametrize(
    "wrong", [{"lv_radius_mm": 0}, {"wall_mm": -1.0}, {"rv_length_mm": float("nan")}, {"endo_bump": 0.5}, {"rv_length_mm": 90}]
)
def test_impossible_shapes_are_refused(wrong: dict[str, float]) -> None:
    lengths = {
        "lv_length_mm": 80.0,
        "lv_radius_mm": 26.0,
        "wall_mm": 8.0,
        "apex_wall_mm": 6.0,
        "rv_length_mm": 70.0,
        "rv_base_area_mm2": 4000.0,
    }
    with pytest.raises(UsageError, match="phantom"):
        HeartShape(**(lengths | wrong))
