"""The main job: a study and a model -> masks, measurements and diagnosis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from CardiacMTLLib.analysis import Analysis, QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.diagnosis.head import diagnose
from CardiacMTLLib.inference.device import choose_device
from CardiacMTLLib.inference.find import FoundHeart, find_heart
from CardiacMTLLib.inference.quality import FORBIDDING, quality_flags
from CardiacMTLLib.inference.scope import Scope, scope_evidence
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.measure.body import body_surface_area_m2
from CardiacMTLLib.measure.features import feature_values
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.volume import CineStudy, Mask

Progress = Callable[[str, float], None]
"""Told what is being done, and the fraction of the job that is behind it."""

_NO_HEART = "no short-axis heart was found in the images: the study is out of scope"
_NOT_IN_SCOPE = (
    "the images do not look like a short-axis stack of a heart: the study is out of scope, and its masks are for checking only"
)
_NO_BODY_SIZE = QualityFlag(
    "no_body_size", "height and weight are not known: the diagnosis stands on volumes that are not indexed by body size"
)


class _Stopwatch:
    def __init__(self, progress: Progress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def stage(self, name: str, sentence: str, fraction: float) -> Iterator[None]:
        if self._progress:
            self._progress(sentence, fraction)
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started


def analyse(
    study: CineStudy, model: LoadedModel, *, device: str = "auto", whole_cycle: bool = False, progress: Progress | None = None
) -> Analysis:
    """Segment, measure and diagnose one study.

    Where ED or ES is not known, or `whole_cycle` is asked for, every frame is segmented, and a phase that is not known
    is taken from the LV volume curve, unless it would be the frame of the other phase. A study without a heart
    gives empty masks and no numbers, each with the reason; one that does not look like a short-axis heart (`inference.scope`)
    keeps its masks, and nothing else.

    Raises `UsageError` for a device that is not there and `InputError` for images without signal.
    """
    watch = _Stopwatch(progress)
    where = choose_device(device)
    found = find_heart(study, model.network.to(where), where, watch.stage, whole_cycle=whole_cycle)
    with watch.stage("measure", "measuring", 0.9):
        analysis = conclude(study, found, model)
    return replace(analysis, seconds=watch.seconds)


def conclude(study: CineStudy, found: FoundHeart | None, model: LoadedModel) -> Analysis:
    """What follows from the masks that were found: measurements, flags and diagnosis; of the network only the heads act."""
    if found is None:
        return _without_heart(study, model)
    masks, calibration = found.phases.masks, model.manifest.calibration
    quality = calibration.mask_quality
    predicted = None if quality is None else quality.predicted_dice(found.phases.agreement)
    measurements = measure_function(masks, study.geometry, study.patient)
    flags: tuple[QualityFlag, ...]
    score = _scope_score(found, study, calibration.scope)
    if score is not None and calibration.scope is not None and score < calibration.scope.threshold:
        measurements = _undefined(measurements, _NOT_IN_SCOPE)
        diagnosis, flags = Diagnosis(None, None, _NOT_IN_SCOPE), (QualityFlag("out_of_scope", _NOT_IN_SCOPE),)
    else:
        flags = quality_flags(masks, study.geometry, measurements, found.window)
        diagnosis, notes = _diagnosis(study, masks, measurements, found.phases.auxiliary_logits, flags, model)
        flags += (() if quality is None or predicted is None else quality.flags(predicted)) + notes
    return Analysis(
        study, found.frames, masks, found.cine, measurements, diagnosis, flags, model.identity, {}, predicted, score
    )


def _scope_score(found: FoundHeart, study: CineStudy, scope: Scope | None) -> float | None:
    evidence = scope_evidence(found.phases.masks, study.geometry, found.phases.agreement, found.phases.confidence)
    return None if scope is None or evidence is None else scope.score(evidence)


def _diagnosis(
    study: CineStudy,
    masks: Mapping[Phase, Mask],
    measurements: Mapping[str, Measurement],
    auxiliary: np.ndarray | None,
    flags: tuple[QualityFlag, ...],
    model: LoadedModel,
) -> tuple[Diagnosis, tuple[QualityFlag, ...]]:
    if auxiliary is None:
        missing = " and ".join(phase for phase in Phase if phase not in masks)
        return Diagnosis(None, None, f"the diagnosis needs ED and ES, and the {missing} frame is not known"), ()
    area = body_surface_area_m2(study.patient)
    notes = () if area else (_NO_BODY_SIZE,)
    features = feature_values(measurements, masks, study.geometry, area or 1.0)
    if isinstance(features, str):
        return Diagnosis(None, None, features, tuple(float(v) for v in auxiliary)), notes
    forbidding = [flag.text for flag in flags if flag.code in FORBIDDING]
    if forbidding:
        return Diagnosis(None, None, "; ".join(forbidding), tuple(float(v) for v in auxiliary)), notes
    head = model.head(indexed=area is not None)
    threshold = model.manifest.calibration.label_threshold
    return diagnose(features, auxiliary, head, threshold, indexed=area is not None), notes


def _without_heart(study: CineStudy, model: LoadedModel) -> Analysis:
    frames = {phase: frame for phase in Phase if (frame := study.frame_of(phase)) is not None} or {Phase.ED: 0}
    empty = {phase: np.zeros(study.geometry.shape_zyx, dtype=np.uint8) for phase in frames}
    measured = measure_function(empty, study.geometry, study.patient)
    nothing = _undefined(measured, _NO_HEART)
    flags = (QualityFlag("out_of_scope", _NO_HEART),)
    return Analysis(study, frames, empty, None, nothing, Diagnosis(None, None, _NO_HEART), flags, model.identity, {})


def _undefined(measurements: Mapping[str, Measurement], reason: str) -> dict[str, Measurement]:
    """The table without what was measured in the images."""
    return {
        name: measurement if name == "body_surface_area_m2" else Measurement(None, measurement.unit, reason)
        for name, measurement in measurements.items()
    }
