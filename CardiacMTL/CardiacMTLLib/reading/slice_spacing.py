"""Which axis of a plain file counts slices, and whether the file knows how far apart they are."""

from __future__ import annotations

from dataclasses import replace

from CardiacMTLLib.errors import GeometryError
from CardiacMTLLib.geometry import Geometry, slice_axis_of_spacing

_CLEARLY_COARSER = 2.0
"""A slice distance is several times the pixel size; a ratio below this does not tell the slice axis."""


def resolve_slices(geometry: Geometry, slice_spacing_mm: float | None) -> tuple[Geometry, int, tuple[str, ...]]:
    """Geometry with the true slice spacing, the slice axis (0, 1 or 2) of the file, and warnings.

    The slice axis is the only axis with a single voxel, else the axis of the coarsest spacing (the file's third where
    that ties). A slice spacing is missing, or 1.0 by default, where some spacing is exactly 1.0 mm (readers put 1.0
    where a header says nothing, or 0) and no other axis is at least twice as coarse as the next. So refused are
    (1, 1, 1), (1.4, 1.4, 1) and (0.7, 0.7, 1), in any axis order; (1, 1, 8) is not: there the pixels measure 1 mm. In
    that case the slice axis is the only one of 1.0 mm.

    `slice_spacing_mm` overrides what the file says. A single slice needs no slice spacing. Raises `GeometryError` naming
    `--slice-spacing-mm` where the spacing is missing and not given.
    """
    spacing = geometry.spacing_xyz_mm
    units = [axis for axis in range(3) if abs(spacing[axis] - 1.0) < 1e-6]
    single = [axis for axis in range(3) if geometry.size_xyz[axis] == 1]
    if len(single) == 1:
        slice_axis, stated = single[0], True
    else:
        slice_axis = slice_axis_of_spacing(spacing)
        clear = slice_axis not in units and spacing[slice_axis] >= _CLEARLY_COARSER * sorted(spacing)[1]
        stated = clear or not units
        if not stated and len(units) == 1:
            slice_axis = units[0]
    if slice_spacing_mm is None:
        if not stated:
            raise GeometryError(
                f"slice spacing is missing (the header says {spacing[slice_axis]:g} mm, the default); expected the distance "
                "between slice centres; give it with --slice-spacing-mm"
            )
        return geometry, slice_axis, ()
    replaced = tuple(slice_spacing_mm if axis == slice_axis else spacing[axis] for axis in range(3))
    warnings: tuple[str, ...] = ()
    if stated and abs(spacing[slice_axis] - slice_spacing_mm) > 1e-3:
        warnings = (
            f"The file's slice spacing of {spacing[slice_axis]:g} mm was replaced by the given {slice_spacing_mm:g} mm.",
        )
    return replace(geometry, spacing_xyz_mm=(replaced[0], replaced[1], replaced[2])), slice_axis, warnings
