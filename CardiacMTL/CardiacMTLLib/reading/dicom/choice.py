"""Which stack is the short-axis cine, and why all others are left out."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.reading.dicom.cycle import MAX_BEAT_MS
from CardiacMTLLib.reading.dicom.frame import Content
from CardiacMTLLib.reading.dicom.planes import MAX_TURN_DEGREES
from CardiacMTLLib.reading.dicom.stacks import Slice, Stack

MAX_TILT_DEGREES = 50.0
"""Largest angle between the normal of a short-axis stack and the usual axis of the heart.

Long-axis views are nearly square to that axis, transverse stacks lie 59 degrees off, coronal and sagittal ones 53.
"""

_HEART_AXIS_LPS = np.array([-0.6, 0.6, 0.5]) / np.linalg.norm([-0.6, 0.6, 0.5])
"""Usual direction from the apex to the base of the heart: to the right, backwards and up."""

_SLOW_STEP_S = 0.4
"""Frames of a slice that were acquired further apart show different heart beats."""


class Other(StrEnum):
    """What a stack of magnitude images can be other than a short-axis cine, in words for the user."""

    TILTED = "long-axis views and other orientations"
    SLOW = "frames of several heart beats, such as perfusion or real-time images"
    ECHOES = "images with several echo times"
    STILL = "images of one phase"


@dataclass(frozen=True, slots=True)
class Choice:
    """The stack that is used, and sentences on what was left out.

    `out_of_scope` is the reason why it is no short-axis stack, where none is there, and it is only shown.
    """

    stack: Stack
    notes: tuple[str, ...]
    out_of_scope: str | None = None


def choose_stack(stacks: Sequence[Stack], series: str | None) -> Choice:
    """The most complete short-axis cine among `stacks`, or the best one that holds the `series` (UID or number).

    Cines come before images of one phase, then more slices, more phases, images without lines drawn over them, and the later
    series win. Where nothing lies as a short-axis stack does, a cine of several slices that is the only one is taken with a
    note, and its content will decide; else one slice of the most complete stack is, as out of scope. Raises `InputError` where
    images of several studies are there, and for a series that is not there.
    """
    if series is not None:
        return _choose_named(stacks, series)
    kinds = [(stack, kind_of(stack)) for stack in stacks]
    usable = [stack for stack, kind in kinds if kind in (None, Other.STILL)]
    if not usable:
        return _choose_only(kinds)
    cines = [stack for stack in usable if stack.n_phases > 1]
    if len({stack.first.study_uid for stack in cines}) > 1:
        raise InputError(
            f"short-axis cines of {len({stack.first.study_uid for stack in cines})} studies are there; expected one study; "
            "give the folder of one, or name its series with --series"
        )
    best = max(usable, key=_completeness)
    rivals = [stack for stack in cines if stack is not best]
    others = [(stack, kind) for stack, kind in kinds if stack is not best and stack not in rivals]
    return Choice(best, (*(_rival_note(rival, best) for rival in rivals), *_left_out(others)))


def kind_of(stack: Stack) -> Content | Other | None:
    """Why a stack is no short-axis cine; None for one that is."""
    if stack.content is not Content.ANATOMY:
        return stack.content
    most = len(stack.slices) / 2
    if sum(_is_slow(members) for members in stack.slices) > most:
        return Other.SLOW
    if sum(_has_echoes(members) for members in stack.slices) > most:
        return Other.ECHOES
    if tilt_degrees(stack) > MAX_TILT_DEGREES:
        return Other.TILTED
    return Other.STILL if stack.n_phases == 1 else None


def tilt_degrees(stack: Stack) -> float:
    """Angle between the stack's normal and the usual axis of the heart, 0 to 90."""
    return float(np.degrees(np.arccos(min(1.0, abs(float(stack.first.normal @ _HEART_AXIS_LPS))))))


def series_text(stacks: Iterable[Stack]) -> str:
    """Series numbers and the number of images, for a sentence: `series 4, 6 (50 images)`."""
    listed = list(stacks)
    numbers = sorted({number for stack in listed for number in stack.series_numbers if number is not None})
    count = sum(len(stack.frames) for stack in listed)
    named = ", ".join(str(number) for number in numbers) if numbers else "without a number"
    return f"series {named} ({count} image{'' if count == 1 else 's'})"


def _completeness(stack: Stack) -> tuple[bool, int, int, bool, int]:
    return stack.n_phases > 1, len(stack.slices), stack.n_phases, not stack.has_overlay, stack.series_numbers[-1] or 0


