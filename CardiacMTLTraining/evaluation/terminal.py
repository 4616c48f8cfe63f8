"""The figures as a table for a terminal, and how numbers are written there and on the page."""

from __future__ import annotations

from CardiacMTLLib.labels import Group
from CardiacMTLTraining.evaluation.classification import UNDEFINED, DiagnosisSummary
from CardiacMTLTraining.evaluation.intervals import Interval
from CardiacMTLTraining.evaluation.origin import Origin
from CardiacMTLTraining.evaluation.summary import Summary


def number(value: float | None, form: str) -> str:
    """`value` in a format such as `.2f`, or the word for none."""
    return "undefined" if value is None else format(value, form)


def span(interval: Interval | None, form: str) -> str:
    """An interval as 'low to high', or the word for none."""
    return "undefined" if interval is None else f"{interval[0]:{form}} to {interval[1]:{form}}"


def format_summary(summary: Summary, origin: Origin) -> str:
    """The main figures in plain ASCII."""
    lines = [f"{len(summary.patients)} patients ({origin.kind}), {summary.n_with_masks} with expert masks"]
    if summary.n_with_masks:
        lines += _masks(summary)
    if summary.diagnosis is not None:
        lines += _diagnosis(summary.diagnosis)
    if summary.predicted_dice is not None:
        together = summary.predicted_dice.all
        lines.append(f"estimated against real Dice: n {together.n}, Spearman {number(together.spearman, '.2f')}")
    lines += [f"failed: {name}: {reason}" for name, reason in origin.failed.items()]
    return "\n".join(lines)


def _masks(summary: Summary) -> list[str]:
    overlap, hausdorff = summary.dice.patients, summary.hausdorff_mm.patients
    lines = [
        f"mean Dice {number(overlap.mean, '.4f')} (95 % interval {span(overlap.interval_95, '.4f')}), "
        f"mean Hausdorff {number(hausdorff.mean, '.1f')} mm ({span(hausdorff.interval_95, '.1f')})"
    ]
    for key, value in summary.dice.means.items():
        apart, average = summary.hausdorff_mm.means[key], summary.surface_distance_mm.means[key]
        lines.append(
            f"  {key:14s} Dice {number(value, '.3f')}  Hausdorff {number(apart, '.1f')} mm  surface {number(average, '.2f')} mm"
        )
    for key, error in summary.errors.items():
        lines.append(
            f"  {key:14s} mean absolute error {number(error.mean_absolute, '.1f')}, bias {number(error.bias, '+.1f')}, limits "
            f"of agreement {span(error.limits_of_agreement, '+.1f')}, r {number(error.pearson, '.3f')}"
        )
    return lines


def _diagnosis(diagnosis: DiagnosisSummary) -> list[str]:
    lines = [
        f"diagnosis: {diagnosis.right} of {diagnosis.n} right "
        f"(95 % exact interval {span(diagnosis.accuracy_interval_95, '.2f')}), macro-F1 {diagnosis.macro_f1:.3f}",
        f"  log-loss {number(diagnosis.log_loss, '.3f')} ({span(diagnosis.log_loss_interval_95, '.3f')}), "
        f"Brier {number(diagnosis.brier, '.3f')} ({span(diagnosis.brier_interval_95, '.3f')}), "
        f"ECE {number(diagnosis.ece, '.3f')} ({span(diagnosis.ece_interval_95, '.3f')}), "
        f"mean AUC {number(diagnosis.auc_mean, '.3f')}",
        f"  labels given: {diagnosis.labelled}, right {diagnosis.labelled_right}",
    ]
    surest = diagnosis.selective_at_90
    if surest is not None:
        lines.append(
            f"  the surest {surest.coverage:.0%}: {surest.accuracy:.3f} right ({span(surest.accuracy_interval_95, '.2f')})"
        )
    lines.append("  truth    " + " ".join(f"{name:>5s}" for name in (*Group, UNDEFINED)))
    lines += [f"  {truth:8s} " + " ".join(f"{n:5d}" for n in row.values()) for truth, row in diagnosis.confusion.items()]
    return lines
