"""The commands of `cardiacmtl`: each takes its options, does its work, and returns what is printed."""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import ModelError, UsageError
from CardiacMTLLib.measure.slices import SliceSelection, parse_slices
from CardiacMTLLib.network.archive import import_model, remove_model
from CardiacMTLLib.network.store import available_models, verify_model
from CardiacMTLLib.outputs import AnalysisWriter, write_outputs
from CardiacMTLLib.phantom import PhantomAnatomy, sample_phantom, write_phantom
from CardiacMTLLib.reading import read_phases, read_study
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.dicom.command import (
    check_dicom_study,
    check_dicom_usage,
    dicom_beside,
    dicom_lines,
    dicom_record,
)
from CardiacMTLLib.report.identity import read_identity
from CardiacMTLLib.report.publish import reserved
from CardiacMTLLib.report.record import record_text, result_record
from CardiacMTLLib.report.summary import demo_summary, run_summary
from CardiacMTLLib.report.terminal import Terminal
from CardiacMTLLib.support.log_file import log_event
from CardiacMTLLib.volume import CineStudy, Patient, Sex

PHANTOM_FILE = "phantom_cine.nii.gz"
"""The synthetic study that the demo leaves beside its results."""

_TRUTHS = ("lv_edv_ml", "lv_esv_ml", "lv_ef_percent", "lv_mass_g", "rv_edv_ml", "rv_esv_ml", "rv_ef_percent")


@dataclass(frozen=True, slots=True)
class SceneWriters:
    """What writes the scene and the 3D picture; both need Slicer's libraries, which this library never imports.

    `at_once` says that they may work in another thread beside the other files.
    """

    scene: AnalysisWriter
    view: AnalysisWriter
    at_once: bool = False


def run(arguments: argparse.Namespace, terminal: Terminal, writers: SceneWriters) -> str:
    """Analyse the study that the options of `run` name, write its results, and return the summary or the record."""
    _check_usage(arguments)
    check_dicom_usage(arguments)
    with reserved(arguments.out):
        return _run(arguments, terminal, writers)


def _run(arguments: argparse.Namespace, terminal: Terminal, writers: SceneWriters) -> str:
    terminal.progress("reading the study", 0.0)
    study = _study_of(arguments)
    log_event("study", shape_tzyx=study.frames.shape, warnings=len(study.warnings), dicom=study.source is not None)
    if not arguments.json:
        for warning in study.warnings:
            terminal.line(f"warning: {warning}")
    left_out = _slices_left_out(arguments, study)
    check_dicom_study(study, arguments)
    identity = read_identity(study.source) if arguments.report_patient_data else None
    analysis = _analyse(study, arguments.model, arguments.device, arguments.whole_cycle, terminal, left_out)
    _log_analysis(analysis, arguments.device)
    terminal.progress("writing the results", 1.0)
    context = ReportContext(identity=identity)
    with dicom_beside(analysis, arguments) as dicom:
        files = write_outputs(
            analysis,
            arguments.out,
            scene_writer=writers.scene,
            view_renderer=writers.view,
            context=context,
            at_once=writers.at_once,
        )
    if arguments.json:
        printed = {**result_record(analysis), "outputs": files.names, "left_out": files.notes, **dicom_record(dicom)}
        return record_text(printed).rstrip()
    return run_summary(analysis, files) + dicom_lines(dicom)


def demo(out: Path, terminal: Terminal, writers: SceneWriters) -> str:
    """Analyse the phantom of a dilated heart as `run` analyses a cine file, and compare with its true measurements."""
    with reserved(out):
        return _demo(out, terminal, writers)


def _demo(out: Path, terminal: Terminal, writers: SceneWriters) -> str:
    terminal.progress("making the synthetic study", 0.0)
    phantom = sample_phantom()
    with tempfile.TemporaryDirectory(prefix=".cardiacmtl-", dir=out if out.is_dir() else out.parent) as folder:
        path = Path(folder) / PHANTOM_FILE
        write_phantom(phantom, path)
        study = read_study(path, patient=phantom.anatomy.patient)
        analysis = _analyse(study, None, "auto", True, terminal)
        terminal.progress("writing the results", 1.0)
        files = write_outputs(
            analysis,
            out,
            scene_writer=writers.scene,
            view_renderer=writers.view,
            extras={PHANTOM_FILE: _copier(path)},
            at_once=writers.at_once,
        )
    return demo_summary(analysis, files, _truth(phantom.anatomy), PHANTOM_FILE)


def models(arguments: argparse.Namespace) -> str:
    """Do one of the actions of `models`."""
    if arguments.action == "import":
        entry = import_model(arguments.file)
        return f"{entry.name}  {entry.manifest().version}  imported into {entry.folder}"
    if arguments.action == "remove":
        remove_model(arguments.name)
        return f"{arguments.name}  removed"
    return list_models() if arguments.action == "list" else verify_models()


