"""Three real patients through the command line.

The shipped model was trained on them: this checks the way through the software, not what the model is worth.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from CardiacMTLLib.cli import main
from CardiacMTLLib.labels import Label

FRAMES = {"patient003": (1, 15), "patient043": (1, 7), "patient088": (1, 12)}
"""1-based frames of ED and ES, as their Info.cfg says."""

MIN_MEAN_DICE = 0.86
MAX_EF_ERROR = 7.0


Patient = tuple[Path, Path, str]
"""Input folder, output folder, name."""


@pytest.fixture(scope="module", params=FRAMES)
def patient(request: pytest.FixtureRequest, data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Patient:
    name = str(request.param)
    out = tmp_path_factory.mktemp(name)
    folder = data_root / "acdc" / name
    assert main(["run", str(folder), "--out", str(out), "--device", "cpu"]) == 0
    return folder, out, name


def images(folder: Path, out: Path, name: str) -> list[tuple[sitk.Image, sitk.Image]]:
    pairs = []
    for phase, frame in zip(("ed", "es"), FRAMES[name], strict=True):
        truth = sitk.ReadImage(str(folder / f"{name}_frame{frame:02d}_gt.nii.gz"))
        pairs.append((sitk.ReadImage(str(out / f"segmentation_{phase}.nii.gz")), truth))
    return pairs


def test_masks_agree_with_the_expert(patient: Patient) -> None:
    overlap = []
    for found, truth in images(*patient):
        ours, theirs = sitk.GetArrayFromImage(found), sitk.GetArrayFromImage(truth)
        for label in (Label.LV, Label.RV, Label.MYOCARDIUM):
            a, b = ours == label, theirs == label
            overlap.append(2 * (a & b).sum() / (a.sum() + b.sum()))
    assert np.mean(overlap) >= MIN_MEAN_DICE


@pytest.mark.robustness(6)
def test_the_written_grid_is_that_of_the_input(patient: Patient) -> None:
    for found, truth in images(*patient):
        assert found.GetSize() == truth.GetSize()
        assert found.GetSpacing() == pytest.approx(truth.GetSpacing(), abs=1e-6)
        assert found.GetDirection() == pytest.approx(truth.GetDirection(), abs=1e-6)
        assert found.GetOrigin() == pytest.approx(truth.GetOrigin(), abs=1e-6)


def test_ejection_fraction_and_volumes_agree_with_the_expert(patient: Patient) -> None:
    _, out, _ = patient
    volumes = []
    for _, truth in images(*patient):
        cavity = sitk.GetArrayFromImage(truth) == Label.LV
        volumes.append(cavity.sum() * np.prod(truth.GetSpacing()) / 1000)
    measurements = json.loads((out / "result.json").read_text(encoding="utf-8"))["measurements"]
    assert measurements["lv_edv_ml"]["value"] == pytest.approx(volumes[0], rel=0.12)
    ef = 100 * (volumes[0] - volumes[1]) / volumes[0]
    assert abs(measurements["lv_ef_percent"]["value"] - ef) <= MAX_EF_ERROR


def test_all_outputs_are_there(patient: Patient) -> None:
    _, out, _ = patient
    names = {path.name for path in out.iterdir()}
    assert {"segmentation_ed.nii.gz", "segmentation_es.nii.gz", "result.json", "overlay.png", "report.html"} <= names
