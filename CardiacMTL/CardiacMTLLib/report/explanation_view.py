"""The explanation of a diagnosis as the report draws it: a table of features with a small strip of the groups each."""

from __future__ import annotations

from dataclasses import dataclass

from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.diagnosis.distributions import Spread
from CardiacMTLLib.diagnosis.explanation import Part
from CardiacMTLLib.labels import Group
from CardiacMTLLib.report.diagnosis_view import percent_text
from CardiacMTLLib.report.wording import number_text, sentence_case

SHOWN_FEATURES = 10
"""At most so many features are drawn, the weightiest; all stand in the result record."""

STRIP_LEFT, STRIP_RIGHT = 34.0, 214.0
"""Where the axis of a strip begins and ends, in the strip's units."""

STRIP_WIDTH = 300.0
LINE_HEIGHT = 11.0


@dataclass(frozen=True, slots=True)
class StripLine:
    """One group in a strip: `text` is mean ± SD; `x` are the places of the 5th, 25th, 50th, 75th and 95th percentile."""

    group: Group
    text: str
    x: tuple[float, ...]
    y: float
    is_leading: bool


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One feature: its value, its weights, and the strip with the place of the value."""

    title: str
    number: str
    unit: str
    logits: float
    logits_over_runner_up: float
    lines: tuple[StripLine, ...]
    value_x: float

    @property
    def height(self) -> float:
        """Height of the strip."""
        return LINE_HEIGHT * len(self.lines)

    @property
    def words(self) -> str:
        """The strip in words, for those who do not see it."""
        return ", ".join(f"{line.group.value} {line.text}" for line in self.lines)


@dataclass(frozen=True, slots=True)
class ExplanationView:
    """What the report says of an explanation; `runner_up_text` is the runner-up's probability."""

    group: Group
    runner_up: Group
    runner_up_text: str
    favouring_runner_up: tuple[str, ...]
    rows: tuple[FeatureRow, ...]
    n_more: int
    distribution_rows: str | None


def explanation_view(diagnosis: Diagnosis) -> ExplanationView | None:
    """The view of a diagnosis, or None where nothing is explained."""
    explanation = diagnosis.explanation
    if explanation is None or diagnosis.probabilities is None:
        return None
    drawn = [part for part in explanation.parts if part.groups]
    return ExplanationView(
        explanation.group,
        explanation.runner_up,
        percent_text(diagnosis.probabilities[explanation.runner_up]),
        tuple(f"{part.title} ({-part.logits_over_runner_up:.2f})" for part in explanation.favouring_runner_up[:SHOWN_FEATURES]),
        tuple(_row(part, explanation.group) for part in drawn[:SHOWN_FEATURES]),
        max(0, len(drawn) - SHOWN_FEATURES),
        explanation.distribution_rows,
    )


def _row(part: Part, leading: Group) -> FeatureRow:
    ends = [end for spread in part.groups.values() for end in (spread.p5, spread.p95)]
    low, high = min(part.value, *ends), max(part.value, *ends)

    def place(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(STRIP_LEFT + share * (STRIP_RIGHT - STRIP_LEFT), 1)

    lines = tuple(
        StripLine(
            group,
            f"{number_text(spread.mean, part.unit)} ± {number_text(spread.sd, part.unit)}",
            tuple(place(value) for value in _percentiles(spread)),
            LINE_HEIGHT * (index + 0.5),
            group is leading,
        )
        for index, (group, spread) in enumerate(part.groups.items())
    )
    return FeatureRow(
        sentence_case(part.title),
        number_text(part.value, part.unit),
        part.unit,
        part.logits,
        part.logits_over_runner_up,
        lines,
        place(part.value),
    )


def _percentiles(spread: Spread) -> tuple[float, ...]:
    return spread.p5, spread.p25, spread.p50, spread.p75, spread.p95
