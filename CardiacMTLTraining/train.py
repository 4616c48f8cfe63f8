"""`train`: all stages of one run, each resumable, into one run folder."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file, save_file

from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.measure.body import body_surface_area_m2
from CardiacMTLLib.measure.features import feature_values
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.reading.acdc import is_acdc_folder, read_acdc_case
from CardiacMTLTraining.cache import CachedCase, load_cases
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.embedding_stage import slice_views, start_embedding
from CardiacMTLTraining.folds import HoldOut, stratified_folds
from CardiacMTLTraining.head_fit import FittedHead, HeadRow, fit_head, install_head
from CardiacMTLTraining.joint_stage import auxiliary_logits, train_joint
from CardiacMTLTraining.segmentation_stage import train_locator, train_segmentation
from CardiacMTLTraining.slices import LocatorPool, SlicePool

log = logging.getLogger(__name__)

CONFIGURATION_NAME = "configuration.json"
NETWORK_NAME = "network.safetensors"
RECORD_NAME = "run.json"
PATIENTS_NAME = "patients.json"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What `export` needs to know of a finished run besides its weights."""

    seed: int
    patients: tuple[str, ...]
    held_out: str
    data_sha256: str
    calibration: Calibration
    head_out_of_fold: dict[str, float]

    def save(self, folder: Path) -> None:
        """Write the record into a run folder."""
        (folder / RECORD_NAME).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> RunRecord:
        """Read the record of a finished run; raises `InputError` where there is none."""
        path = folder / RECORD_NAME
        if not path.exists():
            raise InputError(f"{folder} holds no finished run; expected {RECORD_NAME}; let `cardiacmtl-train train` end first")
        values = json.loads(path.read_text(encoding="utf-8"))
        values["calibration"] = Calibration(**values["calibration"])
        values["patients"] = tuple(values["patients"])
        return cls(**values)


def train(
    cache: Path, data: Path, out: Path, config: TrainingConfiguration, hold_out: HoldOut | None, *, accelerator: str
) -> None:
    """Train on every cached case that `hold_out` does not keep out; checkpoints and results go into `out`.

    `data` is the folder from which `cache` was made: the heads are fitted on features of masks in native resolution.
    Raises `InputError` for too few patients or a missing folder, and `UsageError` where `out` holds another run.
    """
    cases = [case for case in load_cases(cache) if hold_out is None or not hold_out.keeps_out(case.name)]
    folds = stratified_folds(cases, config.inner_folds, config.seed)
    _check_cases(cases, folds, data, config.inner_folds)
    _claim(out, cases, config)
    log.info("training on %d patients", len(cases))
    torch.manual_seed(config.seed)
    torch.set_flush_denormal(True)
    fabric = Fabric(accelerator=accelerator, devices=1, precision="32-true" if accelerator == "cpu" else "bf16-mixed")
    segmented = _segmentation_network(fabric, cases, config, out)
    pool = SlicePool(cases, config.network.window_size, config.network.window_spacing_mm)
    views = slice_views(fabric, segmented, pool, cases, config)

    def joint(chosen: Sequence[CachedCase], checkpoint: str) -> MultiTaskNetwork:
        started = start_embedding(segmented, views, chosen, config)
        return train_joint(fabric, started, pool, chosen, config, out / checkpoint).eval()

    blind = _blind_networks(joint, cases, folds)
    auxiliary = {case.name: auxiliary_logits(blind[folds[case.name]], pool, case) for case in cases}
    network = joint(cases, "joint.ckpt")
    calibration, figures = _refit_heads(network, blind, data, cases, folds, auxiliary, config)
    figures["embedding_accuracy"] = _embedding_accuracy(cases, auxiliary)
    save_file({key: tensor.contiguous() for key, tensor in network.state_dict().items()}, out / NETWORK_NAME)
    digest = hashlib.sha256("".join(case.source_sha256 for case in cases).encode()).hexdigest()
    names = tuple(case.name for case in cases)
    RunRecord(config.seed, names, str(hold_out or ""), digest, calibration, figures).save(out)


def load_run(folder: Path) -> tuple[MultiTaskNetwork, TrainingConfiguration, RunRecord]:
    """The network, configuration and record of a finished run."""
    record = RunRecord.load(folder)
    config = TrainingConfiguration.load(folder / CONFIGURATION_NAME)
    network = MultiTaskNetwork(config.network)
    network.load_state_dict(load_file(folder / NETWORK_NAME))
    return network.eval(), config, record


