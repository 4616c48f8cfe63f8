"""The embedding's start: the paper's diagnosis branch, trained on what the segmentation stage already sees.

The encoder stands still, so each view of a study is computed once, and thousands of steps cost seconds. Without this start the
branch stayed at chance in the few epochs of the joint stage (docs/decisions/0012).
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.blocks import StudyEmbedding
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining.cache import CachedCase
from CardiacMTLTraining.checkpoint import polynomial_rate
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.slices import SlicePool

log = logging.getLogger(__name__)

Views = Mapping[str, Sequence[Tensor]]
"""For each case what the encoder sees within the structures, (phase=2, z, structure, channel + 1): plain, then augmented."""

_STUDIES_PER_STEP = 16
_WARM_UP = 50


@torch.no_grad()
def slice_views(
    fabric: Fabric, network: MultiTaskNetwork, pool: SlicePool, cases: Sequence[CachedCase], config: TrainingConfiguration
) -> dict[str, list[Tensor]]:
    """`config.embedding_views` views of each case, under the network as it is."""
    generator = torch.Generator().manual_seed(config.seed + 3)
    network.eval()
    views: dict[str, list[Tensor]] = {}
    for number, case in enumerate(cases, start=1):
        views[case.name] = []
        for view in range(config.embedding_views):
            batch = pool.study(case.name, config.augmentation if view else None, generator)
            with fabric.autocast():
                _, within = network.segment(fabric.to_device(batch.images))
            views[case.name].append(within.unflatten(0, (2, -1)))
        if number % 20 == 0:
            log.info("embedding: views of %d of %d patients", number, len(cases))
    return views


def start_embedding(
    network: MultiTaskNetwork, views: Views, cases: Sequence[CachedCase], config: TrainingConfiguration
) -> MultiTaskNetwork:
    """A copy of `network` whose embedding and auxiliary branch were trained on the diagnoses of `cases` alone."""
    started = copy.deepcopy(network).requires_grad_(requires_grad=True).eval()
    branch = nn.ModuleList([started.embedding, started.auxiliary]).train()
    parameters = [{"params": list(branch.parameters()), "peak": config.joint_head_learning_rate}]
    optimizer = torch.optim.AdamW(parameters, weight_decay=config.embedding_weight_decay)
    generator = torch.Generator().manual_seed(config.seed + 4)
    torch.manual_seed(config.seed)
    _standardise(started.embedding, views, cases)
    known = [(views[case.name], list(Group).index(case.group)) for case in cases if case.group is not None]
    for step in range(config.embedding_steps):
        polynomial_rate(optimizer, step, config.embedding_steps, warm_up=_WARM_UP)
        chosen = torch.randint(len(known), (_STUDIES_PER_STEP,), generator=generator).tolist()
        view = torch.randint(config.embedding_views, (_STUDIES_PER_STEP,), generator=generator).tolist()
        logits = torch.stack([started.embed(known[i][0][v]) for i, v in zip(chosen, view, strict=True)])
        groups = torch.tensor([known[i][1] for i in chosen], device=logits.device)
        loss = F.cross_entropy(logits, groups, label_smoothing=config.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    branch.eval()
    log.info("embedding started on %d patients: loss %.3f", len(known), loss.item())
    return started


@torch.no_grad()
def _standardise(embedding: StudyEmbedding, views: Views, cases: Sequence[CachedCase]) -> None:
    """Give the embedding the mean and SD of its inputs over all views of `cases`."""
    inputs = torch.stack([embedding.within(view) for case in cases for view in views[case.name]])
    embedding.mean.copy_(inputs.mean(dim=0))
    embedding.sd.copy_(inputs.std(dim=0).clamp_min(1e-3))
