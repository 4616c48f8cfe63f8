"""`export`: a finished run -> a model folder with weights, manifest and card."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from CardiacMTLLib import __version__
from CardiacMTLLib.network.manifest import Manifest, Provenance
from CardiacMTLLib.network.store import CARD_NAME, MANIFEST_NAME, WEIGHTS_NAME
from CardiacMTLLib.network.weights import save_weights
from CardiacMTLTraining.card import model_card
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.train import load_run

DATA_NAME = "ACDC training patients (Bernard et al., IEEE TMI 37(11):2514-2525, 2018, doi 10.1109/TMI.2018.2837502)"


def export(run: Path, folder: Path, figures: Path | None) -> Manifest:
    """Write the model of `run` into `folder`, whose name is the model's; `figures` is a `summary.json` of `evaluate`."""
    network, config, record = load_run(run)
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS_NAME
    save_weights(network, weights)
    metrics: dict[str, Any] = {"head_out_of_fold": record.head_out_of_fold}
    if figures is not None:
        metrics["held_out"] = json.loads(figures.read_text(encoding="utf-8"))
    manifest = Manifest(
        name=folder.name,
        version=__version__,
        weights_sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        network=config.network,
        calibration=record.calibration,
        provenance=Provenance(
            data=DATA_NAME,
            data_sha256=record.data_sha256,
            n_patients=len(record.patients),
            held_out=record.held_out,
            seed=record.seed,
            commit=_commit(),
            training=_schedule(config),
        ),
        metrics=metrics,
    )
    manifest.save(folder / MANIFEST_NAME)
    (folder / CARD_NAME).write_text(model_card(manifest), encoding="utf-8")
    return manifest


def _schedule(config: TrainingConfiguration) -> dict[str, Any]:
    names = ("locator_steps", "segmentation_steps", "batch_size", "learning_rate", "joint_epochs", "inner_folds")
    return {name: getattr(config, name) for name in names}


def _commit() -> str:
    result = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)  # noqa: S607
    return result.stdout.strip() if result.returncode == 0 else "unknown"
