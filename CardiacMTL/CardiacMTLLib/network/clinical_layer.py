"""The differentiable clinical layer: soft masks of a study -> the features of `diagnosis.features`.

It serves training. After inference the same features are computed from the final masks (`measure.features`); on masks of
zeros and ones both agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from CardiacMTLLib.diagnosis.features import FEATURES, LOW_SHARE, MIN_SECTOR_THICKNESS_MM, MIN_WALL_SLICE_MM2, WALL_SECTORS
from CardiacMTLLib.labels import Label
from CardiacMTLLib.measure.constants import MYOCARDIAL_DENSITY_G_PER_ML

_TINY = 1e-3
_LEAST_MM = 0.5
_LEAST_ML = 1.0
"""Least divisor of a ratio of volumes: what a mask says below it means nothing, and its gradient is bounded."""


@dataclass(frozen=True, slots=True)
class StudyScale:
    """Sizes that turn voxel counts into millilitres and millimetres.

    `size_divisor` is the body surface area in square metres for indexed features, 1 for unindexed ones.
    """

    spacing_mm: float
    slice_distance_mm: float
    size_divisor: float = 1.0


def clinical_features(probabilities: Tensor, scale: StudyScale) -> Tensor:
    """(phase=2, z, label=4, y, x) soft masks, ED first -> (24,) features in the order of `FEATURES`.

    Differentiable in the probabilities; the choice of slices and sectors for wall thickness is not part of the gradient.
    An empty structure gives finite values that mean nothing; the final features say None instead.
    """
    voxel_ml = scale.spacing_mm**2 * scale.slice_distance_mm / 1000.0
    ml = probabilities.sum(dim=(1, 3, 4)) * voxel_ml
    lv, rv = ml[:, Label.LV], ml[:, Label.RV]
    mass = ml[0, Label.MYOCARDIUM] * MYOCARDIAL_DENSITY_G_PER_ML
    walls = [_sector_wall(phase, scale.spacing_mm) for phase in probabilities]
    by_name = {
        "lv_edv": lv[0],
        "lv_esv": lv[1],
        "lv_ef": 100 * (lv[0] - lv[1]) / lv[0].clamp_min(_LEAST_ML),
        "rv_edv": rv[0],
        "rv_esv": rv[1],
        "rv_ef": 100 * (rv[0] - rv[1]) / rv[0].clamp_min(_LEAST_ML),
        "lv_mass": mass,
        "lv_to_rv_edv": lv[0] / rv[0].clamp_min(_LEAST_ML),
        "rv_to_lv_esv": rv[1] / lv[1].clamp_min(_LEAST_ML),
        "mass_to_lv_edv": mass / lv[0].clamp_min(_LEAST_ML),
    }
    for wall, name in zip(walls, ("ed", "es"), strict=True):
        mean, top, sd_mean, sd_max, between = _wall_summary(wall)
        by_name |= {f"wall_mean_{name}": mean, f"wall_max_{name}": top, f"wall_sd_mean_{name}": sd_mean}
        by_name |= {f"wall_sd_max_{name}": sd_max, f"wall_between_{name}": between}
    by_name |= _wall_motion(*walls)
    return torch.stack([by_name[f.name] / (scale.size_divisor if f.by_size else 1.0) for f in FEATURES])


class SectorWall(NamedTuple):
    """Inner radius and wall thickness in mm (z, sector), which slices are used (z,), and each slice's lesser area (z,)."""

    radius: Tensor
    thickness: Tensor
    used: Tensor
    area_mm2: Tensor


def sector_radii(cavity: Tensor, myocardium: Tensor, spacing_mm: float) -> tuple[Tensor, Tensor]:
    """(z, y, x) soft masks -> inner and outer radius in mm, each (z, sector), of equal angles about the cavity's centroid.

    The radii are those of circular sectors as large as the cavity's, and the cavity's and wall's together.
    """
    n, height, width = cavity.shape
    with torch.no_grad():
        y = torch.arange(height, device=cavity.device, dtype=torch.float32)
        x = torch.arange(width, device=cavity.device, dtype=torch.float32)
        total = cavity.sum(dim=(1, 2)).clamp_min(_TINY)
        centre_y = (cavity.sum(dim=2) * y).sum(dim=1) / total
        centre_x = (cavity.sum(dim=1) * x).sum(dim=1) / total
        angle = torch.atan2(y[None, :, None] - centre_y[:, None, None], x[None, None, :] - centre_x[:, None, None])
        sector = ((angle / (2 * math.pi) + 0.5) * WALL_SECTORS).long().clamp_(0, WALL_SECTORS - 1).flatten(1)
    areas = []
    for mask in (cavity, cavity + myocardium):
        sums = torch.zeros(n, WALL_SECTORS, device=mask.device).scatter_add(1, sector, mask.float().flatten(1))
        areas.append(sums * spacing_mm**2)
    inner, outer = (torch.sqrt(2 * area / (2 * math.pi / WALL_SECTORS) + _TINY) for area in areas)
    return inner, outer


def _sector_wall(phase: Tensor, spacing_mm: float) -> SectorWall:
    """Wall of one phase (z, label, y, x); no slice is used where none shows a closed wall."""
    cavity, myocardium = phase[:, Label.LV].float(), phase[:, Label.MYOCARDIUM].float()
    inner, outer = sector_radii(cavity, myocardium, spacing_mm)
    with torch.no_grad():
        area = (spacing_mm**2 * torch.stack((cavity.sum(dim=(1, 2)), myocardium.sum(dim=(1, 2))))).amin(dim=0)
        used = (area >= MIN_WALL_SLICE_MM2) & ((outer - inner).amin(dim=1) >= MIN_SECTOR_THICKNESS_MM)
    return SectorWall(inner, outer - inner, used, area)


def _wall_summary(wall: SectorWall) -> tuple[Tensor, ...]:
    """Mean and maximum of slice means, mean and maximum of slice SDs, SD of slice means."""
    slices = wall.thickness[_used_or_largest(wall.used, wall.area_mm2)]
    mean, sd = slices.mean(dim=1), _sd(slices)
    return mean.mean(), mean.amax(), sd.mean(), sd.amax(), _sd(mean)


def _wall_motion(ed: SectorWall, es: SectorWall) -> dict[str, Tensor]:
    """The features of `measure.wall.WallMotion`."""
    used = _used_or_largest(ed.used & es.used, torch.minimum(ed.area_mm2, es.area_mm2))
    excursion = 1 - es.radius[used] / ed.radius[used].clamp_min(_LEAST_MM)
    thickening = es.thickness[used] / ed.thickness[used].clamp_min(_LEAST_MM) - 1
    return {
        "excursion_mean": excursion.mean(),
        "excursion_sd": _sd(excursion).mean(),
        "excursion_low": torch.quantile(excursion.flatten(), LOW_SHARE),
        "thickening_sd": _sd(thickening).mean(),
    }


def _used_or_largest(used: Tensor, area_mm2: Tensor) -> Tensor:
    return used if used.any() else area_mm2 == area_mm2.max()


def _sd(values: Tensor) -> Tensor:
    """SD over the last dimension, with a gradient where all values are alike."""
    return (values.var(dim=-1, correction=0) + _TINY**2).sqrt()
