"""`cardiacmtl-train` from a folder of patients to a model with its card, on phantoms and with a very small network."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.model import DiagnosisHead
from CardiacMTLLib.network.store import ModelEntry
from CardiacMTLLib.network.weights import LoadedModel, load_entry
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLTraining import export as export_module
from CardiacMTLTraining import out_of_fold
from CardiacMTLTraining.calibrate import Rows, calibrate
from CardiacMTLTraining.cli import main
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.crossval import fold_folder
from CardiacMTLTraining.crossval_report import report_out_of_fold
from CardiacMTLTraining.evaluation.checksum import source_sha256
from CardiacMTLTraining.head_fit import Inputs
from CardiacMTLTraining.out_of_fold import FOLDER_NAME, TRAININGS, OutOfFold, find_out_of_fold
from CardiacMTLTraining.quality.negatives import KINDS, PYDICOM_KIND
from CardiacMTLTraining.train import CONFIGURATION_NAME, NETWORK_NAME, PATIENTS_NAME, RECORD_NAME, RunRecord, load_run
from Testing.acdc_folder import GROUPS, write_acdc_folder

KEPT_OUT = ("patient003", "patient008")
TRAINED_ON = sorted(set(GROUPS) - set(KEPT_OUT))
N_FOLDS = 3
UNLIKELY = ("elastic", "gamma", "bias", "blur", "coarse", "noise")
CHOICES: dict[str, Any] = {
    "version": 2,
    "n_folds": N_FOLDS,
    "network": {
        "window_size": 64,
        "window_spacing_mm": 3.0,
        "patch_size": 1,
        "channels": [6, 8, 16],
        "embedding_size": 8,
        "locator_channels": [4, 8, 8],
    },
    "augmentation": {"scale": 1.05, "shift_mm": 6.0} | {f"{change}_probability": 0.0 for change in UNLIKELY},
    "early_window": 48,
    "locator_steps": 60,
    "segmentation_steps": 200,
    "batch_size": 8,
    "learning_rate": 0.02,
    "averaging": 0.9,
    "embedding_views": 2,
    "embedding_steps": 5,
    "joint_epochs": 1,
    "studies_per_step": 2,
}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """data/, cache/, cv/, run/, models/tiny/ and figures/ as the commands leave them."""
    root = tmp_path_factory.mktemp("workshop")
    write_acdc_folder(root / "data")
    (root / "choices.json").write_text(json.dumps(CHOICES), encoding="utf-8")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for command in (
        f"prepare --data {root}/data --out {root}/cache",
        crossval(root),
        training(root),
        f"export --run {root}/run --crossval {root}/cv --out {root}/models/tiny",
        f"evaluate --data {root}/data --model {root}/models/tiny --only 3/5 --kind held-out --out {root}/figures",
        f"export --run {root}/run --crossval {root}/cv --out {root}/models/tiny --figures {root}/figures/summary.json",
    ):
        assert main(command.split()) == 0, command
    yield root
    torch.set_num_threads(threads)
    torch.set_flush_denormal(False)


def training(root: Path) -> str:
    return f"train --cache {root}/cache --out {root}/run --config {root}/choices.json --hold-out 3/5"


def crossval(root: Path) -> str:
    paths = f"--cache {root}/cache --data {root}/data --out {root}/cv --config {root}/choices.json"
    return f"crossval {paths} --hold-out 3/5"


@pytest.fixture(scope="module")
def model(workshop: Path) -> LoadedModel:
    return load_entry(ModelEntry("tiny", workshop / "models" / "tiny"))


def summary_of(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return values


def table_of(folder: Path) -> dict[str, dict[str, str]]:
    """The rows of cases.csv by patient."""
    with (folder / "cases.csv").open(encoding="utf-8", newline="") as stream:
        return {row["case"]: row for row in csv.DictReader(stream)}


def noted_patients(run: Path) -> dict[str, str]:
    values: dict[str, str] = json.loads((run / PATIENTS_NAME).read_text(encoding="utf-8"))
    return values


def folds_of(workshop: Path) -> dict[str, int]:
    """The fold whose network found each patient."""
    found = [OutOfFold.load(path) for path in sorted((workshop / "cv" / FOLDER_NAME / "joint").glob("*.npz"))]
    return {patient.name: patient.fold for patient in found}


def test_no_patient_that_is_kept_out_is_trained_on(workshop: Path) -> None:
    record = RunRecord.load(workshop / "run")
    assert sorted(record.patients) == sorted(noted_patients(workshop / "run")) == TRAINED_ON
    assert record.held_out == "3/5"
    assert sorted(folds_of(workshop)) == TRAINED_ON


def test_every_patient_is_found_by_a_network_that_has_not_seen_it_and_was_trained_on_all_others(workshop: Path) -> None:
    folds = folds_of(workshop)
    assert set(folds.values()) == set(range(N_FOLDS))
    for fold in range(N_FOLDS):
        record = RunRecord.load(fold_folder(workshop / "cv", fold))
        assert sorted(record.patients) == sorted(name for name, place in folds.items() if place != fold)
        assert record.held_out == f"fold {fold} of {N_FOLDS}"


def test_the_figures_out_of_fold_are_those_of_every_patient_that_was_not_kept_out(workshop: Path) -> None:
    folder = workshop / "cv" / "evaluation"
    summary = summary_of(folder)
    assert sorted(summary["patients"]) == TRAINED_ON
    assert (summary["kind"], summary["failed"]) == ("out of fold", {})
    assert summary["command"].endswith("--hold-out 3/5")
    assert summary["dice_mean"] > 0.5
    assert summary["diagnosis"]["n"] == len(TRAINED_ON)
    assert {"cases.csv", "cases.json", "evaluation.html", "summary.json"} <= {path.name for path in folder.iterdir()}
    assert {name: Group(row["group"]) for name, row in table_of(folder).items()} == {name: GROUPS[name] for name in TRAINED_ON}


def test_rows_and_figures_are_of_the_masks_that_the_folds_found(workshop: Path) -> None:
    rows = Rows.load(workshop / "cv")
    table = table_of(workshop / "cv" / "evaluation")
    assert {row.name: row.fold for row in rows.patients} == folds_of(workshop)
    for row in rows.patients:
        found = OutOfFold.load(workshop / "cv" / FOLDER_NAME / "joint" / f"{row.name}.npz").found
        truth = read_acdc_case(workshop / "data" / row.name).masks
        assert found is not None
        assert truth is not None
        for phase, mask in found.phases.masks.items():
            overlap = 2 * ((mask == 3) & (truth[phase] == 3)).sum() / ((mask == 3).sum() + (truth[phase] == 3).sum())
            assert row.dice[f"LV_{phase}"] == pytest.approx(overlap)
            assert float(table[row.name][f"dice_LV_{phase}"]) == pytest.approx(overlap, abs=1e-4)
    assert {row.kind for row in rows.negatives} == {*KINDS, PYDICOM_KIND}
    assert {row.patient for row in rows.indexed} == {row.patient for row in rows.unindexed} == set(TRAINED_ON)


def test_the_cross_validation_compares_the_parts_and_says_how_the_estimates_hold(workshop: Path) -> None:
    compared = json.loads((workshop / "cv" / "ablation.json").read_text(encoding="utf-8"))
    heads = [(head["training"], head["inputs"]) for head in compared["heads"]]
    assert heads == [(training, inputs.value) for training in TRAININGS for inputs in Inputs]
    quality = json.loads((workshop / "cv" / "quality.json").read_text(encoding="utf-8"))
    assert quality["scope"]["passed"]["n"] == len(TRAINED_ON)
    assert set(quality["scope"]["kinds"]) == {*KINDS, PYDICOM_KIND}
    assert set(quality["choices"]) == {str(fold) for fold in range(N_FOLDS)}


def test_a_cross_validation_given_again_reads_what_was_found(workshop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*arguments: object) -> None:
        raise AssertionError

    monkeypatch.setattr(out_of_fold, "look", never)
    assert set(find_out_of_fold(workshop / "data", workshop / "cv", folds_of(workshop))) == set(TRAINED_ON)


def test_a_cross_validation_of_patients_without_body_sizes_is_reported_too(workshop: Path, tmp_path: Path) -> None:
    shutil.copytree(workshop / "cv", tmp_path / "cv")
    shutil.copytree(workshop / "data", tmp_path / "data")
    for info in (tmp_path / "data").glob("*/Info.cfg"):
        lines = info.read_text(encoding="utf-8").splitlines()
        info.write_text("\n".join(line for line in lines if not line.startswith(("Height", "Weight"))), encoding="utf-8")
    config = TrainingConfiguration.load(workshop / "choices.json")
    report_out_of_fold(tmp_path / "data", tmp_path / "cv", folds_of(workshop), config)
    rows = Rows.load(tmp_path / "cv")
    assert rows.indexed == ()
    compared = json.loads((tmp_path / "cv" / "ablation.json").read_text(encoding="utf-8"))
    assert compared["heads"][0]["n"] == sum(row.is_prediction for row in rows.unindexed) > len(TRAINED_ON) / 2
    assert summary_of(tmp_path / "cv" / "evaluation")["diagnosis"]["n"] == len(TRAINED_ON)


def test_folds_may_be_trained_one_by_one_without_a_report(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cv = tmp_path / "cv"
    for fold in range(N_FOLDS):
        shutil.copytree(fold_folder(workshop / "cv", fold), fold_folder(cv, fold))
        (fold_folder(cv, fold) / RECORD_NAME).unlink()
    assert main([*crossval(workshop).replace(f"{workshop}/cv", f"{cv}").split(), "--folds", "1"]) == 0
    assert "trained: fold 1; give the command without --folds" in capsys.readouterr().out
    assert [(fold_folder(cv, fold) / RECORD_NAME).exists() for fold in range(N_FOLDS)] == [False, True, False]
    assert not (cv / FOLDER_NAME).exists()


def test_the_exported_model_is_the_trained_network_with_what_the_cross_validation_calibrates(
    workshop: Path, model: LoadedModel
) -> None:
    network, config, record = load_run(workshop / "run")
    calibrated = calibrate(Rows.load(workshop / "cv"), config.seed)
    calibrated.install(network)
    assert model.manifest.network == config.network
    assert model.manifest.calibration == calibrated.calibration
    for key, value in network.state_dict().items():
        torch.testing.assert_close(model.network.state_dict()[key], value, atol=1e-3, rtol=1e-3)
    provenance = model.manifest.provenance
    assert (provenance.n_patients, provenance.held_out, provenance.seed) == (len(TRAINED_ON), "3/5", 1)
    assert provenance.data_sha256 == record.data_sha256


def test_the_manifest_knows_every_patient_of_the_training_by_its_checksum(workshop: Path, model: LoadedModel) -> None:
    checksums = {name: source_sha256(workshop / "data" / name, read_acdc_case(workshop / "data" / name)) for name in GROUPS}
    assert sorted(model.manifest.provenance.sources) == sorted(checksums[name] for name in TRAINED_ON)


def test_both_heads_are_fitted_on_plausible_features(model: LoadedModel) -> None:
    for head, divisor in ((model.network.head_unindexed, 1.0), (model.network.head_indexed, 1.9)):
        assert isinstance(head, DiagnosisHead)
        means = dict(zip((feature.name for feature in FEATURES), head.feature_mean.tolist(), strict=True))
        assert 120 < means["lv_edv"] * divisor < 220
        assert 20 < means["lv_ef"] < 60
        assert 5 < means["wall_mean_ed"] < 16
        assert (head.feature_sd > 0).all()
    calibration = model.manifest.calibration
    assert all(0 < value < 10 for value in (calibration.temperature_indexed, calibration.temperature_unindexed))


def test_the_model_finds_the_hearts_of_phantoms_it_has_not_seen(workshop: Path) -> None:
    summary = summary_of(workshop / "figures")
    assert summary["patients"] == list(KEPT_OUT)
    assert (summary["kind"], summary["failed"], summary["trained_on"]) == ("held out", {}, [])
    assert summary["dice_mean"] > 0.5
    assert summary["errors"]["lv_edv_ml"]["n"] == 2
    assert summary["diagnosis"]["n"] == 2
    assert {name: row["group"] for name, row in table_of(workshop / "figures").items()} == {
        name: GROUPS[name] for name in KEPT_OUT
    }


def test_evaluation_judges_the_masks_of_the_pipeline_on_the_images_own_grid(workshop: Path, model: LoadedModel) -> None:
    case = read_acdc_case(workshop / "data" / "patient003")
    masks = analyse(case.study, model).masks
    assert case.masks is not None
    row = table_of(workshop / "figures")["patient003"]
    for phase, truth in case.masks.items():
        found = masks[phase]
        assert found.shape == truth.shape
        overlap = 2 * ((found == 3) & (truth == 3)).sum() / ((found == 3).sum() + (truth == 3).sum())
        assert float(row[f"dice_LV_{phase}"]) == pytest.approx(overlap, abs=1e-4)


def test_the_card_and_the_manifest_carry_the_figures(workshop: Path, model: LoadedModel) -> None:
    card = (workshop / "models" / "tiny" / "card.md").read_text(encoding="utf-8")
    assert set(model.manifest.metrics) == {"out_of_fold", "held_out", "ablation", "quality"}
    for key, folder in (("out_of_fold", workshop / "cv" / "evaluation"), ("held_out", workshop / "figures")):
        summary = summary_of(folder)
        assert f"**{summary['dice_mean']:.3f}**" in card
        assert f"**{summary['diagnosis']['right']} of {summary['n_patients']}** right" in card
        assert model.manifest.metrics[key] == {k: v for k, v in summary.items() if k not in ("patients", "spread")}
    assert model.manifest.weights_sha256 in card
    assert "nan" not in card.lower().split()
    assert not any(name in card for name in GROUPS)


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


CACHED = "--cache {root}/cache --out {new}/run"
EXPORT = "export --run {root}/run --crossval {root}/cv --out {new}/model"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("prepare --data {root}/nowhere --out {new}/cache", "nowhere"),
        ("prepare --data {root}/data --out {root}/choices.json", "choices.json cannot be used"),
        ("train --cache {root}/nowhere --out {new}/run", "no finished cache in"),
        (f"train {CACHED} --hold-out 5/3", "hold-out rule is '5/3'"),
        (f"train {CACHED} --hold-out 0/1", "the training patients (0) lack NOR, MINF, DCM, HCM, RV"),
        (f"train {CACHED} --config {{root}}/none.json", "none.json cannot be read"),
        ("train --cache {root}/cache --out {root}/run --config {root}/choices.json", "other patients"),
        ("train --cache {root}/cache --out {root}/run --hold-out 3/5", "another configuration"),
        (f"train {CACHED} --data {{root}}/data", "unrecognized arguments: --data"),
        (f"crossval {CACHED}", "required: --data"),
        (f"crossval {CACHED} --data {{root}}/data --folds 5", "--folds is '5'; expected numbers from 0 to 4"),
        (f"crossval {CACHED} --data {{root}}/data --folds 0,x", "--folds is '0,x'"),
        (f"crossval {CACHED} --data {{root}}/data --hold-out 0/2", "the patients outside the folds"),
        ("export --run {root}/cache --crossval {root}/cv --out {new}/model", "holds no finished run"),
        ("export --run {root}/run --crossval {root}/cache --out {new}/model", "holds no finished run"),
        ("export --run {root}/cv/fold0 --crossval {root}/cv --out {new}/model", "fold 0 of 3 of a cross-validation"),
        (f"{EXPORT} --figures {{root}}/none.json", "none.json cannot be read"),
        (f"{EXPORT} --figures {{root}}/choices.json", "choices.json cannot be read"),
        ("evaluate --data {root}/data --model no-such-model --out {new}/figures", "no model 'no-such-model'"),
        ("evaluate --data {root}/data --model {root}/cache --out {new}/figures", "manifest.json is missing"),
        ("evaluate --data {root}/data --model {root}/models/tiny --only 0/100 --out {new}/figures", "no patient to evaluate"),
        ("evaluate --data {root}/data --model {root}/models/tiny --only three --out {new}/figures", "rule is 'three'"),
        (
            "evaluate --data {root}/data --model {root}/models/tiny --only 4/5 --kind held-out --out {new}/figures",
            "trained on 1 of the patients, such as patient004",
        ),
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


def test_figures_of_patients_that_were_trained_on_are_called_so_and_never_reach_the_card(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"evaluate --data {workshop}/data --model {workshop}/models/tiny --only 4/5 --out {tmp_path}".split()) == 0
    summary = summary_of(tmp_path)
    assert summary["kind"] == "in-sample"
    assert summary["trained_on"] == summary["patients"] == ["patient004", "patient009", "patient014", "patient019"]
    command = f"export --run {workshop}/run --crossval {workshop}/cv --out {tmp_path}/model --figures {tmp_path}/summary.json"
    assert "counts 4 patients of the training or the cross-validation, such as patient004" in refused(command, capsys)


def test_patients_of_the_cross_validation_alone_are_not_kept_out_either(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The heads and thresholds were fitted on them, though the network was not."""
    shutil.copytree(workshop / "run", tmp_path / "run")
    noted = noted_patients(workshop / "run")
    seen_by_folds_alone = noted.pop("patient014")
    (tmp_path / "run" / PATIENTS_NAME).write_text(json.dumps(noted), encoding="utf-8")
    manifest = export_module.export(tmp_path / "run", workshop / "cv", tmp_path / "model", None)
    assert seen_by_folds_alone in manifest.provenance.sources
    values = summary_of(workshop / "figures") | {"weights": manifest.weights_sha256, "patients": ["patient014"]}
    (tmp_path / "summary.json").write_text(json.dumps(values), encoding="utf-8")
    command = f"export --run {tmp_path}/run --crossval {workshop}/cv --out {tmp_path}/model --figures {tmp_path}/summary.json"
    assert "counts 1 patients of the training or the cross-validation, such as patient014" in refused(command, capsys)


