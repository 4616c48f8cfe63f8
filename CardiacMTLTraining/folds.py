"""Which patients are kept out, and how the others are split."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.labels import Group
from CardiacMTLTraining.cache import CachedCase

TWINS = {"patient076": "patient074"}
"""ACDC's patients 074 and 076 have the same images under two masks: they stay in one fold."""

OF_THE_TEST_SET = {
    "patient055": (
        "in ACDC its images are those of a patient of the challenge's test set, voxel for voxel; expected none of these in "
        "training; rename the folder if this is another patient"
    )
}
"""Patients of ACDC's training set that must not be trained on, and why: figures on its test set would not be held out."""


@dataclass(frozen=True, slots=True)
class HoldOut:
    """The patients whose number leaves `remainder` when divided by `divisor`; of twins the first's number decides."""

    remainder: int
    divisor: int

    @classmethod
    def parse(cls, text: str) -> HoldOut:
        """From '3/5': the numbers that leave 3 when divided by 5; raises `UsageError` for anything else."""
        match = re.fullmatch(r"(\d+)/(\d+)", text)
        if not match or int(match[1]) >= int(match[2]):
            raise UsageError(f"hold-out rule is {text!r}; expected REMAINDER/DIVISOR such as 3/5")
        return cls(int(match[1]), int(match[2]))

    def keeps_out(self, name: str) -> bool:
        """Whether the patient is kept out; a name without a number never is."""
        match = re.search(r"(\d+)$", TWINS.get(name, name))
        return match is not None and int(match[1]) % self.divisor == self.remainder

    def __str__(self) -> str:
        return f"{self.remainder}/{self.divisor}"


def stratified_folds(cases: Sequence[CachedCase], n_folds: int, seed: int) -> dict[str, int]:
    """A fold for each case by name, groups spread evenly, twins together."""
    generator = np.random.default_rng(seed)
    folds: dict[str, int] = {}
    start = 0
    for group in sorted({str(case.group) for case in cases}):
        names = [case.name for case in cases if str(case.group) == group and case.name not in TWINS]
        generator.shuffle(names)
        folds |= {name: (start + i) % n_folds for i, name in enumerate(names)}
        start += len(names)
    present = {case.name for case in cases}
    for twin, other in TWINS.items():
        if twin in present:
            folds[twin] = folds.get(other, 0)
    return folds


def check_groups(cases: Sequence[CachedCase], what: str = "the training patients") -> None:
    """Raise `InputError` where a group is missing among `cases`, before hours are spent on them."""
    there = {case.group for case in cases}
    if missing := [group for group in Group if group not in there]:
        raise InputError(
            f"{what} ({len(cases)}) lack {', '.join(missing)}; expected patients of all five groups; "
            "prepare more, or keep fewer out"
        )
