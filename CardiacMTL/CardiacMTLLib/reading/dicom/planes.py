"""Which frames lie in parallel, aligned planes: what can belong to one stack."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from CardiacMTLLib.reading.dicom.frame import DicomFrame

MAX_TURN_DEGREES = 0.3
"""Directions that differ less are header rounding."""

MAX_SHIFT_MM = 1.0
"""Corners of slices that differ less within their plane lie on one grid."""

SAME_POSITION_MM = 0.1
"""Positions along the normal that differ less are one slice."""

_SAME_SPACING = 1e-3


def aligned_groups(frames: Iterable[DicomFrame]) -> list[list[DicomFrame]]:
    """Frames that share study, frame of reference, matrix, pixel spacing, orientation, alignment, technique and content.

    A frame of reference counts where it is one for all frames of each series, as the standard wants it: some de-identified
    files have another one in every image.
    """
    listed = list(frames)
    references: dict[str, set[str]] = defaultdict(set)
    for frame in listed:
        references[frame.series_uid].add(frame.frame_of_reference_uid)
    meaningful = all(len(uids) == 1 for uids in references.values())
    groups: list[list[DicomFrame]] = []
    for frame in listed:
        home = next((group for group in groups if _fits(frame, group[0], same_reference=meaningful)), None)
        if home is None:
            groups.append([frame])
        else:
            home.append(frame)
    return groups


def slices_of(frames: Sequence[DicomFrame]) -> list[tuple[DicomFrame, ...]]:
    """Frames of one group by slice, in the order of positions along the normal of the first frame."""
    normal = frames[0].normal
    placed = sorted(((float(normal @ frame.position_mm), frame) for frame in frames), key=lambda pair: pair[0])
    slices: list[list[DicomFrame]] = []
    last_mm = -np.inf
    for position_mm, frame in placed:
        if position_mm - last_mm > SAME_POSITION_MM:
            slices.append([])
            last_mm = position_mm
        slices[-1].append(frame)
    return [tuple(sorted(members, key=lambda frame: frame.order)) for members in slices]


def positions_mm(slices: Sequence[Sequence[DicomFrame]]) -> list[float]:
    """Position of each slice along the normal of the first."""
    normal = slices[0][0].normal
    return [float(np.mean([normal @ frame.position_mm for frame in members])) for members in slices]


def gaps_mm(positions: Sequence[float]) -> list[float]:
    """Distances between neighbours."""
    return [float(gap) for gap in np.diff(positions)]


def is_even(positions: Sequence[float]) -> bool:
    """Whether neighbours lie equally far apart, but for rounding: 0.1 mm or 2 % of the distance."""
    gaps = gaps_mm(positions)
    return not gaps or max(gaps) - min(gaps) <= max(SAME_POSITION_MM, 0.02 * float(np.median(gaps)))


def _fits(frame: DicomFrame, other: DicomFrame, *, same_reference: bool) -> bool:
    alike = (
        frame.study_uid == other.study_uid
        and (frame.frame_of_reference_uid == other.frame_of_reference_uid or not same_reference)
        and frame.shape_yx == other.shape_yx
        and frame.technique == other.technique
        and frame.content is other.content
        and np.allclose(frame.spacing_yx_mm, other.spacing_yx_mm, rtol=_SAME_SPACING, atol=0)
    )
    if not alike:
        return False
    limit = np.cos(np.radians(MAX_TURN_DEGREES))
    if min(np.dot(frame.row, other.row), np.dot(frame.column, other.column)) < limit:
        return False
    apart = np.subtract(frame.position_mm, other.position_mm)
    return bool(max(abs(apart @ other.row), abs(apart @ other.column)) <= MAX_SHIFT_MM)
