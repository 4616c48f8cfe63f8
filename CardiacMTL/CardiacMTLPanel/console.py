"""What the console methods of the module's logic do: each call waits until all is done, and needs no panel."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer

from CardiacMTLLib.batch import BatchSettings, BatchSummary, Watcher, Workforce, run_batch
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.job.client import JobListener, run_job
from CardiacMTLLib.job.folder import Job
from CardiacMTLLib.volume import CineStudy, Patient, Sex
from CardiacMTLPanel.chosen_input import ChosenInput, dicom_tag_reader
from CardiacMTLPanel.python_environment import require_packages, worker_python
from CardiacMTLPanel.result_texts import Record
from CardiacMTLPanel.scene_results import recompute_results, show_analysis, slice_selection, stored_results
from CardiacMTLScene.patient_facts import TagReader
from CardiacMTLScene.results import studies_in
from CardiacMTLScene.segmentations import ColorSet
from CardiacMTLScene.sequence_times import TRIGGER_TIME

_DEVICES = {"gpu": "mps" if sys.platform == "darwin" else "cuda"}

_UNKNOWN_SEX = "unknown"

Progress = Callable[[str, float], None] | None
"""Gets a sentence and the fraction behind it."""


def job(study: CineStudy, model: str | None = None, device: str = "auto", *, whole_cycle: bool = True) -> Job:
    """What a worker is asked for; `device` is auto, GPU or CPU, or a name that PyTorch knows."""
    return Job(study, model or None, _device(device), whole_cycle and len(study.frames) > 2)


def job_of_choices(parameters: Any, chosen: ChosenInput) -> Job:
    """What a worker is asked for by the choices in a parameter node; raises `InputError` for images that cannot be used."""
    sex = None if parameters.sex == _UNKNOWN_SEX else Sex(parameters.sex)
    known = (parameters.heightCm or None, parameters.weightKg or None, sex, parameters.heartRateBpm or None)
    frames = (from_zero(parameters.edFrame), from_zero(parameters.esFrame))
    study = chosen.study(Patient(*known), *frames, _time_reader())
    return job(study, parameters.model, parameters.device, whole_cycle=parameters.wholeCycle)


def _time_reader() -> TagReader | None:
    """Reads when frames were taken, and nothing of the patient: that is what the panel's fields say, emptied ones too."""
    reader = dicom_tag_reader()
    return None if reader is None else lambda uid, tag: reader(uid, tag) if tag == TRIGGER_TIME else ""


def known_of_patient(chosen: ChosenInput) -> dict[str, Any]:
    """What is known of the patient of newly chosen images, and that their frames are not, by fields of the parameter node."""
    patient = chosen.patient()
    return {
        "heightCm": patient.height_cm or 0.0,
        "weightKg": patient.weight_kg or 0.0,
        "sex": _UNKNOWN_SEX if patient.sex is None else patient.sex.value,
        "heartRateBpm": patient.heart_rate_bpm or 0.0,
        "edFrame": 0,
        "esFrame": 0,
    }


def from_zero(frame: int | None) -> int | None:
    """A frame that counts from 1, or 0 or None for one that is not given, as the library counts."""
    return frame - 1 if frame else None


def analyse_and_show(
    chosen: ChosenInput,
    patient: Patient,
    frames: tuple[int | None, int | None],
    job_of: Callable[[CineStudy], Job],
    *,
    high_contrast: bool,
    progress: Progress,
) -> Record:
    """Analyse `chosen`, with ED and ES at `frames` (from 0), fill the scene, and return the result record."""
    study = chosen.study(patient, *frames, dicom_tag_reader())
    require_packages()
    analysis = run_job(job_of(study), worker_python(), JobListener(progress=progress or _silent))
    colors = ColorSet.HIGH_CONTRAST if high_contrast else ColorSet.STANDARD
    return show_analysis(analysis, chosen, colors).record


def recompute(study_name: str | None, left_out_ed: str, left_out_es: str) -> Record:
    """Measure and diagnose anew from the corrected segmentations of the named results, or of the latest."""
    names = studies_in(slicer.mrmlScene)
    if not names:
        raise InputError("there are no results in the scene; expected those of a run; run segmentAndDiagnose first")
    results = stored_results(study_name or names[-1])
    corrected = recompute_results(results, slice_selection(results, left_out_ed, left_out_es))
    assert corrected.corrected_record is not None  # noqa: S101 - it was just made
    return corrected.corrected_record


def process_folder(root: Path, out: Path, settings: BatchSettings, *, resume: bool, progress: Progress) -> BatchSummary:
    """Analyse every study below `root`, as `cardiacmtl batch` does, by workers of Slicer's own Python."""
    require_packages()
    workforce, watcher = Workforce(python=worker_python()), Watcher(progress=_changes(progress or _silent))
    return run_batch(root, out, settings, workforce, resume=resume, watcher=watcher)


def batch_settings(model: str | None, device: str, *, whole_cycle: bool) -> BatchSettings:
    """How all studies of a folder are analysed; `device` as in `job`."""
    return BatchSettings(model, _device(device), whole_cycle)


def _device(name: str) -> str:
    return _DEVICES.get(name.lower(), name.lower())


def _changes(progress: Callable[[str, float], None]) -> Callable[[str, float], None]:
    """`progress` without what it was told last."""
    last: list[tuple[str, float]] = []

    def told(text: str, fraction: float) -> None:
        if [(text, fraction)] != last:
            last[:] = [(text, fraction)]
            progress(text, fraction)

    return told


def _silent(_text: str, _fraction: float) -> None:
    """Progress that nobody wants to see."""
