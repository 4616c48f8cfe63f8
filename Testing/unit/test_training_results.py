"""What the commands of `cardiacmtl-train` leave: folds that keep patients apart, figures, and a model with its card."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
import torch

from CardiacMTLLib.diagnosis.features import FEATURES
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
from CardiacMTLTraining.train import NETWORK_NAME, RECORD_NAME, RunRecord, load_run
from Testing.acdc_folder import GROUPS
from Testing.unit.training_workshop import KEPT_OUT, N_FOLDS, TRAINED_ON, crossval, noted_patients, summary_of, training


@pytest.fixture(scope="module")
def model(workshop: Path) -> LoadedModel:
    return load_entry(ModelEntry("tiny", workshop / "models" / "tiny"))


def table_of(folder: Path) -> dict[str, dict[str, str]]:
    """The rows of cases.csv by patient."""
    with (folder / "cases.csv").open(encoding="utf-8", newline="") as stream:
        return {row["case"]: row for row in csv.DictReader(stream)}


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
