"""`Measurement`: a number with its unit, or the reason why there is none."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """One clinical measurement; exactly one of `value` and `reason` is given.

    Raises `ValueError` for a value that is not finite, and where both or neither of value and reason are given.
    """

    value: float | None
    unit: str
    reason: str | None = None

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason is None):
            raise ValueError("a measurement has either a value or a reason why there is none")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError("the value of a measurement is finite")
