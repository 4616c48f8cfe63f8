"""`SliceSelection`: slices that a reader takes out of the measurement, at the base or the apex, phase by phase."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.volume import CineStudy, Mask


@dataclass(frozen=True, slots=True)
class SliceSelection:
    """Indices (z, from 0, standard axes) of the slices that are left out at ED and at ES."""

    excluded_ed: frozenset[int] = frozenset()
    excluded_es: frozenset[int] = frozenset()

    def excluded(self, phase: Phase) -> frozenset[int]:
        """What is left out at `phase`."""
        return self.excluded_ed if phase is Phase.ED else self.excluded_es

    def apply(self, masks: Mapping[Phase, Mask]) -> dict[Phase, Mask]:
        """The (z, y, x) masks with the excluded slices emptied; masks without any stay the same objects.

        Raises `UsageError` for a slice that is not there.
        """
        chosen = {}
        for phase, mask in masks.items():
            out = sorted(self.excluded(phase))
            if out and not 0 <= out[0] <= out[-1] < len(mask):
                raise UsageError(
                    f"slices {out} (from 0) are to be left out at {phase}; expected 0 to {len(mask) - 1}; correct them"
                )
            chosen[phase] = mask
            if out:
                chosen[phase] = mask.copy()
                chosen[phase][out] = Label.BACKGROUND
        return chosen


def parse_slices(text: str, option: str, study: CineStudy) -> frozenset[int]:
    """Indices (from 0, standard axes) of slice numbers such as "1,2,10-12".

    They number the slices of the study's file from 1, as the pictures do. Raises `UsageError`, naming `option`, for anything
    else and for slices that are not there.
    """
    n_slices = study.geometry.shape_zyx[0]
    numbers: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash) and int(last or first) >= int(first)):
            raise UsageError(f"{option} is {text!r}; expected slice numbers such as 1,2,10-12; correct it")
        numbers |= {int(first), int(last or first)}
        if min(numbers) < 1 or max(numbers) > n_slices:
            raise UsageError(f"{option} is {text!r}; expected slices from 1 to {n_slices}, as the pictures number them")
        numbers |= set(range(int(first), int(last or first) + 1))
    return frozenset(_other_count(number - 1, study) for number in numbers)


def numbers_text(indices: frozenset[int], study: CineStudy) -> str:
    """Indices (from 0, standard axes) as the numbers that `parse_slices` reads, in rising order."""
    return ", ".join(str(number) for number in stored_numbers(indices, study))


def stored_numbers(indices: frozenset[int], study: CineStudy) -> list[int]:
    """Numbers of slices in the study's file, from 1, in rising order."""
    return sorted(_other_count(index, study) + 1 for index in indices)


def _other_count(index: int, study: CineStudy) -> int:
    """From an index in standard axes to that in the file, and back."""
    return study.geometry.shape_zyx[0] - 1 - index if study.stored.order.flips[2] else index
