"""What a fold's network made of a patient, kept on disk: it comes back as it was, and is never taken for another fold's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.inference.find import FoundHeart
from CardiacMTLLib.inference.segment import PhaseResult
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.preprocess.resample import Window
from CardiacMTLLib.reading.acdc import read_acdc_case
from CardiacMTLTraining import out_of_fold
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.crossval import fold_folder
from CardiacMTLTraining.out_of_fold import FOLDER_NAME, TRAININGS, OutOfFold, find_out_of_fold, fold_model, look
from CardiacMTLTraining.train import CONFIGURATION_NAME, RunRecord
from Testing.acdc_folder import write_acdc_folder
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of
from Testing.unit.oracle import CONFIGURATION, ORACLE_GRID, oracle_model, painted_frames

MASKS = {phase: heart.mask(ORACLE_GRID) for phase, heart in ((Phase.ED, ED_HEART), (Phase.ES, ES_HEART))}
AGREEMENT = {f"{name}_{phase}": 0.9 + 0.01 * len(name) for name in ("LV", "RV", "MYOCARDIUM") for phase in Phase}
FOUND = FoundHeart(
    Window((101.25, 87.5), 128, 1.5),
    {Phase.ED: 0, Phase.ES: 8},
    PhaseResult(MASKS, np.array([0.1, -1 / 3, 2.5, 0.0, -1e-9]), AGREEMENT, {Phase.ED: 0.95, Phase.ES: 2 / 3}),
    None,
)
ED_ALONE = FoundHeart(
    Window((0.0, -4.0), 64, 3.0),
    {Phase.ED: 3},
    PhaseResult({Phase.ED: MASKS[Phase.ED]}, None, {"LV_ED": 1.0, "RV_ED": 0.5, "MYOCARDIUM_ED": 0.0}, {Phase.ED: 0.7}),
    None,
)


def write_run(out: Path, fold: int, seed: int) -> MultiTaskNetwork:
    """A finished run of a fold as `train` leaves it, but with random weights."""
    folder = fold_folder(out, fold)
    folder.mkdir(parents=True)
    TrainingConfiguration(network=CONFIGURATION).save(folder / CONFIGURATION_NAME)
    torch.manual_seed(seed)
    network = MultiTaskNetwork(CONFIGURATION).eval().requires_grad_(requires_grad=False)
    for name in TRAININGS.values():
        save_file(network.state_dict(), folder / name)
    RunRecord(1, ("patient099",), f"fold {fold} of 3", "", "32-true", 1, "unknown").save(folder)
    return network


def kept(out: Path, name: str, fold: int, training: str = "joint") -> Path:
    """A patient as if an earlier call had found it."""
    folder = out / FOLDER_NAME / training
    folder.mkdir(parents=True, exist_ok=True)
    OutOfFold(name, fold, FOUND).save(folder / f"{name}.npz")
    return folder / f"{name}.npz"


@pytest.mark.parametrize("found", [FOUND, ED_ALONE], ids=["both phases", "ED alone"])
def test_a_patient_comes_back_as_it_was_found(found: FoundHeart, tmp_path: Path) -> None:
    OutOfFold("patient001", 2, found).save(tmp_path / "patient001.npz")
    loaded = OutOfFold.load(tmp_path / "patient001.npz")
    assert (loaded.name, loaded.fold) == ("patient001", 2)
    assert loaded.found is not None
    assert (loaded.found.window, loaded.found.frames) == (found.window, found.frames)
    before, after = found.phases, loaded.found.phases
    assert (after.agreement, after.confidence) == (before.agreement, before.confidence)
    assert set(after.masks) == set(before.masks)
    for phase, mask in before.masks.items():
        np.testing.assert_array_equal(after.masks[phase], mask)
        assert after.masks[phase].dtype == np.uint8
    if before.auxiliary_logits is None:
        assert after.auxiliary_logits is None
    else:
        np.testing.assert_array_equal(after.auxiliary_logits, before.auxiliary_logits)
    assert [path.name for path in tmp_path.iterdir()] == ["patient001.npz"]


def test_a_patient_in_whom_no_heart_was_found_comes_back_without_one(tmp_path: Path) -> None:
    OutOfFold("patient001", 0, None).save(tmp_path / "patient001.npz")
    loaded = OutOfFold.load(tmp_path / "patient001.npz")
    assert (loaded.name, loaded.fold, loaded.found) == ("patient001", 0, None)


def test_a_heart_is_looked_for_as_the_pipeline_does() -> None:
    frames = painted_frames(np.stack([MASKS[Phase.ES], MASKS[Phase.ED]]), ORACLE_GRID.spacing_xyz_mm)
    study = replace(study_of(frames, ORACLE_GRID.spacing_xyz_mm), ed_frame=1, es_frame=0)
    found = look(study, oracle_model().network)
    assert found is not None
    assert found.frames == {Phase.ED: 1, Phase.ES: 0}
    for phase, mask in MASKS.items():
        np.testing.assert_array_equal(found.phases.masks[phase], mask)


@pytest.fixture
def seen_by(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The first weight of each network that is asked for a heart; it finds the same one in every study."""
    weights: list[float] = []

    def found(study: object, network: MultiTaskNetwork) -> FoundHeart:
        weights.append(float(network.decoder.out.weight.detach().flatten()[0]))
        return FOUND

    monkeypatch.setattr(out_of_fold, "look", found)
    return weights


