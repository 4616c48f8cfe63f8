"""Models of the real kind with small networks of random weights, as files and as an archive."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import torch

from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.network.store import MANIFEST_NAME, ModelEntry
from CardiacMTLLib.network.weights import save_weights

TINY = NetworkConfiguration(
    window_size=32,
    window_spacing_mm=6.0,
    channels=(4, 8, 8, 8),
    embedding_size=8,
    locator_size=16,
    locator_spacing_mm=12.0,
    locator_channels=(2, 4, 4, 4),
)


def random_network(configuration: NetworkConfiguration, seed: int) -> MultiTaskNetwork:
    """A network of random weights, the same ones for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MultiTaskNetwork(configuration).eval()


def write_model(
    folder: Path, network: MultiTaskNetwork, version: str, calibration: Calibration, provenance: Provenance
) -> ModelEntry:
    """Write weights and manifest of the model `folder.name`; the folder must not exist."""
    folder.mkdir(parents=True)
    entry = ModelEntry(folder.name, folder)
    save_weights(network, entry.weights)
    manifest = Manifest(folder.name, version, "", network.configuration, calibration, provenance)
    manifest.save(folder / MANIFEST_NAME)
    seal(entry)
    return entry


def write_tiny_model(folder: Path) -> ModelEntry:
    """Write the model `folder.name`; it takes all of an image for heart, so that every stage of a run is gone through."""
    network = random_network(TINY, seed=4)
    with torch.no_grad():
        network.locator_decoder.out.bias.fill_(20.0)
        for head in (network.head_indexed, network.head_unindexed):
            head.feature_mean.fill_(50.0)
            head.feature_sd.fill_(30.0)
    entry = write_model(folder, network, "1.2.3", Calibration(1.5, 2.5, 0.1), Provenance())
    (folder / "card.md").write_text("# A model for tests\n", encoding="utf-8")
    return entry


def write_untrained_model(folder: Path) -> ModelEntry:
    """Write the model `folder.name` with windows as large as a trained one's, and nothing done to its random weights."""
    network = random_network(NetworkConfiguration(channels=(4, 8, 8), locator_channels=(4, 4)), seed=0)
    return write_model(folder, network, "0.0.1", Calibration(), Provenance())


def seal(entry: ModelEntry) -> None:
    """Write the checksum of the weights as they are into the manifest."""
    change_manifest(entry.folder, weights_sha256=hashlib.sha256(entry.weights.read_bytes()).hexdigest())


def change_manifest(folder: Path, **values: object) -> None:
    """Put other values into the manifest of a model's folder."""
    path = folder / MANIFEST_NAME
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def zip_folder(folder: Path, archive: Path, inside: str = "") -> Path:
    """A zip of the files of a folder, in the folder `inside` of the archive."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for path in sorted(folder.iterdir()):
            opened.write(path, f"{inside}{path.name}")
    return archive
