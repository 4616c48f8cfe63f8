"""The models on disk: which there are, which is the default, and whether their weights are whole. Needs no torch."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.network.manifest import Manifest
from CardiacMTLLib.resources import models_dir

WEIGHTS_NAME = "weights.safetensors"
MANIFEST_NAME = "manifest.json"
CARD_NAME = "card.md"
DEFAULT_MODEL = "acdc-joint"

MODELS_VARIABLE = "CARDIACMTL_MODELS"
"""The environment variable that names another folder for imported models."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model folder; its manifest is read and checked when asked for. `shipped`: it came with the software."""

    name: str
    folder: Path
    shipped: bool = True

    @property
    def weights(self) -> Path:
        """The safetensors file."""
        return self.folder / WEIGHTS_NAME

    def manifest(self) -> Manifest:
        """The checked manifest; raises `ModelError`."""
        return Manifest.load(self.folder / MANIFEST_NAME)


def imported_models_dir() -> Path:
    """The folder of the models that this user imported; it need not exist.

    Where the environment variable `MODELS_VARIABLE` says; else CardiacMTL/models where the system keeps a user's data of
    programs: LOCALAPPDATA on Windows, Library/Application Support on macOS, XDG_DATA_HOME or .local/share elsewhere.
    """
    chosen = os.environ.get(MODELS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "CardiacMTL" / "models"


def available_models() -> list[ModelEntry]:
    """All models by name, the default one first: those that came with the software, and those that were imported.

    Where both have one of the same name, it is that of the software.
    """
    entries = {entry.name: entry for entry in _entries(imported_models_dir(), shipped=False)}
    entries |= {entry.name: entry for entry in _entries(models_dir(), shipped=True)}
    return sorted(entries.values(), key=lambda entry: (entry.name != DEFAULT_MODEL, entry.name))


def _entries(root: Path, *, shipped: bool) -> list[ModelEntry]:
    """The models in a folder; hidden folders, in which models come and go, are none."""
    found = [path.parent for path in root.glob(f"*/{MANIFEST_NAME}")]
    return [ModelEntry(folder.name, folder, shipped) for folder in found if not folder.name.startswith(".")]


def find_model(name: str | None = None) -> ModelEntry:
    """The model called `name`, or the default one; raises `ModelError` naming those there are."""
    entries = available_models()
    wanted = name or DEFAULT_MODEL
    for entry in entries:
        if entry.name == wanted:
            return entry
    raise ModelError(f"there is no model {wanted!r}; expected one of {[entry.name for entry in entries]}; choose one of them")


def verify_model(entry: ModelEntry) -> str:
    """The SHA-256 of the entry's weights; raises `ModelError` where it differs from the manifest's or a file is missing."""
    return hashlib.sha256(verified_weights(entry)).hexdigest()


def verified_weights(entry: ModelEntry) -> bytes:
    """The very bytes whose SHA-256 is the manifest's, so that nobody exchanges them in between; errors as `verify_model`."""
    expected = entry.manifest().weights_sha256
    try:
        content = entry.weights.read_bytes()
    except OSError as error:
        raise ModelError(f"{entry.weights} cannot be read ({error.strerror}); install model {entry.name} again") from error
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise ModelError(
            f"{entry.weights} has SHA-256 {found[:12]}...; expected {expected[:12]}...; the file is damaged: install model "
            f"{entry.name} again"
        )
    return content
