"""The fixed set of changes: what other scanners may do to the images, stated beforehand, each with its limits.

Masks are compared on the grid of the changed images: the experts' masks are turned, thinned out or resampled with them.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.volume import CineStudy, Mask
from CardiacMTLTraining.stress.grids import (
    coarser,
    coarser_mask,
    every_second_slice,
    every_second_slice_mask,
    turned,
    turned_mask,
)
from CardiacMTLTraining.stress.intensity import biased, gamma_changed, noisy, stretched

MAX_LABELS_CHANGED = 0.05
"""Largest share of patients whose label a change may alter."""

PIXEL_MM = 2.2


@dataclass(frozen=True, slots=True)
class Change:
    """One change in words, of a study with a source of randomness, and of a (z, y, x) mask on the study's geometry.

    Neither mutates what it is given. `max_fall` is the largest fall of mean Dice that is within the limits.
    """

    words: str
    study: Callable[[CineStudy, np.random.Generator], CineStudy]
    mask: Callable[[Mask, Geometry], Mask] = lambda mask, _: mask
    max_fall: float = 0.02


def _turn(quarters: int) -> Change:
    return Change(
        f"turned by {90 * quarters} degrees",
        lambda study, _: turned(study, quarters),
        lambda mask, _: turned_mask(mask, quarters),
    )


CHANGES: Mapping[str, Change] = {
    "gamma_0.6": Change("gamma 0.6", lambda study, _: gamma_changed(study, 0.6)),
    "gamma_1.6": Change("gamma 1.6", lambda study, _: gamma_changed(study, 1.6)),
    "bias_field": Change("bias field of ±40 %", lambda study, generator: biased(study, 0.4, generator)),
    "noise": Change("noise of 8 % of the 99th percentile", lambda study, generator: noisy(study, 0.08, generator)),
    "coarse_pixels": Change(
        f"pixels of {PIXEL_MM} mm", lambda study, _: coarser(study, PIXEL_MM), partial(coarser_mask, pixel_mm=PIXEL_MM)
    ),
    "slice_distance": Change(
        "slices twice as far apart",
        lambda study, _: every_second_slice(study),
        lambda mask, _: every_second_slice_mask(mask),
        max_fall=0.04,
    ),
    "contrast": Change("contrast stretched by 1.5", lambda study, _: stretched(study, 1.5)),
    "turn_90": _turn(1),
    "turn_180": _turn(2),
    "turn_270": _turn(3),
}
"""All changes by name; each is made alone."""


def generator_of(patient: str, change: str) -> np.random.Generator:
    """The source of randomness of one change of one patient, the same each time."""
    return np.random.default_rng(zlib.crc32(f"{patient} {change}".encode()))


def chosen_changes(text: str | None) -> tuple[str, ...]:
    """The names in a list such as 'noise,contrast', or all for None; raises `UsageError` for one that is not known."""
    names = tuple(CHANGES) if text is None else tuple(part.strip() for part in text.split(","))
    for name in names:
        if name not in CHANGES:
            raise UsageError(f"--only names the change {name!r}; expected some of {', '.join(CHANGES)}; correct it")
    return tuple(name for name in CHANGES if name in names)
