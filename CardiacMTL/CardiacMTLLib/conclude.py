"""What follows from the masks of a study: measurements, flags and diagnosis. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.analysis import Analysis, ModelIdentity, QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.diagnosis.head import HeadWeights, diagnose
from CardiacMTLLib.inference.phase_check import cycle_flags
from CardiacMTLLib.inference.quality import FORBIDDING, quality_flags
from CardiacMTLLib.inference.scope import scope_evidence
from CardiacMTLLib.inference.stack_check import stack_flags
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.body import body_size_missing, body_surface_area_m2
from CardiacMTLLib.measure.curve import CycleCurves, cycle_curves, measure_rates
from CardiacMTLLib.measure.features import feature_values
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.segments import measure_segments, undefined_segments
from CardiacMTLLib.measure.slices import SliceSelection, numbers_text
from CardiacMTLLib.measure.wall_table import wall_measurements
from CardiacMTLLib.network.manifest import Manifest
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.volume import CineStudy, Mask, Patient

if TYPE_CHECKING:
    from CardiacMTLLib.inference.find import FoundHeart

OUT_OF_SCOPE = "out_of_scope"
"""Code of the flag of a study that has no numbers because it does not look like a short-axis heart."""

_NO_HEART = "no short-axis heart was found in the images: the study is out of scope"
_NOT_IN_SCOPE = (
    "the images do not look like a short-axis stack of a heart: the study is out of scope, and its masks are for checking only"
)
_WRONG_IMAGES = "Look at the images: are they a short-axis stack through both ventricles, and is it the series that was meant?"
_ALL_SLICES = SliceSelection()


class DiagnosingModel(Protocol):
    """What a conclusion needs of a model: no network, only what travels beside it and the heads."""

    @property
    def manifest(self) -> Manifest:
        """Its calibration and distributions."""

    @property
    def identity(self) -> ModelIdentity:
        """Who it is."""

    def head(self, *, indexed: bool) -> HeadWeights:
        """The diagnosis head for features that are divided by body surface area, or for undivided ones."""


@dataclass(frozen=True, slots=True, eq=False)
class MaskEvidence:
    """Final masks, and what the network said when it gave them or those before a correction.

    `masks` (z, y, x) by phase; `cine_masks` (t, z, y, x), or None; `auxiliary_logits` (5,), or None without both phases;
    `predicted_dice` for the masks that are the network's own; `window` is what it saw, None where that is not known any more;
    `flags` are known beforehand and count as all others.
    """

    frames: Mapping[Phase, int]
    masks: Mapping[Phase, Mask]
    cine_masks: Mask | None
    auxiliary_logits: NDArray[np.float64] | None
    predicted_dice: Mapping[str, float] | None
    scope_score: float | None
    left_out: SliceSelection
    window: Window | None = None
    flags: tuple[QualityFlag, ...] = ()


def conclude(
    study: CineStudy, found: FoundHeart | None, model: DiagnosingModel, left_out: SliceSelection = _ALL_SLICES
) -> Analysis:
    """What follows from the masks that were found: measurements, flags and diagnosis; of the network only the heads act.

    Raises `UsageError` for slices to be `left_out` that are not there.
    """
    if found is None:
        return _without_heart(study, model)
    calibration = model.manifest.calibration
    quality, scope = calibration.mask_quality, calibration.scope
    seen = scope_evidence(found.phases.masks, study.geometry, found.phases.agreement, found.phases.confidence)
    score = None if scope is None or seen is None else scope.score(seen)
    evidence = MaskEvidence(
        frames=found.frames,
        masks=left_out.apply(found.phases.masks),
        cine_masks=found.cine,
        auxiliary_logits=found.phases.auxiliary_logits,
        predicted_dice=None if quality is None else quality.predicted_dice(found.phases.agreement),
        scope_score=score,
        left_out=left_out,
        window=found.window,
    )
    analysis = conclude_masks(study, evidence, model)
    if scope is None or seen is None or scope.covers(seen):
        return analysis
    return replace(
        analysis,
        measurements=_undefined(analysis.measurements, _NOT_IN_SCOPE),
        segments=undefined_segments(_NOT_IN_SCOPE, study.geometry),
        curves=None,
        diagnosis=Diagnosis(None, None, _NOT_IN_SCOPE),
        flags=(QualityFlag(OUT_OF_SCOPE, _NOT_IN_SCOPE, _WRONG_IMAGES),),
    )


def conclude_masks(study: CineStudy, evidence: MaskEvidence, model: DiagnosingModel) -> Analysis:
    """What follows from masks of a study that is in scope."""
    masks, quality, predicted = evidence.masks, model.manifest.calibration.mask_quality, evidence.predicted_dice
    wall = measure_segments(masks, study.geometry)
    curves = None if evidence.cine_masks is None else cycle_curves(evidence.cine_masks, study)
    rates = {} if evidence.cine_masks is None else measure_rates(curves, evidence.frames)
    measurements = measure_function(masks, study.geometry, study.patient) | rates | wall_measurements(wall)
    flags = quality_flags(masks, study.geometry, measurements, evidence.window)
    flags += stack_flags(masks, study, measurements) + evidence.flags
    diagnosis, notes = _diagnosis(study, masks, measurements, evidence.auxiliary_logits, flags, model)
    flags += (() if quality is None or predicted is None else quality.flags(predicted)) + notes
    flags += _cycle_flags(study, curves) + _left_out_notes(study, evidence.left_out)
    return Analysis(
        study=study,
        frames=evidence.frames,
        masks=masks,
        cine_masks=evidence.cine_masks,
        measurements=measurements,
        diagnosis=diagnosis,
        flags=flags,
        model=model.identity,
        seconds={},
        predicted_dice=predicted,
        scope_score=evidence.scope_score,
        segments=wall,
        left_out=evidence.left_out,
        curves=curves,
    )


def _cycle_flags(study: CineStudy, curves: CycleCurves | None) -> tuple[QualityFlag, ...]:
    given = {phase: frame for phase in Phase if (frame := study.frame_of(phase)) is not None}
    return () if curves is None else cycle_flags(curves.lv_volume_ml, given)


def _left_out_notes(study: CineStudy, left_out: SliceSelection) -> tuple[QualityFlag, ...]:
    notes = []
    for phase in Phase:
        if left_out.excluded(phase):
            numbers = numbers_text(left_out.excluded(phase), study)
            text = f"slices left out at {phase} as asked: {numbers}; the masks of the whole cycle and its curves keep them"
            check = "Compare with the numbers of all slices: volumes, masses and features stand on the slices that remain."
            notes.append(QualityFlag(f"slices_left_out_{phase.lower()}", text, check))
    return tuple(notes)


def _diagnosis(
    study: CineStudy,
    masks: Mapping[Phase, Mask],
    measurements: Mapping[str, Measurement],
    auxiliary: NDArray[np.float64] | None,
    flags: tuple[QualityFlag, ...],
    model: DiagnosingModel,
) -> tuple[Diagnosis, tuple[QualityFlag, ...]]:
    if auxiliary is None:
        missing = " and ".join(phase for phase in Phase if phase not in masks)
        return Diagnosis(None, None, f"the diagnosis needs ED and ES, and the {missing} frame is not known"), ()
    area = body_surface_area_m2(study.patient)
    notes = () if area else (_no_body_size(study.patient),)
    features = feature_values(measurements, masks, study.geometry, area or 1.0)
    if isinstance(features, str):
        return Diagnosis(None, None, features, tuple(float(v) for v in auxiliary)), notes
    forbidding = [flag.text for flag in flags if flag.code in FORBIDDING]
    if forbidding:
        return Diagnosis(None, None, "; ".join(forbidding), tuple(float(v) for v in auxiliary)), notes
    head = model.head(indexed=area is not None)
    threshold = model.manifest.calibration.label_threshold
    known = model.manifest.distributions
    return diagnose(features, auxiliary, head, threshold, indexed=area is not None, distributions=known), notes


def _no_body_size(patient: Patient) -> QualityFlag:
    text = f"{body_size_missing(patient)}: the diagnosis stands on volumes that are not indexed by body size"
    return QualityFlag("no_body_size", text, "Give height and weight and run the study again.")


def _without_heart(study: CineStudy, model: DiagnosingModel) -> Analysis:
    frames = {phase: frame for phase in Phase if (frame := study.frame_of(phase)) is not None} or {Phase.ED: 0}
    empty = {phase: np.zeros(study.geometry.shape_zyx, dtype=np.uint8) for phase in frames}
    reason = study.out_of_scope or _NO_HEART
    wall = undefined_segments(reason, study.geometry)
    measured = measure_function(empty, study.geometry, study.patient) | wall_measurements(wall)
    nothing = _undefined(measured, reason)
    flags = (QualityFlag(OUT_OF_SCOPE, reason, _WRONG_IMAGES),)
    diagnosis = Diagnosis(None, None, reason)
    return Analysis(study, frames, empty, None, nothing, diagnosis, flags, model.identity, {}, segments=wall)


def _undefined(measurements: Mapping[str, Measurement], reason: str) -> dict[str, Measurement]:
    """The table without what was measured in the images."""
    return {
        name: measurement if name == "body_surface_area_m2" else Measurement(None, measurement.unit, reason)
        for name, measurement in measurements.items()
    }
