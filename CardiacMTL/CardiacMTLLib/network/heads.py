"""The diagnosis heads of a model without its network: all that a diagnosis from corrected masks needs. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from CardiacMTLLib.analysis import ModelIdentity
from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.diagnosis.head import HeadWeights
from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.manifest import Manifest
from CardiacMTLLib.network.store import ModelEntry, find_model, verify_model

_SHAPES = {
    "feature_mean": (len(FEATURES),),
    "feature_sd": (len(FEATURES),),
    "linear.weight": (len(Group), len(FEATURES) + len(Group)),
    "linear.bias": (len(Group),),
}


@dataclass(frozen=True, slots=True, eq=False)
class ModelHeads:
    """Both diagnosis heads of a model, with its manifest (`conclude.DiagnosingModel`)."""

    manifest: Manifest
    indexed: HeadWeights
    unindexed: HeadWeights

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and SHA-256 for the result record."""
        return ModelIdentity(self.manifest.name, self.manifest.version, self.manifest.weights_sha256)

    def head(self, *, indexed: bool) -> HeadWeights:
        """The head for features that are divided by body surface area, or that for undivided ones."""
        return self.indexed if indexed else self.unindexed


def load_heads(name: str | None = None) -> ModelHeads:
    """The heads of the model called `name`, or of the default one, after its SHA-256 was checked; raises `ModelError`."""
    return heads_of(find_model(name))


def heads_of(entry: ModelEntry) -> ModelHeads:
    """The heads of a model's folder; raises `ModelError` for damaged, foreign, mis-shaped or non-finite weights."""
    manifest = entry.manifest()
    verify_model(entry)
    try:
        with safe_open(entry.weights, framework="np") as tensors:
            indexed, unindexed = (
                {key: np.asarray(tensors.get_tensor(f"{head}.{key}"), dtype=np.float64) for key in _SHAPES}
                for head in ("head_indexed", "head_unindexed")
            )
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{entry.weights} has no diagnosis heads ({error}); install model {entry.name} again") from error
    calibration = manifest.calibration
    return ModelHeads(
        manifest,
        _checked(indexed, entry, calibration.temperature_indexed),
        _checked(unindexed, entry, calibration.temperature_unindexed),
    )


def _checked(tensors: dict[str, NDArray[np.float64]], entry: ModelEntry, temperature: float) -> HeadWeights:
    for key, tensor in tensors.items():
        if tensor.shape != _SHAPES[key] or not np.isfinite(tensor).all() or (key == "feature_sd" and tensor.min() <= 0):
            raise ModelError(
                f"{entry.weights}: tensor {key} of a diagnosis head has shape {tensor.shape} or values that cannot be; "
                f"expected {_SHAPES[key]}, finite, SDs positive; install model {entry.name} again"
            )
    mean, sd, weight, bias = tensors.values()
    return HeadWeights(mean, sd, weight, bias, temperature)
