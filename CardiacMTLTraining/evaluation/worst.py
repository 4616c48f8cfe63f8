"""Which patients went worst, and their pictures: the image, our outlines and the experts'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLTraining.evaluation.case_figures import CaseFigures
from CardiacMTLTraining.evaluation.worst_drawing import draw_comparison

N_BY_DICE, N_BY_DISTANCE, N_BY_DIAGNOSIS = 3, 2, 3


@dataclass(frozen=True, slots=True)
class WorstCase:
    """A patient to look at, and why."""

    name: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WorstPicture:
    """A patient to look at with its picture, a JPEG file."""

    case: WorstCase
    jpeg: bytes


def worst_cases(figures: Sequence[CaseFigures]) -> list[WorstCase]:
    """Lowest mean Dice, largest mean Hausdorff distance, undefined and surest wrong diagnoses; each patient once."""
    reasons: dict[str, list[str]] = {}
    by_dice = sorted((case.mean_dice, case.name) for case in figures if case.mean_dice is not None)
    for overlap, name in by_dice[:N_BY_DICE]:
        reasons.setdefault(name, []).append(f"mean Dice {overlap:.3f}")
    by_distance = sorted((-case.mean_hausdorff_mm, case.name) for case in figures if case.mean_hausdorff_mm is not None)
    for negative, name in by_distance[:N_BY_DISTANCE]:
        reasons.setdefault(name, []).append(f"mean Hausdorff distance {-negative:.1f} mm")
    wrong = [case for case in figures if case.group is not None and case.most_likely is not case.group]
    by_diagnosis = sorted(wrong, key=lambda case: (-max(case.probabilities or (1.0,)), case.name))
    for case in by_diagnosis[:N_BY_DIAGNOSIS]:
        reasons.setdefault(case.name, []).append(_wrong_in_words(case))
    return [WorstCase(name, tuple(some)) for name, some in reasons.items()]


def worst_pictures(figures: Sequence[CaseFigures], analysed: Callable[[str], tuple[AcdcCase, Analysis]]) -> list[WorstPicture]:
    """Pictures of the worst cases; `analysed` gives a patient and its analysis, made again, by the name of the case."""
    return [WorstPicture(case, draw_comparison(*analysed(case.name))) for case in worst_cases(figures)]


def _wrong_in_words(case: CaseFigures) -> str:
    if case.probabilities is None:
        return f"{case.group}, diagnosis undefined: {case.reason}"
    withheld = "" if case.label else ", label withheld"
    return f"{case.group} taken for {case.most_likely} (probability {max(case.probabilities):.2f}{withheld})"
