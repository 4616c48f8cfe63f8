"""`PeriodicFit`: a smooth closed curve through samples of one heart beat, and its steepest places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_SAMPLES = 8
"""Fewest frames from which a rate is taken."""

_FINE_STEPS = 2001
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class PeriodicFit:
    """A mean and a few harmonics; `coefficients` are mean, cosine 1, sine 1, cosine 2, ... over the beat (0 to 1).

    `shares` (n,) are the sampled places of the beat by size.
    """

    coefficients: NDArray[np.float64]
    shares: NDArray[np.float64]

    @classmethod
    def through(cls, shares: Sequence[float], values: Sequence[float]) -> PeriodicFit:
        """The least-squares fit of samples at `shares` of the beat, `MIN_SAMPLES` or more of them.

        Three harmonics below twelve samples and four from there on: two are too few for filling, and more only follow noise.
        Bacharach et al., J Nucl Med 1983;24:1176-1184, found two best for ejection and three to six for filling, by noise.
        """
        harmonics = 3 if len(values) < 12 else 4
        columns = _angles(shares, harmonics)
        basis = np.hstack([np.ones((len(values), 1)), np.cos(columns), np.sin(columns)])
        solution, *_ = np.linalg.lstsq(basis, np.asarray(values, dtype=float), rcond=None)
        cosines, sines = solution[1 : harmonics + 1], solution[harmonics + 1 :]
        coefficients = np.concatenate([solution[:1], np.column_stack([cosines, sines]).ravel()])
        return cls(coefficients, np.sort(np.asarray(shares, dtype=float)))

    def slope(self, shares: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Change per beat at `shares` of the beat."""
        cosines, sines = self.coefficients[1::2], self.coefficients[2::2]
        angles = _angles(shares, len(cosines))
        speed = 2 * np.pi * np.arange(1, len(cosines) + 1)
        steep: NDArray[np.float64] = (np.cos(angles) * sines - np.sin(angles) * cosines) @ speed
        return steep

    def is_held(self, shares: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether samples hold the curve at `shares` (n,) of the beat, or it swings freely in a gap between them.

        A gap is longer than half the shortest period of the harmonics (the sampling theorem).
        """
        widths = np.diff(self.shares, append=self.shares[0] + 1)
        before = np.searchsorted(self.shares, shares % 1.0, side="right") - 1
        held: NDArray[np.bool_] = widths[before] <= 1 / (len(self.coefficients) - 1) + _ROUNDING
        return held

    def steepest(self, start: float, end: float, sign: int) -> tuple[float, float] | None:
        """The largest `sign` * slope from `start` forward to `end`, and how far behind `start` it lies, in beats.

        Only what samples hold (`is_held`) is looked at; None where the slope is largest at the edge of a gap.
        """
        offsets = np.linspace(0, (end - start) % 1.0, _FINE_STEPS)
        held = self.is_held(start + offsets)
        slopes = np.where(held, sign * self.slope(start + offsets), -np.inf)
        best = int(slopes.argmax())
        return (float(slopes[best]), float(offsets[best])) if held[max(best - 1, 0) : best + 2].all() else None


def _angles(shares: Sequence[float] | NDArray[np.float64], harmonics: int) -> NDArray[np.float64]:
    angles: NDArray[np.float64] = 2 * np.pi * np.outer(np.asarray(shares, dtype=float), np.arange(1, harmonics + 1))
    return angles
