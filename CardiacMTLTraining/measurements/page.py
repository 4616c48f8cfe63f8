"""The agreement of all measurements as a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from CardiacMTLLib.measure.thickening import ThickeningClass
from CardiacMTLLib.report.wording import measurement_title
from CardiacMTLTraining.evaluation.origin import Kind
from CardiacMTLTraining.evaluation.terminal import number, span
from CardiacMTLTraining.measurements.summary import Line, MeasurementSummary

_DECIMALS = {"mm": 2, "g/mL": 3, "L/min": 2, "L/min/m²": 2}
_HEAD = (
    "| measurement | unit | n | mean, expert | bias (95 %) | limits of agreement | mean absolute error | r | undefined, "
    "ours/expert |",
    "|---|---|---|---|---|---|---|---|---|",
)
_CITATION = (
    "O. Bernard, A. Lalande, C. Zotti, F. Cervenansky, et al., IEEE Transactions on Medical Imaging 37(11):2514-2525, 2018, "
    "doi 10.1109/TMI.2018.2837502"
)
_HOW = (
    "The same code measured the masks of the network and those of the experts, on the same grid and at the same frames: the "
    "figures say how far the masks agree in what is measured, not how true a measurement is. Bias is ours less the experts'; "
    "limits of agreement are bias ± 1.96 SD (Bland and Altman, Lancet 1986;1:307); intervals are 95 % by bootstrap over "
    "patients, also where segments are pooled, for the segments of one heart are not independent."
)


@dataclass(frozen=True, slots=True)
class PageOrigin:
    """What stands beside the figures so that they can be made again: no paths."""

    command: str
    date: str
    commit: str
    network_commits: str
    seed: int
    split_seed: int
    n_folds: int
    n_patients: int
    data_sha256: str


def markdown_page(summary: MeasurementSummary, origin: PageOrigin) -> str:
    """The page, with how it was made."""
    same, total = summary.same_class
    parts = [
        "# How far the measurements agree with the experts'",
        "",
        f"Out of fold, {origin.n_patients} ACDC training patients ({_CITATION}). {Kind.OUT_OF_FOLD.meaning} {_HOW}",
        "",
        "## Measurement table",
        "",
        *_table([replace(line, title=measurement_title(line.title)) for line in summary.table]),
        "",
        "## Segments, pooled",
        "",
        "Wall thickness and thickening of the 16 segments of all patients. The files hold no orientation: the usual display is "
        "assumed on both sides alike, so that an exchange of anterior and inferior would not show here.",
        "",
        *_table(summary.pooled),
        "",
        f"The thickening class is the expert's in {same} of {total} segments ({100 * same / max(total, 1):.0f} %):",
        "",
        *_class_table(summary),
    ]
    for title, lines in summary.by_segment.items():
        parts += ["", f"## Each segment: {title}", "", *_table(lines)]
    return "\n".join([*parts, "", _made_by(origin)]) + "\n"


def _table(lines: Sequence[Line]) -> list[str]:
    return [*_HEAD, *(_row(line) for line in lines)]


def _row(line: Line) -> str:
    error = line.error
    ours, theirs = line.undefined
    lacking = f"{ours}/{theirs}" + (f" ({line.reason})" if line.reason else "")
    if not error.n:
        return f"| {line.title} | {line.unit} | 0 | | | | | | {lacking} |"
    form = f".{_DECIMALS.get(line.unit, 1)}f"
    signed = f"+{form}"
    cells = [
        line.title,
        line.unit,
        str(error.n),
        number(line.expert_mean, form),
        f"{number(error.bias, signed)} ({span(error.bias_interval_95, signed)})",
        span(error.limits_of_agreement, signed),
        number(error.mean_absolute, form),
        number(error.pearson, ".3f"),
        lacking,
    ]
    return f"| {' | '.join(cells)} |"


def _class_table(summary: MeasurementSummary) -> list[str]:
    names = [kind.value for kind in ThickeningClass]
    lines = [f"| expert \\ ours | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {theirs} | {' | '.join(str(summary.classes.get((theirs, ours), 0)) for ours in names)} |" for theirs in names]
    return lines


def _made_by(origin: PageOrigin) -> str:
    return (
        f"Made by `{origin.command}` on {origin.date} at commit {origin.commit}, from the masks of a cross-validation of "
        f"{origin.n_folds} folds (seed {origin.seed}, split seed {origin.split_seed}; networks trained at commit "
        f"{origin.network_commits}). SHA-256 of the patients' files: `{origin.data_sha256}`."
    )
