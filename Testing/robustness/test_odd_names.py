"""Files and folders whose names are bytes that are no text; the file systems of Linux have them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.batch import FAILURES_FILE, Workforce, run_batch
from CardiacMTLLib.cli import main
from Testing.robustness.batches import quick_python, rows, write_study
from Testing.robustness.faulty_input import FRAMES, nifti, refused

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="file systems elsewhere refuse such names")

NO_TEXT = os.fsdecode(b"bad\xff")


@pytest.mark.robustness(39)
@pytest.mark.parametrize("name", ["cine.nii.gz", "cine.nrrd", "cine.mha"])
@pytest.mark.parametrize("place", ["file", "folder"])
def test_an_image_whose_name_is_no_text_is_refused_by_it(run, name: str, place: str, tmp_path: Path) -> None:
    path = nifti(tmp_path, FRAMES.astype(np.float32), name)
    folder = tmp_path / NO_TEXT
    folder.mkdir()
    path = path.rename(folder / name if place == "folder" else tmp_path / f"{NO_TEXT}{name}")
    assert refused(run(path), "bad\\udcff", "holds bytes that are no text; expected a name in UTF-8; rename it")


@pytest.mark.robustness(39)
@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_whose_name_is_no_text_is_refused_before_anything_is_done(
    is_there: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / NO_TEXT
    if is_there:
        out.mkdir()
    path = nifti(tmp_path)
    assert main(["run", str(path), "--out", str(out)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "bad\\udcff holds bytes that are no text; expected a name in UTF-8; rename it" in line
    assert [path for path in tmp_path.rglob("*") if path not in {out, tmp_path / "cine.nii.gz"}] == []


@pytest.mark.robustness(39)
def test_a_batch_names_the_case_whose_name_is_no_text_and_does_the_others(tmp_path: Path) -> None:
    root, out = tmp_path / "studies", tmp_path / "out"
    (root / f"{NO_TEXT}.nii.gz").write_bytes(write_study(root / "good.nii.gz").read_bytes())
    summary = run_batch(root, out, workforce=Workforce(python=quick_python(tmp_path)))
    assert summary.done == ("good",)
    (failed,) = rows(out / FAILURES_FILE)
    assert failed["case"] == "bad_"
    assert "holds bytes that are no text" in failed["error"]
