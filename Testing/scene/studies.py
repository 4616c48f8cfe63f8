"""A study with an analytic heart, on an oblique grid of either handedness."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.analysis import Analysis, ModelIdentity
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Group, Label, Phase
from CardiacMTLLib.measure.curve import cycle_curves
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.volumes import structure_volumes_ml
from CardiacMTLLib.volume import CineStudy, Mask, StoredGrid

SIZE_XYZ = (60, 52, 9)
SPACING_XYZ_MM = (1.5, 1.5, 8.0)

SHORT_AXIS = np.array([[0.72, -0.40, -0.567], [0.36, 0.91, -0.19], [0.592, -0.067, 0.803]])
"""Near the directions (columns, LPS) of a true stack: x to the patient's left, z to the base."""


def geometry(left_handed: bool = False) -> Geometry:
    """An oblique grid like a true short-axis stack; left-handed where x is counted from the patient's left."""
    orthonormal, _ = np.linalg.qr(SHORT_AXIS)
    direction = orthonormal * np.sign(np.sum(orthonormal * SHORT_AXIS, axis=0)) * ([-1, 1, 1] if left_handed else [1, 1, 1])
    return Geometry(SIZE_XYZ, SPACING_XYZ_MM, tuple(direction.ravel().tolist()), (-31.5, 12.25, 40.75))


def heart_mask(contraction: float, mirrored: bool = False) -> Mask:
    """An LV ellipsoid in its wall and an RV beside it on the patient's right; cavities shrink with `contraction`."""
    width, height, depth = SIZE_XYZ
    z, y, x = np.meshgrid(*(np.arange(count) for count in (depth, height, width)), indexing="ij")
    x_mm, y_mm, z_mm = (x - 34) * SPACING_XYZ_MM[0], (y - 26) * SPACING_XYZ_MM[1], (z - 6) * SPACING_XYZ_MM[2]

    def inside(radius_mm: float, long_mm: float, shift_mm: float = 0.0) -> NDArray[np.bool_]:
        return np.asarray(((x_mm + shift_mm) ** 2 + y_mm**2) / radius_mm**2 + (z_mm / long_mm) ** 2 < 1)

    covered = (z >= 1) & (z <= depth - 2)
    mask = np.zeros((depth, height, width), dtype=np.uint8)
    mask[inside(26 * contraction, 38 * contraction, 18.0) & covered] = Label.RV
    mask[inside(28, 46) & covered] = Label.MYOCARDIUM
    mask[inside(20 * contraction, 38 * contraction) & covered] = Label.LV
    return np.ascontiguousarray(mask[..., ::-1]) if mirrored else mask


def measurements(masks: Mapping[Phase, Mask], grid: Geometry) -> dict[str, Measurement]:
    """Volumes as counted, and one undefined entry with its reason."""
    volumes = {phase: structure_volumes_ml(mask, grid) for phase, mask in masks.items()}
    return {
        "lv_edv_ml": Measurement(volumes[Phase.ED][Label.LV], "mL"),
        "lv_esv_ml": Measurement(volumes[Phase.ES][Label.LV], "mL"),
        "rv_edv_ml": Measurement(volumes[Phase.ED][Label.RV], "mL"),
        "rv_esv_ml": Measurement(volumes[Phase.ES][Label.RV], "mL"),
        "lv_mass_g": Measurement(1.05 * volumes[Phase.ED][Label.MYOCARDIUM], "g"),
        "lv_edv_ml_per_m2": Measurement(None, "mL/m2", 'height and weight are "unknown",\tgive both'),
    }


def withheld_diagnosis() -> Diagnosis:
    """Probabilities without a label."""
    chances = dict(zip(Group, (0.3, 0.25, 0.2, 0.15, 0.1), strict=True))
    return Diagnosis(chances, None, "confidence is below the limit, two groups are nearly as likely")


@dataclass(frozen=True, slots=True)
class Case:
    """What varies between studies."""

    left_handed: bool = False
    with_cine: bool = True
    phases: tuple[Phase, ...] = (Phase.ED, Phase.ES)


def make_analysis(case: Case | None = None, diagnosis: Diagnosis | None = None) -> Analysis:
    """An analysed study of four frames; ED is frame 1 and ES frame 3 (counted from 0)."""
    case = case or Case()
    grid = geometry(case.left_handed)
    frame_numbers = {phase: number for phase, number in ((Phase.ED, 1), (Phase.ES, 3)) if phase in case.phases}
    cine_masks = np.stack([heart_mask(contraction, case.left_handed) for contraction in (0.9, 1.0, 0.8, 0.7)])
    noise = np.random.default_rng(7).integers(0, 60, size=cine_masks.shape)
    frames = (np.array([40, 300, 120, 400])[cine_masks] + noise).astype(np.int16)
    ed, es = frame_numbers.get(Phase.ED), frame_numbers.get(Phase.ES)
    study = CineStudy(frames, grid, StoredGrid(grid, AxisOrder()), (0.0, 40.0, 80.0, 120.0), ed, es)
    masks = {phase: cine_masks[number] for phase, number in frame_numbers.items()}
    both = {Phase.ED: cine_masks[1], Phase.ES: cine_masks[3]}
    return Analysis(
        study,
        frame_numbers,
        masks,
        cine_masks if case.with_cine else None,
        measurements(both, grid),
        diagnosis or withheld_diagnosis(),
        (),
        ModelIdentity("test", "1", "0" * 64),
        {},
        curves=cycle_curves(cine_masks, study) if case.with_cine else None,
    )
