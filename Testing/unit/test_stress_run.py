"""`cardiacmtl-train stress` on a small cross-validation: masks follow the images, and only what is missing is computed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from safetensors.torch import save_file

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.diagnosis.head import HeadWeights
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import STRUCTURE_PHASES, Group, Phase
from CardiacMTLLib.network.manifest import Calibration
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLTraining import calibrate
from CardiacMTLTraining.calibrate import Calibrated, Rows
from CardiacMTLTraining.cli import main
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.crossval import fold_folder
from CardiacMTLTraining.head_fit import FittedHead
from CardiacMTLTraining.out_of_fold import FOLDER_NAME, OutOfFold, look
from CardiacMTLTraining.quality.rows import PatientRow
from CardiacMTLTraining.stress import bench as bench_module
from CardiacMTLTraining.stress import run as run_module
from CardiacMTLTraining.stress.bench import changed_outcome
from CardiacMTLTraining.stress.changes import CHANGES
from CardiacMTLTraining.stress.record import PLAIN
from CardiacMTLTraining.train import CONFIGURATION_NAME, NETWORK_NAME, RunRecord
from Testing.unit.hearts import ED_HEART, ES_HEART
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)
MASKS = np.stack([heart.mask(ORACLE_GRID) for heart in (ED_HEART, ES_HEART)])
PLACES = {"p1": 0, "p2": 1, "p3": 1}


def head_saying(group: Group) -> FittedHead:
    n_inputs = len(FEATURES) + len(Group)
    bias = 5.0 * np.eye(len(Group))[list(Group).index(group)]
    weights = HeadWeights(np.zeros(len(FEATURES)), np.ones(len(FEATURES)), np.zeros((len(Group), n_inputs)), bias, 1.0)
    return FittedHead(weights, 1.0, 1.0, {}, 1.0, 0.0)


def nested(rows: Rows, seed: int) -> dict[int, Calibrated]:
    """Fold 0 says RV; fold 1 says HCM, and never gives a label."""
    assert seed == 7
    return {
        fold: Calibrated(head_saying(group), head_saying(group), Calibration(label_threshold=threshold))
        for fold, group, threshold in ((0, Group.RV, 0.5), (1, Group.HCM, 1.0))
    }


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """data/ and cv/ as a finished cross-validation leaves them, but for the networks, whose place the oracle takes."""
    root = tmp_path_factory.mktemp("finished")
    crossval = root / "cv"
    (crossval / FOLDER_NAME / "joint").mkdir(parents=True)
    for fold in set(PLACES.values()):
        fold_folder(crossval, fold).mkdir()
        TrainingConfiguration(seed=7).save(fold_folder(crossval, fold) / CONFIGURATION_NAME)
        RunRecord(7, (), f"fold {fold}", "", "", 1, "").save(fold_folder(crossval, fold))
        save_file({"weight": torch.full((1,), float(fold))}, fold_folder(crossval, fold) / NETWORK_NAME)
    nothing = dict.fromkeys(STRUCTURE_PHASES, 0.0)
    Rows((), (), tuple(PatientRow(name, fold, None, None, nothing) for name, fold in PLACES.items()), ()).save(crossval)
    for name, fold in PLACES.items():
        write_painted(root / "data" / name)
        found = look(read_acdc_case(root / "data" / name).study, oracle_model().network)
        OutOfFold(name, fold, found).save(crossval / FOLDER_NAME / "joint" / f"{name}.npz")
    return root


@pytest.fixture
def folder(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that, with the oracle in place of the networks and heads that need no rows."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.setattr(bench_module, "fold_model", lambda *_: oracle_model())
    monkeypatch.setattr(run_module, "nested", nested)
    return tmp_path


def write_painted(folder: Path) -> None:
    folder.mkdir(parents=True)
    for number, mask, frame in zip((1, 9), MASKS, painted_frames(MASKS, ORACLE_GRID.spacing_xyz_mm), strict=True):
        for voxels, ending in ((frame, ""), (mask, "_gt")):
            image = sitk.GetImageFromArray(voxels)
            image.SetSpacing(ORACLE_GRID.spacing_xyz_mm)
            sitk.WriteImage(image, str(folder / f"{folder.name}_frame{number:02d}{ending}.nii.gz"))
    (folder / "Info.cfg").write_text("ED: 1\nES: 9\nGroup: RV\nHeight: 174\nNbFrame: 12\nWeight: 78\n", encoding="utf-8")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Shapes of the studies that a network looked at."""
    seen: list[tuple[int, ...]] = []

    def counted(study, network):
        seen.append(study.frames.shape)
        return look(study, network)

    monkeypatch.setattr(bench_module, "look", counted)
    return seen


