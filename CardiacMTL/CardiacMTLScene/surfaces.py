"""Smooth surfaces of structures that are known on few, thick slices.

Between slices the signed distance to the outline is interpolated, not the label, so that a shape changes gradually from one
slice to the next (shape-based interpolation: Raya and Udupa, IEEE TMI 9(1):32-42, 1990); beyond the last slices it closes
within half a slice. Pictures only: volumes are counted on the voxels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK
import vtk
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry
from CardiacMTLScene.arrays import image_array, vtk_image, vtk_matrix

Region = NDArray[np.bool_]
Field = NDArray[np.float32]
"""Signed distance to the outline in mm, positive inside."""

STEP_MM = 1.25
"""Distance of the planes between the slices."""

_FAR_MM = 12.0
"""Distances are cut off here: further away they carry no shape, only noise for the smoothing."""

_MARGIN_PIXELS, _MARGIN_SLICES = 6, 2
_CAP_SLICES = 0.5
_CAP_RADIUS_MM = 8.0
"""A wide end slice closes flat with rounded edges of this radius, a narrow one as a dome."""

_SMOOTHING_SIGMA_MM = 1.5
_SMOOTHING_SIGMA_SLICES = 0.5
_MAX_LEVEL_MM = 2.0
_SINC_ITERATIONS = 30
_SINC_PASS_BAND = 0.01


def surface(region: Region, geometry: Geometry) -> Any:
    """The smooth closed surface of `region` (z, y, x) as vtkPolyData with normals, in RAS mm; empty where the region is."""
    if not region.any():
        return vtk.vtkPolyData()
    boxed, start_xyz = _boxed(region)
    planes = max(1, round(geometry.spacing_xyz_mm[2] / STEP_MM))
    field = interpolated(slice_distances(boxed, geometry.spacing_xyz_mm), planes)
    image = vtk_image(field)
    image.SetSpacing(1.0, 1.0, 1.0 / planes)
    image.SetOrigin(*start_xyz)
    smoothed = _blurred(image, geometry)
    return _smooth(_outline(smoothed, _level_mm(smoothed, int(region.sum()) * planes)), geometry)


def slice_distances(region: Region, spacing_xyz_mm: tuple[float, float, float]) -> Field:
    """Signed distance (z, y, x) to the outline within each slice, in mm; minus infinity throughout an empty slice."""
    half_pixel_mm = 0.25 * (spacing_xyz_mm[0] + spacing_xyz_mm[1])
    inside, outside = (_distance(part, spacing_xyz_mm) for part in (region, ~region))
    signed = np.where(region, inside - half_pixel_mm, half_pixel_mm - outside)
    signed[~region.any(axis=(1, 2))] = -np.inf
    return signed.astype(np.float32)


def interpolated(distances: Field, planes: int) -> Field:
    """`distances` (z, y, x) with `planes` planes a slice distance: cubic between slices, domes where a slice is empty.

    The result has (z - 1) x planes + 1 planes, the first and last being the first and last slice; values are cut off at 12 mm.
    """
    full = np.isfinite(distances[:, 0, 0])
    steps = range((len(full) - 1) * planes + 1)
    field = np.stack([_at(distances, full, step // planes, (step % planes) / planes) for step in steps])
    return np.clip(field, -_FAR_MM, _FAR_MM)


def _at(distances: Field, full: NDArray[np.bool_], slice_number: int, fraction: float) -> Field:
    """The field at `slice_number + fraction`."""
    below = slice_number
    above = min(below + 1, len(full) - 1)
    if full[below] and full[above]:
        return _cubic(distances, full, below, above, fraction)
    if full[below]:
        return _dome(distances[below], fraction)
    if full[above]:
        return _dome(distances[above], 1.0 - fraction)
    return np.full(distances.shape[1:], -_FAR_MM, dtype=np.float32)


def _dome(distance: Field, slices_away: float) -> Field:
    """The field beyond an end slice: the outline shrinks as an ellipse does and vanishes `_CAP_SLICES` away."""
    away, radius = slices_away / _CAP_SLICES, min(float(distance.max()), _CAP_RADIUS_MM)
    shrink = 1.0 - np.sqrt(1.0 - away**2) if away < 1.0 else away
    return np.asarray(np.minimum(distance, radius) - radius * shrink, dtype=np.float32)


def _cubic(distances: Field, full: NDArray[np.bool_], below: int, above: int, fraction: float) -> Field:
    """Cubic Hermite interpolation with central differences; one-sided ones beside an empty slice."""
    start, end = distances[below], distances[above]
    slope_start = (end - distances[below - 1]) / 2 if below > 0 and full[below - 1] else end - start
    slope_end = (distances[above + 1] - start) / 2 if above + 1 < len(full) and full[above + 1] else end - start
    t = fraction
    return np.asarray(
        (2 * t**3 - 3 * t**2 + 1) * start
        + (t**3 - 2 * t**2 + t) * slope_start
        + (3 * t**2 - 2 * t**3) * end
        + (t**3 - t**2) * slope_end,
        dtype=np.float32,
    )


def _boxed(region: Region) -> tuple[Region, tuple[int, int, int]]:
    """`region` cut to its bounding box with an empty border, and the index (x, y, z) of the result's first voxel."""
    border = (_MARGIN_SLICES, _MARGIN_PIXELS, _MARGIN_PIXELS)
    filled = np.nonzero(region)
    low, high = [int(axis.min()) for axis in filled], [int(axis.max()) + 1 for axis in filled]
    inner = region[tuple(slice(first, last) for first, last in zip(low, high, strict=True))]
    z, y, x = (first - width for first, width in zip(low, border, strict=True))
    return np.pad(inner, [(width, width) for width in border]), (x, y, z)


