"""The figures of all changes as a table for a terminal and for a Markdown page."""

from __future__ import annotations

from collections.abc import Sequence

from CardiacMTLTraining.evaluation.terminal import span
from CardiacMTLTraining.stress.changes import CHANGES, MAX_LABELS_CHANGED
from CardiacMTLTraining.stress.summary import Altered, ChangeSummary

_HOW = (
    "Each patient was analysed by the network that was not trained on it, with heads and thresholds from the other folds, once "
    "as it is and once under each change alone. Mean Dice is over the three structures at ED and ES on the grid of the changed "
    "images. An altered label is another one, one that is withheld, or one that is no longer withheld; the most likely group "
    "counts whether or not the label is given. Intervals are 95 %: by paired bootstrap over patients for the fall, exact for "
    "shares."
)


def terminal_table(summaries: Sequence[ChangeSummary]) -> str:
    """The main figures in plain ASCII."""
    heads = ("change", "plain", "changed", "fall (95 %)", "limit", "labels", "groups")
    lines = ["{:16s} {:>6s} {:>7s} {:>28s} {:>5s} {:>8s} {:>8s} met".format(*heads)]
    for summary in summaries:
        fall = summary.dice
        dice = (
            f"{'undefined':>43s}"
            if fall is None
            else f"{fall.plain:6.3f} {fall.changed:7.3f} {fall.fall:+.4f} ({span(fall.interval_95, '+.4f')})"
        )
        counts = " ".join(f"{f'{part.count}/{part.n}':>8s}" for part in (summary.labels, summary.groups))
        lines.append(
            f"{summary.name:16s} {dice} {CHANGES[summary.name].max_fall:5.2f} {counts} {'yes' if summary.is_met else 'NO'}"
        )
    return "\n".join([*lines, verdict(summaries)])


def markdown_page(summaries: Sequence[ChangeSummary]) -> str:
    """The same as a page, with how it was found."""
    lines = [
        "# Images changed as other scanners might",
        "",
        _HOW,
        "",
        verdict(summaries),
        "",
        "| change | n | Dice plain | changed | fall (95 %) | allowed | altered labels (95 %) | altered groups (95 %) | met |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for summary in summaries:
        fall, change = summary.dice, CHANGES[summary.name]
        dice = (
            ["undefined"] * 3
            if fall is None
            else [f"{fall.plain:.3f}", f"{fall.changed:.3f}", f"{fall.fall:+.3f} ({span(fall.interval_95, '+.3f')})"]
        )
        shares = [_share(summary.labels), _share(summary.groups)]
        cells = [
            change.words,
            str(summary.labels.n),
            *dice,
            f"{change.max_fall:.2f}",
            *shares,
            "yes" if summary.is_met else "no",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def verdict(summaries: Sequence[ChangeSummary]) -> str:
    """One sentence about the limits."""
    met = sum(summary.is_met for summary in summaries)
    limits = f"mean Dice falls by no more than its limit and at most {100 * MAX_LABELS_CHANGED:.0f} % of labels are altered"
    return f"{met} of {len(summaries)} changes stay within the limits ({limits})."


def _share(part: Altered) -> str:
    low, high = (100 * end for end in part.interval_95)
    return f"{part.count}, {100 * part.share:.1f} % ({low:.1f} to {high:.1f})"
