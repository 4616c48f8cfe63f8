"""The joint stage: masks and diagnosis of whole studies, together."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.labels import Group
from CardiacMTLLib.measure.body import body_surface_area_m2
from CardiacMTLLib.network.clinical_layer import StudyScale, clinical_features
from CardiacMTLLib.network.configuration import N_LABELS
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.volume import Patient
from CardiacMTLTraining.cache import CachedCase
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.loop import Schedule, run_stage
from CardiacMTLTraining.losses import mask_loss
from CardiacMTLTraining.slices import SlicePool

_WARM_UP = 20
_AVERAGING = 0.97
_LOSSES = ("masks", "diagnosis", "auxiliary", "features")


def train_joint(
    fabric: Fabric,
    segmented: MultiTaskNetwork,
    pool: SlicePool,
    cases: Sequence[CachedCase],
    config: TrainingConfiguration,
    checkpoint: Path,
) -> MultiTaskNetwork:
    """Train masks and diagnosis of `cases` together, from a copy of `segmented`; returns the averaged network.

    BatchNorm keeps the statistics of the segmentation stage: those of one study's slices would not be those of many.
    """
    network = copy.deepcopy(segmented).requires_grad_(requires_grad=True)
    _standardise_heads(network, pool, cases)
    started = nn.ModuleList([network.encoder, network.decoder, network.embedding, network.auxiliary])
    heads = nn.ModuleList([network.head_indexed, network.head_unindexed])
    optimizer = torch.optim.AdamW(
        [
            {"params": list(started.parameters()), "peak": config.joint_learning_rate},
            {"params": list(heads.parameters()), "peak": config.joint_head_learning_rate},
        ],
        weight_decay=1e-2,
        fused=True,
    )
    share = max(1, config.studies_per_step // fabric.world_size)

    def backward(_: int, generator: torch.Generator) -> Mapping[str, Tensor]:
        totals = torch.zeros(len(_LOSSES))
        for index in torch.randperm(len(cases), generator=generator)[:share].tolist():
            parts = torch.stack(_study_loss(fabric, network, pool, cases[index], config, generator)) / share
            fabric.backward(parts.sum())
            totals += parts.detach().cpu()
        return dict(zip(_LOSSES, totals, strict=True))

    network.eval()
    network.embedding.train()
    n_steps = config.joint_epochs * max(1, len(cases) // (share * fabric.world_size))
    schedule = Schedule(n_steps, config.seed, _WARM_UP, _AVERAGING, config.patience, config.save_every, log_every=10)
    return run_stage(fabric, network, optimizer, schedule, backward, checkpoint)


@torch.inference_mode()
def auxiliary_logits(network: MultiTaskNetwork, pool: SlicePool, case: CachedCase) -> list[float]:
    """(5,) auxiliary logits of an unchanged case."""
    batch = pool.study(case.name, None, torch.Generator())
    device = next(network.parameters()).device
    _, within = network.eval().segment(batch.images.to(device))
    values: list[float] = network.embed(within.unflatten(0, (2, -1))).tolist()
    return values


def size_divisor(case: CachedCase) -> float | None:
    """Body surface area of a cached case, or None where height or weight is not known."""
    return body_surface_area_m2(Patient(case.scale.height_cm, case.scale.weight_kg))


def _study_loss(
    fabric: Fabric,
    network: MultiTaskNetwork,
    pool: SlicePool,
    case: CachedCase,
    config: TrainingConfiguration,
    generator: torch.Generator,
) -> list[Tensor]:
    """Weighted losses of masks, diagnosis, embedding alone, and features of one augmented study."""
    batch = pool.study(case.name, config.augmentation, generator)
    area = size_divisor(case)
    indexed = area is not None and bool(torch.rand(1, generator=generator) < 0.5)
    spacing_mm = pool.spacing_mm / float(batch.zoom[0])
    slice_distance_mm = case.scale.slice_distance_mm * batch.slice_step
    scale = StudyScale(spacing_mm, slice_distance_mm, area if indexed and area else 1.0)
    labels = fabric.to_device(batch.labels)
    with fabric.autocast():
        flat, within = network.segment(fabric.to_device(batch.images))
    output = network.conclude(flat.float(), within, scale, indexed=indexed)
    loss = mask_loss(output.mask_logits.flatten(0, 1), labels)
    head = network.head_indexed if indexed else network.head_unindexed
    wanted = clinical_features(_one_hot(labels), scale)
    difference = F.smooth_l1_loss(head.standardise(output.features), head.standardise(wanted))
    if case.group is None:
        return [loss, loss.new_zeros(()), loss.new_zeros(()), config.feature_weight * difference]
    group = torch.tensor([list(Group).index(case.group)], device=labels.device)
    diagnosis, auxiliary = (
        F.cross_entropy(logits[None], group, label_smoothing=config.label_smoothing)
        for logits in (output.diagnosis_logits, output.auxiliary_logits)
    )
    weights = (config.diagnosis_weight, config.auxiliary_weight, config.feature_weight)
    return [loss, weights[0] * diagnosis, weights[1] * auxiliary, weights[2] * difference]


def _one_hot(labels: Tensor) -> Tensor:
    """(2 * z, y, x) labels -> (phase=2, z, label, y, x)."""
    codes: Tensor = F.one_hot(labels, N_LABELS).movedim(-1, 1).unflatten(0, (2, -1)).float()
    return codes


def _standardise_heads(network: MultiTaskNetwork, pool: SlicePool, cases: Sequence[CachedCase]) -> None:
    """Give both heads the mean and SD of the features of the expert masks."""
    rows, divisors = [], []
    for case in cases:
        batch = pool.study(case.name, None, torch.Generator())
        rows.append(clinical_features(_one_hot(batch.labels), StudyScale(pool.spacing_mm, case.scale.slice_distance_mm)))
        divisors.append(size_divisor(case) or 1.0)
    plain = torch.stack(rows)
    by_size = torch.tensor([f.by_size for f in FEATURES])
    indexed = torch.where(by_size, plain / torch.tensor(divisors)[:, None], plain)
    for head, values in ((network.head_unindexed, plain), (network.head_indexed, indexed)):
        head.feature_mean.copy_(values.mean(dim=0))
        head.feature_sd.copy_(values.std(dim=0).clamp_min(1e-3))
