"""A stack whose slices have been brought to the same phases: what a volume with a time axis needs."""

from __future__ import annotations

from dataclasses import dataclass

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.reading.dicom.cycle import Beat, beat_of, match_phases
from CardiacMTLLib.reading.dicom.frame import DicomFrame
from CardiacMTLLib.reading.dicom.slice_distance import check_even
from CardiacMTLLib.reading.dicom.stacks import Stack


@dataclass(frozen=True, slots=True)
class PhasedStack:
    """`frames[t][z]`: the frame of each phase and slice; `times_ms` after the R wave, one a phase, or None.

    `stack` holds the slices that are left, in the same order; `notes` are sentences for the user.
    """

    stack: Stack
    frames: tuple[tuple[DicomFrame, ...], ...]
    times_ms: tuple[float, ...] | None
    notes: tuple[str, ...]


def phased(stack: Stack) -> PhasedStack:
    """Match the frames of all slices.

    A slice whose frames cannot be matched is left out where it is the first or last of the stack, with a note that names it.
    Raises `InputError` naming it where it lies between others, and `GeometryError` for slices that are not evenly spaced.
    """
    check_even(stack)
    beats = [beat_of(members) for members in stack.slices]
    counts = [len(beat.frames) for beat in beats]
    n_phases = max(counts, key=lambda count: (counts.count(count), count))
    matching = match_phases(beats, n_phases)
    hopeless = [z for z, indices in enumerate(matching.indices) if indices is None]
    ends = _at_the_ends(hopeless, len(beats))
    for z in hopeless:
        if z not in ends:
            why = "without trigger times nothing tells which" if beats[z].times_ms is None else "none near enough stands in"
            raise InputError(
                f"{_name(stack, z)} has {counts[z]} of {n_phases} frames: some are missing, and {why}; "
                "expected the same phases in every slice; export the study again, whole"
            )
    notes = [f"{_name(stack, z)} was left out: it has {counts[z]} of {n_phases} frames." for z in sorted(ends)]
    notes += [_stand_in(stack, z, beats[z], n_phases) for z in range(len(beats)) if z not in ends and counts[z] != n_phases]
    notes += _time_notes(beats, n_phases)
    kept = [(beat, indices) for beat, indices in zip(beats, matching.indices, strict=True) if indices is not None]
    frames = tuple(tuple(beat.frames[indices[t]] for beat, indices in kept) for t in range(n_phases))
    return PhasedStack(stack.without(ends), frames, matching.times_ms, tuple(notes))


def _name(stack: Stack, z: int) -> str:
    number = z + 1 if stack.apex_first else len(stack.slices) - z
    return f"Slice {number} of {len(stack.slices)} (counted from the apex)"


def _stand_in(stack: Stack, z: int, beat: Beat, n_phases: int) -> str:
    if len(beat.frames) > n_phases:
        return f"{_name(stack, z)} has {len(beat.frames)} frames; the {n_phases} nearest in time were used."
    return f"{_name(stack, z)} has {len(beat.frames)} of {n_phases} frames; the nearest in time stand in for those missing."


def _time_notes(beats: list[Beat], n_phases: int) -> list[str]:
    untimed = sum(beat.times_ms is None for beat in beats)
    doubled = sum(beat.doubled for beat in beats)
    notes = []
    if untimed and n_phases > 1:
        where = "all slices" if untimed == len(beats) else f"{untimed} of {len(beats)} slices"
        notes.append(f"Trigger times are missing or equal in {where}; their phases are in the order of the images' numbers.")
    if doubled:
        notes.append(f"{doubled} images were left out: another image has the same position and trigger time.")
    return notes


def _at_the_ends(indices: list[int], count: int) -> set[int]:
    """Those of `indices` that are reached from either end of 0 .. `count` - 1 without a gap."""
    ends: set[int] = set()
    for order in (range(count), reversed(range(count))):
        for z in order:
            if z not in indices:
                break
            ends.add(z)
    return ends