def _choose_only(kinds: Sequence[tuple[Stack, Content | Other | None]]) -> Choice:
    tilted = [stack for stack, kind in kinds if kind is Other.TILTED]
    if len(tilted) == 1 and len(tilted[0].slices) > 1 and tilted[0].n_phases > 1:
        note = (
            f"The only images that can be read lie {tilt_degrees(tilted[0]):.0f} degrees off the usual short axis: they may be "
            "another view."
        )
        return Choice(tilted[0], (note, *_left_out([pair for pair in kinds if pair[0] is not tilted[0]])))
    found = "; ".join(f"{kind}: {series_text(members)}" for kind, members in _by_kind(kinds).items())
    if len({stack.first.study_uid for stack, _ in kinds}) > 1:
        raise InputError(
            f"no short-axis cine was found in several studies ({found}); expected one study with parallel short-axis slices of "
            "several phases; give the folder of one, or choose with --series"
        )
    best = max((stack for stack, _ in kinds), key=lambda stack: (stack.content is Content.ANATOMY, *_completeness(stack)))
    shown = Stack((max(best.slices, key=len),))
    return Choice(
        shown,
        (
            f"No short-axis cine was found ({found}); one slice of {series_text([best])} is shown, and nothing is measured. "
            "Give another folder, or choose another series.",
        ),
        f"no short-axis cine is among the images ({found}): the study is out of scope",
    )


def _choose_named(stacks: Sequence[Stack], series: str) -> Choice:
    named = [stack for stack in stacks if any(series in (f.series_uid, str(f.series_number)) for f in stack.frames)]
    if not named:
        numbers = sorted({number for stack in stacks for number in stack.series_numbers if number is not None})
        raise InputError(
            f"series {series} is not among the images that can be read; expected one of {', '.join(map(str, numbers))}; "
            "correct --series"
        )
    best = max(named, key=_completeness)
    kind = kind_of(best)
    notes = () if kind is None else (f"The series that was asked for looks like no short-axis cine but like {kind}.",)
    rest = [stack for stack in stacks if stack is not best]
    return Choice(best, (*notes, *((f"Left out, as another series was asked for: {series_text(rest)}.",) if rest else ())))


def _rival_note(rival: Stack, best: Stack) -> str:
    number, count = rival.series_numbers[0], len(rival.slices)
    shared = {frame.series_uid for frame in rival.frames} & {frame.series_uid for frame in best.frames}
    hint = f" ({_difference(rival, best)})" if shared else "" if number is None else f" (series {number} can be asked for)"
    return (
        f"Of several short-axis cines the most complete, {series_text([best])}, was used; {series_text([rival])} with "
        f"{count} slice{'' if count == 1 else 's'} of {rival.n_phases} phases was left out{hint}."
    )


def _difference(stack: Stack, other: Stack) -> str:
    """What keeps two stacks of one series apart."""
    ours, theirs = stack.first, other.first
    if ours.shape_yx != theirs.shape_yx:
        rows, columns = ours.shape_yx
        return f"its matrix is {columns} x {rows}, not {theirs.shape_yx[1]} x {theirs.shape_yx[0]}"
    if not np.allclose(ours.spacing_yx_mm, theirs.spacing_yx_mm, rtol=1e-3, atol=0):
        return "its pixel spacing is another"
    turned = min(np.dot(ours.row, theirs.row), np.dot(ours.column, theirs.column)) < np.cos(np.radians(MAX_TURN_DEGREES))
    return "its orientation is another" if turned else "it lies elsewhere"


def _left_out(kinds: Sequence[tuple[Stack, Content | Other | None]]) -> Iterable[str]:
    return [f"Left out as {kind}: {series_text(members)}." for kind, members in _by_kind(kinds).items()]


def _by_kind(kinds: Sequence[tuple[Stack, Content | Other | None]]) -> dict[str, list[Stack]]:
    by_kind: dict[str, list[Stack]] = defaultdict(list)
    for stack, kind in kinds:
        by_kind[str(kind)].append(stack)
    return by_kind


def _is_slow(members: Slice) -> bool:
    """Whether the frames of a slice spread over more than a heart beat, by trigger time or by time of day."""
    triggers = {frame.trigger_time_ms for frame in members if frame.trigger_time_ms is not None}
    if len(triggers) * 2 > len(members) > 1:
        return max(triggers) - min(triggers) > MAX_BEAT_MS
    times = sorted(frame.acquired_s for frame in members if frame.acquired_s is not None)
    steps = [later - earlier for earlier, later in pairwise(times)]
    return len(steps) >= 4 and len(times) == len(members) and statistics.median(steps) > _SLOW_STEP_S


def _has_echoes(members: Slice) -> bool:
    """Whether a slice has frames of clearly different echo times, as T2 and T2* maps have; those of a cine agree."""
    times = [frame.echo_time_ms for frame in members if frame.echo_time_ms]
    return bool(times) and max(times) > 1.5 * min(times)
