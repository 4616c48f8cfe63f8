"""Building blocks of the network: a U-shaped encoder and decoder with BatchNorm, in two dimensions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from CardiacMTLLib.labels import STRUCTURES

_LEAST_WEIGHT = 1e-4
"""Added to the weight of a structure over all slices: a structure that is hardly there gives features near 0."""

_MOST_SD = 5.0
"""Limit of a standardised input, so that strange images cannot push the embedding without bound."""


class ConvBlock(nn.Sequential):
    """Two 3 x 3 convolutions, each with BatchNorm (which folds into it at inference) and ReLU."""

    def __init__(self, n_in: int, n_out: int) -> None:
        layers: list[nn.Module] = []
        for n in (n_in, n_out):
            layers += [nn.Conv2d(n, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class Encoder(nn.Module):
    """(n, 1, y, x) -> feature maps of each level, finest first; level i is patch_size * 2**i times coarser than the images.

    The samples of each patch enter as channels (space to depth: Shi et al., CVPR 2016, arXiv 1609.05158, the other way round),
    so that nothing is computed, and limited by memory, at the images' own resolution.
    """

    def __init__(self, channels: Sequence[int], patch_size: int = 1) -> None:
        super().__init__()
        self.patch_size = patch_size
        widths = (patch_size**2, *channels)
        self.levels = nn.ModuleList(ConvBlock(a, b) for a, b in pairwise(widths))
        self.pool = nn.MaxPool2d(2)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps of all levels."""
        patches = F.pixel_unshuffle(images, self.patch_size)
        maps: list[Tensor] = []
        for level in self.levels:
            maps.append(level(self.pool(maps[-1]) if maps else patches))
        return maps


class Decoder(nn.Module):
    """Feature maps of an `Encoder` of the same `patch_size` -> (n, n_out, y, x) logits on the grid of the images."""

    def __init__(self, channels: Sequence[int], n_out: int, patch_size: int = 1) -> None:
        super().__init__()
        self.patch_size = patch_size
        pairs = list(pairwise(channels))[::-1]
        self.ups = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.blocks = nn.ModuleList(ConvBlock(2 * fine, fine) for fine, _ in pairs)
        self.out = nn.Conv2d(channels[0], n_out * patch_size**2, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Logits on the grid of the images."""
        return self.logits(self.decoded(maps)[0])

    def decoded(self, maps: list[Tensor]) -> list[Tensor]:
        """The decoder's own feature maps, one a level but the coarsest, finest first."""
        x, found = maps[-1], []
        for up, block, skip in zip(self.ups, self.blocks, reversed(maps[:-1]), strict=True):
            x = block(torch.cat((up(x), skip), dim=1))
            found.append(x)
        return found[::-1]

    def logits(self, finest: Tensor) -> Tensor:
        """The finest of the decoded maps -> logits on the grid of the images."""
        logits: Tensor = F.pixel_shuffle(self.out(finest), self.patch_size)
        return logits


def structure_means(probabilities: Tensor, maps: Sequence[Tensor]) -> Tensor:
    """Feature maps averaged over each slice, weighted by the share of each structure in a place.

    `probabilities` (n, structure, y, x); `maps` of coarser levels, each (n, channels, y, x). Returns (n, structure, all
    channels + 1); the last entry is the mean of the weights, by which the others become means within the structure.
    """
    parts = []
    for values in maps:
        weights = F.adaptive_avg_pool2d(probabilities, (values.shape[-2], values.shape[-1]))
        parts.append(torch.einsum("nchw,nshw->nsc", values.float(), weights) / weights[0, 0].numel())
    return torch.cat((*parts, probabilities.mean(dim=(-2, -1))[..., None]), dim=-1)


class StudyEmbedding(nn.Module):
    """What the encoder sees within each structure at ED and at ES, over all slices -> one embedding.

    The masks say where to look, in place of an attention that would have to learn it from few patients; the inputs are
    standardised by their spread over the training patients.
    """

    mean: Tensor
    sd: Tensor

    def __init__(self, n_channels: int, size: int, dropout: float) -> None:
        super().__init__()
        shape = (2, len(STRUCTURES), n_channels)
        self.register_buffer("mean", torch.zeros(shape))
        self.register_buffer("sd", torch.ones(shape))
        self.project = nn.Sequential(nn.Linear(math.prod(shape), size), nn.ReLU())
        self.dropout = nn.Dropout(dropout)

    def within(self, slices: Tensor) -> Tensor:
        """(phase=2, z, structure, channel + 1) of `structure_means` -> (phase=2, structure, channel) means over the study."""
        total = slices.sum(dim=1)
        return total[..., :-1] / (total[..., -1:] + _LEAST_WEIGHT)

    def forward(self, slices: Tensor) -> Tensor:
        """(phase=2, z, structure, channel + 1) of `structure_means` -> (size,)."""
        standard = ((self.within(slices) - self.mean) / self.sd).clamp(-_MOST_SD, _MOST_SD)
        embedding: Tensor = self.dropout(self.project(standard.flatten()))
        return embedding
