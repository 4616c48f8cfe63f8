"""The model card: what a model is, what it was trained on, how good it was, and what it is not for."""

from __future__ import annotations

from typing import Any

from CardiacMTLLib.diagnosis.diagnosis import MEANING, RESEARCH_USE
from CardiacMTLLib.labels import STRUCTURES, Group, Phase
from CardiacMTLLib.network.manifest import Manifest

_CITATION = (
    'O. Bernard, A. Lalande, C. Zotti, F. Cervenansky, et al., "Deep Learning Techniques for Automatic MRI Cardiac '
    'Multi-structures Segmentation and Diagnosis: Is the Problem Solved?", IEEE TMI 37(11):2514-2525, 2018, '
    "doi 10.1109/TMI.2018.2837502"
)

_TEXT = """# Model card: {name} {version}

**{research_use}**

## What it is
One multi-task network for short-axis cine cardiac MR: a 2D encoder shared by the end-diastolic (ED) and end-systolic (ES)
frame, a decoder for the masks of LV, RV and LV myocardium, a differentiable clinical layer (volumes, ejection fractions,
mass, wall thickness and motion), an embedding of what the encoder sees within each structure, with a diagnosis branch of its
own, and a linear head on both. A small locator finds the heart first; masks are the mean over the four quarter turns of the
images. Method after Snaauw et al., ISBI 2019 (arXiv 1810.10117). Weights: SHA-256 `{sha256}`.

## Data and licence
Trained on {n_patients} of the {data}.
{held_out}

Checksum of the data: `{data_sha256}`. The data are licensed CC BY-NC-SA 4.0 for non-commercial scientific research; the
weights carry the same licence: {licence}. Citation, mandatory: {citation}.

## Intended use and limits
Research on short-axis cine studies of adults. {meaning}
- One centre, two scanners of one vendor (1.5 T and 3 T), {n_patients} patients: other scanners, children and congenital
  heart disease are untested.
- Papillary muscles count to the cavity; the right-ventricular infundibulum is left out, as in ACDC.
- Without height and weight an unindexed head gives the diagnosis; it stands on volumes that are not related to body size.
- A label is withheld where no probability reaches {threshold:.2f}, and the diagnosis is undefined where volumes contradict
  each other.

## How it was trained
```
cardiacmtl-train prepare --data ACDC --out CACHE
cardiacmtl-train crossval --cache CACHE --data ACDC --out CV{hold_out_option}
cardiacmtl-train train --cache CACHE --out RUN{hold_out_option}
cardiacmtl-train export --run RUN --crossval CV --out MODELS/{name}
```
Seed {seed}, commit {commit}; {training}.
Masks and diagnosis were trained one after the other and then together. Both heads (with and without body surface area), their
temperatures and the threshold of a label were then fitted on what the networks of a cross-validation said of the patients
that each had not seen.{distributions}

## Figures
{figures}
"""

_DISTRIBUTIONS = """ The manifest holds, for explanations, number, mean, SD and percentiles of each feature in each group of
{rows}; it holds no values of single patients."""

_NO_FIGURES = "Not yet measured."


def model_card(manifest: Manifest) -> str:
    """The card in Markdown."""
    provenance = manifest.provenance
    held_out = ""
    if provenance.held_out:
        remainder, divisor = provenance.held_out.split("/")
        held_out = f"Patients whose number leaves {remainder} when divided by {divisor} were kept out of training."
    return _TEXT.format(
        name=manifest.name,
        version=manifest.version,
        research_use=RESEARCH_USE,
        sha256=manifest.weights_sha256,
        n_patients=provenance.n_patients,
        data=provenance.data,
        held_out=held_out,
        data_sha256=provenance.data_sha256,
        licence=provenance.licence,
        citation=_CITATION,
        meaning=MEANING,
        threshold=manifest.calibration.label_threshold,
        hold_out_option=f" --hold-out {provenance.held_out}" if provenance.held_out else "",
        seed=provenance.seed,
        commit=provenance.commit[:12],
        training=", ".join(f"{key.replace('_', ' ')} {value}" for key, value in provenance.training.items()),
        distributions="" if manifest.distributions is None else _DISTRIBUTIONS.format(rows=manifest.distributions.rows),
        figures="\n\n".join(_sections(manifest)) or _NO_FIGURES,
    )


def _sections(manifest: Manifest) -> list[str]:
    """The figures that there are, each under what it is."""
    metrics, sections = manifest.metrics, []
    if "out_of_fold" in metrics:
        summary = metrics["out_of_fold"]
        lines = [
            f"### Out of fold: {summary['n_patients']} patients, {summary['weights']}",
            "Each patient was analysed at native resolution, by the whole pipeline, with a network, a head and thresholds that",
            "had not seen it. The design was chosen with these patients in view, so the figures lean to the optimistic side;",
            "the shipped weights were trained on the patients named above, and show their worth on new patients only. Command:",
            f"`{summary['command']}`",
        ]
        sections.append("\n".join(lines + _figures(summary)))
    if "held_out" in metrics:
        summary = metrics["held_out"]
        lines = [f"### {summary['kind'].capitalize()}: {summary['n_patients']} patients", f"Command: `{summary['command']}`"]
        sections.append("\n".join(lines + _figures(summary)))
    if "ablation" in metrics:
        diagnosis = metrics.get("out_of_fold", {}).get("diagnosis")
        sections.append("\n".join(_ablation(metrics["ablation"], diagnosis)))
    if "quality" in metrics:
        sections.append("\n".join(_quality(metrics["quality"])))
    return sections


