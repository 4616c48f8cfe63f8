"""The network that ships, on the built-in phantom: it segments what no data set may be shipped for."""

import numpy as np
import pytest

from CardiacMTLLib.labels import STRUCTURES, Group, Phase
from CardiacMTLLib.network.store import DEFAULT_MODEL, find_model, verify_model
from CardiacMTLLib.network.weights import LoadedModel, load_model
from CardiacMTLLib.phantom import PhantomStudy, anatomy_of, make_phantom
from CardiacMTLLib.pipeline import analyse
from CardiacMTLTraining.card import model_card

MAX_WEIGHTS_BYTES = 15e6


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model()


@pytest.fixture(scope="module", params=list(Group))
def phantom(request: pytest.FixtureRequest) -> PhantomStudy:
    return make_phantom(anatomy_of(request.param), n_frames=2)


def dice(found: np.ndarray, truth: np.ndarray) -> float:
    return 2 * float((found & truth).sum()) / float(found.sum() + truth.sum())


def test_the_default_model_is_whole_small_and_licensed_as_its_data_are() -> None:
    entry = find_model()
    assert entry.name == DEFAULT_MODEL
    assert verify_model(entry) == entry.manifest().weights_sha256
    assert entry.weights.stat().st_size <= MAX_WEIGHTS_BYTES
    assert entry.manifest().provenance.licence == "CC BY-NC-SA 4.0"
    card = (entry.folder / "card.md").read_text(encoding="utf-8")
    assert card == model_card(entry.manifest())
    assert "10.1109/TMI.2018.2837502" in card


def test_each_structure_of_a_phantom_is_found_in_both_phases(phantom: PhantomStudy, model: LoadedModel) -> None:
    analysis = analyse(phantom.study, model, device="cpu")
    overlap = [
        dice(analysis.masks[phase] == structure, phantom.masks[frame] == structure)
        for frame, phase in enumerate(Phase)
        for structure in STRUCTURES
    ]
    assert np.mean(overlap) >= 0.80
    assert min(overlap) >= 0.60


def test_the_phantoms_volumes_are_measured_near_their_truth(phantom: PhantomStudy, model: LoadedModel) -> None:
    analysis = analyse(phantom.study, model, device="cpu")
    measured, truth = analysis.measurements["lv_edv_ml"].value, phantom.anatomy.lv_edv_ml
    assert measured is not None
    assert abs(measured - truth) <= 0.15 * truth
    ef = analysis.measurements["lv_ef_percent"].value
    assert ef is not None
    assert abs(ef - phantom.anatomy.lv_ef_percent) <= 8


def test_a_diagnosis_is_a_distribution_over_the_five_groups(phantom: PhantomStudy, model: LoadedModel) -> None:
    diagnosis = analyse(phantom.study, model, device="cpu").diagnosis
    assert diagnosis.probabilities is not None
    assert list(diagnosis.probabilities) == list(Group)
    assert sum(diagnosis.probabilities.values()) == pytest.approx(1)
    assert (diagnosis.label is None) == (diagnosis.reason is not None)


def test_a_rerun_gives_the_same_masks(model: LoadedModel) -> None:
    study = make_phantom(anatomy_of(Group.NOR), n_frames=2).study
    first, second = (analyse(study, model, device="cpu") for _ in range(2))
    assert all((first.masks[phase] == second.masks[phase]).all() for phase in Phase)
    assert first.diagnosis == second.diagnosis
