"""Small analyses with analytic masks, for the tests of records, pictures, reports and outputs."""

from __future__ import annotations

import numpy as np

from CardiacMTLLib.analysis import Analysis, ModelIdentity, QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import Contribution, Diagnosis
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Group, Label, Phase
from CardiacMTLLib.measure.curve import cycle_curves
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.segments import measure_segments
from CardiacMTLLib.phantom import SHORT_AXIS_DIRECTION
from CardiacMTLLib.volume import CineStudy, Mask, Patient, Sex, StoredGrid

PROBABILITIES = {Group.NOR: 0.03, Group.MINF: 0.08, Group.DCM: 0.82, Group.HCM: 0.02, Group.RV: 0.05}

MODEL = ModelIdentity("acdc-joint", "1.2.0", "0123456789abcdef" * 4)

CERTAIN = Diagnosis(
    PROBABILITIES,
    Group.DCM,
    None,
    (0.1, -0.2, 1.3, -0.4, -0.8),
    (
        Contribution("LV volume at ED", 154.2, "mL/m²", 2.1),
        Contribution("LV ejection fraction", 18.1, "%", 1.7),
        Contribution("wall thickness in 12 sectors a slice at ED, mean", 8.3, "mm", -0.4),
        Contribution("what the network itself sees in the images", 1.2, "", 0.9),
    ),
)


def heart_mask(geometry: Geometry, lv_radius_mm: float) -> Mask:
    """A ring of myocardium 8 mm thick about the LV and a disc of RV beside it, narrower towards slice 0 (the apex)."""
    n_slices, height, width = geometry.shape_zyx
    dx_mm, dy_mm, _ = geometry.spacing_xyz_mm
    y_mm = (np.arange(height)[:, None] - (height - 1) / 2) * dy_mm
    x_mm = (np.arange(width)[None, :] - (width - 1) / 2) * dx_mm
    mask = np.zeros(geometry.shape_zyx, np.uint8)
    for z in range(n_slices):
        radius = lv_radius_mm * (0.4 + 0.6 * (z + 1) / n_slices)
        distance = np.hypot(x_mm, y_mm)
        mask[z][np.hypot(x_mm + radius + 14, y_mm) < 0.7 * radius] = Label.RV
        mask[z][distance < radius + 8] = Label.MYOCARDIUM
        mask[z][distance < radius] = Label.LV
    return mask


def study_like(
    *,
    size_xyz: tuple[int, int, int] = (72, 64, 5),
    spacing_xyz_mm: tuple[float, float, float] = (2.0, 2.0, 9.0),
    direction: tuple[float, ...] = SHORT_AXIS_DIRECTION,
    n_frames: int = 2,
    flipped: bool = False,
    warnings: tuple[str, ...] = (),
) -> CineStudy:
    """A noisy study in standard axes; `flipped` says that its file holds the slices in the opposite order."""
    geometry = Geometry(size_xyz, spacing_xyz_mm, direction)
    order = AxisOrder(flips=(False, False, flipped))
    frames = np.random.default_rng(0).integers(0, 400, (n_frames, *geometry.shape_zyx), dtype=np.int16)
    stored = StoredGrid(order.inverse.geometry(geometry), order)
    return CineStudy(
        frames, geometry, stored, ed_frame=0, es_frame=1 if n_frames > 1 else None,
        patient=Patient(174.0, 78.0, Sex.MALE, 70.0), warnings=warnings,
    )  # fmt: skip


def analysis_of(
    study: CineStudy | None = None,
    *,
    masks: dict[Phase, Mask] | None = None,
    diagnosis: Diagnosis = CERTAIN,
    flags: tuple[QualityFlag, ...] = (),
    model: ModelIdentity = MODEL,
    cine: bool = False,
) -> Analysis:
    """An analysis of `study` with the masks of `heart_mask`, measured by the library."""
    study = study or study_like()
    frames = {phase: frame for phase in Phase if (frame := study.frame_of(phase)) is not None}
    if masks is None:
        masks = {phase: heart_mask(study.geometry, 24.0 if phase is Phase.ED else 18.0) for phase in frames}
    cine_masks = np.stack([masks[Phase.ED]] * len(study.frames)) if cine else None
    measurements = measure_function(masks, study.geometry, study.patient)
    seconds = {"segment": 1.25, "measure": 0.03125}
    curves = None if cine_masks is None else cycle_curves(cine_masks, study)
    segments = measure_segments(masks, study.geometry)
    return Analysis(
        study, frames, masks, cine_masks, measurements, diagnosis, flags, model, seconds, segments=segments, curves=curves
    )
