"""What a run says on the terminal when it is done; plain ASCII, so that every console can show it."""

from __future__ import annotations

from collections.abc import Mapping

from CardiacMTLLib.analysis import Analysis, QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import RESEARCH_USE, Diagnosis
from CardiacMTLLib.labels import Group
from CardiacMTLLib.measure.reference import reference_of
from CardiacMTLLib.outputs import OutputFiles
from CardiacMTLLib.report.diagnosis_view import percent_text
from CardiacMTLLib.report.reference_view import ranges_text
from CardiacMTLLib.report.wording import number_text

_LINES = {
    "LV": (("EDV", "lv_edv_ml"), ("ESV", "lv_esv_ml"), ("EF", "lv_ef_percent"), ("mass", "lv_mass_g")),
    "RV": (("EDV", "rv_edv_ml"), ("ESV", "rv_esv_ml"), ("EF", "rv_ef_percent")),
}

FLAG_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "no_body_size": ("--height-cm", "--weight-kg"),
    "ed_frame_unlikely": ("--ed-frame",),
    "es_frame_unlikely": ("--es-frame",),
    "gpu_out_of_memory": ("--device cpu",),
}
"""Code of a flag -> the options of `cardiacmtl run` that its hint asks for; the hint itself is right at every door."""


def run_summary(analysis: Analysis, files: OutputFiles) -> str:
    """Diagnosis, main measurements, flags, and where the results are; a reason that several have in common stands once."""
    lines = [*diagnosis_lines(analysis.diagnosis), *_measurement_lines(analysis)]
    lines += _flag_lines(analysis)
    lines += [*_file_lines(files, analysis.diagnosis.reason), RESEARCH_USE]
    return "\n".join(lines)


def demo_summary(analysis: Analysis, files: OutputFiles, truth: Mapping[str, float], phantom_name: str) -> str:
    """As `run_summary`, with the phantom's true measurements (names as in the result record) beside the measured ones."""
    lines = [
        "Synthetic study of a dilated heart",
        *diagnosis_lines(analysis.diagnosis),
        "",
        f"{'':16}{'measured':>10}{'true':>10}",
    ]
    for side, entries in _LINES.items():
        for title, name in entries:
            measurement = analysis.measurements.get(name)
            unit = measurement.unit if measurement is not None else ""
            value = None if measurement is None else measurement.value
            measured = "undefined" if value is None else number_text(value, unit)
            lines.append(f"{f'{side} {title}, {unit}':16}{measured:>10}{number_text(truth[name], unit):>10}")
    lines += ["", *_flag_lines(analysis), *_file_lines(files, analysis.diagnosis.reason)]
    lines += [f"The study itself is {phantom_name}: try `cardiacmtl run` on it, or load it in Slicer.", RESEARCH_USE]
    return "\n".join(lines)


def diagnosis_lines(diagnosis: Diagnosis) -> list[str]:
    """The label with its probability, or why there is none."""
    if diagnosis.label is None:
        probabilities = diagnosis.probabilities
        known = (
            "" if probabilities is None else f" ({', '.join(f'{group} {_percent(probabilities[group])}' for group in Group)})"
        )
        return [f"No diagnosis: {diagnosis.reason}{known}"]
    share = "" if diagnosis.probabilities is None else f", probability {_percent(diagnosis.probabilities[diagnosis.label])}"
    return [f"Pattern most like {diagnosis.label} ({diagnosis.label.full_name}, ACDC definition){share}"]


def _percent(share: float) -> str:
    return percent_text(share).replace("\N{NO-BREAK SPACE}", " ")


def _file_lines(files: OutputFiles, said: str | None) -> list[str]:
    """The folder with the names in it, and what was left out, without the reason that was `said` before."""
    notes = (f"Note: {note.removesuffix(f': {said}')}" for note in files.notes)
    return [f"Results in {files.folder}:", *(f"  {name}" for name in files.names), *notes]


def _flag_lines(analysis: Analysis) -> list[str]:
    lines = []
    for flag in analysis.flags:
        is_said = flag.text == analysis.diagnosis.reason
        lines += [f"Check: {_with_options(flag)}"] if is_said else [f"Check: {flag.text}", f"  {_with_options(flag)}"]
    return lines


def _with_options(flag: QualityFlag) -> str:
    options = ", ".join(FLAG_OPTIONS.get(flag.code, ()))
    return f"{flag.check.removesuffix('.')} ({options})." if options else flag.check


def _measurement_lines(analysis: Analysis) -> list[str]:
    lines: list[str] = []
    undefined: dict[str | None, list[str]] = {}
    for side, entries in _LINES.items():
        parts = []
        for title, name in entries:
            measurement = analysis.measurements.get(name)
            if measurement is None:
                continue
            if measurement.value is None:
                undefined.setdefault(measurement.reason, []).append(f"{side} {title}")
            else:
                parts.append(f"{title} {number_text(measurement.value, measurement.unit)} {measurement.unit}")
        if parts:
            lines.append(f"{side}  {'   '.join(parts)}")
    for reason, titles in undefined.items():
        why = " for the same reason" if reason == analysis.diagnosis.reason else f": {reason}"
        lines.append(f"{', '.join(titles)} undefined{why}")
    return lines + _outside_lines(analysis)


def _outside_lines(analysis: Analysis) -> list[str]:
    """A line for each of the shown measurements that lies outside its reference range, with the range and its source."""
    lines = []
    for side, entries in _LINES.items():
        for title, name in entries:
            measurement = analysis.measurements.get(name)
            if measurement is None or measurement.value is None:
                continue
            reference = reference_of(name, measurement.value, analysis.study.patient.sex)
            if reference.outside:
                source = reference.ranges[0].source
                shown = f"{side} {title} {number_text(measurement.value, measurement.unit)} {measurement.unit}"
                limits = f"{ranges_text(reference.ranges)}; {source.short}"
                lines.append(f"{shown} is {reference.outside} the reference range ({limits})")
    return lines
