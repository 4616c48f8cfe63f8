"""`Manifest`: what travels with a set of weights, and is checked before they are used."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from CardiacMTLLib.diagnosis.distributions import Distributions
from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.inference.mask_quality import MaskQuality
from CardiacMTLLib.inference.scope import Scope
from CardiacMTLLib.labels import Group, Label
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.json_values import checked_values
from CardiacMTLLib.preprocess.intensity import CLIP_PERCENTILES

MANIFEST_VERSION = 3


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns the network's numbers into statements.

    The heads' logits become probabilities by a temperature each; below `label_threshold` no label is given. `mask_quality`
    predicts the masks' Dice, and `scope` says whether a study is a short-axis heart; None where the model has no such estimate.
    """

    temperature_indexed: float = 1.0
    temperature_unindexed: float = 1.0
    label_threshold: float = 0.5
    mask_quality: MaskQuality | None = None
    scope: Scope | None = None

    def __post_init__(self) -> None:
        temperatures = (self.temperature_indexed, self.temperature_unindexed)
        if not all(0 < value < math.inf for value in temperatures) or not 0 <= self.label_threshold <= 1:
            raise ModelError(
                f"calibration is {asdict(self)}; expected positive temperatures and a threshold from 0 to 1; "
                "install the model again"
            )

    @classmethod
    def from_json(cls, values: object, where: str) -> Calibration:
        """The record in a manifest; raises `ModelError`, beginning with `where`, for keys and values that cannot be."""
        settings = checked_values(values, cls, where)
        for key, kind in (("mask_quality", MaskQuality), ("scope", Scope)):
            if settings[key] is not None:
                settings[key] = kind.from_json(settings[key], f"{where}: {key}")
        return cls(**settings)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the weights come from: data and its checksum, how they were trained, and under which licence they stand.

    `sources` are the checksums of each patient's files, by which an evaluation knows who was trained on.
    """

    data: str = ""
    data_sha256: str = ""
    n_patients: int = 0
    held_out: str = ""
    seed: int = 0
    commit: str = ""
    licence: str = "CC BY-NC-SA 4.0"
    training: dict[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """Identity, architecture, preprocessing, coding and calibration of one model.

    `labels`, `groups`, `features` and `clip_percentiles` repeat what the software assumes; a manifest that says otherwise
    is refused. `metrics` are the figures of the model card, for machines. `distributions` are those of the features in the
    groups, for explanations; None where the model has none.
    """

    name: str
    version: str
    weights_sha256: str
    network: NetworkConfiguration
    calibration: Calibration
    provenance: Provenance
    labels: tuple[str, ...] = tuple(label.name for label in Label)
    groups: tuple[str, ...] = tuple(Group)
    features: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
    clip_percentiles: tuple[float, ...] = CLIP_PERCENTILES
    metrics: dict[str, Any] = field(default_factory=dict)
    distributions: Distributions | None = None

    def __post_init__(self) -> None:
        for name, expected in (
            ("labels", tuple(label.name for label in Label)),
            ("groups", tuple(Group)),
            ("features", tuple(feature.name for feature in FEATURES)),
            ("clip_percentiles", CLIP_PERCENTILES),
        ):
            if tuple(getattr(self, name)) != expected:
                raise ModelError(
                    f"model {self.name} has {name} {list(getattr(self, name))}; expected {list(expected)}; "
                    "install the model made for this software version"
                )

    def save(self, path: Path) -> None:
        """Write the manifest as JSON."""
        values = {"manifest_version": MANIFEST_VERSION} | asdict(self)
        path.write_text(json.dumps(values, indent=1, allow_nan=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read a manifest.

        Raises `ModelError` for one that is missing, no JSON, of another version, or has keys or values that cannot be.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(f"{path} is missing; expected a model's manifest; install the model again") from None
        except (OSError, ValueError, RecursionError) as error:
            raise ModelError(f"{path} cannot be read ({error}); expected a JSON manifest; install the model again") from error
        version = values.pop("manifest_version", None) if isinstance(values, dict) else None
        if version != MANIFEST_VERSION:
            raise ModelError(
                f"{path} has manifest version {version}; expected {MANIFEST_VERSION}; install the model made for this software"
            )
        settings = checked_values(values, cls, f"{path}")
        settings["network"] = NetworkConfiguration.from_json(settings["network"])
        settings["calibration"] = Calibration.from_json(settings["calibration"], f"{path}: calibration")
        if settings["distributions"] is not None:
            settings["distributions"] = Distributions.from_json(settings["distributions"], f"{path}: distributions")
        settings["provenance"] = Provenance(**checked_values(settings["provenance"], Provenance, f"{path}: provenance"))
        return cls(**settings)
