"""The runs: what both arms share, what only one has, and which runs a second command carries out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLTraining.cache import CachedCase, save_case, write_index
from CardiacMTLTraining.cli import main
from CardiacMTLTraining.folds import stratified_folds
from CardiacMTLTraining.reproduction import schedule
from CardiacMTLTraining.reproduction.arms import Arm, RunKey, planned_runs
from CardiacMTLTraining.reproduction.configuration import ReproductionConfiguration
from CardiacMTLTraining.reproduction.data import Studies, StudyBatch, moving_centre
from CardiacMTLTraining.reproduction.record import RunRecord, load_records
from CardiacMTLTraining.reproduction.run import Trainer, train_run
from CardiacMTLTraining.reproduction.schedule import Experiment, carry_out, run_missing
from Testing.acdc_folder import discs_case

CONFIG = ReproductionConfiguration(
    n_folds=2,
    window_size=32,
    window_spacing_mm=5.0,
    slices_per_phase=2,
    channels=(4, 8),
    epochs=2,
    studies_per_step=2,
    precision="fp32",
)
CASES = [discs_case(f"patient{number:03d}", group) for number, group in enumerate([*Group, *Group], start=1)]
FOLDS = stratified_folds(CASES, 2, CONFIG.split_seed)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def studies() -> Studies:
    return Studies(CASES, CONFIG)


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return Experiment(write_cache(tmp_path / "cache", CASES), tmp_path / "records", CONFIG)


def write_cache(folder: Path, cases: Sequence[CachedCase]) -> Path:
    folder.mkdir()
    for case in cases:
        save_case(case, folder)
    write_index(folder, {case.name: case.sha256() for case in cases}, {})
    return folder


def trainer(arm: Arm, studies: Studies, *, seed: int = 1, fold: int = 0) -> Trainer:
    training = [index for index, case in enumerate(CASES) if FOLDS[case.name] != fold]
    return Trainer(RunKey(seed, fold, arm), studies, training, torch.device("cpu"))


def shown(arm: Arm, studies: Studies, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Tensor], int]:
    """Images that an epoch shows to the network of an arm, and the number of steps."""
    images: list[Tensor] = []
    draw = studies.draw

    def watched(chosen: Sequence[int], generator: torch.Generator, *, with_labels: bool) -> StudyBatch:
        batch = draw(chosen, generator, with_labels=with_labels)
        images.append(batch.images)
        return batch

    monkeypatch.setattr(studies, "draw", watched)
    running = trainer(arm, studies)
    for _ in range(2):
        running.train_epoch()
    monkeypatch.undo()
    return images, running.step


def test_both_arms_start_with_the_same_weights_and_other_seeds_with_others(studies: Studies) -> None:
    alone, joint, other = (
        trainer(arm, studies, seed=seed).network.state_dict() for arm, seed in ((Arm.ALONE, 1), (Arm.JOINT, 1), (Arm.ALONE, 2))
    )
    assert all(torch.equal(value, joint[key]) for key, value in alone.items())
    assert not torch.equal(alone["classifier.weight"], other["classifier.weight"])


def test_both_arms_see_the_same_studies_in_the_same_order_and_take_as_many_steps(
    studies: Studies, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, steps_alone = shown(Arm.ALONE, studies, monkeypatch)
    joint, steps_joint = shown(Arm.JOINT, studies, monkeypatch)
    assert steps_alone == steps_joint == len(alone) == 4
    assert all(torch.equal(a, b) for a, b in zip(alone, joint, strict=True))


def test_only_the_loss_of_the_masks_tells_the_arms_apart() -> None:
    without = Studies(CASES, replace(CONFIG, segmentation_weight=0.0))
    alone, joint = (train_run(RunKey(1, 0, arm), without, FOLDS) for arm in (Arm.ALONE, Arm.JOINT))
    assert alone.patients == joint.patients
    assert alone.curves == joint.curves


def test_the_diagnosis_alone_never_changes_the_decoder(studies: Studies) -> None:
    running = trainer(Arm.ALONE, studies)
    before = running.network.decoder.out.weight.clone()
    running.train_epoch()
    assert torch.equal(running.network.decoder.out.weight, before)
    joint = trainer(Arm.JOINT, studies)
    joint.train_epoch()
    assert not torch.equal(joint.network.decoder.out.weight, before)


def test_a_run_records_every_held_out_patient_after_every_epoch(studies: Studies) -> None:
    made = train_run(RunKey(1, 1, Arm.JOINT), studies, FOLDS)
    assert {patient.name for patient in made.patients} == {name for name, fold in FOLDS.items() if fold == 1}
    for patient in made.patients:
        assert sum(patient.probabilities) == pytest.approx(1, abs=1e-5)
        assert len(patient.right_by_epoch) == CONFIG.epochs
        assert patient.is_right == (patient.right_by_epoch[-1] == "1")
    for epoch, accuracy in enumerate(made.curves.validation_accuracy):
        right = [patient.right_by_epoch[epoch] == "1" for patient in made.patients]
        assert accuracy == pytest.approx(sum(right) / len(right))
    assert len(made.curves.segmentation_loss) == CONFIG.epochs
    assert made.dice is not None
    assert set(made.dice) == {"LV", "RV", "MYOCARDIUM"}


def test_the_arm_alone_has_no_masks_and_says_so(studies: Studies) -> None:
    made = train_run(RunKey(1, 0, Arm.ALONE), studies, FOLDS)
    assert made.dice is None
    assert made.curves.segmentation_loss == ()


def test_the_same_run_gives_the_same_record(studies: Studies) -> None:
    first, second = (train_run(RunKey(3, 0, Arm.JOINT), studies, FOLDS) for _ in range(2))
    assert replace(first, cpu_seconds=0.0) == replace(second, cpu_seconds=0.0)


def test_masks_and_groups_are_learned() -> None:
    config = replace(CONFIG, epochs=40, learning_rate=0.01, dropout=0.0, rotation_degrees=5.0, zoom=1.0, noise_sd=0.0)
    made = train_run(RunKey(1, 0, Arm.JOINT), Studies(CASES, config), FOLDS)
    assert max(made.curves.training_accuracy) >= 0.75
    assert made.curves.segmentation_loss[-1] < 0.6 * made.curves.segmentation_loss[0]
    assert made.dice is not None
    assert made.dice["LV"] is not None
    assert made.dice["LV"] > 0.6


def test_images_and_labels_of_a_random_view_stay_aligned() -> None:
    config = replace(CONFIG, rotation_degrees=180.0, flip_probability=0.5, zoom=1.2, noise_sd=0.0, bias_field=0.0)
    batch = Studies(CASES, replace(config, gamma=1.0, window_size=64, window_spacing_mm=2.5)).draw(
        [0, 4], torch.Generator().manual_seed(1), with_labels=True
    )
    assert batch.labels is not None
    assert batch.images.shape == (8, 1, 64, 64)
    for image, label in zip(batch.images[:, 0], batch.labels, strict=True):
        assert float(np.corrcoef(image.flatten(), label.flatten())[0, 1]) > 0.9


def test_labels_are_drawn_without_a_random_number(studies: Studies) -> None:
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    with_labels, without = (
        studies.draw([0, 1], generator, with_labels=wanted) for generator, wanted in zip(generators, (True, False), strict=True)
    )
    assert torch.equal(with_labels.images, without.images)
    assert without.labels is None
    assert torch.equal(generators[0].get_state(), generators[1].get_state())


def test_the_window_is_placed_by_what_moves_and_not_by_the_masks() -> None:
    images = np.zeros((2, 3, 90, 100), dtype=np.float32)
    images[0, :, 30:40, 60:70] = 1
    assert moving_centre(images, 1.5) == pytest.approx((64.5, 34.5), abs=0.1)
    assert moving_centre(np.ones_like(images), 1.5) == (49.5, 44.5)
    other_masks = [replace(case, masks=np.zeros_like(case.masks), heart_xy=(0.0, 0.0)) for case in CASES[:2]]
    plain, blind = (Studies(cases, CONFIG).plain([0, 1]).images for cases in (CASES[:2], other_masks))
    assert torch.equal(plain, blind)


def test_a_patient_without_a_group_is_refused() -> None:
    with pytest.raises(InputError, match="patient001 has no group"):
        Studies([replace(CASES[0], group=None)], CONFIG)


def test_a_killed_experiment_goes_on_with_the_missing_runs_only(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[RunKey] = []

    def killed_at_the_third(key: RunKey, *arguments: Any) -> RunRecord:
        begun.append(key)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return train_run(key, *arguments)

    monkeypatch.setattr(schedule, "train_run", killed_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        run_missing(experiment, [1], 1)
    finished = {path: path.read_bytes() for path in experiment.records.iterdir()}
    assert len(finished) == 2
    trained = run_missing(experiment, [1], 1)
    assert trained == planned_runs([1], 2)[2:]
    assert all(path.read_bytes() == contents for path, contents in finished.items())
    assert run_missing(experiment, [1], 1) == []


def test_a_larger_number_of_seeds_adds_runs(experiment: Experiment) -> None:
    quick = replace(experiment, configuration=replace(CONFIG, epochs=1))
    assert run_missing(quick, [1], 1) == planned_runs([1], 2)
    assert run_missing(quick, [1, 2], 1) == planned_runs([2], 2)


def test_records_of_other_choices_or_other_patients_stop_the_experiment_before_it_trains(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(experiment, RunKey(1, 0, Arm.ALONE))
    monkeypatch.setattr(schedule, "train_run", None)
    with pytest.raises(InputError, match=r"another configuration \(other learning_rate\)"):
        run_missing(replace(experiment, configuration=replace(CONFIG, learning_rate=0.5)), [1], 1)
    fewer = write_cache(tmp_path / "fewer", CASES[:9])
    with pytest.raises(InputError, match="was made on data of SHA-256"):
        run_missing(replace(experiment, cache=fewer), [1], 1)


def test_the_command_trains_side_by_side_and_writes_the_page(
    experiment: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    choices = tmp_path / "choices.json"
    choices.write_text(json.dumps(replace(CONFIG, epochs=1).to_json()), encoding="utf-8")
    where = f"--records {experiment.records} --out {tmp_path / 'docs'}"
    command = f"reproduce --cache {experiment.cache} --seeds 1 --jobs 2 --config {choices} {where}"
    assert main(command.split()) == 0
    assert "4 runs trained" in capsys.readouterr().out
    assert {record.key for record in load_records(experiment.records)} == set(planned_runs([1], 2))
    page = tmp_path / "docs" / "reproduction.md"
    first = page.read_text(encoding="utf-8")
    page.unlink()
    assert main(f"reproduce {where}".split()) == 0
    assert page.read_text(encoding="utf-8") == first


@pytest.mark.parametrize(
    ("options", "said"), [("--jobs 0", "--jobs is 0"), ("--seeds 0", "--seeds is 0"), ("", "there are no records")]
)
def test_the_command_refuses_what_it_cannot_do(
    options: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(f"reproduce --records {tmp_path / 'none'} --out {tmp_path} {options}".split()) == 2
    assert said in capsys.readouterr().err
