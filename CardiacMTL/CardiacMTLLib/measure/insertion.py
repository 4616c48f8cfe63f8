"""Where the right ventricle is attached to the left one: the two insertion points, found from the masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.measure.orientation import has_orientation, superior_in_plane
from CardiacMTLLib.measure.polar import DEGREES, PolarWall

CONTACT_MM = 3.0
"""The right cavity touches the septum where it begins at most so far outside the epicardium (two pixels of most studies)."""

SEPTUM_DEGREES = (40.0, 210.0)
"""A contact that is narrower or wider is no septum: the RV's tip near its apex, or a mask that reaches around."""

MIN_UPRIGHT = 0.17
"""Below this cosine between the line from one insertion to the other and the patient's superior direction (an angle above
80 degrees) the two lie side by side, and neither is the anterior one."""


class SegmentOrientation(Enum):
    """How it is known which insertion is the anterior one."""

    PATIENT = "from the file's directions in the patient"
    DISPLAY_ASSUMED = "display orientation assumed"


@dataclass(frozen=True, slots=True)
class Septum:
    """The arc of the septum in one slice, in whole degrees around the cavity's centre as in `PolarWall`.

    It begins at `first` and ends before `last` in the direction from the x axis to the y axis; `last` may exceed 360.
    """

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Insertions:
    """The anterior insertion of each slice that has one (its index to whole degrees), and where the septum lies from there.

    `towards_septum` is 1 where the septum follows in the direction from the x axis to the y axis, otherwise -1.
    """

    anterior: dict[int, int]
    towards_septum: int

    def nearest(self, index: int) -> int:
        """The anterior insertion of the slice `index`, or that of the slice nearest to it which has one."""
        return self.anterior[min(self.anterior, key=lambda other: (abs(other - index), other))]


def find_septum(wall: PolarWall) -> Septum | None:
    """The arc over which the right cavity touches the wall, from one insertion point to the other; None without one.

    The widest stretch without contact is the free wall, all else the septum.
    """
    touching = wall.closed & (wall.rv_mm - wall.outer_mm <= CONTACT_MM)
    degrees = np.flatnonzero(touching)
    if not len(degrees):
        return None
    following = np.append(degrees[1:], degrees[0] + DEGREES)
    free = int(np.argmax(following - degrees))
    first = int(following[free]) % DEGREES
    last = int(degrees[free]) + 1
    if last <= first:
        last += DEGREES
    low, high = SEPTUM_DEGREES
    return Septum(first, last) if low <= last - first <= high else None


def anterior_is_last(septa: Sequence[tuple[PolarWall, Septum]], geometry: Geometry) -> tuple[bool | None, SegmentOrientation]:
    """Whether the septum's `last` end is the anterior insertion, one answer for all slices, and how that is known.

    In a grid with orientation the anterior insertion is the superior one in the patient; the answer is None where they lie
    side by side (`MIN_UPRIGHT`). Where the orientation is lost the usual display is assumed, the short axis seen from the
    apex with the right ventricle on the image's left: then the anterior wall follows on the septum clockwise (from x to y, as
    y runs down), and that holds however the image is turned, but not where it is mirrored.
    """
    if not has_orientation(geometry):
        return True, SegmentOrientation.DISPLAY_ASSUMED
    across = np.sum([_point(wall, septum.last - 1) - _point(wall, septum.first) for wall, septum in septa], axis=0)
    superior = superior_in_plane(geometry)
    length = float(np.linalg.norm(across) * np.linalg.norm(superior))
    upright = float(across @ superior) / length if length > 0 else 0.0
    return (None if abs(upright) < MIN_UPRIGHT else upright > 0), SegmentOrientation.PATIENT


def _point(wall: PolarWall, degree: int) -> NDArray[np.float64]:
    """(2,) place (x, y) in mm of the epicardium from the cavity's centre."""
    angle = np.radians(degree + 0.5)
    place: NDArray[np.float64] = wall.outer_mm[degree % DEGREES] * np.array([np.cos(angle), np.sin(angle)])
    return place
