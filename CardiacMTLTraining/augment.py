"""Augmentation of a batch of slices in plain torch: geometry first, then intensity.

Every function draws from the generator that it is given and works on normalised intensities (mean 0, SD 1 of a volume).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class AugmentationConfiguration:
    """Ranges of the random changes; a probability is that of a slice being changed at all.

    Of whole studies, `misalignment_mm` is the SD of each slice's own shift, as breath-holds differ; `drop_probability` that of
    losing the first slice, and that of losing the last; `thin_probability` that of keeping every second slice only, at twice
    the distance.
    """

    scale: float = 1.25
    shift_mm: float = 12.0
    misalignment_mm: float = 1.5
    drop_probability: float = 0.2
    thin_probability: float = 0.15
    elastic_mm: float = 4.0
    elastic_points: int = 6
    elastic_probability: float = 0.5
    gamma: float = 1.7
    gamma_probability: float = 0.5
    contrast: float = 1.3
    brightness: float = 0.25
    bias_field: float = 0.35
    bias_probability: float = 0.4
    blur_samples: float = 1.2
    blur_probability: float = 0.2
    coarse_factor: float = 2.0
    coarse_probability: float = 0.2
    noise_sd: float = 0.6
    noise_probability: float = 0.35


@dataclass(frozen=True, slots=True)
class Placement:
    """Where each output window lies in its source: (n, 2, 3) affine from output mm to source samples (x, y), and scales.

    `zoom` (n,) is the factor by which anatomy appears larger than it is; sizes must be divided by it to stay true.
    """

    affine: Tensor
    zoom: Tensor


def random_placement(
    centres_xy: Tensor, source_spacing_mm: float, config: AugmentationConfiguration, generator: torch.Generator, *, shared: bool
) -> Placement:
    """Random rotation over 360 degrees, flip, zoom and shift about `centres_xy` (n, 2) in source samples.

    `shared` gives all slices the same rotation, flip and zoom and a common shift plus a small one of their own, as the
    slices of one study have; otherwise each slice is on its own.
    """
    n = len(centres_xy)
    drawn = 1 if shared else n
    angle = torch.rand(drawn, generator=generator) * (2 * math.pi)
    flip = torch.where(torch.rand(drawn, generator=generator) < 0.5, -1.0, 1.0)
    zoom = torch.exp((torch.rand(drawn, generator=generator) * 2 - 1) * math.log(config.scale))
    shift = (torch.rand(drawn, 2, generator=generator) * 2 - 1) * config.shift_mm
    angle, flip, zoom = (value.expand(n) for value in (angle, flip, zoom))
    shift = shift.expand(n, 2)
    if shared:
        shift = shift + torch.randn(n, 2, generator=generator) * config.misalignment_mm
    cos, sin = torch.cos(angle) / zoom, torch.sin(angle) / zoom
    matrix = torch.stack((torch.stack((cos * flip, -sin), dim=1), torch.stack((sin * flip, cos), dim=1)), dim=1)
    offset = centres_xy + shift / source_spacing_mm
    return Placement(torch.cat((matrix / source_spacing_mm, offset[:, :, None]), dim=2), zoom)


def plain_placement(centres_xy: Tensor, source_spacing_mm: float) -> Placement:
    """Windows about `centres_xy`, unturned and unscaled."""
    n = len(centres_xy)
    matrix = torch.eye(2).expand(n, 2, 2) / source_spacing_mm
    return Placement(torch.cat((matrix, centres_xy[:, :, None]), dim=2), torch.ones(n))


def elastic_field(n: int, size: int, config: AugmentationConfiguration, generator: torch.Generator) -> Tensor:
    """(n, size, size, 2) smooth random displacements in mm, zero for the slices that are not drawn."""
    points = torch.randn(n, 2, config.elastic_points, config.elastic_points, generator=generator) * config.elastic_mm
    used = (torch.rand(n, generator=generator) < config.elastic_probability).float()
    field = F.interpolate(points * used[:, None, None, None], size=(size, size), mode="bicubic", align_corners=True)
    return field.permute(0, 2, 3, 1)


def sample(
    sources: Tensor, placement: Placement, size: int, spacing_mm: float, displacement_mm: Tensor | None, *, nearest: bool
) -> Tensor:
    """Sample (n, 1, y, x) sources into (n, 1, size, size) windows; outside a source its border value is repeated."""
    axis = (torch.arange(size) - (size - 1) / 2) * spacing_mm
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    grid_mm = torch.stack((x, y), dim=-1).expand(len(sources), size, size, 2)
    if displacement_mm is not None:
        grid_mm = grid_mm + displacement_mm
    positions = torch.einsum("nij,nyxj->nyxi", placement.affine[:, :, :2], grid_mm) + placement.affine[:, None, None, :, 2]
    extent = torch.tensor([sources.shape[-1] - 1, sources.shape[-2] - 1], dtype=torch.float32)
    return F.grid_sample(
        sources,
        positions / extent * 2 - 1,
        mode="nearest" if nearest else "bilinear",
        padding_mode="zeros" if nearest else "border",
        align_corners=True,
    )


def change_intensity(images: Tensor, config: AugmentationConfiguration, generator: torch.Generator, *, shared: bool) -> Tensor:
    """Random gamma, bias field, contrast, brightness, blur, coarseness and noise on (n, c, y, x); returns a new tensor.

    The c channels of one sample (a slice and its neighbours) are changed alike, but for the noise. `shared` draws gamma,
    contrast and bias once for all slices, as one scanner would, and the rest for each slice.
    """
    n = len(images)

    def uniform(low: float, high: float, *, common: bool = False) -> Tensor:
        drawn = torch.rand(1 if common else n, generator=generator) * (high - low) + low
        return drawn.expand(n)[:, None, None, None]

    def chosen(probability: float, *, common: bool = False) -> Tensor:
        return uniform(0, 1, common=common) < probability

    low, high = images.amin(dim=(1, 2, 3), keepdim=True), images.amax(dim=(1, 2, 3), keepdim=True)
    unit = (images - low) / (high - low + 1e-6)
    field = torch.randn(1 if shared else n, 1, 3, 3, generator=generator).expand(n, 1, 3, 3) * config.bias_field
    bias = torch.exp(F.interpolate(field, size=images.shape[-2:], mode="bicubic", align_corners=True))
    unit = torch.where(chosen(config.bias_probability, common=shared), unit * bias, unit)
    exponent = torch.exp(uniform(-1, 1, common=shared) * math.log(config.gamma))
    unit = torch.where(chosen(config.gamma_probability, common=shared), unit.clamp_min(1e-5) ** exponent, unit)
    mean, sd = images.mean(dim=(1, 2, 3), keepdim=True), images.std(dim=(1, 2, 3), keepdim=True)
    values = (unit - unit.mean(dim=(1, 2, 3), keepdim=True)) / (unit.std(dim=(1, 2, 3), keepdim=True) + 1e-6) * sd + mean
    contrast = torch.exp(uniform(-1, 1, common=shared) * math.log(config.contrast))
    values = values * contrast + uniform(-config.brightness, config.brightness, common=shared)
    values = _where_rows(values, chosen(config.blur_probability), lambda rows: _blur(rows, config.blur_samples, generator))
    values = _where_rows(
        values, chosen(config.coarse_probability), lambda rows: _coarsen(rows, config.coarse_factor, generator)
    )
    noise = torch.randn(values.shape, generator=generator) * uniform(0, config.noise_sd)
    return torch.where(chosen(config.noise_probability), values + noise, values)


def _where_rows(values: Tensor, chosen: Tensor, change) -> Tensor:  # type: ignore[no-untyped-def]
    rows = chosen.flatten().nonzero().flatten()
    return values.index_copy(0, rows, change(values[rows])) if len(rows) else values


def _blur(rows: Tensor, max_sigma: float, generator: torch.Generator) -> Tensor:
    sigma = 0.4 + float(torch.rand(1, generator=generator)) * (max_sigma - 0.4)
    offsets = torch.arange(-4, 5, dtype=torch.float32)
    kernel = torch.exp(-(offsets**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
    padded = F.pad(rows, (4, 4, 4, 4), mode="replicate").flatten(0, 1)[:, None]
    blurred = F.conv2d(F.conv2d(padded, kernel), kernel.transpose(2, 3))
    return blurred.view(rows.shape)


def _coarsen(rows: Tensor, max_factor: float, generator: torch.Generator) -> Tensor:
    size = rows.shape[-1]
    factor = 1.2 + float(torch.rand(1, generator=generator)) * (max_factor - 1.2)
    small = F.interpolate(rows, size=(round(size / factor),) * 2, mode="area")
    return F.interpolate(small, size=(size, size), mode="bilinear", align_corners=False)