def _check_cases(cases: Sequence[CachedCase], folds: Mapping[str, int], data: Path, n_folds: int) -> None:
    """Refuse early what would fail only after hours."""
    for fold in range(n_folds):
        there = {case.group for case in cases if folds[case.name] != fold}
        if missing := [group for group in Group if group not in there]:
            raise InputError(
                f"of {len(cases)} patients, those outside inner fold {fold} of {n_folds} lack {', '.join(missing)}; "
                "expected at least two patients of each group; prepare more, or keep fewer out"
            )
    if absent := [case.name for case in cases if not is_acdc_folder(data / case.name)]:
        raise InputError(f"{data} lacks {len(absent)} cached patients, such as {absent[0]}; give the folder of `prepare`")


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


def _segmentation_network(
    fabric: Fabric, cases: Sequence[CachedCase], config: TrainingConfiguration, out: Path
) -> MultiTaskNetwork:
    shape = config.network
    network = MultiTaskNetwork(shape)
    network.use_channels_last()
    fabric.to_device(network)
    located = train_locator(
        fabric, network, LocatorPool(cases, shape.locator_size, shape.locator_spacing_mm), config, out / "locator.ckpt"
    )
    pool = SlicePool(cases, shape.window_size, shape.window_spacing_mm)
    return train_segmentation(fabric, located.requires_grad_(requires_grad=True), pool, config, out / "segmentation.ckpt")


def _blind_networks(
    joint: Callable[[Sequence[CachedCase], str], MultiTaskNetwork],
    cases: Sequence[CachedCase],
    folds: Mapping[str, int],
) -> dict[int, MultiTaskNetwork]:
    """For each fold the network of a joint training that has not seen the diagnoses of that fold."""
    networks: dict[int, MultiTaskNetwork] = {}
    for fold in sorted(set(folds.values())):
        others = [case for case in cases if folds[case.name] != fold]
        networks[fold] = joint(others, f"joint_without_{fold}.ckpt")
    return networks


def _embedding_accuracy(cases: Sequence[CachedCase], logits: Mapping[str, list[float]]) -> float:
    """How often the out-of-fold auxiliary logits alone point at the right group."""
    right = [int(np.argmax(logits[case.name])) == list(Group).index(case.group) for case in cases if case.group is not None]
    log.info("embedding alone, out of fold: %d of %d right", sum(right), len(right))
    return sum(right) / len(right)


def _refit_heads(
    network: MultiTaskNetwork,
    blind: Mapping[int, MultiTaskNetwork],
    data: Path,
    cases: Sequence[CachedCase],
    folds: Mapping[str, int],
    auxiliary: Mapping[str, list[float]],
    config: TrainingConfiguration,
) -> tuple[Calibration, dict[str, float]]:
    """Fit both heads on final features of predicted and of expert masks; returns calibration and cross-validated figures.

    A patient's predicted masks are those of the network that has not seen its diagnosis: the diagnosis loss bends masks.
    """
    rows: dict[bool, list[HeadRow]] = {True: [], False: []}
    manifest = Manifest("in-training", "0", "", config.network, Calibration(), Provenance())
    models = {fold: LoadedModel(member, manifest) for fold, member in blind.items()}
    for case in cases:
        if case.group is None:
            continue
        truth = read_acdc_case(data / case.name)
        study = truth.study
        analysis = analyse(study, models[folds[case.name]])
        area = body_surface_area_m2(study.patient)
        for is_prediction, masks in ((True, analysis.masks), (False, truth.masks or {})):
            if any(phase not in masks for phase in Phase):
                continue
            measured = measure_function(masks, study.geometry, study.patient)
            for indexed, divisor in ((True, area), (False, 1.0)):
                values = (
                    "height and weight are not known"
                    if divisor is None
                    else feature_values(measured, masks, study.geometry, divisor)
                )
                if isinstance(values, str):
                    log.warning("%s: no features (%s)", case.name, values)
                    continue
                logits = np.array(auxiliary[case.name])
                group = list(Group).index(case.group)
                rows[indexed].append(HeadRow(case.name, values, logits, group, folds[case.name], is_prediction))
    fitted = {indexed: fit_head(rows[indexed], config.seed) for indexed in (True, False)}
    install_head(network.head_indexed, fitted[True].weights)
    install_head(network.head_unindexed, fitted[False].weights)
    calibration = Calibration(fitted[True].weights.temperature, fitted[False].weights.temperature)
    return calibration, _figures(fitted)


def _figures(fitted: Mapping[bool, FittedHead]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for indexed, name in ((True, "indexed"), (False, "unindexed")):
        head = fitted[indexed]
        figures[f"{name}_accuracy"] = head.out_of_fold_accuracy
        figures[f"{name}_log_loss"] = head.out_of_fold_log_loss
        log.info(
            "%s head, out of fold: accuracy %.3f, log-loss %.3f", name, head.out_of_fold_accuracy, head.out_of_fold_log_loss
        )
    return figures
