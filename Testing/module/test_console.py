"""The module without its panel, as from the Python console, in scripts, and in its self-test."""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLLib.batch import BatchSettings
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import make_phantom, write_phantom
from CardiacMTLLib.phantom.groups import anatomy_of
from CardiacMTLScene.nodes import nodes_of_class
from Testing.module.given import SMALL, given_volumes
from Testing.module.reading import MODULE

ROOT = MODULE.parents[1]


def logic(open_module: Any) -> Any:
    open_module(MODULE)
    return sys.modules["CardiacMTL"].CardiacMTLLogic()


def script(page: str, mark: str) -> str:
    """The example in a page of the documentation that contains `mark`."""
    (found,) = [
        code
        for code in re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), re.DOTALL)
        if mark in code
    ]
    return found


@pytest.mark.robustness(40)
def test_the_console_analyses_two_volumes_and_recomputes_without_a_panel(open_module: Any, tiny_model: str) -> None:
    methods = logic(open_module)
    ed, es = given_volumes()
    told: list[str] = []
    record = methods.segmentAndDiagnose(ed, es, model=tiny_model, device="CPU", sex="F", progress=lambda t, f: told.append(t))
    assert record["model"]["name"] == tiny_model
    assert record["input"]["patient"]["sex"] == "F"
    assert told
    assert len(nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode")) == 2
    again = methods.recompute()
    assert again["measurements"] == record["measurements"]


def test_recompute_without_results_says_what_is_missing(open_module: Any) -> None:
    with pytest.raises(InputError, match="there are no results in the scene"):
        logic(open_module).recompute()


def test_the_batch_script_of_the_documentation_does_all_studies_of_a_folder_and_names_those_that_failed(
    open_module: Any, tiny_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    studies, out = tmp_path / "studies", tmp_path / "out"
    studies.mkdir()
    write_phantom(make_phantom(anatomy_of(Group.NOR), n_frames=3, grid=SMALL), studies / "good.nii.gz")
    (studies / "bad.nii.gz").write_bytes(b"no image")
    open_module(MODULE)
    settings = BatchSettings(tiny_model, "cpu", scene=False)
    monkeypatch.setattr("CardiacMTLPanel.console.batch_settings", lambda model, device, *, whole_cycle: settings)
    monkeypatch.setattr(sys, "argv", ["batch.py", str(studies), str(out)])
    with pytest.raises(SystemExit) as end:
        exec(compile(script("docs/walk-through.md", "processFolder"), "batch.py", "exec"), {})
    assert end.value.code == 1
    assert "1 done 1 failed" in capsys.readouterr().out
    assert (out / "good" / "result.json").is_file()
    with (out / "failures.csv").open(encoding="utf-8", newline="") as opened:
        (failure,) = csv.DictReader(opened)
    assert failure["case"] == "bad"
    assert failure["error"]


def test_the_examples_of_the_readme_name_what_there_is(open_module: Any) -> None:
    methods = logic(open_module)
    code = script("README.md", "segmentAndDiagnose")
    compile(code, "README.md", "exec")
    assert all(callable(getattr(methods, name)) for name in re.findall(r"logic\.(\w+)\(", code))
    assert len(set(re.findall(r"logic\.(\w+)\(", code))) == 3


def test_the_self_test_of_the_module_runs_with_torch(open_module: Any) -> None:
    open_module(MODULE)
    slicer.selfTests["CardiacMTL"]()
    assert len(nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode")) == 2


@pytest.mark.robustness(38)
def test_the_self_test_of_the_module_runs_without_torch(open_module: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import CardiacMTLPanel.python_environment as environment

    open_module(MODULE)
    monkeypatch.setattr(environment, "WORKER_PACKAGES", {"no_such_module": "PyTorch"})
    slicer.selfTests["CardiacMTL"]()
    assert nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode") == []


def test_a_real_patient_is_analysed_and_shown(open_module: Any, data_root: Path) -> None:
    from CardiacMTLLib.reading import read_study
    from CardiacMTLScene.volumes import add_volume

    methods = logic(open_module)
    study = read_study(data_root / "acdc" / "patient042")
    volumes = [
        add_volume(slicer.mrmlScene, name, study.frames[frame], study.geometry)
        for name, frame in (("ED", study.ed_frame), ("ES", study.es_frame))
        if frame is not None
    ]
    record = methods.segmentAndDiagnose(*volumes, heightCm=study.patient.height_cm, weightKg=study.patient.weight_kg)
    assert record["diagnosis"]["probabilities"] is not None
    assert 5 < record["measurements"]["lv_ef_percent"]["value"] < 85
