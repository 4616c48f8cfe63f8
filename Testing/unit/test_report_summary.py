from pathlib import Path

import pytest

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.outputs import OutputFiles
from CardiacMTLLib.report.summary import run_summary
from Testing.unit.analyses import PROBABILITIES, analysis_of, study_like

FILES = OutputFiles(Path("out"), ("result.json",), ("scene.mrb is left out: no slicer-core",))


@pytest.mark.parametrize(
    ("diagnosis", "line"),
    [
        (
            Diagnosis(PROBABILITIES, None, "no group is likely enough"),
            "No diagnosis: no group is likely enough (NOR 0.03, MINF 0.08, DCM 0.82, HCM 0.02, RV 0.05)",
        ),
        (Diagnosis(None, None, "only one frame is there"), "No diagnosis: only one frame is there"),
    ],
)
def test_the_summary_says_why_there_is_no_diagnosis(diagnosis, line):
    assert run_summary(analysis_of(diagnosis=diagnosis), FILES).splitlines()[0] == line


def test_measurements_that_are_undefined_are_named_with_the_reason():
    analysis = analysis_of(study_like(n_frames=1))
    lines = run_summary(analysis, FILES).splitlines()

    assert f"LV EF undefined: {analysis.measurements['lv_ef_percent'].reason}" in lines
    assert any(line.startswith("LV  EDV ") and "ESV" not in line for line in lines)


def test_flags_files_and_notes_follow():
    lines = run_summary(
        analysis_of(flags=(QualityFlag("base", "the base is not covered", "Look at the first slice."),)), FILES
    ).splitlines()

    assert lines[lines.index("Check: the base is not covered") + 1] == "  Look at the first slice."
    assert lines[lines.index("Results in out:") + 1] == "  result.json"
    assert "Note: scene.mrb is left out: no slicer-core" in lines


def test_the_summary_is_ascii():
    assert run_summary(analysis_of(), FILES).isascii()
