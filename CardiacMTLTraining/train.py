"""`train`: all stages of one network, each resumable, from the cache alone into one run folder."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file

from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining.cache import CachedCase
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.embedding_stage import slice_views, start_embedding
from CardiacMTLTraining.folds import check_groups
from CardiacMTLTraining.joint_stage import train_joint
from CardiacMTLTraining.provenance import commit
from CardiacMTLTraining.segmentation_stage import train_locator, train_segmentation
from CardiacMTLTraining.slices import LocatorPool, SlicePool

log = logging.getLogger(__name__)

CONFIGURATION_NAME = "configuration.json"
NETWORK_NAME = "network.safetensors"
SEPARATE_NAME = "separate.safetensors"
RECORD_NAME = "run.json"
PATIENTS_NAME = "patients.json"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What a finished run says of itself besides its weights; `held_out` is a hold-out rule or a fold, empty for neither."""

    seed: int
    patients: tuple[str, ...]
    held_out: str
    data_sha256: str
    precision: str
    world_size: int
    commit: str

    def save(self, folder: Path) -> None:
        """Write the record into a run folder."""
        (folder / RECORD_NAME).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> RunRecord:
        """Read the record of a finished run; raises `InputError` where there is none."""
        path = folder / RECORD_NAME
        if not path.exists():
            raise InputError(f"{folder} holds no finished run; expected {RECORD_NAME}; let the training end first")
        values = json.loads(path.read_text(encoding="utf-8"))
        values["patients"] = tuple(values["patients"])
        return cls(**values)


def train(fabric: Fabric, cases: Sequence[CachedCase], out: Path, config: TrainingConfiguration, held_out: str = "") -> None:
    """Train one network on `cases`; checkpoints and results go into `out`.

    The network before joint training, whose masks and diagnosis branch were trained one after the other, is kept beside the
    final one: what joint training changes is measured against it.
    Raises `InputError` where a group is missing, and `UsageError` where `out` holds a run on other patients or with another
    configuration. A finished run is left as it is.
    """
    check_groups(cases)
    if fabric.is_global_zero:
        _claim(out, cases, config)
    fabric.barrier()
    if (out / RECORD_NAME).exists():
        log.info("%s is finished", out)
        return
    log.info("training on %d patients", len(cases))
    torch.set_flush_denormal(True)
    shape = config.network
    pool = SlicePool(cases, shape.window_size, shape.window_spacing_mm)
    segmented = _segmented(fabric, cases, pool, config, out)
    views = slice_views(fabric, segmented, pool, cases, config)
    started = start_embedding(segmented, views, cases, config)
    network = train_joint(fabric, started, pool, cases, config, out / "joint.ckpt")
    if fabric.is_global_zero:
        for trained, name in ((started, SEPARATE_NAME), (network, NETWORK_NAME)):
            save_file({key: tensor.contiguous().cpu() for key, tensor in trained.state_dict().items()}, out / name)
        names = tuple(case.name for case in cases)
        precision = str(fabric.strategy.precision.precision)
        RunRecord(config.seed, names, held_out, data_sha256(cases), precision, fabric.world_size, commit()).save(out)
    fabric.barrier()


def load_run(folder: Path, weights: str = NETWORK_NAME) -> tuple[MultiTaskNetwork, TrainingConfiguration, RunRecord]:
    """The network, configuration and record of a finished run; raises `InputError` where it is not finished."""
    record = RunRecord.load(folder)
    config = TrainingConfiguration.load(folder / CONFIGURATION_NAME)
    network = MultiTaskNetwork(config.network)
    network.load_state_dict(load_file(folder / weights))
    network.use_channels_last()
    return network.eval(), config, record


def data_sha256(cases: Sequence[CachedCase]) -> str:
    """One checksum over the sources of all cases."""
    return hashlib.sha256("".join(case.source_sha256 for case in cases).encode()).hexdigest()


def _claim(out: Path, cases: Sequence[CachedCase], config: TrainingConfiguration) -> None:
    """Note in the run folder what is trained on what, so that its checkpoints are never taken up by another run."""
    patients = {case.name: case.source_sha256 for case in cases}
    noted_patients, noted_config = out / PATIENTS_NAME, out / CONFIGURATION_NAME
    if noted_patients.exists() and json.loads(noted_patients.read_text(encoding="utf-8")) != patients:
        raise UsageError(f"{out} holds a run on other patients; expected the same to go on; choose another --out")
    if noted_config.exists() and TrainingConfiguration.load(noted_config) != config:
        raise UsageError(f"{out} holds a run with another configuration; expected the same to go on; choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    noted_patients.write_text(json.dumps(patients, indent=1) + "\n", encoding="utf-8")
    config.save(noted_config)


def _segmented(
    fabric: Fabric, cases: Sequence[CachedCase], pool: SlicePool, config: TrainingConfiguration, out: Path
) -> MultiTaskNetwork:
    """The network after the locator's and the segmentation stage; all processes start from the same weights."""
    shape = config.network
    torch.manual_seed(config.seed)
    network = MultiTaskNetwork(shape)
    network.use_channels_last()
    fabric.to_device(network)
    locator_pool = LocatorPool(cases, shape.locator_size, shape.locator_spacing_mm)
    located = train_locator(fabric, network, locator_pool, config, out / "locator.ckpt")
    return train_segmentation(fabric, located.requires_grad_(requires_grad=True), pool, config, out / "segmentation.ckpt")
