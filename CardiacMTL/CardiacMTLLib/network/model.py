"""The multi-task network: one forward pass gives the masks and the diagnosis of a study."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.diagnosis.head import AUXILIARY_LIMIT
from CardiacMTLLib.labels import STRUCTURES
from CardiacMTLLib.network.blocks import Decoder, Encoder, StudyEmbedding, structure_means
from CardiacMTLLib.network.clinical_layer import StudyScale, clinical_features
from CardiacMTLLib.network.configuration import N_GROUPS, N_LABELS, NetworkConfiguration

_EMBEDDED_LEVELS = 2
"""Coarsest levels of the encoder that the embedding looks at."""


class StudyOutput(NamedTuple):
    """What one forward pass says of one study.

    `mask_logits` (phase=2, z, label, y, x); `features` (24,) of the soft masks; `auxiliary_logits` (5,) of the embedding
    alone; `diagnosis_logits` (5,) of features and auxiliary logits together. Groups are in the order of `Group`.
    """

    mask_logits: Tensor
    features: Tensor
    auxiliary_logits: Tensor
    diagnosis_logits: Tensor


class DiagnosisHead(nn.Module):
    """Linear head on standardised clinical features and the five auxiliary logits of the embedding.

    The auxiliary logits are centred and limited (`diagnosis.head`) before they enter, so that an over-confident embedding
    cannot outweigh the measurements.
    """

    feature_mean: Tensor
    feature_sd: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("feature_mean", torch.zeros(len(FEATURES)))
        self.register_buffer("feature_sd", torch.ones(len(FEATURES)))
        self.linear = nn.Linear(len(FEATURES) + N_GROUPS, N_GROUPS)

    def standardise(self, features: Tensor) -> Tensor:
        """Features less their training mean, over their training SD."""
        return (features - self.feature_mean) / self.feature_sd

    def forward(self, features: Tensor, auxiliary_logits: Tensor) -> Tensor:
        """(24,), (5,) -> (5,) logits."""
        auxiliary = (auxiliary_logits - auxiliary_logits.mean()).clamp(-AUXILIARY_LIMIT, AUXILIARY_LIMIT)
        logits: Tensor = self.linear(torch.cat((self.standardise(features), auxiliary)))
        return logits


class MultiTaskNetwork(nn.Module):
    """Shared encoder for ED and ES; decoder for masks; clinical layer and embedding for the diagnosis; heart locator.

    Follows the joint training of Snaauw et al., ISBI 2019 (arXiv 1810.10117), whose branch is the embedding's auxiliary
    logits; the clinical layer and the head on top of both are this project's.
    """

    def __init__(self, configuration: NetworkConfiguration) -> None:
        super().__init__()
        self.configuration = configuration
        self.encoder = Encoder(configuration.channels, configuration.patch_size)
        self.decoder = Decoder(configuration.channels, N_LABELS, configuration.patch_size)
        self.embedding = StudyEmbedding(
            sum(configuration.channels[-_EMBEDDED_LEVELS:]), configuration.embedding_size, configuration.embedding_dropout
        )
        self.auxiliary = nn.Linear(configuration.embedding_size, N_GROUPS)
        self.head_indexed = DiagnosisHead()
        self.head_unindexed = DiagnosisHead()
        self.locator_encoder = Encoder(configuration.locator_channels)
        self.locator_decoder = Decoder(configuration.locator_channels, 1)

    def use_channels_last(self) -> None:
        """Lay the convolutions out with channels last, in place: the faster order on a CPU and on a GPU's tensor cores."""
        for parameter in self.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)

    def locate(self, images: Tensor) -> Tensor:
        """(n, 1, locator_size, locator_size) -> (n, locator_size, locator_size) logits of 'heart' (the coarse pass)."""
        logits: Tensor = self.locator_decoder(self.locator_encoder(images))
        return logits[:, 0]

    def segment(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 1, window_size, window_size) -> mask logits (n, label, y, x), and what the encoder sees within each structure.

        The latter (n, structure, channel + 1) is that of `blocks.structure_means` on the encoder's coarsest levels; no
        gradient flows through the masks that weight it.
        """
        maps = self.encoder(images)
        logits: Tensor = self.decoder(maps)
        probabilities = torch.softmax(logits.detach().float(), dim=1)[:, list(STRUCTURES)]
        return logits, structure_means(probabilities, maps[-_EMBEDDED_LEVELS:])

    def embed(self, slices: Tensor) -> Tensor:
        """(phase=2, z, structure, channel + 1), what `segment` saw within the structures -> (5,) auxiliary logits."""
        logits: Tensor = self.auxiliary(self.embedding(slices))
        return logits

    def forward(self, images: Tensor, scale: StudyScale, *, indexed: bool) -> StudyOutput:
        """(phase=2, z, y, x) normalised windows of one study, ED first -> masks and diagnosis.

        `indexed` says whether `scale.size_divisor` is a body surface area, and so which head is meant.
        """
        return self.conclude(*self.segment(images.flatten(0, 1)[:, None]), scale, indexed=indexed)

    def conclude(self, flat_logits: Tensor, within: Tensor, scale: StudyScale, *, indexed: bool) -> StudyOutput:
        """What `segment` said of the 2 * z slices of one study, ED first -> masks and diagnosis, in single precision."""
        mask_logits, slices = (values.unflatten(0, (2, -1)) for values in (flat_logits, within))
        auxiliary_logits = self.embed(slices)
        features = clinical_features(torch.softmax(mask_logits.float(), dim=2), scale)
        head = self.head_indexed if indexed else self.head_unindexed
        return StudyOutput(mask_logits, features, auxiliary_logits, head(features, auxiliary_logits))
