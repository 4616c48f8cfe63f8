"""Where the files that come with the software lie: models and terminology.

In a checkout and in Slicer's module folder they stand in `Resources` beside the package; a wheel carries them inside it.
"""

from __future__ import annotations

from pathlib import Path

from CardiacMTLLib.errors import CardiacMTLError

_PACKAGE = Path(__file__).resolve().parent


def models_dir(package: Path = _PACKAGE) -> Path:
    """Folder of one folder per model: weights.safetensors, manifest.json and card.md; raises `CardiacMTLError`."""
    return _find("Models", package)


def terminology_file(package: Path = _PACKAGE) -> Path:
    """The terminology that names and colours the segments, in Slicer's JSON format; raises `CardiacMTLError`."""
    return _find("Terminology/CardiacMTL.term.json", package)


def _find(name: str, package: Path) -> Path:
    places = [folder / "Resources" / name for folder in (package, package.parent)]
    for place in places:
        if place.exists():
            return place
    raise CardiacMTLError(
        f"{name} is missing from this installation; expected {places[0]} or {places[1]}; install CardiacMTL again, whole"
    )
