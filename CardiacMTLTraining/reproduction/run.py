"""One run: train one arm from one seed on all folds but one, and record what it says of that fold after every epoch."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from CardiacMTLLib.labels import STRUCTURES
from CardiacMTLTraining.checkpoint import polynomial_rate
from CardiacMTLTraining.evaluation.overlap import dice
from CardiacMTLTraining.losses import mask_loss
from CardiacMTLTraining.provenance import commit
from CardiacMTLTraining.reproduction.arms import Arm, RunKey
from CardiacMTLTraining.reproduction.configuration import ReproductionConfiguration
from CardiacMTLTraining.reproduction.data import Studies
from CardiacMTLTraining.reproduction.network import ReproductionNetwork
from CardiacMTLTraining.reproduction.record import Curves, PatientRecord, RunRecord

log = logging.getLogger(__name__)

_WARM_UP_STEPS = 20


@dataclass(frozen=True, slots=True)
class EpochFigures:
    """Means over one epoch of training."""

    accuracy: float
    diagnosis_loss: float
    segmentation_loss: float | None


class Trainer:
    """Network, optimiser and random numbers of one run; all but the loss of the masks is the same in both arms."""

    def __init__(self, key: RunKey, studies: Studies, training: Sequence[int], device: torch.device) -> None:
        self.config = studies.config
        self.weight = self.config.segmentation_weight if key.arm is Arm.JOINT else 0.0
        self.studies, self.training, self.device = studies, list(training), device
        torch.manual_seed(key.seed)
        network = ReproductionNetwork(self.config.channels, self.config.dropout)
        self.network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.generator = torch.Generator().manual_seed(1000 * key.seed + key.fold)
        self.optimizer = torch.optim.AdamW(
            [{"params": list(network.parameters()), "peak": self.config.learning_rate}], weight_decay=self.config.weight_decay
        )
        self.step = 0
        self.steps_an_epoch = max(1, len(self.training) // self.config.studies_per_step)

    def train_epoch(self) -> EpochFigures:
        """Show each training study once, in random order; those that do not fill a last step are left out of this epoch."""
        self.network.train()
        order = torch.randperm(len(self.training), generator=self.generator).tolist()
        right, shown, losses = 0, 0, []
        for start in range(0, self.steps_an_epoch * self.config.studies_per_step, self.config.studies_per_step):
            chosen = [self.training[i] for i in order[start : start + self.config.studies_per_step]]
            diagnosis_loss, segmentation_loss, n_right = self._train_step(chosen)
            losses.append((diagnosis_loss, segmentation_loss))
            right, shown = right + n_right, shown + len(chosen)
        diagnosis, masks = (sum(values) / len(losses) for values in zip(*losses, strict=True))
        return EpochFigures(right / shown, diagnosis, masks if self.weight else None)

    def _train_step(self, chosen: Sequence[int]) -> tuple[float, float, int]:
        polynomial_rate(self.optimizer, self.step, self.config.epochs * self.steps_an_epoch, warm_up=_WARM_UP_STEPS)
        self.step += 1
        batch = self.studies.draw(chosen, self.generator, with_labels=self.weight > 0)
        groups = batch.groups.to(self.device)
        with self._autocast():
            maps = self.network.encode(self._on_device(batch.images))
            logits = self.network.diagnose(maps, len(chosen))
            masks = self.network.segment(maps) if batch.labels is not None else None
        diagnosis_loss = F.cross_entropy(logits.float(), groups)
        loss, segmentation_loss = diagnosis_loss, 0.0
        if masks is not None and batch.labels is not None:
            added = mask_loss(masks, batch.labels.to(self.device))
            loss, segmentation_loss = loss + self.weight * added, added.item()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        return diagnosis_loss.item(), segmentation_loss, int((logits.argmax(dim=1) == groups).sum())

    @torch.inference_mode()
    def probabilities(self, held_out: Sequence[int]) -> Tensor:
        """(patient, 5) probabilities of the groups, of unchanged studies."""
        self.network.eval()
        parts = []
        for start in range(0, len(held_out), self.config.studies_per_step):
            chosen = held_out[start : start + self.config.studies_per_step]
            with self._autocast():
                maps = self.network.encode(self._on_device(self.studies.plain(chosen).images))
                logits = self.network.diagnose(maps, len(chosen))
            parts.append(torch.softmax(logits.float(), dim=1).cpu())
        return torch.cat(parts)

    @torch.inference_mode()
    def dice(self, held_out: Sequence[int]) -> dict[str, float | None]:
        """Mean over patients and phases of each structure's Dice in the window, all slices of a phase as one volume."""
        self.network.eval()
        found: dict[str, list[float]] = {structure.name: [] for structure in STRUCTURES}
        for index in held_out:
            batch = self.studies.whole(index)
            with self._autocast():
                logits = self.network.segment(self.network.encode(self._on_device(batch.images)))
            masks = logits.float().argmax(dim=1).cpu().unflatten(0, (2, -1)).numpy()
            truths = batch.labels.unflatten(0, (2, -1)).numpy() if batch.labels is not None else masks
            for mask, truth in zip(masks, truths, strict=True):
                for structure in STRUCTURES:
                    value = dice(mask == structure, truth == structure)
                    found[structure.name] += [] if value is None else [value]
        return {name: float(np.mean(values)) if values else None for name, values in found.items()}

    def _on_device(self, images: Tensor) -> Tensor:
        return images.to(device=self.device, memory_format=torch.channels_last)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.config.precision == "bf16")


def train_run(key: RunKey, studies: Studies, folds: Mapping[str, int], accelerator: str = "cpu") -> RunRecord:
    """Train and measure one run; the probabilities recorded are those after the last epoch, whatever came before."""
    config: ReproductionConfiguration = studies.config
    started, code = time.process_time(), commit()
    numbered = list(enumerate(study.name for study in studies.studies))
    training = [index for index, name in numbered if folds[name] != key.fold]
    held_out = [index for index, name in numbered if folds[name] == key.fold]
    truth = torch.tensor([studies.plain([index]).groups.item() for index in held_out])
    trainer = Trainer(key, studies, training, torch.device(accelerator))
    figures: list[EpochFigures] = []
    rights: list[Tensor] = []
    probabilities = torch.empty(0)
    for epoch in range(config.epochs):
        figures.append(trainer.train_epoch())
        probabilities = trainer.probabilities(held_out)
        rights.append(probabilities.argmax(dim=1) == truth)
        log.info(
            "%s epoch %d: training %.2f, validation %.2f", key.file_name, epoch + 1, figures[-1].accuracy, _share(rights[-1])
        )
    curves = Curves(
        tuple(_share(right) for right in rights),
        tuple(epoch.accuracy for epoch in figures),
        tuple(epoch.diagnosis_loss for epoch in figures),
        tuple(epoch.segmentation_loss for epoch in figures if epoch.segmentation_loss is not None),
    )
    patients = tuple(
        PatientRecord(
            studies.studies[index].name,
            studies.studies[index].group,
            tuple(probabilities[row].tolist()),
            "".join("1" if right[row] else "0" for right in rights),
        )
        for row, index in enumerate(held_out)
    )
    return RunRecord(
        arm=key.arm,
        seed=key.seed,
        fold=key.fold,
        configuration=config,
        patients=patients,
        curves=curves,
        dice=trainer.dice(held_out) if key.arm is Arm.JOINT else None,
        cpu_seconds=time.process_time() - started,
        device=accelerator,
        commit=code,
        torch_version=torch.__version__,
        data_sha256=studies.sha256,
    )


def _share(right: Tensor) -> float:
    return float(right.float().mean())
