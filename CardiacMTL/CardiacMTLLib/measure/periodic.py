"""`PeriodicFit`: a smooth closed curve through samples of one heart beat, and its steepest places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_SAMPLES = 8
"""Fewest frames from which a rate is taken."""

_FINE_STEPS = 2001


@dataclass(frozen=True, slots=True, eq=False)
class PeriodicFit:
    """A mean and a few harmonics; `coefficients` are mean, cosine 1, sine 1, cosine 2, ... over the beat (0 to 1)."""

    coefficients: NDArray[np.float64]

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
        return cls(np.concatenate([solution[:1], np.column_stack([cosines, sines]).ravel()]))

    def slope(self, shares: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Change per beat at `shares` of the beat."""
        cosines, sines = self.coefficients[1::2], self.coefficients[2::2]
        angles = _angles(shares, len(cosines))
        speed = 2 * np.pi * np.arange(1, len(cosines) + 1)
        steep: NDArray[np.float64] = (np.cos(angles) * sines - np.sin(angles) * cosines) @ speed
        return steep

    def steepest(self, start: float, end: float, sign: int) -> tuple[float, float]:
        """The largest `sign` * slope from `start` forward to `end`, and how far behind `start` it lies, in beats."""
        offsets = np.linspace(0, (end - start) % 1.0, _FINE_STEPS)
        slopes = sign * self.slope(start + offsets)
        best = int(slopes.argmax())
        return float(slopes[best]), float(offsets[best])


def _angles(shares: Sequence[float] | NDArray[np.float64], harmonics: int) -> NDArray[np.float64]:
    angles: NDArray[np.float64] = 2 * np.pi * np.outer(np.asarray(shares, dtype=float), np.arange(1, harmonics + 1))
    return angles
