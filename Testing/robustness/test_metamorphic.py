"""The network that ships, on a phantom that is stored otherwise, moved, scaled, padded, cropped, disturbed: results follow."""

from __future__ import annotations

import numpy as np
import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.weights import LoadedModel, load_model
from CardiacMTLLib.phantom import anatomy_of, make_phantom
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.volume import CineStudy
from Testing.robustness.metamorphic import CHANGES, Change, Moved, moved, table


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model()


@pytest.fixture(scope="module")
def study() -> CineStudy:
    return make_phantom(anatomy_of(Group.NOR), n_frames=2).study


@pytest.fixture(scope="module")
def before(study: CineStudy, model: LoadedModel) -> Analysis:
    return analyse(study, model, device="cpu")


@pytest.mark.robustness(4)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_masks_and_measurements_move_as_they_must(
    change: Change, study: CineStudy, before: Analysis, model: LoadedModel
) -> None:
    changed = change.apply(study)
    after = analyse(changed, model, device="cpu")
    found = moved(before, after, change)
    assert found.dice >= change.least_dice
    assert found.ef_points <= change.ef_points
    assert found.volume_fraction <= change.volume_fraction
    assert after.diagnosis.label == before.diagnosis.label or change.least_dice < 0.95


def test_the_changes_are_changes(study: CineStudy) -> None:
    for change in CHANGES:
        changed = change.apply(study)
        other_grid = not changed.geometry.matches(study.geometry) or changed.stored.order != study.stored.order
        assert other_grid or not np.array_equal(changed.frames, study.frames), change.name
        assert change.back(changed.frames[0]).shape == study.frames[0].shape


def test_the_table_names_the_worst_case() -> None:
    results = [{change.name: Moved(dice, 1.0, float("nan")) for change in CHANGES} for dice in (0.99, 0.95, 0.97)]
    assert f"| {CHANGES[0].name} | 0.970 (0.950) | 1.0 (1.0) | - | 1; 0; 0.0001 % |" in table(results)