def _figures(summary: dict[str, Any]) -> list[str]:
    failed = summary.get("failed") or {}
    lines = [
        *([f"Not counted, because they could not be analysed: {', '.join(failed)}."] if failed else []),
        "",
        f"Mean Dice over LV, RV, myocardium at ED and ES: **{_text(summary['dice_mean'], '.3f')}** "
        f"(95 % bootstrap interval over patients {_span(summary['dice_mean_interval_95'], '.3f')}); mean Hausdorff distance "
        f"{_text(summary['hausdorff_mean_mm'], '.1f')} mm ({_span(summary['hausdorff_mean_mm_interval_95'], '.1f')}).",
        "",
        "| structure | Dice ED | Dice ES | Hausdorff ED (mm) | Hausdorff ES (mm) | surface ED (mm) | surface ES (mm) |",
        "|---|---|---|---|---|---|---|",
    ]
    for structure in STRUCTURES:
        keys = [f"{structure.name}_{phase}" for phase in Phase]
        cells = [_text(summary["dice"][key], ".3f") for key in keys]
        cells += [_text(summary["hausdorff_mm"][key], ".1f") for key in keys]
        cells += [_text(summary["surface_distance_mm"][key], ".2f") for key in keys]
        lines.append(f"| {structure.name} | {' | '.join(cells)} |")
    lines += ["", "| measurement | n | mean absolute error | bias | limits of agreement | r |", "|---|---|---|---|---|---|"]
    for key, error in summary["errors"].items():
        cells = [_text(error["mean_absolute"], ".1f"), _text(error["bias"], "+.1f")]
        cells += [_span(error["limits_of_agreement"], "+.1f"), _text(error["pearson"], ".3f")]
        lines.append(f"| {key} | {error['n']} | {' | '.join(cells)} |")
    return lines + (_diagnosis(summary["diagnosis"]) if "diagnosis" in summary else [])


def _diagnosis(diagnosis: dict[str, Any]) -> list[str]:
    surest = diagnosis["selective_at_90"]
    at_90 = "" if surest is None else f"; of the surest {surest['coverage']:.0%}, {surest['accuracy']:.1%} right"
    lines = [
        "",
        f"Diagnosis: **{diagnosis['right']} of {diagnosis['n']}** right by the largest probability (95 % exact interval "
        f"{_span(diagnosis['accuracy_interval_95'], '.2f')}); a label was given in {diagnosis['labelled']}, right in "
        f"{diagnosis['labelled_right']}{at_90}. Macro-F1 {_text(diagnosis['macro_f1'], '.3f')}; log-loss "
        f"{_text(diagnosis['log_loss'], '.3f')} ({_span(diagnosis['log_loss_interval_95'], '.3f')}), Brier "
        f"{_text(diagnosis['brier'], '.3f')} ({_span(diagnosis['brier_interval_95'], '.3f')}), ECE "
        f"{_text(diagnosis['ece'], '.3f')} ({_span(diagnosis['ece_interval_95'], '.3f')}; "
        "the bootstrap of an ECE leans upwards).",
        "",
        f"| truth \\ found | {' | '.join(Group)} | none |",
        "|---|" + "---|" * (len(Group) + 1),
    ]
    lines += [f"| {truth} | {' | '.join(str(n) for n in row.values())} |" for truth, row in diagnosis["confusion"].items()]
    return lines


def _ablation(compared: dict[str, Any], diagnosis: dict[str, Any] | None) -> list[str]:
    lines = ["### What the parts are worth, out of fold"]
    if diagnosis is not None:
        withheld = diagnosis["n"] - diagnosis["n_with_probabilities"]
        lines += [
            "Here a head alone answers for each patient that it counts; the diagnosis above is that of the whole pipeline, "
            "which gives none where volumes contradict each other or cannot be measured "
            f"({withheld} of {diagnosis['n']} patients), and those count as not right.",
            "",
        ]
    lines += [
        "| training | head looks at | right | log-loss (95 % interval) |",
        "|---|---|---|---|",
    ]
    for head in compared["heads"]:
        loss = f"{head['log_loss']:.3f} ({_span(head['log_loss_interval_95'], '.3f')})"
        lines.append(f"| {head['training']} | {head['inputs']} | {head['right']} of {head['n']} | {loss} |")
    lines += ["", "| paired difference | first | second | mean (95 % bootstrap interval) |", "|---|---|---|---|"]
    for pair in compared["differences"]:
        mean = f"{pair['mean']:+.4f} ({_span(pair['interval_95'], '+.4f')})"
        lines.append(f"| {pair['what']} | {pair['first']} | {pair['second']} | {mean} |")
    return lines


def _quality(quality: dict[str, Any]) -> list[str]:
    scope = quality["scope"]
    lines = [
        "### Estimates of quality, out of fold",
        f"Short-axis studies taken as such: {scope['passed']['count']} of {scope['passed']['n']}. Refused among what is no "
        "short-axis heart (this list only; nothing is claimed about other images):",
        "",
        "| kind | used to | refused | AUC |",
        "|---|---|---|---|",
    ]
    for kind, figures in scope["kinds"].items():
        use = "calibrate" if figures["use"] == "calibration" else "report"
        lines.append(
            f"| {kind} | {use} | {figures['rejected']['count']} of {figures['rejected']['n']} | {figures['auc']:.3f} |"
        )
    lines += ["", "| predicted against real Dice | n | Pearson | Spearman | mean absolute error |", "|---|---|---|---|---|"]
    for key, figures in quality["mask_quality"]["dice"].items():
        cells = [
            _text(figures[name], form) for name, form in (("pearson", ".2f"), ("spearman", ".2f"), ("mean_absolute", ".3f"))
        ]
        lines.append(f"| {key} | {figures['n']} | {' | '.join(cells)} |")
    return lines


def _span(interval: list[float] | None, form: str) -> str:
    return "undefined" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"


def _text(value: float | None, form: str) -> str:
    return "undefined" if value is None else format(value, form)
