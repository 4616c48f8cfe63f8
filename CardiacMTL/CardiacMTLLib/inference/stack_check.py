"""What the LV of a stack says about the stack itself: is it whole, are its distances right, does the heart move?

The limits stand on the experts' masks of the 99 ACDC training patients (docs/decisions/0013).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.orientation import base_first
from CardiacMTLLib.measure.slices import numbers_text
from CardiacMTLLib.volume import CineStudy, Mask

MAX_APICAL_AREA = 0.45
"""Largest area of the LV cavity in the stack's apical end slice at ED, as a share of its widest slice, that is not flagged."""

LENGTH_TO_DIAMETER = (0.8, 2.6)
"""Least and largest length of the LV cavity at ED, slices times their distance, over the diameter of a circle of the widest
slice's area."""

LEAST_LV_EF_PERCENT = 5.0
"""An ejection fraction nearer to zero than this says that ED and ES show the same moment."""

_COVERAGE = "Look at the most apical slice: does the heart go on beyond it? Then all volumes are too small."
_PROPORTIONS = "Check the distance of the slices and the size of a pixel, and whether the stack holds all slices of the heart."
_STILL = "Look at the frames of ED and ES: are they the same moment, or does the cine cover only a part of the heart beat?"
_WALL_ALONE = "Look there: does the LV reach so far? Then draw its cavity, or else remove the wall."


def stack_flags(
    masks: Mapping[Phase, Mask], study: CineStudy, measurements: Mapping[str, Measurement]
) -> tuple[QualityFlag, ...]:
    """Flags of the (z, y, x) masks of a study that speak of its stack and its frames as a whole, in a fixed order."""
    geometry = study.geometry
    order, _ = base_first(geometry, masks.values())
    flags = [*_still(measurements)]
    if Phase.ED in masks and len(order) > 1:
        areas_mm2 = _lv_areas_mm2(masks[Phase.ED], geometry)[order]
        flags += _coverage(areas_mm2) + _proportions(areas_mm2, geometry.spacing_xyz_mm[2])
    for phase, mask in masks.items():
        flags += _wall_alone(phase, mask, order, study)
    return tuple(flags)


def _lv_areas_mm2(mask: Mask, geometry: Geometry) -> NDArray[np.float64]:
    x_mm, y_mm, _ = geometry.spacing_xyz_mm
    areas: NDArray[np.float64] = (mask == Label.LV).sum(axis=(1, 2)) * x_mm * y_mm
    return areas


def _still(measurements: Mapping[str, Measurement]) -> list[QualityFlag]:
    ef = measurements["lv_ef_percent"].value
    if ef is None or abs(ef) >= LEAST_LV_EF_PERCENT:
        return []
    return [QualityFlag("lv_still", f"the LV hardly changes between ED and ES (ejection fraction {ef:.0f} %)", _STILL)]


def _coverage(areas_mm2: NDArray[np.float64]) -> list[QualityFlag]:
    """`areas_mm2` of the LV from base to apex, at ED."""
    if areas_mm2[-1] <= MAX_APICAL_AREA * areas_mm2.max():
        return []
    text = "the LV is wide in the last slice: the stack does not seem to reach the apex"
    return [QualityFlag("coverage", text, _COVERAGE)]


def _proportions(areas_mm2: NDArray[np.float64], distance_mm: float) -> list[QualityFlag]:
    if not areas_mm2.any():
        return []
    length_mm = np.count_nonzero(areas_mm2) * distance_mm
    diameter_mm = 2 * float(np.sqrt(areas_mm2.max() / np.pi))
    least, largest = LENGTH_TO_DIAMETER
    if least <= length_mm / diameter_mm <= largest:
        return []
    text = f"the LV is {length_mm:.0f} mm long and {diameter_mm:.0f} mm wide at ED, which is not the shape of an LV"
    return [QualityFlag("lv_proportions", text, _PROPORTIONS)]


def _wall_alone(phase: Phase, mask: Mask, order: list[int], study: CineStudy) -> list[QualityFlag]:
    """Experts draw wall without a cavity at the apex, never at the base; `order` runs from base to apex."""
    above_the_cavity = list(takewhile(lambda z: not (mask[z] == Label.LV).any(), order))
    alone = frozenset(z for z in above_the_cavity if (mask[z] == Label.MYOCARDIUM).any())
    if not alone or len(above_the_cavity) == len(order):
        return []
    text = f"wall without a cavity at the base at {phase}, in slice {numbers_text(alone, study)}"
    return [QualityFlag(f"wall_alone_{phase.lower()}", text, _WALL_ALONE)]
