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
mass, wall thickness), a gated embedding with an auxiliary diagnosis branch, and a linear head on both. A small locator finds
the heart first. Method after Snaauw et al., ISBI 2019 (arXiv 1810.10117). Weights: SHA-256 `{sha256}`.

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
cardiacmtl-train train --cache CACHE --data ACDC --out RUN {hold_out_option}
cardiacmtl-train export --run RUN --out MODELS/{name}
```
Seed {seed}, commit {commit}; {training}.
The heads were refitted on features of the final masks and on auxiliary logits, both from joint trainings that had seen the
patient's expert masks but not its diagnosis. Cross-validated over the training patients, the heads were right in
{indexed:.1%} (indexed) and {unindexed:.1%} (unindexed); penalty, share of the embedding and temperature were chosen on these
very rows, so the two figures and the calibration are optimistic. The embedding alone was right in {embedding:.1%} out of fold
(chance: 20 %).

## Figures
{figures}
"""

_NO_FIGURES = "Not yet evaluated on patients that were kept out."


def model_card(manifest: Manifest) -> str:
    """The card in Markdown."""
    provenance = manifest.provenance
    cross = manifest.metrics["head_out_of_fold"]
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
        hold_out_option=f"--hold-out {provenance.held_out}" if provenance.held_out else "",
        seed=provenance.seed,
        commit=provenance.commit[:12],
        training=", ".join(f"{key.replace('_', ' ')} {value}" for key, value in provenance.training.items()),
        indexed=cross["indexed_accuracy"],
        unindexed=cross["unindexed_accuracy"],
        embedding=cross["embedding_accuracy"],
        figures=_figures(manifest) if "held_out" in manifest.metrics else _NO_FIGURES,
    )


def _figures(manifest: Manifest) -> str:
    summary: dict[str, Any] = manifest.metrics["held_out"]
    low, high = summary["dice_mean_interval_95"]
    only = f" --only {summary['only']}" if summary.get("only") else ""
    failed = summary.get("failed") or {}
    lines = [
        f"Held out: {summary['n_patients']} ACDC patients, native resolution, the whole pipeline, single run. Command:",
        f"`cardiacmtl-train evaluate --data ACDC --model {manifest.name}{only} --out FIGURES`",
        *([f"Not counted, because they could not be analysed: {', '.join(failed)}."] if failed else []),
        "",
        f"Mean Dice over LV, RV, myocardium at ED and ES: **{summary['dice_mean']:.3f}** "
        f"(95 % bootstrap interval over patients {low:.3f} to {high:.3f}).",
        "",
        "| structure | Dice ED | Dice ES | Hausdorff ED (mm) | Hausdorff ES (mm) |",
        "|---|---|---|---|---|",
    ]
    for structure in STRUCTURES:
        keys = [f"{structure.name}_{phase}" for phase in Phase]
        overlap = [_text(summary["dice"][key], ".3f") for key in keys]
        distance = [_text(summary["hausdorff_mm"][key], ".1f") for key in keys]
        lines.append(f"| {structure.name} | {' | '.join(overlap + distance)} |")
    lines += ["", "| measurement | n | mean absolute error | bias | SD of error |", "|---|---|---|---|---|"]
    for key, error in summary["errors"].items():
        cells = [_text(error[name], form) for name, form in (("mean_absolute", ".1f"), ("bias", "+.1f"), ("sd", ".1f"))]
        lines.append(f"| {key} | {error['n']} | {' | '.join(cells)} |")
    return "\n".join(lines + (_diagnosis(summary["diagnosis"]) if "diagnosis" in summary else []))


def _diagnosis(diagnosis: dict[str, Any]) -> list[str]:
    low, high = diagnosis["accuracy_interval_95"]
    lines = [
        "",
        f"Diagnosis: **{diagnosis['right']} of {diagnosis['n']}** right by the largest probability (95 % exact interval "
        f"{low:.2f} to {high:.2f}); log-loss {_text(diagnosis['log_loss'], '.2f')}; a label was given in "
        f"{diagnosis['labelled']}, right in {diagnosis['labelled_right']}.",
        "",
        f"| truth \\ found | {' | '.join(Group)} | none |",
        "|---|" + "---|" * (len(Group) + 1),
    ]
    lines += [f"| {truth} | {' | '.join(str(n) for n in row.values())} |" for truth, row in diagnosis["confusion"].items()]
    return lines


def _text(value: float | None, form: str) -> str:
    return "undefined" if value is None else format(value, form)
