"""The cache: one compressed file a patient, from which networks train without reading an image file."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group

FORMAT = "cardiacmtl-cache"
VERSION = 1
INDEX_NAME = "index.json"


@dataclass(frozen=True, slots=True)
class CaseScale:
    """What turns the counts of a cached case into physical sizes; None where the source does not say."""

    spacing_mm: float
    slice_distance_mm: float
    height_cm: float | None
    weight_kg: float | None


@dataclass(frozen=True, slots=True, eq=False)
class CachedCase:
    """One patient at ED and ES on the cache's in-plane grid.

    `images` uint8 (phase=2, z, y, x) with 0 and 255 at the limits `low` and `high` of each phase's normalised intensity
    (`preprocess.intensity` of the window around the heart); `masks` uint8 (phase=2, z, y, x); `heart_xy` the centroid of
    the expert masks in samples, used to place training windows, never at inference; `group` None where unknown.
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

    def normalised(self) -> NDArray[np.float32]:
        """(phase, z, y, x) normalised intensities."""
        low, high = (np.asarray(limit, dtype=np.float32).reshape(2, 1, 1, 1) for limit in (self.low, self.high))
        return (low + self.images * ((high - low) / np.float32(255))).astype(np.float32)


def save_case(case: CachedCase, folder: Path) -> None:
    """Write one case into the cache folder."""
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
    }
    temporary = folder / f".{case.name}.npz"
    np.savez_compressed(temporary, header=np.array(json.dumps(header)), images=case.images, masks=case.masks)
    temporary.replace(folder / f"{case.name}.npz")


def load_case(path: Path) -> CachedCase:
    """Read one case; raises `InputError` where the file is damaged or not of this cache version."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            header, images, masks = json.loads(str(arrays["header"])), arrays["images"], arrays["masks"]
    except (OSError, EOFError, ValueError, TypeError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path.name} cannot be read ({error}); expected a cached case; "
            "make the cache again with `cardiacmtl-train prepare`"
        ) from error
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
    )


def load_cases(folder: Path) -> list[CachedCase]:
    """The cases that the cache's index names, in its order; raises `InputError` where there is no finished cache.

    Files of an earlier `prepare` that the index does not name are not loaded: they may be patients of other data.
    """
    index = folder / INDEX_NAME
    if not index.is_file():
        raise InputError(f"no finished cache in {folder}; make it with `cardiacmtl-train prepare --data DIR --out {folder}`")
    try:
        values = json.loads(index.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{index} cannot be read ({error}); make the cache again with `cardiacmtl-train prepare`") from error
    _check_format(values, index.name)
    return [load_case(folder / f"{name}.npz") for name in values["cases"]]


def _check_format(values: dict[str, Any], name: str) -> None:
    found = (values.get("format"), values.get("version"))
    if found != (FORMAT, VERSION):
        raise InputError(
            f"{name} is {found[0]} {found[1]}; expected {FORMAT} {VERSION}; "
            "make the cache again with `cardiacmtl-train prepare`"
        )
