"""Training batches: single slices for segmentation and the locator, whole studies for the joint stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.preprocess.intensity import IntensityScale
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLTraining.augment import (
    AugmentationConfiguration,
    Placement,
    change_intensity,
    elastic_field,
    plain_placement,
    random_placement,
    sample,
)
from CardiacMTLTraining.cache import CachedCase

_FEWEST_TO_DROP, _FEWEST_TO_THIN = 6, 8
"""Fewest slices of a study from which some are dropped, or every second one."""


@dataclass(frozen=True, slots=True, eq=False)
class SliceBatch:
    """`images` (n, 1, y, x) float32 and `labels` (n, y, x) int64 on the network's window; `zoom` (n,) as in `Placement`.

    `slice_step` is by how much the distance of slices has grown, for a study of which only some were kept.
    """

    images: Tensor
    labels: Tensor
    zoom: Tensor
    slice_step: int = 1


class SlicePool:
    """All slices of all cases, in memory as bytes, drawn at random."""

    def __init__(self, cases: Sequence[CachedCase], size: int, spacing_mm: float) -> None:
        self.size, self.spacing_mm = size, spacing_mm
        self.source_spacing_mm = cases[0].scale.spacing_mm
        per_case = [case.images.shape[0] * case.images.shape[1] for case in cases]
        self.images = torch.from_numpy(np.concatenate([case.images.reshape(-1, *case.images.shape[2:]) for case in cases]))
        self.masks = torch.from_numpy(np.concatenate([case.masks.reshape(-1, *case.masks.shape[2:]) for case in cases]))
        limits = [np.repeat(np.array([case.low, case.high]), case.images.shape[1], axis=1) for case in cases]
        self.low, self.high = torch.from_numpy(np.concatenate(limits, axis=1)).float()
        centres = [np.repeat([case.heart_xy], n, axis=0) for case, n in zip(cases, per_case, strict=True)]
        self.centres = torch.from_numpy(np.concatenate(centres)).float()
        starts = np.concatenate([[0], np.cumsum(per_case)])
        self.rows = {case.name: range(starts[i], starts[i + 1]) for i, case in enumerate(cases)}

    def draw(
        self, n: int, config: AugmentationConfiguration, generator: torch.Generator, *, size: int | None = None
    ) -> SliceBatch:
        """`n` slices, each from anywhere, augmented on their own, in windows of `size` samples (default: the network's)."""
        size = size or self.size
        rows = torch.randint(len(self.images), (n,), generator=generator)
        placement = random_placement(self.centres[rows], self.source_spacing_mm, config, generator, shared=False)
        displacement = elastic_field(n, size, config, generator)
        batch = self._window(rows, placement, size, displacement)
        return SliceBatch(change_intensity(batch.images, config, generator, shared=False), batch.labels, batch.zoom)

    def study(self, name: str, config: AugmentationConfiguration | None, generator: torch.Generator) -> SliceBatch:
        """The slices of one study (phase after phase), turned and changed together.

        All of them and unchanged where `config` is None; otherwise the first or the last may be missing, or every second.
        """
        rows = torch.tensor(self.rows[name])
        step = 1
        if config is not None:
            rows, step = _kept(rows, config, generator)
        centres = self.centres[rows]
        if config is None:
            return self._window(rows, plain_placement(centres, self.source_spacing_mm), self.size, None)
        placement = random_placement(centres, self.source_spacing_mm, config, generator, shared=True)
        displacement = elastic_field(1, self.size, config, generator).expand(len(rows), -1, -1, -1)
        batch = self._window(rows, placement, self.size, displacement)
        images = change_intensity(batch.images, config, generator, shared=True)
        return SliceBatch(images, batch.labels, batch.zoom, step)

    def _window(self, rows: Tensor, placement: Placement, size: int, displacement_mm: Tensor | None) -> SliceBatch:
        low, high = (limit[rows, None, None, None] for limit in (self.low, self.high))
        sources = low + self.images[rows, None].float() * ((high - low) / 255)
        images = sample(sources, placement, size, self.spacing_mm, displacement_mm, nearest=False)
        masks = self.masks[rows, None].float()
        labels = sample(masks, placement, size, self.spacing_mm, displacement_mm, nearest=True)[:, 0].round().long()
        return SliceBatch(images, labels, placement.zoom)


def _kept(rows: Tensor, config: AugmentationConfiguration, generator: torch.Generator) -> tuple[Tensor, int]:
    """Which of the 2 * z slices of a study stay, the same ones at both phases, and the step between them."""
    both = rows.view(2, -1)
    first, last, thin = torch.rand(3, generator=generator).tolist()
    n_slices = both.shape[1]
    if n_slices >= _FEWEST_TO_DROP:
        begin, end = int(first < config.drop_probability), n_slices - int(last < config.drop_probability)
        both = both[:, begin:end]
    step = 2 if n_slices >= _FEWEST_TO_THIN and thin < config.thin_probability else 1
    return both[:, ::step].flatten(), step


class LocatorPool:
    """All slices on the locator's coarse grid, and how much of each sample is heart."""

    def __init__(self, cases: Sequence[CachedCase], size: int, spacing_mm: float) -> None:
        self.size, self.spacing_mm = size, spacing_mm
        images, hearts = [], []
        for case in cases:
            fine = case.scale.spacing_mm
            geometry = Geometry((*reversed(case.images.shape[2:]), 1), (fine, fine, 1.0))
            to_y, to_x = Window(centre_of(geometry), size, spacing_mm).sample_matrices(geometry)
            for phase in range(2):
                intensities = case.images[phase].astype(np.float32)
                coarse = to_y @ intensities @ to_x.T
                images.append(IntensityScale.of(coarse).apply(coarse))
                hearts.append(to_y @ (case.masks[phase] > 0).astype(np.float32) @ to_x.T)
        self.images = torch.from_numpy(np.concatenate(images))
        self.hearts = torch.from_numpy(np.concatenate(hearts))

    def draw(self, n: int, config: AugmentationConfiguration, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """(n, 1, y, x) images and (n, y, x) heart fractions, augmented; the heart may lie far off the centre."""
        rows = torch.randint(len(self.images), (n,), generator=generator)
        centres = torch.full((n, 2), (self.size - 1) / 2) + (torch.rand(n, 2, generator=generator) * 2 - 1) * 12
        placement = random_placement(centres, self.spacing_mm, config, generator, shared=False)
        images = sample(self.images[rows, None], placement, self.size, self.spacing_mm, None, nearest=False)
        hearts = sample(self.hearts[rows, None], placement, self.size, self.spacing_mm, None, nearest=False)[:, 0]
        return change_intensity(images, config, generator, shared=False), hearts
