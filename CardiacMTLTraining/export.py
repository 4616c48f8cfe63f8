"""`export`: a finished run and a finished cross-validation -> a model folder with weights, manifest and card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path
from typing import Any

from CardiacMTLLib import __version__
from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.network.manifest import Manifest, Provenance
from CardiacMTLLib.network.store import CARD_NAME, MANIFEST_NAME, WEIGHTS_NAME
from CardiacMTLLib.network.weights import save_weights
from CardiacMTLTraining.calibrate import Rows, calibrate
from CardiacMTLTraining.card import model_card
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.crossval import FOLD_PREFIX, fold_folder
from CardiacMTLTraining.crossval_report import ABLATION_NAME, EVALUATION_NAME, QUALITY_NAME
from CardiacMTLTraining.distributions import feature_distributions
from CardiacMTLTraining.evaluation.writing import SUMMARY_NAME
from CardiacMTLTraining.train import PATIENTS_NAME, load_run

DATA_NAME = "ACDC training patients (Bernard et al., IEEE TMI 37(11):2514-2525, 2018, doi 10.1109/TMI.2018.2837502)"

_LEFT_OUT = ("patients", "spread")
"""Keys of a summary that a manifest does without: names of patients, and figures that only the page needs."""


def export(run: Path, crossval: Path, folder: Path, figures: Path | None) -> Manifest:
    """Write the model of `run` into `folder`, whose name is the model's.

    Heads, temperatures and thresholds are fitted on the rows of the cross-validation in `crossval`, whose figures, and the
    distributions of whose features, go into manifest and card; `figures` is a `summary.json` of `evaluate` on patients that
    were kept out of both. Raises `UsageError` where both were not trained alike or `run` is that of a fold, and `InputError`
    where the figures are of other weights, or of patients of the training or the cross-validation.
    """
    network, config, record = load_run(run)
    _check_alike(config, crossval)
    if record.held_out.startswith(FOLD_PREFIX):
        raise UsageError(f"{run} is {record.held_out} of a cross-validation; expected a run of `train`; train one to export it")
    known = _patients(run, crossval, config.n_folds)
    rows = Rows.load(crossval)
    calibrated = calibrate(rows, config.seed)
    calibrated.install(network)
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS_NAME
    save_weights(network, weights)
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    metrics: dict[str, Any] = {
        "out_of_fold": _lean(json.loads((crossval / EVALUATION_NAME / SUMMARY_NAME).read_text(encoding="utf-8"))),
        "ablation": json.loads((crossval / ABLATION_NAME).read_text(encoding="utf-8")),
        "quality": json.loads((crossval / QUALITY_NAME).read_text(encoding="utf-8")),
    }
    if figures is not None:
        metrics["held_out"] = _lean(_held_out_figures(figures, record.held_out, {name for name, _ in known}, sha256))
    manifest = Manifest(
        name=folder.name,
        version=__version__,
        weights_sha256=sha256,
        network=config.network,
        calibration=calibrated.calibration,
        provenance=Provenance(
            data=DATA_NAME,
            data_sha256=record.data_sha256,
            n_patients=len(record.patients),
            held_out=record.held_out,
            seed=record.seed,
            commit=record.commit,
            training=_schedule(config) | {"precision": record.precision},
            sources=tuple(dict.fromkeys(source for _, source in known)),
        ),
        metrics=metrics,
        distributions=feature_distributions(rows),
    )
    manifest.save(folder / MANIFEST_NAME)
    (folder / CARD_NAME).write_text(model_card(manifest), encoding="utf-8")
    return manifest


def _check_alike(config: TrainingConfiguration, crossval: Path) -> None:
    for fold in range(config.n_folds):
        _, of_fold, _ = load_run(fold_folder(crossval, fold))
        if of_fold != config:
            raise UsageError(
                f"fold {fold} in {crossval} was trained with another configuration than the run; expected the same; "
                "train both with one --config"
            )


def _patients(run: Path, crossval: Path, n_folds: int) -> list[tuple[str, str]]:
    """Name and source checksum of every patient that the weights, the heads or the thresholds were fitted on."""
    folders = [run, *(fold_folder(crossval, fold) for fold in range(n_folds))]
    noted = [json.loads((folder / PATIENTS_NAME).read_text(encoding="utf-8")) for folder in folders]
    return sorted({patient for patients in noted for patient in patients.items()})


def _schedule(config: TrainingConfiguration) -> dict[str, Any]:
    return {key: value for key, value in asdict(config).items() if isinstance(value, int | float) and key != "seed"}


def _lean(summary: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in summary.items() if key not in _LEFT_OUT}


def _held_out_figures(path: Path, rule: str, known: Collection[str], weights_sha256: str) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        weights, patients = summary["weights"], summary["patients"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error!r}); expected summary.json of `cardiacmtl-train evaluate`") from error
    if weights != weights_sha256:
        raise InputError(
            f"{path} was measured on weights {weights[:12]}...; expected {weights_sha256[:12]}...; evaluate this model again"
        )
    trained_on = sorted(set(patients) & set(known))
    if trained_on:
        raise InputError(
            f"{path} counts {len(trained_on)} patients of the training or the cross-validation, such as {trained_on[0]}; "
            "expected only patients that were kept out of both with --hold-out; "
            f"evaluate again with --only {rule or 'R/D, or on other data'}"
        )
    return summary
