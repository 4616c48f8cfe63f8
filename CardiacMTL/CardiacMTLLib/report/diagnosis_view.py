"""The diagnosis as the report shows it: probability bars, and the features for and against the leading group."""

from __future__ import annotations

from dataclasses import dataclass

from CardiacMTLLib.diagnosis.diagnosis import Contribution, Diagnosis
from CardiacMTLLib.labels import Group
from CardiacMTLLib.report.wording import number_text, sentence_case

SHOWN_CONTRIBUTIONS = 6
"""At most so many features for and so many against the leading group are listed."""


@dataclass(frozen=True, slots=True)
class Bar:
    """The probability of one group: in percent for the bar, as `text`, and as it was `before` a correction."""

    code: str
    title: str
    percent: float
    text: str
    is_label: bool
    before: str = "undefined"


@dataclass(frozen=True, slots=True)
class ContributionRow:
    """A feature with its value and its signed weight."""

    title: str
    number: str
    unit: str
    logits: float


def leading_group(diagnosis: Diagnosis) -> Group | None:
    """The label, or the most probable group where the label is withheld; None without probabilities."""
    if diagnosis.label is not None or diagnosis.probabilities is None:
        return diagnosis.label
    return max(Group, key=diagnosis.probabilities.__getitem__)


def probability_bars(diagnosis: Diagnosis, original: Diagnosis | None = None) -> list[Bar]:
    """A bar for each of the five groups, in class order; none where the probabilities are undefined."""
    if diagnosis.probabilities is None:
        return []
    shares, before = diagnosis.probabilities, None if original is None else original.probabilities
    return [
        Bar(
            group.value,
            group.full_name,
            100 * shares[group],
            percent_text(shares[group]),
            group is diagnosis.label,
            "undefined" if before is None else percent_text(before[group]),
        )
        for group in Group
    ]


def percent_text(share: float) -> str:
    """A probability for a reader; neither 0 % nor 100 %, which a model cannot know."""
    text = "< 0.1 %" if share < 0.0005 else "> 99.9 %" if share >= 0.9995 else f"{100 * share:.1f} %"
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def finding(diagnosis: Diagnosis) -> str:
    """The diagnosis in a few words, as a corrected report recalls the one before."""
    if diagnosis.label is not None:
        share = "" if diagnosis.probabilities is None else f", {percent_text(diagnosis.probabilities[diagnosis.label])}"
        return f"pattern most like {diagnosis.label.value}{share}"
    return f"{'undefined' if diagnosis.probabilities is None else 'no label'} ({diagnosis.reason})"


def contribution_rows(diagnosis: Diagnosis) -> tuple[list[ContributionRow], list[ContributionRow]]:
    """The strongest features for the leading group and those against it, each by falling weight."""
    by_weight = sorted(diagnosis.contributions, key=lambda contribution: -abs(contribution.logits))
    favouring = [_row(item) for item in by_weight if item.logits > 0]
    opposing = [_row(item) for item in by_weight if item.logits < 0]
    return favouring[:SHOWN_CONTRIBUTIONS], opposing[:SHOWN_CONTRIBUTIONS]


def _row(item: Contribution) -> ContributionRow:
    return ContributionRow(sentence_case(item.feature), number_text(item.value, item.unit), item.unit, item.logits)
