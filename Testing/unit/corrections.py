"""An analysis before and after a correction by hand, without network and without torch."""

from __future__ import annotations

from functools import cache

import numpy as np

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.conclude import MaskEvidence, conclude_masks
from CardiacMTLLib.labels import Group, Label, Phase
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.network.heads import load_heads
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom
from CardiacMTLLib.recompute import recompute

GRID = PhantomGrid(size_xyz=(72, 72, 8), spacing_xyz_mm=(3.5, 3.5, 14.0))


@cache
def phantom_analysis(n_frames: int = 8, *, whole_cycle: bool = True) -> Analysis:
    """What the shipped model's heads conclude from the true masks of a phantom; its embedding has nothing to say."""
    phantom = make_phantom(anatomy_of(Group.NOR), GRID, n_frames=n_frames)
    areas = (phantom.masks == Label.LV).sum(axis=(1, 2, 3))
    frames = {Phase.ED: int(areas.argmax()), Phase.ES: int(areas.argmin())}
    masks = {phase: phantom.masks[frame] for phase, frame in frames.items()}
    cine = phantom.masks if whole_cycle else None
    predicted = {"LV_ED": 0.95, "LV_ES": 0.9}
    evidence = MaskEvidence(frames, masks, cine, np.zeros(5), predicted, 0.99, SliceSelection())
    return conclude_masks(phantom.study, evidence, load_heads())


def corrected_analysis(original: Analysis) -> Analysis:
    """`original` after a reader has taken the upper half of the LV's cavity out of its widest slice at ED."""
    mask = original.masks[Phase.ED].copy()
    widest = mask[(mask == Label.LV).sum(axis=(1, 2)).argmax()]
    upper = widest[: round(float(np.nonzero(widest == Label.LV)[0].mean()))]
    upper[upper == Label.LV] = Label.BACKGROUND
    return recompute(original, {Phase.ED: mask}, load_heads())
