"""Building blocks of the network: a U-shaped encoder and decoder with BatchNorm, in two dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class ConvBlock(nn.Sequential):
    """Two 3 x 3 convolutions, each with BatchNorm (which folds into it at inference) and ReLU."""

    def __init__(self, n_in: int, n_out: int) -> None:
        layers: list[nn.Module] = []
        for n in (n_in, n_out):
            layers += [nn.Conv2d(n, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class Encoder(nn.Module):
    """(n, 1, y, x) -> feature maps of each level, finest first; level i is 2**i times coarser."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        widths = (1, *channels)
        self.levels = nn.ModuleList(ConvBlock(a, b) for a, b in pairwise(widths))
        self.pool = nn.MaxPool2d(2)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps of all levels."""
        maps: list[Tensor] = []
        for level in self.levels:
            maps.append(level(self.pool(maps[-1]) if maps else images))
        return maps


class Decoder(nn.Module):
    """Feature maps of an `Encoder` -> (n, n_out, y, x) logits at the finest level."""

    def __init__(self, channels: Sequence[int], n_out: int) -> None:
        super().__init__()
        pairs = list(pairwise(channels))[::-1]
        self.ups = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for fine, coarse in pairs)
        self.blocks = nn.ModuleList(ConvBlock(2 * fine, fine) for fine, _ in pairs)
        self.out = nn.Conv2d(channels[0], n_out, 1)

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Logits on the grid of the finest map."""
        x = maps[-1]
        for up, block, skip in zip(self.ups, self.blocks, reversed(maps[:-1]), strict=True):
            x = block(torch.cat((up(x), skip), dim=1))
        logits: Tensor = self.out(x)
        return logits


class StudyEmbedding(nn.Module):
    """Bottleneck vectors of a study's slices -> one embedding, by gated attention over the slices of each phase.

    Gated attention pooling: Ilse et al., ICML 2018, arXiv 1802.04712.
    """

    def __init__(self, n_channels: int, size: int, dropout: float) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.LayerNorm(n_channels), nn.Linear(n_channels, size), nn.ReLU())
        self.gate_value = nn.Linear(size, size)
        self.gate = nn.Linear(size, size)
        self.score = nn.Linear(size, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, vectors: Tensor) -> Tensor:
        """(phase=2, z, channel) -> (2 * size,)."""
        slices = self.project(vectors)
        scores = self.score(torch.tanh(self.gate_value(slices)) * torch.sigmoid(self.gate(slices)))
        pooled = (torch.softmax(scores, dim=1) * slices).sum(dim=1)
        embedding: Tensor = self.dropout(pooled.flatten())
        return embedding
