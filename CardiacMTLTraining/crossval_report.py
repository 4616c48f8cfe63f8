"""What a finished cross-validation shows: rows, figures out of fold, ablation, and how the estimates of quality hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.conclude import conclude
from CardiacMTLLib.network.manifest import Manifest, Provenance
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.reading.acdc import AcdcCase, read_acdc_case
from CardiacMTLTraining.ablation import ablation
from CardiacMTLTraining.calibrate import Calibrated, Rows, nested
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.evaluation.case_figures import CaseFigures, case_figures
from CardiacMTLTraining.evaluation.checksum import checksum_of_all, source_sha256
from CardiacMTLTraining.evaluation.origin import Kind, Origin
from CardiacMTLTraining.evaluation.summary import summarise
from CardiacMTLTraining.evaluation.terminal import format_summary
from CardiacMTLTraining.evaluation.worst import worst_pictures
from CardiacMTLTraining.evaluation.writing import write_evaluation
from CardiacMTLTraining.head_fit import HeadRow
from CardiacMTLTraining.head_rows import head_rows
from CardiacMTLTraining.negative_rows import negative_rows
from CardiacMTLTraining.out_of_fold import OutOfFold, find_out_of_fold
from CardiacMTLTraining.quality.gather import patient_row
from CardiacMTLTraining.quality.nested import nested_mask_quality, nested_scope
from CardiacMTLTraining.quality.report import mask_quality_report, scope_report

MODEL_NAME = "cross-validation"
EVALUATION_NAME, ABLATION_NAME, QUALITY_NAME = "evaluation", "ablation.json", "quality.json"


def report_out_of_fold(
    data: Path, out: Path, folds: Mapping[str, int], config: TrainingConfiguration, hold_out: str = ""
) -> str:
    """Find every patient out of fold, fit and judge everything nested, write all into `out`; returns text for a terminal.

    `hold_out` is the rule that kept patients out of `folds`, for the command beside the figures. Heads are compared on
    features that are indexed by body size, or not where no patient has one. Raises `InputError` where a fold is not trained or
    a patient's images are missing.
    """
    found = find_out_of_fold(data, out, folds)
    cases = {name: read_acdc_case(data / name) for name in folds}
    rows = Rows(
        tuple(_rows(cases, found, indexed=True)),
        tuple(_rows(cases, found, indexed=False)),
        tuple(patient_row(name, seen.fold, cases[name], seen.found) for name, seen in found.items()),
        tuple(negative_rows(cases, folds, out, config.split_seed)),
    )
    rows.save(out)
    calibrated = nested(rows, config.seed)
    models = {fold: _model(config, of_fold) for fold, of_fold in calibrated.items()}

    def concluded(name: str) -> Analysis:
        return conclude(cases[name].study, found[name].found, models[found[name].fold])

    figures = [_figures(name, cases[name], concluded(name)) for name in folds]
    option = f" --hold-out {hold_out}" if hold_out else ""
    origin = Origin(
        kind=Kind.OUT_OF_FOLD,
        model=MODEL_NAME,
        weights=f"those of {config.n_folds} folds",
        command=f"cardiacmtl-train crossval --cache CACHE --data {data.name} --out {out.name}{option}",
        date=datetime.now(UTC).date().isoformat(),
        software_version=__version__,
        data_sha256=checksum_of_all({name: source_sha256(data / name, cases[name]) for name in folds}),
    )
    summary = summarise(figures)
    pictures = worst_pictures(figures, lambda name: (cases[name], concluded(name)))
    write_evaluation(figures, summary, origin, out / EVALUATION_NAME, pictures)
    separate = find_out_of_fold(data, out, folds, "separate")
    separate_figures = [
        _figures(name, cases[name], conclude(cases[name].study, seen.found, models[seen.fold]))
        for name, seen in separate.items()
    ]
    by_size = bool(rows.indexed)
    compared = ablation(
        {"joint": rows.indexed or rows.unindexed, "separate": tuple(_rows(cases, separate, indexed=by_size))},
        {"joint": figures, "separate": separate_figures},
        config.seed,
    )
    _write(out / ABLATION_NAME, compared.to_json())
    masks = mask_quality_report(nested_mask_quality(rows.patients))
    scope = scope_report(nested_scope(rows.patients, rows.negatives))
    choices = {str(fold): _choices(of_fold) for fold, of_fold in calibrated.items()}
    _write(out / QUALITY_NAME, {"scope": scope.to_json(), "mask_quality": masks.to_json(), "choices": choices})
    return f"{format_summary(summary, origin)}\n{compared.text()}"


def _rows(cases: Mapping[str, AcdcCase], found: Mapping[str, OutOfFold], *, indexed: bool) -> list[HeadRow]:
    return [row for name, seen in found.items() for row in head_rows(name, seen.fold, cases[name], seen.found, indexed=indexed)]


def _model(config: TrainingConfiguration, calibrated: Calibrated) -> LoadedModel:
    """Heads and calibration of one fold; its convolutions are never used, for the masks are there."""
    network = MultiTaskNetwork(config.network).eval()
    calibrated.install(network)
    return LoadedModel(network, Manifest(MODEL_NAME, "0", "", config.network, calibrated.calibration, Provenance()))


def _figures(name: str, case: AcdcCase, analysis: Analysis) -> CaseFigures:
    predicted = analysis.predicted_dice
    return case_figures(name, case, analysis, None if predicted is None else dict(predicted))


def _choices(calibrated: Calibrated) -> dict[str, float | None]:
    """What was chosen for a fold on the other folds' rows."""
    head = calibrated.indexed or calibrated.unindexed
    return {
        "strength": head.strength,
        "share": head.share,
        "temperature": head.weights.temperature,
        "label_threshold": calibrated.calibration.label_threshold,
        "inner_accuracy": head.out_of_fold_accuracy,
    }


def _write(path: Path, values: object) -> None:
    path.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")