def list_models() -> str:
    """Names and versions of the installed models, the default one first; what is wrong with those that cannot be used."""
    lines = []
    for number, entry in enumerate(available_models()):
        try:
            text = f"{entry.name}  {entry.manifest().version}"
        except ModelError as error:
            text = f"{entry.name}  unusable: {error}"
        text = text if entry.shipped else f"{text}  (imported)"
        lines.append(f"{text}  (default)" if number == 0 else text)
    return "\n".join(lines) or "no model is installed"


def verify_models() -> str:
    """The checksum of every installed model; raises `ModelError` where one does not agree or none is installed."""
    entries = available_models()
    if not entries:
        raise ModelError("no model is installed; expected at least one; install the software again, whole")
    return "\n".join(f"{entry.name}  {entry.manifest().version}  sha256 {verify_model(entry)}  intact" for entry in entries)


def _analyse(
    study: CineStudy,
    model_name: str | None,
    device: str,
    whole_cycle: bool,
    terminal: Terminal,
    left_out: SliceSelection | None = None,
) -> Analysis:
    """All frames of a cine are segmented; `whole_cycle` asks for it where only two were read."""
    from CardiacMTLLib.network.weights import load_model  # noqa: PLC0415 - torch is slow to import
    from CardiacMTLLib.pipeline import analyse  # noqa: PLC0415 - torch is slow to import

    model = load_model(model_name)
    return analyse(
        study,
        model,
        device=device,
        whole_cycle=whole_cycle or len(study.frames) > 2,
        left_out=left_out or SliceSelection(),
        progress=terminal.progress,
    )


def _log_analysis(analysis: Analysis, device: str) -> None:
    """Note which model took how long, and which flags it raised; of the patient nothing."""
    seconds = {stage: round(duration, 3) for stage, duration in analysis.seconds.items()}
    flags = [flag.code for flag in analysis.flags]
    model = {"model": analysis.model.name, "version": analysis.model.version, "sha256": analysis.model.sha256}
    log_event("analysed", **model, device=device, seconds=seconds, flags=flags)


def _slices_left_out(arguments: argparse.Namespace, study: CineStudy) -> SliceSelection:
    asked = {"--exclude-slices-ed": arguments.exclude_slices_ed, "--exclude-slices-es": arguments.exclude_slices_es}
    return SliceSelection(*(frozenset() if text is None else parse_slices(text, name, study) for name, text in asked.items()))


def _check_usage(arguments: argparse.Namespace) -> None:
    """Raise `UsageError` for options that contradict each other or are incomplete."""
    phases = [path for path in (arguments.ed, arguments.es) if path is not None]
    if arguments.input is None and len(phases) < 2:
        raise UsageError("expected INPUT, or both --ed and --es; name the study; see cardiacmtl run --help")
    if arguments.input is not None and phases:
        raise UsageError("got INPUT together with --ed or --es; expected one of the two; leave one out")
    for name, frame in (("--ed-frame", arguments.ed_frame), ("--es-frame", arguments.es_frame)):
        if frame is not None and phases:
            raise UsageError(f"got {name} together with --ed and --es; frames are numbered in a cine only; leave {name} out")
        if frame is not None and frame < 1:
            raise UsageError(f"{name} is {frame}; expected 1 or more, as frames are counted from 1; correct the number")
    if arguments.series is not None and phases:
        raise UsageError("got --series together with --ed and --es; only DICOM has series; leave --series out")
    if arguments.whole_cycle and phases:
        raise UsageError("got --whole-cycle together with --ed and --es; two images are no cycle; give the cine as INPUT")


def _study_of(arguments: argparse.Namespace) -> CineStudy:
    patient = Patient(
        arguments.height_cm, arguments.weight_kg, Sex(arguments.sex) if arguments.sex else None, arguments.heart_rate_bpm
    )
    if arguments.input is None:
        return read_phases(arguments.ed, arguments.es, slice_spacing_mm=arguments.slice_spacing_mm, patient=patient)
    return read_study(
        arguments.input,
        ed_frame=None if arguments.ed_frame is None else arguments.ed_frame - 1,
        es_frame=None if arguments.es_frame is None else arguments.es_frame - 1,
        slice_spacing_mm=arguments.slice_spacing_mm,
        patient=patient,
        whole_cycle=arguments.whole_cycle,
        series=arguments.series,
    )


def _truth(anatomy: PhantomAnatomy) -> dict[str, float]:
    return {name: float(getattr(anatomy, name)) for name in _TRUTHS}


def _copier(source: Path) -> Callable[[Path], None]:
    def copy(target: Path) -> None:
        shutil.copyfile(source, target)

    return copy