def test_every_patient_is_seen_by_the_network_of_its_own_fold(tmp_path: Path, seen_by: list[float]) -> None:
    data = write_acdc_folder(tmp_path / "data", "patient001", "patient004", "patient006")
    weights = [float(write_run(tmp_path / "cv", fold, seed=fold).decoder.out.weight.flatten()[0]) for fold in (0, 1)]
    folds = {"patient001": 1, "patient004": 0, "patient006": 1}
    found = find_out_of_fold(data, tmp_path / "cv", folds)
    assert seen_by == [weights[0], weights[1], weights[1]]
    assert {name: patient.fold for name, patient in found.items()} == folds


def test_patients_that_were_found_before_are_read_and_only_the_others_computed(tmp_path: Path, seen_by: list[float]) -> None:
    data = write_acdc_folder(tmp_path / "data", "patient004")
    kept(tmp_path / "cv", "patient001", 0)
    assert set(find_out_of_fold(data, tmp_path / "cv", {"patient001": 0})) == {"patient001"}
    write_run(tmp_path / "cv", 0, seed=0)
    find_out_of_fold(data, tmp_path / "cv", {"patient001": 0, "patient004": 0})
    assert len(seen_by) == 1
    find_out_of_fold(data, tmp_path / "cv", {"patient001": 0, "patient004": 0})
    assert len(seen_by) == 1


def test_what_the_two_trainings_found_is_kept_apart(tmp_path: Path) -> None:
    kept(tmp_path / "cv", "patient001", 0, "separate")
    with pytest.raises(InputError, match="holds no finished run"):
        find_out_of_fold(tmp_path / "data", tmp_path / "cv", {"patient001": 0}, "joint")
    assert set(find_out_of_fold(tmp_path / "data", tmp_path / "cv", {"patient001": 0}, "separate")) == {"patient001"}


def test_a_patient_that_another_fold_found_is_refused(tmp_path: Path) -> None:
    kept(tmp_path / "cv", "patient001", 1)
    with pytest.raises(InputError, match="patient001 was found by the network of fold 1; expected 0; use a new --out"):
        find_out_of_fold(tmp_path / "data", tmp_path / "cv", {"patient001": 0})


def test_a_fold_that_is_not_finished_has_no_network(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="let the training end first"):
        fold_model(tmp_path / "cv", 0)


def test_masks_that_a_network_found_lie_on_the_patients_own_grid(tmp_path: Path) -> None:
    """The whole way from files; the network's random locator is made to see a heart everywhere, so that it finds one."""
    data = write_acdc_folder(tmp_path / "data", "patient006")
    network = write_run(tmp_path / "cv", 0, seed=0)
    network.locator_decoder.out.bias.fill_(50.0)
    save_file(network.state_dict(), fold_folder(tmp_path / "cv", 0) / TRAININGS["joint"])
    found = find_out_of_fold(data, tmp_path / "cv", {"patient006": 0})["patient006"].found
    study = read_acdc_case(data / "patient006").study
    expected = look(study, fold_model(tmp_path / "cv", 0).network)
    assert found is not None
    assert expected is not None
    for phase in Phase:
        assert found.phases.masks[phase].shape == study.geometry.shape_zyx
        np.testing.assert_array_equal(found.phases.masks[phase], expected.phases.masks[phase])
    np.testing.assert_array_equal(found.phases.auxiliary_logits, expected.phases.auxiliary_logits)
