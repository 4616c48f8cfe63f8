"""`evaluate`: a shipped model through its own pipeline on native images, against expert masks and groups."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from CardiacMTLLib.errors import CardiacMTLError, InputError
from CardiacMTLLib.labels import STRUCTURES, Group, Phase
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLTraining.metrics import bootstrap_interval, dice, exact_interval, hausdorff_mm

log = logging.getLogger(__name__)

COMPARED = ("lv_edv_ml", "lv_esv_ml", "lv_ef_percent", "lv_mass_g", "rv_edv_ml", "rv_esv_ml", "rv_ef_percent")
_STRUCTURE_PHASES = tuple((structure, phase) for structure in STRUCTURES for phase in Phase)


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """Figures of one patient; keys of the dictionaries such as `LV_ED` and `lv_ef_percent`; None where undefined."""

    name: str
    dice: dict[str, float | None]
    hausdorff_mm: dict[str, float | None]
    errors: dict[str, float | None]
    group: Group | None
    probabilities: tuple[float, ...] | None
    label: Group | None

    @property
    def most_likely(self) -> Group | None:
        """The group of the largest probability, whether or not the label was withheld."""
        return None if self.probabilities is None else list(Group)[int(np.argmax(self.probabilities))]


def evaluate(data: Path, model: LoadedModel, chosen: Callable[[str], bool]) -> tuple[list[CaseFigures], dict[str, str]]:
    """Figures of every patient folder below `data` whose name is `chosen`, and the reason for each that failed."""
    figures: list[CaseFigures] = []
    failed: dict[str, str] = {}
    folders = [path.parent for path in sorted(data.glob("*/Info.cfg")) if chosen(path.parent.name)]
    if not folders:
        raise InputError(f"no patient to evaluate in {data}; expected folders in ACDC form whose numbers fit --only")
    for number, folder in enumerate(folders, start=1):
        try:
            figures.append(evaluate_case(folder, model))
        except CardiacMTLError as error:
            failed[folder.name] = str(error)
            log.warning("%s failed: %s", folder.name, error)
        else:
            log.info("%d of %d: %s mean Dice %.3f", number, len(folders), folder.name, _mean(figures[-1].dice.values()) or 0)
    return figures, failed


def evaluate_case(folder: Path, model: LoadedModel) -> CaseFigures:
    """One patient through `pipeline.analyse`; raises `InputError` where expert masks are missing."""
    case = read_acdc_case(folder)
    if case.masks is None or any(phase not in case.masks for phase in Phase):
        raise InputError(f"{folder.name} lacks expert masks of ED and ES; evaluation needs both")
    study = case.study
    analysis = analyse(study, model)
    overlap: dict[str, float | None] = {}
    distance: dict[str, float | None] = {}
    for structure, phase in _STRUCTURE_PHASES:
        found, truth = analysis.masks[phase] == structure, case.masks[phase] == structure
        overlap[f"{structure.name}_{phase}"] = dice(found, truth)
        distance[f"{structure.name}_{phase}"] = hausdorff_mm(found, truth, study.geometry)
    expert = measure_function(case.masks, study.geometry, study.patient)
    errors: dict[str, float | None] = {}
    for key in COMPARED:
        ours, theirs = analysis.measurements[key].value, expert[key].value
        errors[key] = None if ours is None or theirs is None else ours - theirs
    probabilities = analysis.diagnosis.probabilities
    return CaseFigures(
        folder.name,
        overlap,
        distance,
        errors,
        case.group,
        None if probabilities is None else tuple(probabilities[group] for group in Group),
        analysis.diagnosis.label,
    )


def summarise(figures: Sequence[CaseFigures], seed: int = 0) -> dict[str, Any]:
    """Means with 95 % bootstrap intervals over patients, errors, and the diagnosis with its exact interval."""
    keys = [f"{structure.name}_{phase}" for structure, phase in _STRUCTURE_PHASES]
    means = [mean for case in figures if (mean := _mean(case.dice.values())) is not None]
    diagnosed = [case for case in figures if case.group is not None]
    right = sum(case.most_likely is case.group for case in diagnosed)
    summary: dict[str, Any] = {
        "n_patients": len(figures),
        "patients": [case.name for case in figures],
        "dice_mean": float(np.mean(means)),
        "dice_mean_interval_95": bootstrap_interval(means, seed),
        "dice": {key: _mean(case.dice[key] for case in figures) for key in keys},
        "hausdorff_mm": {key: _mean(case.hausdorff_mm[key] for case in figures) for key in keys},
        "errors": {key: _error_summary([case.errors[key] for case in figures]) for key in COMPARED},
    }
    if diagnosed:
        labelled = [case for case in diagnosed if case.label is not None]
        summary["diagnosis"] = {
            "right": right,
            "n": len(diagnosed),
            "accuracy": right / len(diagnosed),
            "accuracy_interval_95": exact_interval(right, len(diagnosed)),
            "labelled": len(labelled),
            "labelled_right": sum(case.label is case.group for case in labelled),
            "log_loss": _log_loss(diagnosed),
            "confusion": _confusion(diagnosed),
        }
    return summary


def write_figures(figures: Sequence[CaseFigures], summary: dict[str, Any], out: Path) -> None:
    """Write `summary.json` and one row a patient in `cases.csv`."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(json.dumps(summary, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    with (out / "cases.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        columns = [f"{kind}_{key}" for kind in ("dice", "hausdorff_mm") for key in figures[0].dice]
        writer.writerow(["case", *columns, *(f"error_{key}" for key in COMPARED), "group", "most_likely", "label", *Group])
        for case in figures:
            cells = [*case.dice.values(), *case.hausdorff_mm.values(), *case.errors.values()]
            numbers = ["" if value is None else f"{value:.4f}" for value in cells]
            chances = [f"{p:.4f}" for p in case.probabilities or ()] or [""] * len(Group)
            writer.writerow([case.name, *numbers, case.group or "", case.most_likely or "", case.label or "", *chances])


