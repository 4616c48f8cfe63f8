"""`Studies`: the cached patients in memory, and the batches that networks of both arms are shown.

Windows are placed by the images alone: where ED and ES differ, the heart is. The expert masks serve the segmentation loss only.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLTraining.augment import Placement, change_intensity, plain_placement, sample
from CardiacMTLTraining.cache import CachedCase
from CardiacMTLTraining.reproduction.configuration import ReproductionConfiguration

_SPREAD_MM = 50.0
_PASSES = 4


class StudyBatch(NamedTuple):
    """`images` (study * phase * slice, 1, y, x) float32; `labels` (the same, y, x) int64 or None; `groups` (study,) int64."""

    images: Tensor
    labels: Tensor | None
    groups: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """One patient: `images` uint8 and `masks` uint8 (phase=2, z, y, x), `scale` and `offset` (phase=2) to mean 0 and SD 1."""

    name: str
    images: Tensor
    masks: Tensor
    scale: Tensor
    offset: Tensor
    centre_xy: Tensor
    spacing_mm: float
    group: Group


class Studies:
    """The patients of one experiment, in the order of the cache."""

    def __init__(self, cases: Sequence[CachedCase], config: ReproductionConfiguration) -> None:
        self.config = config
        self.studies = [_study(case, config) for case in cases]
        self.sha256 = hashlib.sha256("".join(f"{case.name} {case.source_sha256}\n" for case in cases).encode()).hexdigest()

    def draw(self, chosen: Sequence[int], generator: torch.Generator, *, with_labels: bool) -> StudyBatch:
        """The chosen studies, each at random slices, turned and changed as one; labels take no random number."""
        parts = [self._draw_one(self.studies[index], generator, with_labels=with_labels) for index in chosen]
        return self._batch(chosen, parts)

    def plain(self, chosen: Sequence[int]) -> StudyBatch:
        """The chosen studies unchanged, at evenly spread slices, without labels."""
        wanted = self.config.slices_per_phase
        parts = []
        for index in chosen:
            study = self.studies[index]
            slices = _slices(study, (torch.arange(wanted) + 0.5) / wanted)
            parts.append(self._windows(study, slices, self._plain_placement(study, 2 * wanted), with_labels=False))
        return self._batch(chosen, parts)

    def whole(self, index: int) -> StudyBatch:
        """All slices of one study, unchanged, with labels."""
        study = self.studies[index]
        slices = torch.arange(study.images.shape[1])
        placement = self._plain_placement(study, 2 * len(slices))
        return self._batch([index], [self._windows(study, slices, placement, with_labels=True)])

    def _draw_one(self, study: Study, generator: torch.Generator, *, with_labels: bool) -> tuple[Tensor, Tensor | None]:
        wanted = self.config.slices_per_phase
        places = (torch.arange(wanted) + torch.rand(wanted, generator=generator)) / wanted
        centres = study.centre_xy.expand(2 * wanted, 2)
        placement = _random_placement(centres, study.spacing_mm, self.config, generator)
        images, labels = self._windows(study, _slices(study, places), placement, with_labels=with_labels)
        return change_intensity(images, self.config.augmentation, generator, shared=True), labels

    def _windows(
        self, study: Study, slices: Tensor, placement: Placement, *, with_labels: bool
    ) -> tuple[Tensor, Tensor | None]:
        size, spacing_mm = self.config.window_size, self.config.window_spacing_mm
        scale, offset = (values.view(2, 1, 1, 1) for values in (study.scale, study.offset))
        sources = (study.images[:, slices] * scale + offset).flatten(0, 1)[:, None]
        images = sample(sources, placement, size, spacing_mm, None, nearest=False)
        if not with_labels:
            return images, None
        masks = study.masks[:, slices].flatten(0, 1)[:, None].float()
        return images, sample(masks, placement, size, spacing_mm, None, nearest=True)[:, 0].round().long()

    def _plain_placement(self, study: Study, n: int) -> Placement:
        return plain_placement(study.centre_xy.expand(n, 2), study.spacing_mm)

    def _batch(self, chosen: Sequence[int], parts: Sequence[tuple[Tensor, Tensor | None]]) -> StudyBatch:
        labels = [part for _, part in parts if part is not None]
        groups = torch.tensor([list(Group).index(self.studies[index].group) for index in chosen])
        return StudyBatch(torch.cat([images for images, _ in parts]), torch.cat(labels) if labels else None, groups)


def moving_centre(images: NDArray[np.float32], spacing_mm: float) -> tuple[float, float]:
    """(x, y) in samples of what moves between ED and ES in (phase=2, z, y, x) images; the middle where nothing does.

    The mean absolute difference over the slices, squared, has its centroid taken four times under a Gaussian window of SD
    50 mm about the last centroid, beginning in the middle. On ACDC it lies 13 mm (median; at most 34 mm) from the centroid of
    the expert masks.
    """
    moving = np.abs(images[0] - images[1]).mean(axis=0) ** 2
    y, x = np.mgrid[: moving.shape[0], : moving.shape[1]]
    centre = ((moving.shape[1] - 1) / 2, (moving.shape[0] - 1) / 2)
    spread = 2 * (_SPREAD_MM / spacing_mm) ** 2
    for _ in range(_PASSES):
        weight = moving * np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / spread)
        total = float(weight.sum())
        if total <= 0:
            break
        centre = (float((weight * x).sum()) / total, float((weight * y).sum()) / total)
    return centre


def _random_placement(
    centres_xy: Tensor, source_spacing_mm: float, config: ReproductionConfiguration, generator: torch.Generator
) -> Placement:
    """One rotation within `rotation_degrees` each way, flip, zoom and shift for all slices of a study."""
    n = len(centres_xy)
    turn, zoom_step, shift_x, shift_y, flip = (torch.rand(5, generator=generator) * 2 - 1).tolist()
    angle, zoom = math.radians(turn * config.rotation_degrees), config.zoom**zoom_step
    cos, sin = math.cos(angle) / zoom, math.sin(angle) / zoom
    mirror = -1.0 if flip < 2 * config.flip_probability - 1 else 1.0
    matrix = torch.tensor([[cos * mirror, -sin], [sin * mirror, cos]]) / source_spacing_mm
    offset = centres_xy + torch.tensor([shift_x, shift_y]) * (config.shift_mm / source_spacing_mm)
    return Placement(torch.cat((matrix.expand(n, 2, 2), offset[:, :, None]), dim=2), torch.full((n,), zoom))


def _study(case: CachedCase, config: ReproductionConfiguration) -> Study:
    if case.group is None:
        raise InputError(f"{case.name} has no group; expected one of {', '.join(Group)}; leave this patient out of the cache")
    normalised = case.normalised()
    centre = torch.tensor(moving_centre(normalised, case.scale.spacing_mm), dtype=torch.float32)
    n_slices = normalised.shape[1]
    placement = plain_placement(centre.expand(2 * n_slices, 2), case.scale.spacing_mm)
    raw = torch.from_numpy(case.images)
    sources = raw.flatten(0, 1)[:, None].float()
    window = sample(sources, placement, config.window_size, config.window_spacing_mm, None, nearest=False)
    by_phase = window.view(2, -1)
    scale = 1 / by_phase.std(dim=1).clamp_min(1e-3)
    offset = -by_phase.mean(dim=1) * scale
    return Study(case.name, raw, torch.from_numpy(case.masks), scale, offset, centre, case.scale.spacing_mm, case.group)


def _slices(study: Study, places: Tensor) -> Tensor:
    """Slices at `places` between 0 (first) and 1 (behind the last)."""
    n_slices = study.images.shape[1]
    return (places * n_slices).long().clamp_max(n_slices - 1)
