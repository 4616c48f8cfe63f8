"""The cache: one compressed file a patient, from which networks train without reading an image file."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Group
from CardiacMTLLib.preprocess.resample import Window

FORMAT = "cardiacmtl-cache"
VERSION = 2
INDEX_NAME = "index.json"

_AGAIN = "make the cache again with `cardiacmtl-train prepare`"


@dataclass(frozen=True, slots=True)
class CaseScale:
    """What turns the counts of a cached case into physical sizes; None where the source does not say."""

    spacing_mm: float
    slice_distance_mm: float
    height_cm: float | None
    weight_kg: float | None


@dataclass(frozen=True, slots=True)
class NativeGrid:
    """The grid that a cached case was resampled from, and all that leads back to it.

    `geometry` is the study's, `window` the square in the plane of its slices that was cached, and `file_order` the order that
    turned the axes of the image file into the study's; `file_order.undo` puts a mask in the study's axes back in the file's.
    """

    geometry: Geometry
    window: Window
    file_order: AxisOrder

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> NativeGrid:
        """The grid that `asdict` turned into plain values."""
        geometry, window, order = (_tuples(values[name]) for name in ("geometry", "window", "file_order"))
        return cls(Geometry(**geometry), Window(**window), AxisOrder(**order))


@dataclass(frozen=True, slots=True, eq=False)
class CachedCase:
    """One patient at ED and ES on the cache's in-plane grid.

    `images` uint8 (phase=2, z, y, x) with 0 and 255 at the limits `low` and `high` of each phase's normalised intensity
    (`preprocess.intensity` of the window around the heart); `masks` uint8 (phase=2, z, y, x); `heart_xy` the centroid of
    the expert masks in samples, used to place training windows, never at inference; `group` None where unknown.
    `native` leads back to the grid of the source (`cache_grid.restored_masks`).
    """

    name: str
    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    low: tuple[float, float]
    high: tuple[float, float]
    heart_xy: tuple[float, float]
    scale: CaseScale
    group: Group | None
    source_sha256: str
    native: NativeGrid

    def normalised(self) -> NDArray[np.float32]:
        """(phase, z, y, x) normalised intensities."""
        low, high = (np.asarray(limit, dtype=np.float32).reshape(2, 1, 1, 1) for limit in (self.low, self.high))
        return (low + self.images * ((high - low) / np.float32(255))).astype(np.float32)

    def sha256(self) -> str:
        """SHA-256 of all that is cached of the patient."""
        digest = hashlib.sha256(_header_text(self).encode())
        for array in (self.images, self.masks):
            digest.update(str(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def save_case(case: CachedCase, folder: Path) -> None:
    """Write one case into the cache folder."""
    temporary = folder / f".{case.name}.npz"
    np.savez_compressed(temporary, header=np.array(_header_text(case)), images=case.images, masks=case.masks)
    temporary.replace(folder / f"{case.name}.npz")


def load_case(path: Path) -> CachedCase:
    """Read one case; raises `InputError` where the file is damaged or not of this cache version."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            header, images, masks = json.loads(str(arrays["header"])), arrays["images"], arrays["masks"]
        _check_format(header, path.name)
        return CachedCase(
            name=header["name"],
            images=images,
            masks=masks,
            low=tuple(header["low"]),
            high=tuple(header["high"]),
            heart_xy=tuple(header["heart_xy"]),
            scale=CaseScale(**header["scale"]),
            group=None if header["group"] is None else Group(header["group"]),
            source_sha256=header["source_sha256"],
            native=NativeGrid.from_json(header["native"]),
        )
    except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile, zipfile.error) as error:
        raise InputError(f"{path.name} cannot be read ({error}); expected a cached case; {_AGAIN}") from error


def write_index(folder: Path, digests: dict[str, str], failed: dict[str, str]) -> None:
    """Write the index of a finished cache: `digests` are the cases' `sha256` by name, `failed` why others were left out."""
    index = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": _sha256_of_all(digests.items()),
        "cases": list(digests),
        "failed": failed,
    }
    temporary = folder / f".{INDEX_NAME}"
    temporary.write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    temporary.replace(folder / INDEX_NAME)


def load_cases(folder: Path) -> list[CachedCase]:
    """The cases that the cache's index names, in its order; raises `InputError` where there is no finished cache.

    Files of an earlier `prepare` that the index does not name are not loaded: they may be patients of other data. Cases whose
    common checksum is not the index's are refused.
    """
    index = folder / INDEX_NAME
    if not index.is_file():
        raise InputError(f"no finished cache in {folder}; make it with `cardiacmtl-train prepare --data DIR --out {folder}`")
    try:
        values = json.loads(index.read_text(encoding="utf-8"))
        _check_format(values, index.name)
        names, expected = values["cases"], values["sha256"]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{index} cannot be read ({error}); expected the index of a cache; {_AGAIN}") from error
    cases = [load_case(folder / f"{name}.npz") for name in names]
    found = _sha256_of_all((name, case.sha256()) for name, case in zip(names, cases, strict=True))
    if found != expected:
        raise InputError(f"the cases in {folder} have SHA-256 {found[:12]}; expected {str(expected)[:12]}; {_AGAIN}")
    return cases


def _header_text(case: CachedCase) -> str:
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": case.name,
        "low": case.low,
        "high": case.high,
        "heart_xy": case.heart_xy,
        "scale": asdict(case.scale),
        "group": case.group,
        "source_sha256": case.source_sha256,
        "native": asdict(case.native),
    }
    return json.dumps(header)


def _sha256_of_all(digests: Iterable[tuple[str, str]]) -> str:
    return hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in digests).encode()).hexdigest()


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}


def _check_format(values: Any, name: str) -> None:
    found = (values.get("format"), values.get("version")) if isinstance(values, dict) else ("no", "cache")
    if found != (FORMAT, VERSION):
        raise InputError(f"{name} is {found[0]} {found[1]}; expected {FORMAT} {VERSION}; {_AGAIN}")
