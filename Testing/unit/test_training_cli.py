"""`cardiacmtl-train` from a folder of patients to a model with its card, on phantoms and with a very small network."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.network.model import DiagnosisHead
from CardiacMTLLib.network.store import ModelEntry
from CardiacMTLLib.network.weights import LoadedModel, load_entry
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLTraining import export as export_module
from CardiacMTLTraining.cli import main
from CardiacMTLTraining.train import NETWORK_NAME, PATIENTS_NAME, RECORD_NAME, RunRecord, load_run
from Testing.acdc_folder import GROUPS, write_acdc_folder

KEPT_OUT = ("patient003", "patient008")
UNLIKELY = ("elastic", "gamma", "bias", "blur", "coarse", "noise")
CHOICES: dict[str, Any] = {
    "version": 1,
    "network": {
        "window_size": 64,
        "window_spacing_mm": 3.0,
        "channels": [6, 8, 16],
        "embedding_size": 8,
        "locator_channels": [4, 8, 8],
    },
    "augmentation": {"scale": 1.05, "shift_mm": 6.0} | {f"{change}_probability": 0.0 for change in UNLIKELY},
    "locator_steps": 60,
    "segmentation_steps": 200,
    "batch_size": 8,
    "learning_rate": 0.02,
    "averaging": 0.9,
    "inner_folds": 2,
    "embedding_views": 2,
    "embedding_steps": 5,
    "joint_epochs": 1,
    "studies_per_step": 2,
}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """data/, cache/, run/, models/tiny/ and figures/ as the commands leave them; those kept out are not in train-data/."""
    root = tmp_path_factory.mktemp("workshop")
    write_acdc_folder(root / "data")
    write_acdc_folder(root / "train-data", *(name for name in GROUPS if name not in KEPT_OUT))
    (root / "choices.json").write_text(json.dumps(CHOICES), encoding="utf-8")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for command in (
        f"prepare --data {root}/data --out {root}/cache",
        training(root),
        f"export --run {root}/run --out {root}/models/tiny",
        f"evaluate --data {root}/data --model {root}/models/tiny --only 3/5 --out {root}/figures",
        f"export --run {root}/run --out {root}/models/tiny --figures {root}/figures/summary.json",
    ):
        assert main(command.split()) == 0, command
    yield root
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def training(root: Path) -> str:
    paths = f"--cache {root}/cache --data {root}/train-data --out {root}/run --config {root}/choices.json"
    return f"train {paths} --hold-out 3/5"


@pytest.fixture(scope="module")
def model(workshop: Path) -> LoadedModel:
    return load_entry(ModelEntry("tiny", workshop / "models" / "tiny"))


def summary_of(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return values


def test_no_patient_that_is_kept_out_is_trained_on(workshop: Path) -> None:
    record = RunRecord.load(workshop / "run")
    assert set(record.patients) == set(GROUPS) - set(KEPT_OUT)
    assert record.held_out == "3/5"
    assert set(json.loads((workshop / "run" / PATIENTS_NAME).read_text(encoding="utf-8"))) == set(record.patients)


def test_the_exported_model_is_the_trained_network(workshop: Path, model: LoadedModel) -> None:
    network, config, record = load_run(workshop / "run")
    assert model.manifest.network == config.network
    assert model.manifest.calibration == record.calibration
    for key, value in network.state_dict().items():
        torch.testing.assert_close(model.network.state_dict()[key], value, atol=1e-3, rtol=1e-3)
    provenance = model.manifest.provenance
    assert (provenance.n_patients, provenance.held_out, provenance.seed) == (10, "3/5", 1)
    assert provenance.data_sha256 == record.data_sha256


def test_both_heads_are_fitted_on_plausible_features(model: LoadedModel) -> None:
    for head, divisor in ((model.network.head_unindexed, 1.0), (model.network.head_indexed, 1.9)):
        assert isinstance(head, DiagnosisHead)
        means = dict(zip((feature.name for feature in FEATURES), head.feature_mean.tolist(), strict=True))
        assert 120 < means["lv_edv"] * divisor < 200
        assert 20 < means["lv_ef"] < 60
        assert 5 < means["wall_mean_ed"] < 16
        assert (head.feature_sd > 0).all()
    calibration = model.manifest.calibration
    assert all(0 < value < 10 for value in (calibration.temperature_indexed, calibration.temperature_unindexed))


def test_the_model_finds_the_hearts_of_phantoms_it_has_not_seen(workshop: Path) -> None:
    summary = summary_of(workshop / "figures")
    assert summary["patients"] == list(KEPT_OUT)
    assert summary["failed"] == {}
    assert summary["dice_mean"] > 0.5
    assert summary["errors"]["lv_edv_ml"]["n"] == 2
    assert summary["diagnosis"]["n"] == 2
    with (workshop / "figures" / "cases.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["case"] for row in rows] == list(KEPT_OUT)
    assert [row["group"] for row in rows] == [GROUPS[name] for name in KEPT_OUT]


def test_evaluation_judges_the_masks_of_the_pipeline_on_the_images_own_grid(workshop: Path, model: LoadedModel) -> None:
    case = read_acdc_case(workshop / "data" / "patient003")
    masks = analyse(case.study, model).masks
    assert case.masks is not None
    with (workshop / "figures" / "cases.csv").open(encoding="utf-8", newline="") as stream:
        row = next(csv.DictReader(stream))
    for phase, truth in case.masks.items():
        found = masks[phase]
        assert found.shape == truth.shape
        overlap = 2 * ((found == 3) & (truth == 3)).sum() / ((found == 3).sum() + (truth == 3).sum())
        assert float(row[f"dice_LV_{phase}"]) == pytest.approx(overlap, abs=1e-4)


def test_the_card_and_the_manifest_carry_the_figures(workshop: Path, model: LoadedModel) -> None:
    summary = summary_of(workshop / "figures")
    card = (workshop / "models" / "tiny" / "card.md").read_text(encoding="utf-8")
    assert f"**{summary['dice_mean']:.3f}**" in card
    assert f"**{summary['diagnosis']['right']} of 2** right" in card
    assert model.manifest.weights_sha256 in card
    assert model.manifest.metrics["held_out"] == summary
    assert "nan" not in card.lower().split()


def test_a_finished_run_is_not_trained_again_and_says_the_same(workshop: Path, tmp_path: Path) -> None:
    before = {name: (workshop / "run" / name).read_bytes() for name in (NETWORK_NAME, RECORD_NAME)}
    for name in before:
        (workshop / "run" / name).unlink()
    assert main(training(workshop).split()) == 0
    assert {name: (workshop / "run" / name).read_bytes() for name in before} == before


def refused(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of a command that is refused with status 2."""
    capsys.readouterr()
    try:
        status = main(command.split())
    except SystemExit as exit_:
        status = int(exit_.code or 0)
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("cardiacmtl-train")]
    assert status == 2
    assert len(lines) == 1
    return lines[0]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("prepare --data {root}/nowhere --out {new}/cache", "no usable patient in"),
        ("prepare --data {root}/data --out {root}/choices.json", "choices.json cannot be used"),
        ("train --cache {root}/nowhere --data {root}/data --out {new}/run", "no finished cache in"),
        ("train --cache {root}/cache --data {root}/nowhere --out {new}/run", "lacks 12 cached patients, such as patient001"),
        ("train --cache {root}/cache --data {root}/data --out {new}/run --hold-out 5/3", "hold-out rule is '5/3'"),
        ("train --cache {root}/cache --data {root}/data --out {new}/run --hold-out 0/1", "of 0 patients"),
        ("train --cache {root}/cache --data {root}/data --out {new}/run --hold-out 0/2", "outside inner fold 0 of 3 lack DCM"),
        ("train --cache {root}/cache --data {root}/data --out {new}/run --config {root}/none.json", "none.json cannot be read"),
        ("train --cache {root}/cache --data {root}/data --out {root}/run --config {root}/choices.json", "other patients"),
        ("train --cache {root}/cache --data {root}/data --out {root}/run --hold-out 3/5", "another configuration"),
        ("export --run {root}/cache --out {new}/model", "holds no finished run"),
        ("export --run {root}/run --out {new}/model --figures {root}/none.json", "none.json cannot be read"),
        ("export --run {root}/run --out {new}/model --figures {root}/choices.json", "choices.json cannot be read"),
        ("evaluate --data {root}/data --model no-such-model --out {new}/figures", "no model 'no-such-model'"),
        ("evaluate --data {root}/data --model {root}/cache --out {new}/figures", "manifest.json is missing"),
        ("evaluate --data {root}/data --model {root}/models/tiny --only 0/100 --out {new}/figures", "no patient to evaluate"),
        ("evaluate --data {root}/data --model {root}/models/tiny --only three --out {new}/figures", "rule is 'three'"),
        ("evaluate --data {root}/data", "required: --model, --out"),
        ("crossvalidate", "invalid choice"),
        ("", "required: COMMAND"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    workshop: Path, tmp_path: Path, command: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(command.format(root=workshop, new=tmp_path), capsys)
    assert words in line
    assert line.startswith("cardiacmtl-train: error: ")
    assert list(tmp_path.rglob("*.ckpt")) == []


def test_figures_of_patients_that_were_trained_on_never_reach_the_card(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"evaluate --data {workshop}/data --model {workshop}/models/tiny --only 4/5 --out {tmp_path}".split()) == 0
    line = refused(f"export --run {workshop}/run --out {tmp_path}/model --figures {tmp_path}/summary.json", capsys)
    assert "counts 2 patients of the training, such as patient004" in line


def test_figures_of_other_weights_never_reach_the_card(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = summary_of(workshop / "figures") | {"weights": "f" * 64}
    (tmp_path / "summary.json").write_text(json.dumps(values), encoding="utf-8")
    line = refused(f"export --run {workshop}/run --out {tmp_path}/model --figures {tmp_path}/summary.json", capsys)
    assert "was measured on weights ffffffffffff" in line


def test_patients_that_cannot_be_evaluated_are_named_and_the_others_counted(workshop: Path, tmp_path: Path) -> None:
    for name in KEPT_OUT:
        shutil.copytree(workshop / "data" / name, tmp_path / "data" / name)
    (tmp_path / "data" / "patient008" / "patient008_frame09_gt.nii.gz").unlink()
    assert main(f"evaluate --data {tmp_path}/data --model {workshop}/models/tiny --out {tmp_path}/figures".split()) == 0
    summary = summary_of(tmp_path / "figures")
    assert summary["patients"] == ["patient003"]
    assert list(summary["failed"]) == ["patient008"]
    assert "lacks expert masks" in summary["failed"]["patient008"]


def test_a_model_is_exported_where_git_is_missing(workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    manifest = export_module.export(workshop / "run", tmp_path / "models" / "plain", None)
    assert manifest.provenance.commit == "unknown"
    assert "held_out" not in manifest.metrics


def test_an_interrupted_command_ends_with_130(
    workshop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export_module, "export", interrupt)
    assert main(f"export --run {workshop}/run --out {workshop}/x".split()) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_run_is_refused_until_it_has_ended(workshop: Path, tmp_path: Path) -> None:
    with pytest.raises(CardiacMTLError, match="let `cardiacmtl-train train` end first"):
        load_run(tmp_path)
    assert np.isfinite(list(RunRecord.load(workshop / "run").head_out_of_fold.values())).all()
