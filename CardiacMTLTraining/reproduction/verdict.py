"""What the numbers say of the paper's two claims, in words that follow from the intervals alone."""

from __future__ import annotations

from CardiacMTLTraining.reproduction.analysis import Comparison, Count
from CardiacMTLTraining.reproduction.arms import Arm
from CardiacMTLTraining.reproduction.convergence import ConvergenceComparison

PAPER_PATIENTS = 50
PAPER = {Arm.ALONE: Count(16, PAPER_PATIENTS), Arm.JOINT: Count(11, PAPER_PATIENTS)}
"""Errors that the paper reports on ACDC's test patients: 32 % and 22 %."""


def error_verdict(comparison: Comparison) -> str:
    """Whether joint training changed the error here, and whether that agrees with the paper."""
    low, high = (100 * end for end in comparison.difference_interval)
    difference = 100 * comparison.difference
    paper = 100 * (PAPER[Arm.JOINT].error - PAPER[Arm.ALONE].error)
    span = f"{difference:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}"
    if high < 0:
        said = f"**Error: joint training lowered it here ({span}). This agrees with the paper's direction.**"
    elif low > 0:
        said = f"**Error: joint training raised it here ({span}). This contradicts the paper.**"
    else:
        said = (
            f"**Error: no difference between the arms is shown ({span}; the interval includes 0). "
            "The paper's claim is neither confirmed nor refuted.**"
        )
    size = "lies within" if low <= paper <= high else "lies outside"
    return f"{said} The paper's difference of {paper:+.0f} points {size} this interval; the paper gives none of its own."


def convergence_verdict(convergence: ConvergenceComparison) -> str:
    """Whether joint training came to 70 % sooner here, and whether that agrees with the paper."""
    low, high = convergence.difference_interval
    span = f"{convergence.difference:+.1f} epochs of the restricted mean, 95 % interval {low:+.1f} to {high:+.1f}"
    reached = {arm: found.n_reached for arm, found in convergence.arms.items()}
    n = len(convergence.arms[Arm.JOINT].epochs)
    counts = f"{reached[Arm.JOINT]} of {n} joint runs and {reached[Arm.ALONE]} of {n} others got there"
    if not any(reached.values()):
        return f"**Epochs to 70 %: no run got there within {convergence.horizon} epochs, so nothing is shown.**"
    if high < 0:
        said = "joint training came there sooner. This agrees with the paper"
    elif low > 0:
        said = "joint training came there later. This contradicts the paper"
    else:
        said = "no difference is shown; the interval includes 0. The paper's claim is neither confirmed nor refuted"
    return f"**Epochs to 70 %: {said}** ({span}; {counts})."