def test_figures_of_other_weights_never_reach_the_card(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = summary_of(workshop / "figures") | {"weights": "f" * 64}
    (tmp_path / "summary.json").write_text(json.dumps(values), encoding="utf-8")
    command = f"export --run {workshop}/run --crossval {workshop}/cv --out {tmp_path}/model --figures {tmp_path}/summary.json"
    assert "was measured on weights ffffffffffff" in refused(command, capsys)


def test_heads_of_a_cross_validation_with_another_configuration_are_not_exported(
    workshop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(workshop / "run", tmp_path / "run")
    values = json.loads((tmp_path / "run" / CONFIGURATION_NAME).read_text(encoding="utf-8"))
    (tmp_path / "run" / CONFIGURATION_NAME).write_text(json.dumps(values | {"joint_epochs": 2}), encoding="utf-8")
    line = refused(f"export --run {tmp_path}/run --crossval {workshop}/cv --out {tmp_path}/model", capsys)
    assert "was trained with another configuration than the run" in line
    assert not (tmp_path / "model").exists()


def test_patients_that_cannot_be_evaluated_are_named_and_the_others_counted(workshop: Path, tmp_path: Path) -> None:
    for name in KEPT_OUT:
        shutil.copytree(workshop / "data" / name, tmp_path / "data" / name)
    (tmp_path / "data" / "patient008" / "patient008_frame09.nii.gz").unlink()
    assert main(f"evaluate --data {tmp_path}/data --model {workshop}/models/tiny --out {tmp_path}/figures".split()) == 0
    summary = summary_of(tmp_path / "figures")
    assert summary["patients"] == ["patient003"]
    assert list(summary["failed"]) == ["patient008"]


def test_a_model_is_exported_where_git_is_missing(workshop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(workshop / "run", tmp_path / "run")
    for name in (NETWORK_NAME, RECORD_NAME):
        (tmp_path / "run" / name).unlink()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(training(workshop).replace(f"{workshop}/run", f"{tmp_path}/run").split()) == 0
    manifest = export_module.export(tmp_path / "run", workshop / "cv", tmp_path / "models" / "plain", None)
    assert manifest.provenance.commit == "unknown"
    assert "held_out" not in manifest.metrics


def test_an_interrupted_command_ends_with_130(
    workshop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(export_module, "export", interrupt)
    assert main(f"export --run {workshop}/run --crossval {workshop}/cv --out {workshop}/x".split()) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_run_is_refused_until_it_has_ended(tmp_path: Path) -> None:
    with pytest.raises(CardiacMTLError, match="let the training end first"):
        load_run(tmp_path)
