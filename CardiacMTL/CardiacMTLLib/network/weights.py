"""Weights on disk <-> the network: checked on the way in, safetensors only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file

from CardiacMTLLib.analysis import ModelIdentity
from CardiacMTLLib.diagnosis.head import HeadWeights
from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.network.manifest import Manifest
from CardiacMTLLib.network.model import DiagnosisHead, MultiTaskNetwork
from CardiacMTLLib.network.store import ModelEntry, find_model, verified_weights


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A network ready for inference on the CPU, with its manifest."""

    network: MultiTaskNetwork
    manifest: Manifest

    @property
    def identity(self) -> ModelIdentity:
        """Name, version and SHA-256 for the result record."""
        return ModelIdentity(self.manifest.name, self.manifest.version, self.manifest.weights_sha256)

    def head(self, *, indexed: bool) -> HeadWeights:
        """The diagnosis head in numpy."""
        calibration = self.manifest.calibration
        if indexed:
            return _head_weights(self.network.head_indexed, calibration.temperature_indexed)
        return _head_weights(self.network.head_unindexed, calibration.temperature_unindexed)


def load_model(name: str | None = None) -> LoadedModel:
    """The model called `name`, or the default one, after its SHA-256 was checked; raises `ModelError`."""
    return load_entry(find_model(name))


def load_entry(entry: ModelEntry) -> LoadedModel:
    """The model of a folder; raises `ModelError` for damaged, foreign, mis-shaped or non-finite weights."""
    manifest = entry.manifest()
    content = verified_weights(entry)
    try:
        tensors = load(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelError(f"{entry.weights} is no safetensors file ({error}); install model {entry.name} again") from error
    with torch.device("meta"):  # shapes alone: a manifest may ask for more than there is memory, until it fits the weights
        expected = MultiTaskNetwork(manifest.network).state_dict()
    for key in sorted(set(expected) ^ set(tensors)):
        problem = "lacks" if key in expected else "has unknown"
        raise ModelError(f"{entry.weights} {problem} tensor {key}; expected those of the manifest's network; install it again")
    for key, tensor in tensors.items():
        if tensor.shape != expected[key].shape:
            raise ModelError(
                f"{entry.weights}: tensor {key} has shape {tuple(tensor.shape)}; expected {tuple(expected[key].shape)}; "
                "install the model again"
            )
        if not torch.isfinite(tensor.float()).all():
            raise ModelError(f"{entry.weights}: tensor {key} holds values that are not finite; install the model again")
    for key in ("head_indexed.feature_sd", "head_unindexed.feature_sd"):
        if not (tensors[key] > 0).all():
            raise ModelError(f"{entry.weights}: tensor {key} holds values that are not positive; install the model again")
    network = MultiTaskNetwork(manifest.network)
    network.load_state_dict({key: tensor.to(expected[key].dtype) for key, tensor in tensors.items()})
    network.use_channels_last()
    return LoadedModel(network.eval(), manifest)


def save_weights(network: MultiTaskNetwork, path: Path) -> None:
    """Write the network's weights: convolutions in half precision (which halves the file), everything else in single."""
    tensors = {}
    for key, tensor in network.state_dict().items():
        halved = tensor.is_floating_point() and tensor.ndim == 4
        tensors[key] = (tensor.half() if halved else tensor).contiguous().cpu()
    save_file(tensors, path)


def _head_weights(head: DiagnosisHead, temperature: float) -> HeadWeights:
    mean, sd, weight, bias = (
        tensor.detach().cpu().double().numpy()
        for tensor in (head.feature_mean, head.feature_sd, head.linear.weight, head.linear.bias)
    )
    return HeadWeights(mean, sd, weight, bias, temperature)
