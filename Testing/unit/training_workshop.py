"""A folder in which `cardiacmtl-train` has gone its whole way, on phantoms and with a very small network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from CardiacMTLTraining.cli import main
from CardiacMTLTraining.train import PATIENTS_NAME
from Testing.acdc_folder import GROUPS, write_acdc_folder

KEPT_OUT = ("patient003", "patient008")
TRAINED_ON = sorted(set(GROUPS) - set(KEPT_OUT))
N_FOLDS = 3
UNLIKELY = ("elastic", "gamma", "bias", "blur", "coarse", "noise")
CHOICES: dict[str, Any] = {
    "version": 2,
    "n_folds": N_FOLDS,
    "network": {
        "window_size": 64,
        "window_spacing_mm": 3.0,
        "patch_size": 1,
        "channels": [6, 8, 16],
        "embedding_size": 8,
        "locator_channels": [4, 8, 8],
    },
    "augmentation": {"scale": 1.05, "shift_mm": 6.0} | {f"{change}_probability": 0.0 for change in UNLIKELY},
    "early_window": 48,
    "locator_steps": 60,
    "segmentation_steps": 200,
    "batch_size": 8,
    "learning_rate": 0.02,
    "averaging": 0.9,
    "embedding_views": 2,
    "embedding_steps": 5,
    "joint_epochs": 1,
    "studies_per_step": 2,
}


@contextmanager
def as_in_training() -> Iterator[None]:
    """PyTorch on one thread and without denormal numbers, as a training has it; afterwards as PyTorch comes."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)


def set_up_workshop(root: Path) -> None:
    """data/, cache/, cv/, run/, models/tiny/ and figures/ as the commands leave them."""
    write_acdc_folder(root / "data")
    (root / "choices.json").write_text(json.dumps(CHOICES), encoding="utf-8")
    for command in (
        f"prepare --data {root}/data --out {root}/cache",
        crossval(root),
        training(root),
        f"export --run {root}/run --crossval {root}/cv --out {root}/models/tiny",
        f"evaluate --data {root}/data --model {root}/models/tiny --only 3/5 --kind held-out --out {root}/figures",
        f"export --run {root}/run --crossval {root}/cv --out {root}/models/tiny --figures {root}/figures/summary.json",
    ):
        assert main(command.split()) == 0, command


def training(root: Path) -> str:
    """The command that trains on all patients but those kept out."""
    return f"train --cache {root}/cache --out {root}/run --config {root}/choices.json --hold-out 3/5"


def crossval(root: Path) -> str:
    """The command that cross-validates on all patients but those kept out."""
    paths = f"--cache {root}/cache --data {root}/data --out {root}/cv --config {root}/choices.json"
    return f"crossval {paths} --hold-out 3/5"


def summary_of(folder: Path) -> dict[str, Any]:
    """The figures of an evaluation."""
    values: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return values


def noted_patients(run: Path) -> dict[str, str]:
    """The patients that a run was trained on, and the checksum of each one's data."""
    values: dict[str, str] = json.loads((run / PATIENTS_NAME).read_text(encoding="utf-8"))
    return values
