"""Quality flags: what in the masks and numbers a reader should check, and what forbids a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.volumes import structure_volumes_ml
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.volume import Mask

MAX_MASS_MISMATCH = 0.35
"""Largest relative difference of myocardial volume between ED and ES that is not flagged (see docs/decisions/0013)."""

FORBIDDING = frozenset(
    {"lv_esv_above_edv", "rv_esv_above_edv", "mass_mismatch", "cut_ed", "cut_es", "coverage", "lv_proportions", "lv_still"}
)
"""Codes of the flags, of these and of `stack_check`, under which no diagnosis is given."""

_SWAPPED = "Look at the frames of ED and ES: are they swapped? Then look at the outlines of this ventricle in both."
_MISMATCH = (
    "Compare the outlines of the myocardium at ED and ES slice by slice: has one of them a basal or apical slice that the "
    "other lacks?"
)


def quality_flags(
    masks: Mapping[Phase, Mask], geometry: Geometry, measurements: Mapping[str, Measurement], window: Window | None = None
) -> tuple[QualityFlag, ...]:
    """Flags of (z, y, x) masks and their measurements, in a fixed order; `window` is what the network saw of the image."""
    flags: list[QualityFlag] = []
    for name in ("lv", "rv"):
        ef = measurements[f"{name}_ef_percent"].value
        if ef is not None and ef < 0:
            text = f"the {name.upper()} is larger at ES than at ED"
            flags.append(QualityFlag(f"{name}_esv_above_edv", text, _SWAPPED))
    flags += _mass_mismatch(masks, geometry)
    for phase, mask in masks.items():
        flags += _empty_or_cut_off(phase, mask)
        if window is not None and _is_cut(mask, window.inside(geometry)):
            text = f"the heart reaches the edge of the region that was segmented at {phase}, so that volumes may be too small"
            check = f"Look at the outlines at {phase} near the edge of that region: is part of a ventricle missing?"
            flags.append(QualityFlag(f"cut_{phase.lower()}", text, check))
    return tuple(flags)


def _mass_mismatch(masks: Mapping[Phase, Mask], geometry: Geometry) -> list[QualityFlag]:
    if len(masks) < len(Phase) or geometry.shape_zyx[0] < 2:
        return []
    ed, es = (structure_volumes_ml(masks[phase], geometry)[Label.MYOCARDIUM] for phase in Phase)
    if min(ed, es) == 0 or abs(ed - es) / ((ed + es) / 2) <= MAX_MASS_MISMATCH:
        return []
    text = f"myocardial volume is {ed:.0f} mL at ED and {es:.0f} mL at ES, which should agree"
    return [QualityFlag("mass_mismatch", text, _MISMATCH)]


def _empty_or_cut_off(phase: Phase, mask: Mask) -> list[QualityFlag]:
    flags = []
    empty = [structure.name for structure in STRUCTURES if not (mask == structure).any()]
    if empty:
        check = f"Look at the images at {phase}: does the stack show what was not found, and is the frame the right one?"
        flags.append(QualityFlag(f"empty_{phase.lower()}", f"not found at {phase}: {', '.join(empty)}", check))
    edges = np.concatenate([mask[:, [0, -1], :].ravel(), mask[:, :, [0, -1]].ravel()])
    if edges.any():
        check = f"Look at these slices at {phase}: does the image cut the heart off, or has the mask left the heart?"
        flags.append(QualityFlag(f"border_{phase.lower()}", f"a mask touches the border of the image at {phase}", check))
    return flags


def _is_cut(mask: Mask, seen: tuple[slice, slice]) -> bool:
    """Whether a mask touches an edge of the rows and columns that were seen, where the image goes on beyond it."""
    rows, columns = seen
    _, height, width = mask.shape
    sides = (
        (rows.start > 0, mask[:, rows.start : rows.start + 1]),
        (rows.stop < height, mask[:, rows.stop - 1 : rows.stop]),
        (columns.start > 0, mask[:, :, columns.start : columns.start + 1]),
        (columns.stop < width, mask[:, :, columns.stop - 1 : columns.stop]),
    )
    return any(goes_on and bool(edge.any()) for goes_on, edge in sides)
