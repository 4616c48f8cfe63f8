"""Quality flags: what in the masks and numbers a reader should check, and what forbids a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.volumes import structure_volumes_ml
from CardiacMTLLib.volume import Mask

MAX_MASS_MISMATCH = 0.35
"""Largest relative difference of myocardial volume between ED and ES that is not flagged (see docs/decisions/0013)."""

FORBIDDING = frozenset({"lv_esv_above_edv", "rv_esv_above_edv", "mass_mismatch"})
"""Codes of the flags under which no diagnosis is given."""


def quality_flags(
    masks: Mapping[Phase, Mask], geometry: Geometry, measurements: Mapping[str, Measurement]
) -> tuple[QualityFlag, ...]:
    """Flags of (z, y, x) masks and their measurements, in a fixed order."""
    flags: list[QualityFlag] = []
    for name in ("lv", "rv"):
        ef = measurements[f"{name}_ef_percent"].value
        if ef is not None and ef < 0:
            text = f"the {name.upper()} is larger at ES than at ED: check the frames and the masks"
            flags.append(QualityFlag(f"{name}_esv_above_edv", text))
    flags += _mass_mismatch(masks, geometry)
    for phase, mask in masks.items():
        flags += _coverage(phase, mask)
    return tuple(flags)


def _mass_mismatch(masks: Mapping[Phase, Mask], geometry: Geometry) -> list[QualityFlag]:
    if len(masks) < len(Phase):
        return []
    ed, es = (structure_volumes_ml(masks[phase], geometry)[Label.MYOCARDIUM] for phase in Phase)
    if min(ed, es) == 0 or abs(ed - es) / ((ed + es) / 2) <= MAX_MASS_MISMATCH:
        return []
    text = f"myocardial volume is {ed:.0f} mL at ED and {es:.0f} mL at ES, which should agree: check the masks"
    return [QualityFlag("mass_mismatch", text)]


def _coverage(phase: Phase, mask: Mask) -> list[QualityFlag]:
    flags = []
    empty = [structure.name for structure in STRUCTURES if not (mask == structure).any()]
    if empty:
        flags.append(QualityFlag(f"empty_{phase.lower()}", f"not found at {phase}: {', '.join(empty)}"))
    cavity = (mask == Label.LV).any(axis=(1, 2))
    if len(cavity) > 1 and cavity[-1]:
        text = f"the LV reaches the last slice of the stack at {phase}: base or apex may not be covered"
        flags.append(QualityFlag(f"coverage_last_{phase.lower()}", text))
    if len(cavity) > 1 and cavity[0]:
        text = f"the LV reaches the first slice of the stack at {phase}: base or apex may not be covered"
        flags.append(QualityFlag(f"coverage_first_{phase.lower()}", text))
    edges = np.concatenate([mask[:, [0, -1], :].ravel(), mask[:, :, [0, -1]].ravel()])
    if edges.any():
        flags.append(QualityFlag(f"border_{phase.lower()}", f"a mask touches the border of the image at {phase}"))
    return flags
