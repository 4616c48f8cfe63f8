"""The page of the experiment, `reproduction.md`: what was done, what came out, and what of the paper's claim it bears out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from CardiacMTLTraining.evaluation.intervals import Interval, exact_interval
from CardiacMTLTraining.reproduction.analysis import Comparison, Count, compare, mean_dice, of_seeds
from CardiacMTLTraining.reproduction.arms import Arm
from CardiacMTLTraining.reproduction.convergence import ConvergenceComparison, compare_convergence
from CardiacMTLTraining.reproduction.figure import draw_curves
from CardiacMTLTraining.reproduction.methods import methods
from CardiacMTLTraining.reproduction.record import RunRecord
from CardiacMTLTraining.reproduction.verdict import PAPER, PAPER_PATIENTS, convergence_verdict, error_verdict

PAGE_NAME = "reproduction.md"
FIGURE_NAME = "reproduction/learning-curves.png"
CARD = "../CardiacMTL/Resources/Models/acdc-joint/card.md#what-the-parts-are-worth-out-of-fold"


def write_page(records: Sequence[RunRecord], out: Path) -> Path:
    """Analyse the complete seeds of `records` and write page and figure into `out`; returns the page's path.

    Raises `InputError` where no seed is complete.
    """
    comparison, convergence = compare(records), compare_convergence(records)
    whole = of_seeds(records, comparison.seeds)
    (out / FIGURE_NAME).parent.mkdir(parents=True, exist_ok=True)
    draw_curves(whole, out / FIGURE_NAME)
    temporary = out / f".{PAGE_NAME}.part"
    temporary.write_text(page_text(whole, comparison, convergence), encoding="utf-8")
    temporary.replace(out / PAGE_NAME)
    return out / PAGE_NAME


def page_text(records: Sequence[RunRecord], comparison: Comparison, convergence: ConvergenceComparison) -> str:
    """The page in Markdown."""
    lines = [
        "# The paper's experiment, repeated",
        "",
        "Snaauw et al. (ISBI 2019, arXiv 1810.10117) trained one network on the ED and ES short-axis images of ACDC, with a "
        "decoder for masks and a branch for the five groups, and report that training both together lowers the error of the "
        f"diagnosis on {PAPER_PATIENTS} test patients from {_percent(PAPER[Arm.ALONE].error)} to "
        f"{_percent(PAPER[Arm.JOINT].error)} and converges faster. The paper's architecture, loss weight, spacing and learning "
        "rate were not at hand: what is measured here is a re-implementation whose choices are listed below. This page is "
        "written by the command from the records of its runs.",
        "",
        "## Result",
        "",
        error_verdict(comparison),
        "",
        convergence_verdict(convergence),
        "",
        *_error_table(comparison),
        "",
        *_seed_table(comparison),
        "",
        *_convergence_table(convergence),
        "",
        f"![Learning curves of both arms]({FIGURE_NAME})",
        "",
        "Thick lines are means over runs, thin lines single runs.",
        "",
        *_dice(records),
        "The same question for the network that ships, trained jointly and step by step, with the embedding, the clinical "
        f"layer and both, is answered with paired intervals in the [model card]({CARD}).",
        "",
        *methods(records),
    ]
    return "\n".join(lines) + "\n"


def _error_table(comparison: Comparison) -> list[str]:
    alone, joint = comparison.arms[Arm.ALONE], comparison.arms[Arm.JOINT]
    difference = f"{100 * comparison.difference:+.1f} points ({_points(comparison.difference_interval)})"
    averaged = (alone.averaged, joint.averaged)
    paper = (PAPER[Arm.ALONE], PAPER[Arm.JOINT])
    return [
        f"| error of the diagnosis | {Arm.ALONE.words} | {Arm.JOINT.words} | joint less alone |",
        "|---|---|---|---|",
        f"| mean over {comparison.n_patients} patients, seeds averaged within each (95 % bootstrap) | "
        f"**{_percent(alone.mean)}** ({_range(alone.interval)}) | **{_percent(joint.mean)}** ({_range(joint.interval)}) | "
        f"**{difference}** |",
        f"| probabilities averaged over {len(comparison.seeds)} seeds (95 % exact) | "
        f"{_count(averaged[0])} | {_count(averaged[1])} | {100 * (averaged[1].error - averaged[0].error):+.1f} points |",
        f"| the paper, one run on {PAPER_PATIENTS} test patients (95 % exact, computed here) | "
        f"{_count(paper[0])} | {_count(paper[1])} | {100 * (paper[1].error - paper[0].error):+.1f} points |",
    ]


def _seed_table(comparison: Comparison) -> list[str]:
    lines = [
        f"| seed | wrong, {Arm.ALONE.words} (95 % exact) | wrong, {Arm.JOINT.words} (95 % exact) |",
        "|---|---|---|",
    ]
    for seed in comparison.seeds:
        cells = [_count(comparison.arms[arm].by_seed[seed]) for arm in (Arm.ALONE, Arm.JOINT)]
        lines.append(f"| {seed} | {' | '.join(cells)} |")
    return lines


def _convergence_table(convergence: ConvergenceComparison) -> list[str]:
    lines = [
        "| epochs until 70 % of the held-out fold are right | runs that got there | median | restricted mean |",
        "|---|---|---|---|",
    ]
    for arm, found in convergence.arms.items():
        n = len(found.epochs)
        low, high = exact_interval(found.n_reached, n)
        median = "not reached" if found.median is None else str(found.median)
        lines.append(
            f"| {arm.words} | {found.n_reached} of {n} ({_range((low, high))}) | {median} | {found.restricted_mean:.1f} |"
        )
    low, high = convergence.difference_interval
    return [
        *lines,
        "",
        f"Runs that never got there within {convergence.horizon} epochs are censored, not dropped: the median is Kaplan and "
        f"Meier's, and the restricted mean counts such a run as {convergence.horizon} epochs, so that it is a lower bound. "
        f"Difference of the restricted means, joint less alone: {convergence.difference:+.1f} epochs (95 % bootstrap over "
        f"patients {low:+.1f} to {high:+.1f}). Of {len(convergence.arms[Arm.JOINT].epochs)} pairs of runs with one seed and "
        f"fold, the joint arm was first in {convergence.joint_first}, the other in {convergence.alone_first}, neither in "
        f"{convergence.undecided}. The exact intervals of the counts of runs treat the runs as independent, which those of one "
        "fold are not: they are too narrow.",
    ]


def _dice(records: Sequence[RunRecord]) -> list[str]:
    found = mean_dice(records)
    parts = [f"{name} {'undefined' if value is None else f'{value:.3f}'}" for name, value in found.items()]
    return [f"Masks of the joint arm on held-out patients, mean Dice over ED and ES in its window: {', '.join(parts)}.", ""]


def _count(count: Count) -> str:
    return f"{count.wrong} of {count.n}, {_percent(count.error)} ({_range(count.interval)})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %".replace(".0 %", " %")


def _range(interval: Interval) -> str:
    return f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def _points(interval: Interval) -> str:
    return f"95 % bootstrap {100 * interval[0]:+.1f} to {100 * interval[1]:+.1f}"
