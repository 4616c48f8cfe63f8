"""The re-implemented network: a shared 2D encoder, a decoder for masks, and a diagnosis from the images end to end.

The paper (Snaauw et al., ISBI 2019, arXiv 1810.10117) has one encoder for ED and ES, a segmentation decoder and a diagnosis
branch. Depth, widths and the pooling into a study are this project's choices. There is no clinical layer and no measured
feature: all that the diagnosis knows comes through the encoder.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from CardiacMTLLib.network.blocks import Decoder, Encoder
from CardiacMTLLib.network.configuration import N_GROUPS, N_LABELS


class ReproductionNetwork(nn.Module):
    """Both arms build the whole network, so that one seed gives them the same start; the alone arm never runs the decoder."""

    def __init__(self, channels: Sequence[int], dropout: float) -> None:
        super().__init__()
        self.encoder = Encoder(channels)
        self.decoder = Decoder(channels, N_LABELS)
        self.norm = nn.LayerNorm(channels[-1])
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(4 * channels[-1], N_GROUPS)

    def encode(self, images: Tensor) -> list[Tensor]:
        """(n, 1, y, x) slices -> feature maps of each level, finest first."""
        maps: list[Tensor] = self.encoder(images)
        return maps

    def segment(self, maps: list[Tensor]) -> Tensor:
        """Feature maps -> (n, label, y, x) logits of the masks."""
        logits: Tensor = self.decoder(maps)
        return logits

    def diagnose(self, maps: list[Tensor], n_studies: int) -> Tensor:
        """Feature maps of n_studies x (phase=2) x z slices, in this order -> (n_studies, 5) logits of the groups.

        A study's vector is the mean and the maximum over its slices, at ED and at ES, of the normalised spatial means of the
        coarsest maps.
        """
        vectors = self.norm(maps[-1].float().mean(dim=(-2, -1))).unflatten(0, (n_studies, 2, -1))
        pooled = torch.cat((vectors.mean(dim=2), vectors.amax(dim=2)), dim=2).flatten(1)
        logits: Tensor = self.classifier(self.dropout(pooled))
        return logits