def stress(folder: Path, *options: str) -> int:
    return main(["stress", "--data", str(folder / "data"), "--crossval", str(folder / "cv"), *options])


def outcomes_of(folder: Path, name: str) -> dict:
    return json.loads((folder / "cv" / "stress" / f"{name}.json").read_text())["outcomes"]


@pytest.mark.parametrize("change", ["turn_90", "turn_180", "turn_270", "slice_distance"])
def test_the_expert_masks_follow_the_images(folder, change):
    case = read_acdc_case(folder / "data" / "p1")
    assert changed_outcome("p1", case, change, oracle_model()).mean_dice == pytest.approx(1)
    assert set(case.masks) == set(Phase)


def test_every_patient_has_the_network_and_the_calibration_of_its_fold(folder, capsys):
    assert stress(folder, "--only", "turn_90,turn_180") == 0
    first, second = outcomes_of(folder, "p1"), outcomes_of(folder, "p2")
    assert list(first) == [PLAIN, "turn_90", "turn_180"]
    assert {(of["label"], of["most_likely"], of["mean_dice"]) for of in first.values()} == {("RV", "RV", 1.0)}
    assert {(of["label"], of["most_likely"], of["mean_dice"]) for of in second.values()} == {(None, "HCM", 1.0)}
    written = json.loads((folder / "cv" / "stress.json").read_text())
    assert written["n_patients"] == 3
    assert list(written["changes"]) == ["turn_90", "turn_180"]
    assert all(change["is_met"] for change in written["changes"].values())
    assert not written["all_met"], "not all changes of the set were made"
    assert "| turned by 90 degrees | 3 | 1.000 | 1.000 |" in (folder / "cv" / "stress.md").read_text(encoding="utf-8")
    assert "2 of 2 changes stay within the limits" in capsys.readouterr().out


def test_only_what_is_missing_is_computed(folder, looks):
    assert stress(folder, "--only", "turn_90") == 0
    assert looks == [(2, 8, 56, 50)] * 3
    assert stress(folder, "--only", "turn_90,turn_180") == 0
    assert looks[3:] == [(2, 8, 50, 56)] * 3
    (folder / "cv" / "stress" / "p2.json").unlink()
    assert stress(folder, "--only", "turn_90") == 0
    assert looks[6:] == [(2, 8, 56, 50)]
    assert stress(folder, "--only", "turn_90") == 0
    assert len(looks) == 7


def test_an_interrupted_run_keeps_what_it_did(folder, looks, monkeypatch):
    counted = bench_module.look

    def interrupted(study, network):
        if len(looks) == 2:
            raise KeyboardInterrupt
        return counted(study, network)

    monkeypatch.setattr(bench_module, "look", interrupted)
    assert stress(folder) == 130
    assert list(outcomes_of(folder, "p1")) == [PLAIN, *list(CHANGES)[:2]]
    monkeypatch.setattr(bench_module, "look", counted)
    assert stress(folder) == 0
    assert len(looks) == 3 * len(CHANGES)
    assert len(json.loads((folder / "cv" / "stress.json").read_text())["changes"]) == len(CHANGES)


def test_another_network_of_a_fold_makes_its_outcomes_out_of_date(folder, looks):
    assert stress(folder, "--only", "turn_180") == 0
    save_file({"weight": torch.ones(2)}, fold_folder(folder / "cv", 0) / NETWORK_NAME)
    assert stress(folder, "--only", "turn_180") == 0
    assert len(looks) == 3 + 1


def test_processes_side_by_side_get_portions_of_one_fold(folder, monkeypatch):
    parts = []
    monkeypatch.setattr(run_module, "_side_by_side", lambda bench, found, n_jobs: parts.extend(found))
    stress(folder, "--jobs", "2")
    assert [[record.name for record in part] for part in parts] == [["p1"], ["p2", "p3"]]


@pytest.mark.parametrize(
    ("options", "message"), [(("--only", "blur"), "'blur'"), (("--jobs", "0"), "--jobs is 0; expected at least 1")]
)
def test_options_that_cannot_be_are_one_line(folder, options, message, capsys):
    assert stress(folder, *options) == 2
    assert message in capsys.readouterr().err


def test_an_unfinished_cross_validation_is_refused(folder, capsys):
    (folder / "cv" / calibrate.ROWS_NAME).unlink()
    with pytest.raises(InputError, match="no finished cross-validation"):
        run_module.run_stress(folder / "data", folder / "cv", ("noise",))
    assert stress(folder) == 2