def _mean(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _error_summary(errors: Sequence[float | None]) -> dict[str, float | int | None]:
    known = np.array([error for error in errors if error is not None])
    if not len(known):
        return {"n": 0, "mean_absolute": None, "bias": None, "sd": None}
    sd = float(known.std(ddof=1)) if len(known) > 1 else None
    return {"n": len(known), "mean_absolute": float(np.abs(known).mean()), "bias": float(known.mean()), "sd": sd}


def _log_loss(cases: Sequence[CaseFigures]) -> float | None:
    chances = [case.probabilities[list(Group).index(case.group)] for case in cases if case.probabilities and case.group]
    return float(-np.log(np.clip(chances, 1e-12, 1)).mean()) if chances else None


def _confusion(cases: Sequence[CaseFigures]) -> dict[str, dict[str, int]]:
    """Rows are true groups, columns the most likely ones; 'none' where the diagnosis was undefined."""
    columns = [*Group, None]
    return {
        truth: {str(found or "none"): sum(c.group is truth and c.most_likely is found for c in cases) for found in columns}
        for truth in Group
    }


def format_summary(summary: dict[str, Any]) -> str:
    """The figures as a table for a terminal."""
    low, high = summary["dice_mean_interval_95"]
    lines = [f"{summary['n_patients']} patients, mean Dice {summary['dice_mean']:.4f} (95 % interval {low:.4f} to {high:.4f})"]
    for key, value in summary["dice"].items():
        distance = summary["hausdorff_mm"][key]
        lines.append(f"  {key:14s} Dice {_text(value, '.3f')}  Hausdorff {_text(distance, '.1f')} mm")
    for key, error in summary["errors"].items():
        absolute, bias = _text(error["mean_absolute"], ".1f"), _text(error["bias"], "+.1f")
        lines.append(f"  {key:14s} mean absolute error {absolute}, bias {bias}")
    if "diagnosis" in summary:
        diagnosis = summary["diagnosis"]
        low, high = diagnosis["accuracy_interval_95"]
        lines.append(f"diagnosis: {diagnosis['right']} of {diagnosis['n']} right (95 % exact interval {low:.2f} to {high:.2f})")
        lines.append("  truth    " + " ".join(f"{name:>5s}" for name in (*Group, "none")))
        lines += [f"  {truth:8s} " + " ".join(f"{n:5d}" for n in row.values()) for truth, row in diagnosis["confusion"].items()]
    return "\n".join(lines)


def _text(value: float | None, form: str) -> str:
    return "undefined" if value is None else format(value, form)
