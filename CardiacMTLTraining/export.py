"""`export`: a finished run -> a model folder with weights, manifest and card."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

from CardiacMTLLib import __version__
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.network.manifest import Manifest, Provenance
from CardiacMTLLib.network.store import CARD_NAME, MANIFEST_NAME, WEIGHTS_NAME
from CardiacMTLLib.network.weights import save_weights
from CardiacMTLTraining.card import model_card
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.train import RunRecord, load_run

DATA_NAME = "ACDC training patients (Bernard et al., IEEE TMI 37(11):2514-2525, 2018, doi 10.1109/TMI.2018.2837502)"


def export(run: Path, folder: Path, figures: Path | None) -> Manifest:
    """Write the model of `run` into `folder`, whose name is the model's; `figures` is a `summary.json` of `evaluate`.

    Raises `InputError` where the figures are of other weights, or of patients that the network was trained on.
    """
    network, config, record = load_run(run)
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS_NAME
    save_weights(network, weights)
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    metrics: dict[str, Any] = {"head_out_of_fold": record.head_out_of_fold}
    if figures is not None:
        metrics["held_out"] = _held_out_figures(figures, record, sha256)
    manifest = Manifest(
        name=folder.name,
        version=__version__,
        weights_sha256=sha256,
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
    names = (
        "locator_steps",
        "segmentation_steps",
        "batch_size",
        "learning_rate",
        "embedding_steps",
        "joint_epochs",
        "inner_folds",
    )
    return {name: getattr(config, name) for name in names}


def _held_out_figures(path: Path, record: RunRecord, weights_sha256: str) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        weights, patients = summary["weights"], summary["patients"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error!r}); expected summary.json of `cardiacmtl-train evaluate`") from error
    if weights != weights_sha256:
        raise InputError(
            f"{path} was measured on weights {weights[:12]}...; expected {weights_sha256[:12]}...; evaluate this model again"
        )
    trained_on = sorted(set(patients) & set(record.patients))
    if trained_on:
        raise InputError(
            f"{path} counts {len(trained_on)} patients of the training, such as {trained_on[0]}; expected only patients that "
            f"were kept out; evaluate again with --only {record.held_out or 'R/D, or on other data'}"
        )
    return summary


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return result.stdout.strip() if result.returncode == 0 else "unknown"
