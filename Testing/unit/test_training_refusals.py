"""What `cardiacmtl-train` cannot do, or must not: one line and a status, and no figures that would flatter a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLTraining import export as export_module
from CardiacMTLTraining.cli import main
from CardiacMTLTraining.train import CONFIGURATION_NAME, PATIENTS_NAME, load_run
from Testing.unit.training_workshop import noted_patients, summary_of


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
            "trained on 4 of the patients, such as patient004",
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
