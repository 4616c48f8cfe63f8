from dataclasses import replace
from pathlib import Path

import pytest

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.labels import Group
from CardiacMTLLib.measure.measurement import Measurement
from CardiacMTLLib.outputs import OutputFiles
from CardiacMTLLib.report.summary import run_summary
from Testing.unit.analyses import PROBABILITIES, analysis_of, study_like

FILES = OutputFiles(Path("out"), ("result.json",), ("scene.mrb is left out: no slicer-core",))


@pytest.mark.parametrize(
    ("diagnosis", "line"),
    [
        (
            Diagnosis(PROBABILITIES, None, "no group is likely enough"),
            "No diagnosis: no group is likely enough (NOR 3.0 %, MINF 8.0 %, DCM 82.0 %, HCM 2.0 %, RV 5.0 %)",
        ),
        (Diagnosis(None, None, "only one frame is there"), "No diagnosis: only one frame is there"),
    ],
)
def test_the_summary_says_why_there_is_no_diagnosis(diagnosis, line):
    assert run_summary(analysis_of(diagnosis=diagnosis), FILES).splitlines()[0] == line


def test_a_probability_is_neither_nothing_nor_certainty_as_in_the_report():
    shares = {**dict.fromkeys(Group, 0.0), Group.DCM: 1.0}

    assert (
        run_summary(analysis_of(diagnosis=Diagnosis(shares, Group.DCM, None)), FILES)
        .splitlines()[0]
        .endswith("probability > 99.9 %")
    )


def test_measurements_that_are_undefined_are_named_with_the_reason_that_they_share():
    analysis = analysis_of(study_like(n_frames=1))
    lines = run_summary(analysis, FILES).splitlines()

    assert "LV ESV, LV EF, RV ESV, RV EF undefined: the ES frame is not known" in lines
    assert any(line.startswith("LV  EDV ") and "ESV" not in line for line in lines)


def test_the_reason_of_a_study_out_of_scope_stands_once():
    reason = "the images are no short-axis stack: the study is out of scope"
    analysis = analysis_of(
        diagnosis=Diagnosis(None, None, reason), flags=(QualityFlag("out_of_scope", reason, "Look at the images."),)
    )
    measurements = {name: Measurement(None, each.unit, reason) for name, each in analysis.measurements.items()}

    files = OutputFiles(Path("out"), (), (f"bullseye.png is left out: there is nothing to draw: {reason}",))

    assert run_summary(replace(analysis, measurements=measurements), files).splitlines()[:5] == [
        f"No diagnosis: {reason}",
        "LV EDV, LV ESV, LV EF, LV mass, RV EDV, RV ESV, RV EF undefined for the same reason",
        "Check: Look at the images.",
        "Results in out:",
        "Note: bullseye.png is left out: there is nothing to draw",
    ]


def test_flags_files_and_notes_follow():
    lines = run_summary(
        analysis_of(flags=(QualityFlag("base", "the base is not covered", "Look at the first slice."),)), FILES
    ).splitlines()

    assert lines[lines.index("Check: the base is not covered") + 1] == "  Look at the first slice."
    assert lines[lines.index("Results in out:") + 1] == "  result.json"
    assert "Note: scene.mrb is left out: no slicer-core" in lines


def test_the_summary_is_ascii():
    assert run_summary(analysis_of(), FILES).isascii()
