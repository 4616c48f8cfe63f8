"""`Manifest`: what travels with a set of weights, and is checked before they are used."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.labels import Group, Label
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.preprocess.intensity import CLIP_PERCENTILES

MANIFEST_VERSION = 1


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the heads' logits become probabilities and a label: a temperature each, and the least probability of a label."""

    temperature_indexed: float = 1.0
    temperature_unindexed: float = 1.0
    label_threshold: float = 0.5


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the weights come from: data and its checksum, how they were trained, and under which licence they stand."""

    data: str = ""
    data_sha256: str = ""
    n_patients: int = 0
    held_out: str = ""
    seed: int = 0
    commit: str = ""
    licence: str = "CC BY-NC-SA 4.0"
    training: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Identity, architecture, preprocessing, coding and calibration of one model.

    `labels`, `groups`, `features` and `clip_percentiles` repeat what the software assumes; a manifest that says otherwise
    is refused. `metrics` are the figures of the model card, for machines.
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
        """Read a manifest; raises `ModelError` where it is missing, no JSON, of another version, or has unknown keys."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ModelError(f"{path} is missing; expected a model's manifest; install the model again") from None
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read ({error}); expected a JSON manifest; install the model again") from error
        version = values.pop("manifest_version", None) if isinstance(values, dict) else None
        if version != MANIFEST_VERSION:
            raise ModelError(
                f"{path} has manifest version {version}; expected {MANIFEST_VERSION}; install the model made for this software"
            )
        _check_keys(values, cls, path)
        _check_keys(values["calibration"], Calibration, path)
        _check_keys(values["provenance"], Provenance, path)
        listed = {key: tuple(values[key]) for key in ("labels", "groups", "features", "clip_percentiles")}
        nested = {
            "network": NetworkConfiguration.from_json(values["network"]),
            "calibration": Calibration(**values["calibration"]),
            "provenance": Provenance(**values["provenance"]),
        }
        return cls(**(values | listed | nested))


def _check_keys(values: object, kind: type[Manifest | Calibration | Provenance], path: Path) -> None:
    known = {f.name for f in fields(kind)}
    if not isinstance(values, dict) or set(values) != known:
        found = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise ModelError(f"{path}: {kind.__name__.lower()} has {found}; expected {sorted(known)}; install the model again")
