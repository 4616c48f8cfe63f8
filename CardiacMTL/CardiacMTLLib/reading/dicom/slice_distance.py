"""How far apart the slices of a stack lie: by their positions, never by a slice thickness."""

from __future__ import annotations

from collections import Counter

from CardiacMTLLib.errors import GeometryError
from CardiacMTLLib.reading.dicom.planes import gaps_mm, is_even, positions_mm
from CardiacMTLLib.reading.dicom.stacks import Slice, Stack

_MANY_SLICES = 3
"""So many images with every trigger time of one position are slices without positions; two may be a repetition."""

_UNKNOWN_MM = 8.0
"""Stands for the distance of a single slice, of which nothing is measured through the slices."""


def slice_distance(stack: Stack, given_mm: float | None) -> tuple[float, tuple[str, ...]]:
    """Distance of neighbouring slice centres in mm, and a warning where the caller's `given_mm` replaces it.

    A single slice has no distance; its spacing or thickness stands for it. Raises `GeometryError` with the list of distances
    where they differ by more than rounding.
    """
    check_even(stack)
    positions = positions_mm(stack.slices)
    if len(positions) == 1:
        return given_mm or stack.first.thickness_mm or _UNKNOWN_MM, ()
    distance_mm = (positions[-1] - positions[0]) / (len(positions) - 1)
    if given_mm is None:
        return distance_mm, ()
    if abs(given_mm - distance_mm) <= 1e-3:
        return given_mm, ()
    return given_mm, (f"The slice distance of {distance_mm:.4g} mm was replaced by the given {given_mm:g} mm.",)


def check_even(stack: Stack) -> None:
    """Raise `GeometryError` where slices are not evenly spaced, or several slices claim one position."""
    if len(stack.slices) == 1 and _slices_in_one(stack.slices[0]) > 1:
        raise GeometryError(
            f"{_slices_in_one(stack.slices[0])} slices have the same position, so their distance is 0; expected a position for "
            "each slice; export the study again from the scanner"
        )
    positions = positions_mm(stack.slices)
    if not is_even(positions):
        listed = ", ".join(f"{gap:.1f}" for gap in gaps_mm(positions))
        raise GeometryError(
            f"the slices are not evenly spaced (distances {listed} mm); expected equal distances; add the missing slices or "
            "leave out those that do not belong to the stack"
        )


def _slices_in_one(members: Slice) -> int:
    """How many slices the frames of one position seem to be: by what they state, or as every trigger time occurs so often."""
    stated = {round(frame.stated_slice, 1) for frame in members if frame.stated_slice is not None}
    if len(stated) > 1:
        return len(stated)
    times = Counter(frame.trigger_time_ms for frame in members)
    often = min(times.values())
    return often if len(times) > 1 and often >= _MANY_SLICES and often * len(times) == len(members) else 1
