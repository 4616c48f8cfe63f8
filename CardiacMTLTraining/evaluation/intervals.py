"""95 % intervals: exact for proportions, by bootstrap over patients for everything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

Interval = tuple[float, float]
"""Lower and upper end of a 95 % interval."""

_ENDS_PERCENT = (2.5, 97.5)


def exact_interval(right: float, n: int) -> Interval:
    """Clopper-Pearson interval of the proportion `right` of `n`. Source: Clopper and Pearson, Biometrika 1934;26:404."""
    low = float(beta.ppf(0.025, right, n - right + 1)) if right > 0 else 0.0
    high = float(beta.ppf(0.975, right + 1, n - right)) if right < n else 1.0
    return low, high


def bootstrap_interval(values: Sequence[float], seed: int, draws: int = 2000) -> Interval:
    """Percentile bootstrap interval of the mean of one value a patient.

    Source: Efron, Annals of Statistics 1979;7:1.
    """
    array = np.asarray(values, dtype=float)
    generator = np.random.default_rng(seed)
    means = array[generator.integers(0, len(array), (draws, len(array)))].mean(axis=1)
    low, high = np.percentile(means, _ENDS_PERCENT)
    return float(low), float(high)


def bootstrap_statistic(
    n: int, statistic: Callable[[NDArray[np.intp]], float | None], seed: int, draws: int = 1000
) -> Interval | None:
    """Percentile bootstrap interval of any `statistic` of `n` patients, given their drawn indices (n,).

    Draws in which it is undefined are left out; None where it is in all.
    """
    generator = np.random.default_rng(seed)
    drawn = (statistic(generator.integers(0, n, n)) for _ in range(draws))
    known = [value for value in drawn if value is not None]
    if not known:
        return None
    low, high = np.percentile(known, _ENDS_PERCENT)
    return float(low), float(high)
