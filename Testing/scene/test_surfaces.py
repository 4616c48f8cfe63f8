"""Surfaces across thick slices: the right size and place, closed, and without steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label
from Testing.scene.studies import geometry, heart_mask

pytest.importorskip("vtk", reason="needs VTK", exc_type=ImportError)

import vtk

from CardiacMTLScene.surfaces import interpolated, slice_distances, surface


def ellipsoid(grid: Geometry, radii_mm: tuple[float, float, float]) -> NDArray[np.bool_]:
    """An ellipsoid about the middle of the grid."""
    index = np.indices(grid.shape_zyx)[::-1]
    scaled = [
        (axis - (size - 1) / 2) * spacing / radius
        for axis, size, spacing, radius in zip(index, grid.size_xyz, grid.spacing_xyz_mm, radii_mm, strict=True)
    ]
    return np.asarray(sum(axis**2 for axis in scaled) < 1)


def enclosed_ml(shape: Any) -> float:
    mass = vtk.vtkMassProperties()
    mass.SetInputData(shape)
    return float(mass.GetVolume()) / 1000


def points_of(shape: Any) -> NDArray[np.float64]:
    return np.array([shape.GetPoint(number) for number in range(shape.GetNumberOfPoints())])


@pytest.mark.parametrize("left_handed", [False, True], ids=["right-handed", "left-handed"])
@pytest.mark.parametrize("label", [Label.LV, Label.RV])
def test_the_surface_encloses_the_volume_of_the_voxels(label: Label, left_handed: bool) -> None:
    grid, region = geometry(left_handed), heart_mask(1.0, left_handed) == label
    assert enclosed_ml(surface(region, grid)) == pytest.approx(region.sum() * grid.voxel_volume_ml, rel=0.05)


@pytest.mark.parametrize("left_handed", [False, True], ids=["right-handed", "left-handed"])
def test_the_surface_lies_where_the_mask_lies(left_handed: bool) -> None:
    grid, region = geometry(left_handed), heart_mask(1.0, left_handed) == Label.LV
    places = np.argwhere(region)[:, ::-1] @ grid.ijk_to_ras[:3, :3].T + grid.ijk_to_ras[:3, 3]
    center = vtk.vtkCenterOfMass()
    center.SetInputData(surface(region, grid))
    center.Update()
    points = points_of(surface(region, grid))
    for axis in (*np.eye(3), *grid.ijk_to_ras[:3, :3].T):
        unit = axis / np.linalg.norm(axis)
        assert (points @ unit).min() == pytest.approx((places @ unit).min(), abs=5.0)
        assert (points @ unit).max() == pytest.approx((places @ unit).max(), abs=5.0)


def test_the_surface_is_closed() -> None:
    edges = vtk.vtkFeatureEdges()
    edges.SetInputData(surface(heart_mask(1.0) == Label.RV, geometry()))
    edges.BoundaryEdgesOn()
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.NonManifoldEdgesOff()
    edges.Update()
    assert edges.GetOutput().GetNumberOfCells() == 0


def test_an_ellipsoid_on_ten_millimetre_slices_has_no_steps() -> None:
    grid, radii = Geometry((60, 60, 11), (1.5, 1.5, 10.0)), (32.0, 32.0, 50.0)
    points = points_of(surface(ellipsoid(grid, radii), grid)) * [-1, -1, 1] - [44.25, 44.25, 50.0]
    beside = points[np.abs(points[:, 2]) < 30]
    expected_mm = radii[0] * np.sqrt(1 - (beside[:, 2] / radii[2]) ** 2)
    assert np.abs(np.hypot(beside[:, 0], beside[:, 1]) - expected_mm).max() < 1.5


def test_a_region_that_reaches_every_face_of_the_grid_is_closed_all_the_same() -> None:
    grid = Geometry((12, 10, 3), (2.0, 2.0, 8.0))
    full = np.ones(grid.shape_zyx, dtype=bool)
    assert enclosed_ml(surface(full, grid)) == pytest.approx(full.sum() * grid.voxel_volume_ml, rel=0.15)


def test_one_slice_gives_a_rounded_disc() -> None:
    grid = Geometry((40, 40, 1), (1.5, 1.5, 8.0))
    region = ellipsoid(grid, (20.0, 20.0, 8.0))
    assert enclosed_ml(surface(region, grid)) == pytest.approx(region.sum() * grid.voxel_volume_ml, rel=0.35)


def test_an_empty_region_gives_an_empty_surface() -> None:
    grid = geometry()
    assert surface(np.zeros(grid.shape_zyx, dtype=bool), grid).GetNumberOfPoints() == 0


def test_at_the_slices_themselves_the_interpolation_gives_the_outline_of_the_mask() -> None:
    region = np.zeros((4, 20, 20), dtype=bool)
    region[1, 5:15, 5:15] = region[2, 8:12, 3:17] = True
    field = interpolated(slice_distances(region, (1.5, 1.5, 8.0)), planes=6)
    assert field.shape == (19, 20, 20)
    np.testing.assert_array_equal(field[::6] > 0, region)


def test_distances_count_from_the_edge_of_the_pixels_in_mm() -> None:
    region = np.zeros((1, 9, 9), dtype=bool)
    region[0, :, 3:6] = True
    distances = slice_distances(region, (2.0, 2.0, 8.0))[0, 4]
    np.testing.assert_allclose(distances, [-5, -3, -1, 1, 3, 1, -1, -3, -5])
