"""The configuration of a run as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLTraining.augment import AugmentationConfiguration
from CardiacMTLTraining.configuration import TrainingConfiguration

CHANGED = TrainingConfiguration(
    seed=7,
    network=NetworkConfiguration(window_size=64, channels=(4, 8, 16), embedding_size=8),
    augmentation=AugmentationConfiguration(scale=1.1, noise_probability=0.0),
    segmentation_steps=12,
    learning_rate=1e-2,
)


def written(folder: Path, values: Any) -> Path:
    path = folder / "choices.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values), encoding="utf-8")
    return path


@pytest.mark.parametrize("config", [TrainingConfiguration(), CHANGED])
def test_a_configuration_comes_back_as_it_was_saved(config: TrainingConfiguration, tmp_path: Path) -> None:
    config.save(tmp_path / "choices.json")
    loaded = TrainingConfiguration.load(tmp_path / "choices.json")
    assert loaded == config
    assert isinstance(loaded.network.channels, tuple)


def test_keys_that_are_left_out_take_their_defaults_also_in_nested_records(tmp_path: Path) -> None:
    loaded = TrainingConfiguration.load(
        written(tmp_path, {"version": 2, "seed": 5, "network": {"window_size": 64}, "augmentation": {"scale": 1}})
    )
    assert loaded == TrainingConfiguration(
        seed=5, network=NetworkConfiguration(window_size=64), augmentation=AugmentationConfiguration(scale=1)
    )


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"version": 2, "sede": 5}, r"choices\.json has unknown keys \['sede'\]; expected some of \['augmentation', .*'seed'"),
        ({"version": 2, "network": {"chanels": [4]}}, r"network has unknown keys \['chanels'\]; expected some of .*'channels'"),
        (
            {"version": 2, "augmentation": {"zoom": 1.2}},
            r"augmentation has unknown keys \['zoom'\]; expected some of .*'scale'",
        ),
        ({"version": 1}, r"choices\.json has version 1; expected 2"),
        ({"seed": 5}, r"choices\.json has version None; expected 2"),
        ([1, 2], r"has version None; expected 2"),
        ('{"version": 2', r"choices\.json cannot be read"),
        ({"version": 2, "batch_size": "16"}, "batch_size '16'; expected a whole number; correct the value"),
        ({"version": 2, "learning_rate": None}, "learning_rate 'None'; expected a finite number"),
        ({"version": 2, "network": [64]}, "network .*expected a record"),
        ({"version": 2, "network": {"channels": "wide"}}, "network has channels 'wide'; expected a list"),
        ({"version": 2, "inner_folds": 3}, r"unknown keys \['inner_folds'\]"),
        ({"version": 2, "n_folds": 2}, "n_folds is 2; expected at least 3"),
        ({"version": 2, "patience": -1}, "patience is -1; expected at least 0"),
        ({"version": 2, "save_every": 0}, "save_every is 0; expected at least 1"),
        ({"version": 2, "embedding_views": 0}, "embedding_views is 0; expected at least 1"),
        ({"version": 2, "embedding_steps": 0}, "embedding_steps is 0; expected at least 1"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_clear_line(tmp_path: Path, values: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        TrainingConfiguration.load(written(tmp_path, values))
    assert "\n" not in str(caught.value)


def test_a_configuration_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.json cannot be read"):
        TrainingConfiguration.load(tmp_path / "nowhere.json")
