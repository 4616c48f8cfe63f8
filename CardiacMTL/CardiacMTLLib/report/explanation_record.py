"""`explanation_record`: why a diagnosis came out as it did, as the plain dictionary that result.json holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from CardiacMTLLib.diagnosis.distributions import Spread
from CardiacMTLLib.diagnosis.explanation import Explanation, Part
from CardiacMTLLib.labels import Group


def explanation_record(explanation: Explanation | None) -> dict[str, Any] | None:
    """The explanation with every part, the weightiest first, or None where there is no diagnosis to explain.

    Logits have four decimals, values three; distributions have the digits of the model's manifest. `against` and
    `favours_runner_up` name parts, the weightiest first. `groups` is null for parts without distributions.
    """
    if explanation is None:
        return None
    return {
        "group": explanation.group.value,
        "runner_up": explanation.runner_up.value,
        "margin_logits": _rounded(explanation.margin_logits, 4),
        "against": [part.name for part in explanation.against],
        "favours_runner_up": [part.name for part in explanation.favouring_runner_up],
        "distributions_of": explanation.distribution_rows,
        "features": [_part(part) for part in explanation.parts],
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "name": part.name,
        "title": part.title,
        "value": _rounded(part.value, 3),
        "unit": part.unit,
        "logits": _rounded(part.logits, 4),
        "logits_over_runner_up": _rounded(part.logits_over_runner_up, 4),
        "groups": _groups(part.groups) if part.groups else None,
    }


def _groups(groups: Mapping[Group, Spread]) -> dict[str, Any]:
    return {group.value: asdict(spread) for group, spread in groups.items()}


def _rounded(value: float, decimals: int) -> float:
    return round(float(value), decimals) + 0.0
