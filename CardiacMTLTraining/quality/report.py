"""How good the estimates are: figures of the scope by kind of negative, and of predicted against real Dice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sklearn.metrics import roc_auc_score

from CardiacMTLLib.labels import STRUCTURE_PHASES, Phase
from CardiacMTLTraining.evaluation.intervals import Interval, exact_interval
from CardiacMTLTraining.evaluation.mask_quality import EstimateFigures, estimate_figures
from CardiacMTLTraining.quality.fit import GOOD_DICE
from CardiacMTLTraining.quality.negatives import Use, use_of
from CardiacMTLTraining.quality.nested import JudgedMasks, JudgedScope


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `n` with the exact 95 % interval of the proportion; both None without any."""

    count: int
    n: int
    share: float | None
    interval_95: Interval | None

    @classmethod
    def of(cls, hits: Sequence[bool]) -> Share:
        """The share of true values."""
        count, n = sum(hits), len(hits)
        return cls(count, n, count / n, exact_interval(count, n)) if n else cls(0, 0, None, None)


@dataclass(frozen=True, slots=True)
class KindFigures:
    """One kind of negatives.

    Whether the score was fitted on others of its kind, how many are rejected, how many of these because no heart was found at
    all, and the area under the ROC curve of the score against the positives.
    """

    use: Use
    rejected: Share
    without_heart: int
    auc: float


@dataclass(frozen=True, slots=True)
class ScopeReport:
    """Short-axis studies that pass, and the negatives by kind; nothing is claimed about other kinds."""

    passed: Share
    refused_names: tuple[str, ...]
    kinds: dict[str, KindFigures]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class MaskQualityReport:
    """Predicted against real Dice by structure and phase, and what the flags of each phase catch.

    A phase is good where the Dice of all three of its masks is at least `GOOD_DICE`.
    """

    dice: dict[str, EstimateFigures]
    flagged_good: dict[str, Share]
    flagged_poor: dict[str, Share]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def scope_report(judged: JudgedScope) -> ScopeReport:
    """Figures of the scope from the nested judgements (`nested.nested_scope`)."""
    hearts = [judgement.score for _, judgement in judged.positives]
    kinds: dict[str, KindFigures] = {}
    for kind in dict.fromkeys(row.kind for row, _ in judged.negatives):
        rows = [(row, judgement) for row, judgement in judged.negatives if row.kind == kind]
        scores = [judgement.score for _, judgement in rows]
        kinds[kind] = KindFigures(
            use_of(kind),
            Share.of([judgement.refused for _, judgement in rows]),
            sum(row.evidence is None for row, _ in rows),
            float(roc_auc_score([1] * len(hearts) + [0] * len(scores), hearts + scores)),
        )
    return ScopeReport(
        Share.of([not judgement.refused for _, judgement in judged.positives]),
        tuple(row.name for row, judgement in judged.positives if judgement.refused),
        kinds,
    )


def mask_quality_report(judged: Sequence[JudgedMasks]) -> MaskQualityReport:
    """Figures of the predicted Dice from the nested judgements (`nested.nested_mask_quality`)."""
    good: dict[str, list[bool]] = {str(phase): [] for phase in Phase}
    poor: dict[str, list[bool]] = {str(phase): [] for phase in Phase}
    for case in judged:
        for phase in Phase:
            real = [case.row.dice[key] for key, (_, of_phase) in STRUCTURE_PHASES.items() if of_phase is phase]
            known = [value for value in real if value is not None]
            if known and case.predicted_dice is not None:
                chosen = good if min(known) >= GOOD_DICE else poor
                chosen[str(phase)].append(f"low_mask_quality_{phase.lower()}" in case.flags)
    return MaskQualityReport(
        {key: estimate_figures(_pairs(judged, key)) for key in STRUCTURE_PHASES},
        {phase: Share.of(hits) for phase, hits in good.items()},
        {phase: Share.of(hits) for phase, hits in poor.items()},
    )


def _pairs(judged: Sequence[JudgedMasks], key: str) -> list[tuple[float, float]]:
    """Predicted and real Dice of one structure and phase, for the patients that have both."""
    both = ((case.predicted_dice[key], case.row.dice[key]) for case in judged if case.predicted_dice is not None)
    return [(predicted, real) for predicted, real in both if real is not None]
