"""How a cost grows with a size: constant + factor * size ** exponent, fitted by least squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

SUPER_LINEAR = 1.15
"""Exponents above this are called super-linear where a straight line does not fit: a few points do not tell less from 1."""

NOISE = 0.05
"""A line that is nowhere further from the points, as a share of them, fits: runs of one size differ by as much, and more."""

FLAT = 0.1
"""Costs so close to the least count as equal to it."""

_EXPONENTS = np.arange(0.05, 2.5001, 0.05)


@dataclass(frozen=True, slots=True)
class Growth:
    """The fitted curve, and its largest distance from a measured point as a share of that point.

    `line_off` is that distance for the best straight line; `floor` is what the cost is at least: the curve itself counts where
    it lies above.
    """

    constant: float
    factor: float
    exponent: float
    worst: float
    line_off: float
    floor: float = 0.0

    @property
    def super_linear(self) -> bool:
        """Whether twice the size costs more than twice as much, beyond doubt."""
        return self.exponent > SUPER_LINEAR and self.line_off > NOISE

    def at(self, sizes: Sequence[float]) -> list[float]:
        """The curve's costs."""
        return [max(self.floor, self.constant + self.factor * size**self.exponent) for size in sizes]


def amounts(name: str, sizes: Sequence[int]) -> list[int]:
    """How much data the sizes `name` of a study make: for the matrix the samples of a slice."""
    return [size**2 for size in sizes] if name == "matrix" else list(sizes)


def growth_of(name: str, curve: Mapping[str, Any], kind: str) -> Growth | None:
    """The growth of a measured curve over the sizes `name` of a study; `kind` is cpu_s or peak_mb."""
    fit = fitted_above_floor if kind == "peak_mb" else fitted
    return fit(amounts(name, curve["sizes"]), curve[kind])


def fitted(sizes: Sequence[float], costs: Sequence[float]) -> Growth | None:
    """The curve with the least squared relative distance from the points; None for fewer than three, or a cost of 0.

    Constant and factor are not negative; where the cost does not grow the factor is 0 and the exponent 0.
    """
    if len(sizes) < 3 or min(costs) <= 0:
        return None
    n, measured = np.asarray(sizes, dtype=float), np.asarray(costs, dtype=float)
    line_off = float(np.abs(_off(1.0, n, measured)[2]).max())
    best: tuple[float, Growth] | None = None
    for exponent in _EXPONENTS:
        constant, factor, off = _off(float(exponent), n, measured)
        growth = Growth(constant, factor, float(round(exponent, 2)) if factor else 0.0, float(np.abs(off).max()), line_off)
        error = float(off @ off)
        if best is None or error < best[0] - 1e-9:
            best = error, growth
    return None if best is None else best[1]


def fitted_above_floor(sizes: Sequence[float], peaks: Sequence[float]) -> Growth | None:
    """As `fitted`, for the most of what several stages need: it stays at a floor until one stage outgrows the others.

    The curve is that of the peaks above the floor, which must be three at least; where all lie on the floor nothing grows.
    """
    floor = min(peaks)
    above = [(size, peak) for size, peak in zip(sizes, peaks, strict=True) if peak > floor * (1 + FLAT)]
    if not above:
        return fitted(sizes, [floor] * len(peaks))
    growth = fitted(*zip(*above, strict=True))
    return None if growth is None else replace(growth, floor=floor)


def _off(exponent: float, n: np.ndarray, measured: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Constant and factor for an exponent, and how far the curve is from each point, as a share of it."""
    constant, factor = _line(n**exponent, measured)
    return constant, factor, (constant + factor * n**exponent) / measured - 1


def _line(powers: np.ndarray, costs: np.ndarray) -> tuple[float, float]:
    """Constant and factor, neither below 0, with the least squared relative distance."""
    rows = np.stack([1 / costs, powers / costs], axis=1)
    ones = np.ones(len(costs))
    constant, factor = np.linalg.lstsq(rows, ones, rcond=None)[0]
    if constant < 0:
        constant, factor = 0.0, rows[:, 1] @ ones / (rows[:, 1] @ rows[:, 1])
    elif factor < 0:
        constant, factor = rows[:, 0] @ ones / (rows[:, 0] @ rows[:, 0]), 0.0
    return float(constant), float(factor)
