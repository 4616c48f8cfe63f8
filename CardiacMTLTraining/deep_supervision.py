"""Deep supervision: while masks are trained, the decoder's coarser levels must tell the structures apart as well."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from CardiacMTLLib.network.configuration import N_LABELS
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining.losses import mask_loss


class DeeplySupervised(nn.Module):
    """A network with a 1 x 1 head on each coarser level of its decoder; the heads serve training only.

    Lee et al., AISTATS 2015, arXiv 1409.5185. The heads begin at zero, alike in every process.
    """

    def __init__(self, network: MultiTaskNetwork) -> None:
        super().__init__()
        self.network = network
        heads = [nn.Conv2d(channels, N_LABELS, 1) for channels in network.configuration.channels[1:-1]]
        for parameter in nn.ModuleList(heads).parameters():
            nn.init.zeros_(parameter)
        self.heads = nn.ModuleList(heads)

    def forward(self, images: Tensor) -> list[Tensor]:
        """(n, 1, y, x) -> mask logits (n, label, y, x) on the grid of the images, then of each coarser level."""
        decoder = self.network.decoder
        finest, *coarser = decoder.decoded(self.network.encoder(images))
        return [decoder.logits(finest), *(head(values) for head, values in zip(self.heads, coarser, strict=True))]


def deep_mask_loss(logits: Sequence[Tensor], labels: Tensor) -> Tensor:
    """`mask_loss` of the logits of each level, finest first, each with half the weight of the one before.

    `labels` (n, y, x) belong to the finest; a coarser level is held against the label in the middle of each of its places.
    """
    losses = []
    for level, values in enumerate(logits):
        step = labels.shape[-1] // values.shape[-1]
        losses.append(mask_loss(values, labels[:, step // 2 :: step, step // 2 :: step]) / 2**level)
    return torch.stack(losses).sum()
