"""Small data sets of our own phantom in the layouts of M&Ms and of docs/training-data.md."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.volume import Image
from Testing.acdc_folder import GRID, masks_of, phantom_of

MNMS_TABLE = "211230_M&Ms_Dataset_information_diagnosis_opendataset.csv"
MNMS_ROW = {"VendorName": "Siemens", "Vendor": "A", "Centre": "1", "ED": "1", "ES": "4", "Age": "54", "Pathology": "NOR"}
MNMS_BODY = {"Sex": "F", "Height": "168.0", "Weight": "61"}

OTHER_CODING = {"RV": 5, "MYOCARDIUM": 7, "LV": 2}
"""A coding as users may have it."""

N_FRAMES = 6
ED_FRAME, ES_FRAME = 1, 4
"""Of the cines below, counted from 0."""


def recoded(mask: Image, coding: Mapping[str, int]) -> NDArray[np.uint8]:
    """A mask in our coding with the values of another."""
    values = np.array([0, coding["RV"], coding["MYOCARDIUM"], coding["LV"]], dtype=np.uint8)
    return values[mask]


def images_of(group: Group) -> dict[Phase, Image]:
    """The phantom's frames (z, y, x)."""
    return dict(zip(Phase, phantom_of(group).study.frames, strict=True))


def cine_of(phases: Mapping[Phase, Image], other: Image) -> Image:
    """(t, z, y, x) with `phases` at their frames and `other` everywhere else."""
    frames = [other] * N_FRAMES
    frames[ED_FRAME], frames[ES_FRAME] = phases[Phase.ED], phases[Phase.ES]
    return np.stack(frames)


def write(voxels: Image, path: Path, spacing_xyz_mm: Sequence[float] = GRID.spacing_xyz_mm) -> Path:
    """A NIfTI file of (z, y, x) or (t, z, y, x)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    volumes = []
    for frame in voxels if voxels.ndim == 4 else [voxels]:
        image = sitk.GetImageFromArray(np.ascontiguousarray(frame))
        image.SetSpacing(spacing_xyz_mm)
        volumes.append(image)
    sitk.WriteImage(sitk.JoinSeries(volumes) if voxels.ndim == 4 else volumes[0], str(path))
    return path


def write_mnms_patient(folder: Path, group: Group = Group.NOR, coding: Mapping[str, int] | None = None) -> None:
    """The two files of one patient of M&Ms; masks are empty but at ED and ES."""
    images, masks = images_of(group), masks_of(group)
    coded = {phase: recoded(mask, coding or {"LV": 1, "MYOCARDIUM": 2, "RV": 3}) for phase, mask in masks.items()}
    write(cine_of(images, images[Phase.ED]).astype(np.int16), folder / f"{folder.name}_sa.nii.gz")
    write(cine_of(coded, np.zeros_like(masks[Phase.ED])), folder / f"{folder.name}_sa_gt.nii.gz")


def write_mnms(root: Path, rows: Mapping[str, Mapping[str, str]]) -> Path:
    """The table of M&Ms with one row a name; `rows` says what differs from an ordinary row."""
    root.mkdir(parents=True, exist_ok=True)
    full = [
        {"": str(i), "External code": name} | MNMS_ROW | MNMS_BODY | change for i, (name, change) in enumerate(rows.items())
    ]
    return write_table(root / MNMS_TABLE, full)


def write_generic_patient(root: Path, name: str, group: Group = Group.DCM) -> None:
    """A 4D cine with a 4D mask, and the same as files of one phase, in `OTHER_CODING`."""
    images, masks = images_of(group), masks_of(group)
    coded = {phase: recoded(mask, OTHER_CODING) for phase, mask in masks.items()}
    write(cine_of(images, images[Phase.ED]).astype(np.int16), root / name / "cine.nii.gz")
    write(cine_of(coded, np.zeros_like(masks[Phase.ED])), root / name / "mask.nii.gz")
    for phase in Phase:
        write(images[phase].astype(np.int16), root / name / f"{phase}.nii.gz")
        write(coded[phase], root / name / f"{phase}_mask.nii.gz")


def generic_row(name: str, change: Mapping[str, str] | None = None) -> dict[str, str]:
    """A row of `cases.csv` that names the 4D files of a patient."""
    row = {"case": name, "image": f"{name}/cine.nii.gz", "mask": f"{name}/mask.nii.gz", "ed_frame": "2", "es_frame": "5"}
    return row | {"group": "DCM", "height_cm": "180", "weight_kg": "82.5", "sex": "M"} | dict(change or {})


def two_images(name: str) -> dict[str, str]:
    """What changes in such a row where each phase has files of its own."""
    files = {
        f"{p.lower()}_{kind}": f"{name}/{p}{end}.nii.gz" for p in Phase for kind, end in (("image", ""), ("mask", "_mask"))
    }
    return {"image": "", "mask": "", "ed_frame": "", "es_frame": ""} | files


def write_generic(root: Path, rows: Sequence[Mapping[str, str]], coding: Mapping[str, object] | None = None) -> Path:
    """`cases.csv` and `labels.json`."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "labels.json").write_text(json.dumps(OTHER_CODING if coding is None else coding), encoding="utf-8")
    return write_table(root / "cases.csv", rows)


def write_table(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """A CSV file with the columns that any of the rows has."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path
