"""`TrainingConfiguration`: all choices of a training run, as a versioned JSON file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from CardiacMTLLib.errors import InputError, ModelError
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.json_values import checked_values
from CardiacMTLTraining.augment import AugmentationConfiguration

CONFIGURATION_VERSION = 1


@dataclass(frozen=True, slots=True)
class TrainingConfiguration:
    """Choices of one run: network, augmentation and the schedule of its stages.

    Stages: `locator_steps` of the heart locator; `segmentation_steps` on single slices; `embedding_steps` for the embedding
    alone, on `embedding_views` views of each study; `joint_epochs` over whole studies for masks and diagnosis together; then
    the diagnosis head is refitted. `inner_folds` is the number of joint trainings
    (from the same segmentation stage, which sees no diagnosis) that give each training patient auxiliary logits from a
    network that has not seen that patient's diagnosis.
    """

    seed: int = 1
    network: NetworkConfiguration = field(default_factory=NetworkConfiguration)
    augmentation: AugmentationConfiguration = field(default_factory=AugmentationConfiguration)
    locator_steps: int = 800
    segmentation_steps: int = 4400
    batch_size: int = 16
    learning_rate: float = 2.5e-3
    weight_decay: float = 1e-4
    averaging: float = 0.998
    inner_folds: int = 3
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
        if self.inner_folds < 2:
            raise InputError(f"inner_folds is {self.inner_folds}; expected at least 2; raise it")
        for name in ("embedding_views", "embedding_steps"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} is {getattr(self, name)}; expected at least 1; raise it")

    def save(self, path: Path) -> None:
        """Write the configuration as JSON."""
        values = {"version": CONFIGURATION_VERSION} | asdict(self)
        path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> TrainingConfiguration:
        """Read a configuration; keys left out take their defaults.

        Raises `InputError` for a file that is no JSON, unknown keys or version, and values of another type.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path} cannot be read ({error}); expected a configuration in JSON; correct it") from error
        version = values.pop("version", None) if isinstance(values, dict) else None
        if version != CONFIGURATION_VERSION:
            raise InputError(f"{path.name} has version {version}; expected {CONFIGURATION_VERSION}; write it anew")
        settings = _settings(values, cls, path.name)
        augmentation = _settings(settings["augmentation"], AugmentationConfiguration, f"{path.name}: augmentation")
        network = _settings(settings["network"], NetworkConfiguration, f"{path.name}: network")
        nested = {"augmentation": AugmentationConfiguration(**augmentation), "network": NetworkConfiguration(**network)}
        return cls(**(settings | nested))


def _settings(values: dict[str, Any], kind: type[Any], where: str) -> dict[str, Any]:
    """All arguments of `kind`: those in `values`, checked, and the defaults."""
    known = {f.name for f in fields(kind)}
    if unknown := sorted(set(values) - known):
        raise InputError(f"{where} has unknown keys {unknown}; expected some of {sorted(known)}; correct the spelling")
    try:
        return checked_values(asdict(kind()) | values, kind, where)
    except ModelError as error:
        what, _, _ = str(error).rpartition(";")
        raise InputError(f"{what}; correct the value") from error
