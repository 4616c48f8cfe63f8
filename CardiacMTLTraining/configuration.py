"""`TrainingConfiguration`: all choices of a training run, as a versioned JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLTraining.augment import AugmentationConfiguration
from CardiacMTLTraining.configuration_file import read_json, settings, without_version

CONFIGURATION_VERSION = 2


@dataclass(frozen=True, slots=True)
class TrainingConfiguration:
    """Choices of one run: network, augmentation and the schedule of its stages.

    Stages: `locator_steps` of the heart locator; `segmentation_steps` on single slices, the first `early_share` of them in
    windows of `early_window` samples; `embedding_steps` for the embedding alone, on `embedding_views` views of each study;
    `joint_epochs` over whole studies for masks and diagnosis together. The diagnosis heads are refitted afterwards, on
    out-of-fold rows of a cross-validation in `n_folds` folds, which `split_seed` draws; three are the fewest, for the choices
    behind the head of a fold are cross-validated on the others. `patience` steps without a fall of the training loss end a
    stage early; 0 never does. A checkpoint is written every `save_every` steps.
    """

    seed: int = 1
    n_folds: int = 5
    split_seed: int = 1
    network: NetworkConfiguration = field(default_factory=NetworkConfiguration)
    augmentation: AugmentationConfiguration = field(default_factory=AugmentationConfiguration)
    locator_steps: int = 700
    segmentation_steps: int = 12000
    early_window: int = 96
    early_share: float = 0.75
    batch_size: int = 16
    learning_rate: float = 2.5e-3
    weight_decay: float = 1e-4
    averaging: float = 0.998
    patience: int = 0
    save_every: int = 100
    embedding_views: int = 8
    embedding_steps: int = 300
    embedding_weight_decay: float = 0.1
    joint_epochs: int = 6
    joint_learning_rate: float = 3e-4
    joint_head_learning_rate: float = 3e-3
    studies_per_step: int = 2
    diagnosis_weight: float = 0.3
    auxiliary_weight: float = 0.3
    feature_weight: float = 0.1
    label_smoothing: float = 0.1

    def __post_init__(self) -> None:
        for name, least in (("n_folds", 3), ("embedding_views", 1), ("embedding_steps", 1), ("patience", 0), ("save_every", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}; expected at least {least}; raise it")

    def save(self, path: Path) -> None:
        """Write the configuration as JSON."""
        values = {"version": CONFIGURATION_VERSION} | asdict(self)
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> TrainingConfiguration:
        """Read a configuration; keys left out take their defaults.

        Raises `InputError` for a file that is no JSON, unknown keys or version, and values of another type.
        """
        given = settings(without_version(read_json(path), CONFIGURATION_VERSION, path.name), cls, path.name)
        nested = {
            key: kind(**settings(given[key], kind, f"{path.name}: {key}"))
            for key, kind in (("augmentation", AugmentationConfiguration), ("network", NetworkConfiguration))
        }
        return cls(**(given | nested))