def _distance(part: Region, spacing_xyz_mm: tuple[float, float, float]) -> NDArray[np.float64]:
    """Distance in mm of each pixel (z, y, x) of `part` to the nearest pixel of its slice that is not in it; 0 elsewhere."""
    transform = SimpleITK.SignedMaurerDistanceMapImageFilter()
    transform.SquaredDistanceOff()
    transform.UseImageSpacingOn()
    distances = []
    for plane in part:
        rest = SimpleITK.GetImageFromArray((~plane).astype(np.uint8))
        rest.SetSpacing(spacing_xyz_mm[:2])
        distances.append(np.maximum(SimpleITK.GetArrayFromImage(transform.Execute(rest)), 0))
    return np.stack(distances).astype(np.float64)


def _blurred(image: Any, geometry: Geometry) -> Any:
    x_mm, y_mm, z_mm = geometry.spacing_xyz_mm
    blur = vtk.vtkImageGaussianSmooth()
    blur.SetInputData(image)
    planes = 1.0 / image.GetSpacing()[2]
    sigma_z = max(_SMOOTHING_SIGMA_MM / z_mm, _SMOOTHING_SIGMA_SLICES) * planes
    blur.SetStandardDeviations(_SMOOTHING_SIGMA_MM / x_mm, _SMOOTHING_SIGMA_MM / y_mm, sigma_z)
    blur.SetRadiusFactors(3.0, 3.0, 3.0)
    blur.Update()
    return blur.GetOutput()


def _level_mm(image: Any, points_inside: int) -> float:
    """The distance that makes the surface enclose as much as the region: smoothing and rounded ends take a little away."""
    values = image_array(image).ravel()
    level = float(np.partition(values, -points_inside)[-points_inside])
    return float(np.clip(level, -_MAX_LEVEL_MM, _MAX_LEVEL_MM))


def _outline(image: Any, level_mm: float) -> Any:
    contour = vtk.vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, level_mm)
    contour.ComputeNormalsOff()
    contour.ComputeGradientsOff()
    contour.ComputeScalarsOff()
    contour.Update()
    return contour.GetOutput()


def _smooth(outline: Any, geometry: Geometry) -> Any:
    transform = vtk.vtkTransform()
    transform.SetMatrix(vtk_matrix(geometry.ijk_to_ras))
    placed = vtk.vtkTransformPolyDataFilter()
    placed.SetTransform(transform)
    placed.SetInputData(outline)
    sinc = vtk.vtkWindowedSincPolyDataFilter()
    sinc.SetInputConnection(placed.GetOutputPort())
    sinc.SetNumberOfIterations(_SINC_ITERATIONS)
    sinc.SetPassBand(_SINC_PASS_BAND)
    sinc.NormalizeCoordinatesOn()
    sinc.BoundarySmoothingOff()
    sinc.FeatureEdgeSmoothingOff()
    sinc.NonManifoldSmoothingOn()
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(sinc.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOn()
    normals.AutoOrientNormalsOn()
    normals.Update()
    return normals.GetOutput()
