"""The main job: a study and a model -> masks, measurements and diagnosis."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from CardiacMTLLib.analysis import Analysis, QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.diagnosis.head import diagnose
from CardiacMTLLib.inference.device import choose_device
from CardiacMTLLib.inference.locate import locate_heart
from CardiacMTLLib.inference.quality import FORBIDDING, quality_flags
from CardiacMTLLib.inference.segment import segment_frames, segment_two_phases
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.body import body_surface_area_m2
from CardiacMTLLib.measure.features import feature_values
from CardiacMTLLib.measure.function import measure_function
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.measure.phases import find_phases
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.volume import CineStudy, Mask

Progress = Callable[[str, float], None]
"""Told what is being done, and the fraction of the job that is behind it."""

_NO_HEART = "no short-axis heart was found in the images: the study is out of scope"
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
    gives empty masks and no numbers, each with the reason.

    Raises `UsageError` for a device that is not there and `InputError` for images without signal.
    """
    watch = _Stopwatch(progress)
    where = choose_device(device)
    network = model.network.to(where)
    with watch.stage("locate", "finding the heart", 0.05):
        first = study.ed_frame if study.ed_frame is not None else 0
        centre = locate_heart(study, first, network, where)
    if centre is None:
        return _without_heart(study, model, watch.seconds)
    window = Window(centre, network.configuration.window_size, network.configuration.window_spacing_mm)
    cine: Mask | None = None
    frames = {phase: frame for phase in Phase if (frame := study.frame_of(phase)) is not None}
    n_frames = len(study.frames)
    if whole_cycle or (len(frames) < len(Phase) and n_frames > 1):
        with watch.stage("segment_cycle", f"segmenting {n_frames} frames", 0.15):
            cine = segment_frames(study, range(n_frames), window, network, where)
        frames = _complete_phases(frames, cine, study)
    elif not frames:
        frames = {Phase.ED: 0}
    auxiliary: np.ndarray | None = None
    with watch.stage("segment", "segmenting ED and ES", 0.6):
        if len(frames) == len(Phase):
            result = segment_two_phases(study, frames[Phase.ED], frames[Phase.ES], window, network, where)
            masks: dict[Phase, Mask] = {Phase.ED: result.ed, Phase.ES: result.es}
            auxiliary = result.auxiliary_logits
        else:
            found = segment_frames(study, list(frames.values()), window, network, where)
            masks = dict(zip(frames, found, strict=True))
    if cine is not None:
        for phase, frame in frames.items():
            cine[frame] = masks[phase]
    with watch.stage("measure", "measuring", 0.9):
        measurements = measure_function(masks, study.geometry, study.patient)
        flags = quality_flags(masks, study.geometry, measurements, window)
        diagnosis, notes = _diagnosis(study, masks, measurements, auxiliary, flags, model)
    return Analysis(study, frames, masks, cine, measurements, diagnosis, flags + notes, model.identity, watch.seconds)


def _complete_phases(known: Mapping[Phase, int], cine: Mask, study: CineStudy) -> dict[Phase, int]:
    volumes = (cine == Label.LV).sum(axis=(1, 2, 3)) * study.geometry.voxel_volume_ml
    found = find_phases(volumes.tolist())
    curve = dict(zip(Phase, found, strict=True)) if found else {Phase.ED: 0}
    new = {phase: frame for phase, frame in curve.items() if frame not in known.values()}
    return {phase: frame for phase in Phase if (frame := known.get(phase, new.get(phase))) is not None}


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


def _without_heart(study: CineStudy, model: LoadedModel, seconds: Mapping[str, float]) -> Analysis:
    frames = {phase: frame for phase in Phase if (frame := study.frame_of(phase)) is not None} or {Phase.ED: 0}
    empty = {phase: np.zeros(study.geometry.shape_zyx, dtype=np.uint8) for phase in frames}
    measured = measure_function(empty, study.geometry, study.patient)
    nothing = {name: Measurement(None, m.unit, _NO_HEART) for name, m in measured.items() if name != "body_surface_area_m2"}
    flags = (QualityFlag("out_of_scope", _NO_HEART),)
    return Analysis(
        study, frames, empty, None, measured | nothing, Diagnosis(None, None, _NO_HEART), flags, model.identity, seconds
    )
