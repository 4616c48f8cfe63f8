"""`Stack`: slices that can be one volume; built from whole series, from parts of them, and from one series a slice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from CardiacMTLLib.geometry import Geometry, standard_order
from CardiacMTLLib.reading.dicom.frame import Content, DicomFrame
from CardiacMTLLib.reading.dicom.planes import aligned_groups, is_even, positions_mm, slices_of

Slice = tuple[DicomFrame, ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """Parallel slices in the order of their positions along the normal of the first frame, each with its frames."""

    slices: tuple[Slice, ...]

    @property
    def frames(self) -> tuple[DicomFrame, ...]:
        """All frames."""
        return tuple(frame for members in self.slices for frame in members)

    @property
    def first(self) -> DicomFrame:
        """The frame that gives the grid its in-plane spacing and directions."""
        return self.slices[0][0]

    @property
    def content(self) -> Content:
        """What the frames show; equal for all."""
        return self.first.content

    @property
    def n_phases(self) -> int:
        """The commonest number of frames a slice, the larger where that ties."""
        counts = [len(members) for members in self.slices]
        return max(counts, key=lambda count: (counts.count(count), count))

    @property
    def has_overlay(self) -> bool:
        """Whether lines are drawn over an image."""
        return any(frame.has_overlay for frame in self.frames)

    @property
    def series_numbers(self) -> tuple[int | None, ...]:
        """Numbers of the series that the frames come from, in order; None for a series without a number."""
        by_uid = {frame.series_uid: frame.series_number for frame in self.frames}
        return tuple(sorted(set(by_uid.values()), key=lambda number: (number is None, number or 0)))

    @property
    def apex_first(self) -> bool:
        """Whether the slices run from apex to base, as in the study's own axes."""
        return not standard_order(self.geometry(1.0), 2).flips[2]

    def geometry(self, slice_distance_mm: float) -> Geometry:
        """The grid of the slices: x along rows, y along columns, z along the normal from the first slice."""
        first = self.first
        rows, columns = first.shape_yx
        normal = first.normal
        # Exactly orthonormal: the headers' six digits are not.
        row = first.row
        column = tuple(
            float(value)
            for value in (
                normal[1] * row[2] - normal[2] * row[1],
                normal[2] * row[0] - normal[0] * row[2],
                normal[0] * row[1] - normal[1] * row[0],
            )
        )
        direction = tuple(float(axis[i]) for i in range(3) for axis in (row, column, normal))
        return Geometry(
            (columns, rows, len(self.slices)),
            (first.spacing_yx_mm[1], first.spacing_yx_mm[0], slice_distance_mm),
            direction,
            first.position_mm,
        )

    def without(self, indices: Iterable[int]) -> Stack:
        """The stack less the slices at `indices`."""
        left_out = set(indices)
        return Stack(tuple(members for index, members in enumerate(self.slices) if index not in left_out))


def stacks_of(frames: Iterable[DicomFrame]) -> list[Stack]:
    """All stacks in `frames`; every frame is in exactly one."""
    return [
        stack for group in aligned_groups(frames) for members in _without_copies(group) for stack in _stacks_of_group(members)
    ]


def _without_copies(group: list[DicomFrame]) -> list[list[DicomFrame]]:
    """The frames of `group`, and apart from them the copies that a scanner's own analysis adds.

    A copy is a series with lines drawn over some of its images, whose slices are all in series without any.
    """
    drawn = {frame.series_uid for frame in group if frame.has_overlay}
    originals = [frame for frame in group if frame.series_uid not in drawn]
    copies = [frame for frame in group if frame.series_uid in drawn]
    if originals and copies and len(slices_of(group)) == len(slices_of(originals)):
        return [originals, copies]
    return [group]


def _stacks_of_group(group: Sequence[DicomFrame]) -> list[Stack]:
    """All series together where their slices are distinct and evenly spaced.

    Else series of several slices stay stacks, which others join where these fill or extend them evenly, and series of one slice
    that join no stack become one together. Where a slice was acquired twice, the series with more frames,
    else the later one, comes first; the other is left for a stack of its own.
    """
    by_series: dict[str, list[DicomFrame]] = defaultdict(list)
    for frame in group:
        by_series[frame.series_uid].append(frame)
    ordered = sorted(by_series.values(), key=lambda members: (-len(members), -(members[0].series_number or 0)))
    whole = slices_of(group)
    if len(whole) == sum(len(slices_of(members)) for members in ordered) and is_even(positions_mm(whole)):
        return [Stack(tuple(whole))]
    several = [members for members in ordered if len(slices_of(members)) > 1]
    single = [members for members in ordered if len(slices_of(members)) == 1]
    stacks: list[list[DicomFrame]] = []
    for members in several:
        _join(stacks, members)
    waiting = [members for members in single if not _joined_even(stacks, members)]
    together: list[list[DicomFrame]] = []
    for members in waiting:
        home = next((stack for stack in together if _disjoint(stack, members)), None)
        if home is None:
            together.append(list(members))
        else:
            home.extend(members)
    return [Stack(tuple(slices_of(stack))) for stack in (*stacks, *together)]


def _join(stacks: list[list[DicomFrame]], members: list[DicomFrame]) -> None:
    if not _joined_even(stacks, members):
        stacks.append(list(members))


def _joined_even(stacks: list[list[DicomFrame]], members: list[DicomFrame]) -> bool:
    """Whether `members` were added to a stack whose slices stay evenly spaced with them."""
    for stack in stacks:
        union = [*stack, *members]
        if _disjoint(stack, members) and is_even(positions_mm(slices_of(union))):
            stack.extend(members)
            return True
    return False


def _disjoint(stack: list[DicomFrame], members: list[DicomFrame]) -> bool:
    return len(slices_of([*stack, *members])) == len(slices_of(stack)) + len(slices_of(members))
