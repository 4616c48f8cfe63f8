"""What each change does over all patients: the fall of mean Dice, the labels and groups that it alters, and the limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from CardiacMTLTraining.evaluation.intervals import Interval, bootstrap_interval, exact_interval
from CardiacMTLTraining.stress.changes import CHANGES, MAX_LABELS_CHANGED
from CardiacMTLTraining.stress.record import PLAIN, StressRecord


@dataclass(frozen=True, slots=True)
class Altered:
    """How many of `n` patients are altered, and the exact 95 % interval of the share."""

    count: int
    n: int
    interval_95: Interval

    @classmethod
    def of(cls, count: int, n: int) -> Altered:
        """With its interval."""
        return cls(count, n, exact_interval(count, n))

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return self.count / self.n


@dataclass(frozen=True, slots=True)
class Fall:
    """Mean Dice of `n` patients with expert masks, plain and changed; its fall, with the bootstrap interval over patients."""

    n: int
    plain: float
    changed: float
    fall: float
    interval_95: Interval


@dataclass(frozen=True, slots=True)
class ChangeSummary:
    """One change over all patients; `dice` is None where no patient has expert masks.

    `labels` counts a label that becomes another one, is withheld or is no longer withheld; `groups` counts the most likely
    groups that become others, whether or not the label is given.
    """

    name: str
    dice: Fall | None
    labels: Altered
    groups: Altered

    @property
    def dice_is_met(self) -> bool:
        """Whether mean Dice is known to fall by no more than the change's limit."""
        return self.dice is not None and self.dice.fall <= CHANGES[self.name].max_fall

    @property
    def labels_are_met(self) -> bool:
        """Whether the share of altered labels is within the limit."""
        return self.labels.share <= MAX_LABELS_CHANGED

    @property
    def is_met(self) -> bool:
        """Whether both limits are met."""
        return self.dice_is_met and self.labels_are_met

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, with the limits."""
        limits = {"max_fall": CHANGES[self.name].max_fall, "max_labels_changed": MAX_LABELS_CHANGED}
        met = {"dice_is_met": self.dice_is_met, "labels_are_met": self.labels_are_met, "is_met": self.is_met}
        shares = {"label_share": self.labels.share, "group_share": self.groups.share}
        return {"words": CHANGES[self.name].words} | asdict(self) | shares | limits | met


def summarise_stress(records: Sequence[StressRecord], seed: int = 0) -> tuple[ChangeSummary, ...]:
    """The changes that were made of all patients, in the order of the table; intervals depend on `seed` alone."""
    complete = [name for name in CHANGES if records and all({name, PLAIN} <= set(record.outcomes) for record in records)]
    return tuple(_summary(name, records, seed) for name in complete)


def _summary(name: str, records: Sequence[StressRecord], seed: int) -> ChangeSummary:
    pairs = [(record.outcomes[PLAIN], record.outcomes[name]) for record in records]
    overlaps = np.array(
        [
            (plain.mean_dice, changed.mean_dice)
            for plain, changed in pairs
            if plain.mean_dice is not None and changed.mean_dice is not None
        ]
    )
    return ChangeSummary(
        name,
        _fall(overlaps[:, 0], overlaps[:, 1], seed) if len(overlaps) else None,
        Altered.of(sum(plain.label != changed.label for plain, changed in pairs), len(pairs)),
        Altered.of(sum(plain.most_likely != changed.most_likely for plain, changed in pairs), len(pairs)),
    )


def _fall(plain: np.ndarray, changed: np.ndarray, seed: int) -> Fall:
    falls = plain - changed
    interval = bootstrap_interval(falls.tolist(), seed)
    return Fall(len(falls), float(plain.mean()), float(changed.mean()), float(falls.mean()), interval)
