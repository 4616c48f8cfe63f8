"""The models on disk: which there are, which is the default, and whether their weights are whole. Needs no torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.network.manifest import Manifest
from CardiacMTLLib.resources import models_dir

WEIGHTS_NAME = "weights.safetensors"
MANIFEST_NAME = "manifest.json"
CARD_NAME = "card.md"
DEFAULT_MODEL = "acdc-joint"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model folder; its manifest is read and checked when asked for."""

    name: str
    folder: Path

    @property
    def weights(self) -> Path:
        """The safetensors file."""
        return self.folder / WEIGHTS_NAME

    def manifest(self) -> Manifest:
        """The checked manifest; raises `ModelError`."""
        return Manifest.load(self.folder / MANIFEST_NAME)


def available_models(folder: Path | None = None) -> list[ModelEntry]:
    """All models in `folder` (default: those that came with the software), by name, the default model first."""
    root = models_dir() if folder is None else folder
    entries = [ModelEntry(path.parent.name, path.parent) for path in root.glob(f"*/{MANIFEST_NAME}")]
    return sorted(entries, key=lambda entry: (entry.name != DEFAULT_MODEL, entry.name))


def find_model(name: str | None = None) -> ModelEntry:
    """The model called `name`, or the default one; raises `ModelError` naming those there are."""
    entries = available_models()
    wanted = name or DEFAULT_MODEL
    for entry in entries:
        if entry.name == wanted:
            return entry
    raise ModelError(
        f"there is no model {wanted!r}; expected one of {[entry.name for entry in entries]}; see `cardiacmtl models list`"
    )


def verify_model(entry: ModelEntry) -> str:
    """The SHA-256 of the entry's weights; raises `ModelError` where it differs from the manifest's or a file is missing."""
    expected = entry.manifest().weights_sha256
    try:
        found = hashlib.sha256(entry.weights.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{entry.weights} cannot be read ({error.strerror}); install model {entry.name} again") from error
    if found != expected:
        raise ModelError(
            f"{entry.weights} has SHA-256 {found[:12]}...; expected {expected[:12]}...; the file is damaged: install model "
            f"{entry.name} again"
        )
    return found
