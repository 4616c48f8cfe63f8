"""Changes of a study after which the result must change in a known way, or not at all, and how far it does.

`python -m Testing.robustness.metamorphic FOLDER_OF_ACDC_PATIENTS [--patients N] [--out FILE]` tries them on real patients, with
the model that ships, and writes a table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import STRUCTURES, Phase
from CardiacMTLLib.network.weights import LoadedModel, load_model
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.volume import CineStudy, Mask, StoredGrid

NOISE = 0.05
"""Standard deviation of the noise that is added, relative to the range from the 1st to the 99th percentile of the images."""


_ODD_ORDER = AxisOrder((2, 0, 1), (True, True, False))


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a study, what leads a mask back to the grid before it, and how far results may move.

    `least_dice` holds for each structure and phase, `ef_points` for the EF of both ventricles, `volume_fraction` for the
    volumes of LV and RV at ED.
    """

    name: str
    apply: Callable[[CineStudy], CineStudy]
    back: Callable[[Mask], Mask]
    least_dice: float
    ef_points: float
    volume_fraction: float


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a result moved: the least Dice of a structure in a phase, EF in points, volumes at ED as a fraction."""

    dice: float
    ef_points: float
    volume_fraction: float


def _same(mask: Mask) -> Mask:
    return mask


def _stored_in_order(order: AxisOrder) -> Callable[[CineStudy], CineStudy]:
    """The study written with other axes, every voxel in its place, and read again."""

    def apply(study: CineStudy) -> CineStudy:
        geometry = order.geometry(study.geometry)
        images = []
        for frame in order.apply(study.frames):
            image = sitk.GetImageFromArray(np.ascontiguousarray(frame))
            image.SetSpacing(geometry.spacing_xyz_mm)
            image.SetOrigin(geometry.origin_xyz_mm)
            image.SetDirection(geometry.direction)
            images.append(image)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "study.nii"
            sitk.WriteImage(sitk.JoinSeries(images), str(path))
            found = read_study(path, ed_frame=study.ed_frame, es_frame=study.es_frame)
        return replace(found, patient=study.patient)

    return apply


def _moved_origin(study: CineStudy) -> CineStudy:
    x, y, z = study.geometry.origin_xyz_mm
    return _with(study, study.frames, replace(study.geometry, origin_xyz_mm=(x + 321.5, y - 77.25, z + 1234.0)))


def _scaled(study: CineStudy) -> CineStudy:
    return _with(study, (study.frames.astype(np.float32) * 3.7 + 120.0).astype(np.float32), study.geometry)


def _empty_slices(study: CineStudy) -> CineStudy:
    frames = np.pad(study.frames, ((0, 0), (2, 2), (0, 0), (0, 0)))
    return _with(study, frames, _grown(study.geometry, (0, 0, 2)))


def _padded(study: CineStudy) -> CineStudy:
    frames = np.pad(study.frames, ((0, 0), (0, 0), (20, 20), (30, 30)))
    return _with(study, frames, _grown(study.geometry, (30, 20, 0)))


def _cropped(study: CineStudy) -> CineStudy:
    return _with(study, study.frames[:, :, 10:-10, 10:-10], _grown(study.geometry, (-10, -10, 0)))


def _noisy(study: CineStudy) -> CineStudy:
    low, high = np.percentile(study.frames, (1, 99))
    noise = np.random.default_rng(1).normal(0.0, NOISE * (high - low), study.frames.shape)
    return _with(study, (study.frames + noise).astype(np.float32), study.geometry)


def _grown(geometry: Geometry, by_xyz: tuple[int, int, int]) -> Geometry:
    """The grid with so many voxels more at both ends of each axis."""
    x, y, z = (geometry.index_to_lps @ [*(-count for count in by_xyz), 1])[:3].tolist()
    sizes = [size + 2 * count for size, count in zip(geometry.size_xyz, by_xyz, strict=True)]
    return replace(geometry, size_xyz=(sizes[0], sizes[1], sizes[2]), origin_xyz_mm=(x, y, z))


def _with(study: CineStudy, frames: np.ndarray, geometry: Geometry) -> CineStudy:
    return replace(study, frames=frames, geometry=geometry, stored=StoredGrid(geometry, AxisOrder()), source=None)


CHANGES = (
    Change("stored as z, x, y, with x and slices reversed", _stored_in_order(_ODD_ORDER), _same, 1.0, 0.0, 1e-6),
    Change("origin moved", _moved_origin, _same, 1.0, 0.0, 1e-6),
    Change("grey values times 3.7 plus 120", _scaled, _same, 0.98, 1.0, 0.02),
    Change("two empty slices at both ends", _empty_slices, lambda mask: mask[2:-2], 1.0, 0.0, 1e-6),
    Change("30 and 20 empty pixels around", _padded, lambda mask: mask[:, 20:-20, 30:-30], 0.90, 3.0, 0.06),
    Change("10 pixels cut off all around", _cropped, lambda mask: np.pad(mask, ((0, 0), (10, 10), (10, 10))), 0.90, 3.0, 0.06),
    Change(f"noise of {NOISE:.0%} of the range", _noisy, _same, 0.85, 5.0, 0.10),
)
"""All changes. Rearranged and moved voxels and empty slices give the very same result. Scaling may flip what rounding decides;
empty pixels and cropping change the percentiles that grey values are scaled by, and shift the network's window by parts of a
voxel."""


def moved(before: Analysis, after: Analysis, change: Change) -> Moved:
    """How far the result moved."""
    overlaps = [
        dice(before.masks[phase] == structure, change.back(after.masks[phase]) == structure)
        for phase in Phase
        for structure in STRUCTURES
    ]
    return Moved(
        min(overlaps),
        max(abs(_value(before, name) - _value(after, name)) for name in ("lv_ef_percent", "rv_ef_percent")),
        max(abs(_value(after, name) / _value(before, name) - 1) for name in ("lv_edv_ml", "rv_edv_ml")),
    )


def dice(found: Mask, expected: Mask) -> float:
    """Overlap of two masks; 1 where both are empty."""
    total = int(found.sum()) + int(expected.sum())
    return 2 * int((found & expected).sum()) / total if total else 1.0


def _value(analysis: Analysis, name: str) -> float:
    value = analysis.measurements[name].value
    return float("nan") if value is None else value


def tried(study: CineStudy, model: LoadedModel) -> dict[str, Moved]:
    """How far each change moves the result of one study."""
    before = analyse(study, model, device="cpu")
    return {change.name: moved(before, analyse(change.apply(study), model, device="cpu"), change) for change in CHANGES}


def table(results: Sequence[dict[str, Moved]]) -> str:
    """Median and worst case of each change over all studies, beside what the tests allow on the phantom."""
    lines = [
        "| Change | Least Dice | EF, points | Volume at ED, % | Allowed on the phantom |",
        "|---|---|---|---|---|",
    ]
    for change in CHANGES:
        found = [result[change.name] for result in results]
        cells = (
            _cell([1 - each.dice for each in found], lambda value: f"{1 - value:.3f}"),
            _cell([each.ef_points for each in found], lambda value: f"{value:.1f}"),
            _cell([100 * each.volume_fraction for each in found], lambda value: f"{value:.1f}"),
        )
        allowed = f"{change.least_dice:g}; {change.ef_points:g}; {100 * change.volume_fraction:.2g} %"
        lines.append(f"| {change.name} | {' | '.join(cells)} | {allowed} |")
    return "\n".join(lines)


def _cell(values: Sequence[float], text: Callable[[float], str]) -> str:
    known = [value for value in values if not np.isnan(value)]
    return f"{text(float(np.median(known)))} ({text(max(known))})" if known else "-"


def main(arguments: Sequence[str] | None = None) -> int:
    """Try all changes on patients and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patients_folder", type=Path)
    parser.add_argument("--patients", type=int, default=20, help="so many, evenly spread over the folder (%(default)s)")
    parser.add_argument("--out", type=Path, help="a file for the table; else it is printed")
    options = parser.parse_args(arguments)
    folders = sorted(path for path in options.patients_folder.iterdir() if (path / "Info.cfg").exists())
    chosen = [folders[round(place)] for place in np.linspace(0, len(folders) - 1, min(options.patients, len(folders)))]
    model = load_model()
    results = [tried(read_study(folder), model) for folder in chosen]
    identity = model.identity
    page = (
        "## Changes that must not change the result, on real patients\n\n"
        f"Made by `python -m Testing.robustness.metamorphic ACDC --patients {len(results)}` on patients of ACDC's training "
        f"set, on which the model was trained, with {identity.name} {identity.version}, SHA-256 {identity.sha256[:12]}. Each "
        "study is analysed as it is and changed, and masks are led back to the first grid. Median of the patients, the worst "
        "in brackets: the least Dice of a structure in a phase, and the larger shift of both ventricles.\n\n"
        f"{table(results)}\n"
    )
    if options.out is None:
        print(page)
    else:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
