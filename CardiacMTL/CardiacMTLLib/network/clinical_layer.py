"""The differentiable clinical layer: soft masks of a study -> the features of `diagnosis.features`.

It serves training. After inference the same features are computed from the final masks (`measure.features`); on masks of
zeros and ones both agree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from CardiacMTLLib.diagnosis.features import FEATURES, MIN_SECTOR_THICKNESS_MM, MIN_WALL_SLICE_MM2, WALL_SECTORS
from CardiacMTLLib.labels import Label
from CardiacMTLLib.measure.constants import MYOCARDIAL_DENSITY_G_PER_ML

_TINY = 1e-3
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
    """(phase=2, z, label=4, y, x) soft masks, ED first -> (19,) features in the order of `FEATURES`.

    Differentiable in the probabilities; the choice of slices and sectors for wall thickness is not part of the gradient.
    An empty structure gives finite values that mean nothing; the final features say None instead.
    """
    voxel_ml = scale.spacing_mm**2 * scale.slice_distance_mm / 1000.0
    ml = probabilities.sum(dim=(1, 3, 4)) * voxel_ml
    lv, rv = ml[:, Label.LV], ml[:, Label.RV]
    mass = ml[0, Label.MYOCARDIUM] * MYOCARDIAL_DENSITY_G_PER_ML
    wall = [_wall_summary(phase, scale.spacing_mm) for phase in probabilities]
    by_name = {
        "lv_edv": lv[0],
        "lv_esv": lv[1],
        "lv_ef": 100 * (lv[0] - lv[1]) / lv[0].clamp_min(_LEAST_ML),
        "rv_edv": rv[0],
        "rv_esv": rv[1],
        "rv_ef": 100 * (rv[0] - rv[1]) / rv[0].clamp_min(_LEAST_ML),
        "lv_mass": mass,
        "lv_to_rv_edv": lv[0] / rv[0].clamp_min(_LEAST_ML),
        "mass_to_lv_edv": mass / lv[0].clamp_min(_LEAST_ML),
    }
    for (mean, top, sd_mean, sd_max, between), name in zip(wall, ("ed", "es"), strict=True):
        by_name |= {f"wall_mean_{name}": mean, f"wall_max_{name}": top, f"wall_sd_mean_{name}": sd_mean}
        by_name |= {f"wall_sd_max_{name}": sd_max, f"wall_between_{name}": between}
    return torch.stack([by_name[f.name] / (scale.size_divisor if f.by_size else 1.0) for f in FEATURES])


def sector_thickness(cavity: Tensor, myocardium: Tensor, spacing_mm: float) -> Tensor:
    """(z, y, x) soft masks -> (z, sector) wall thickness in mm, in sectors of equal angle about the cavity's centroid.

    The thickness is sector area over arc length, taken as the difference of the radii of equal-area circular sectors.
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
    return outer - inner


def _wall_summary(phase: Tensor, spacing_mm: float) -> tuple[Tensor, ...]:
    """(z, label, y, x) -> mean and maximum of slice means, mean and maximum of slice SDs, SD of slice means."""
    cavity, myocardium = phase[:, Label.LV].float(), phase[:, Label.MYOCARDIUM].float()
    thickness = sector_thickness(cavity, myocardium, spacing_mm)
    with torch.no_grad():
        area = spacing_mm**2 * torch.stack((cavity.sum(dim=(1, 2)), myocardium.sum(dim=(1, 2))))
        used = (area.amin(dim=0) >= MIN_WALL_SLICE_MM2) & (thickness.amin(dim=1) >= MIN_SECTOR_THICKNESS_MM)
        if not used.any():
            used = area.amin(dim=0) == area.amin(dim=0).max()
    slices = thickness[used]
    mean, sd = slices.mean(dim=1), (slices.var(dim=1, correction=0) + _TINY**2).sqrt()
    between = (mean.var(correction=0) + _TINY**2).sqrt()
    return mean.mean(), mean.amax(), sd.mean(), sd.amax(), between
