"""The layout of M&Ms: a table of all patients, and a 4D cine and a 4D mask of each in folders below it.

Data set: Campello et al., "Multi-Centre, Multi-Vendor and Multi-Disease Cardiac Segmentation: The M&Ms Challenge", IEEE TMI
40(12):3543-3554, 2021, doi 10.1109/TMI.2021.3090082.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.reading.assemble import assemble_study
from CardiacMTLLib.reading.image_file import read_image
from CardiacMTLLib.reading.options import ReadOptions
from CardiacMTLLib.volume import Patient, Sex
from CardiacMTLTraining.sources.anatomy import check_anatomy
from CardiacMTLTraining.sources.case import SourceCase, SourceEntry, refused
from CardiacMTLTraining.sources.coding import LabelCoding
from CardiacMTLTraining.sources.phase_masks import read_cine_masks, two_phases
from CardiacMTLTraining.sources.table import Row, read_table, row_text

CODING = LabelCoding(rv=3, myocardium=2, lv=1, declared_by="the M&Ms layout")

COLUMNS = ("External code", "ED", "ES")
"""Columns that the table must have; `Pathology`, `Sex`, `Height` (cm) and `Weight` (kg) are used where they are there."""

GROUPS = {"NOR": Group.NOR, "DCM": Group.DCM, "HCM": Group.HCM}
"""Pathologies that name the same condition as a group of ACDC.

All others are None. ARV and IHD sound like RV and MINF, but those are defined by a dilated RV with an ejection fraction below
40 %, and by an infarction with an LV ejection fraction below 40 %, which M&Ms does not state. HHD, AHS and LVNC are no
groups of ACDC.
"""

_ENDINGS = ("_sa.nii.gz", "_sa.nii")


def recognises(root: Path) -> bool:
    """Whether `root` holds a table with the columns of M&Ms."""
    return _find_table(root) is not None


def entries(root: Path) -> list[SourceEntry]:
    """The patients of the table, and those who have images but no row, who are refused by name."""
    table = _find_table(root)
    if table is None:
        for path in sorted(root.glob("*.csv")):
            read_table(path)  # says what is wrong with a damaged table
        return []
    images: dict[str, list[Path]] = {}
    for ending in _ENDINGS:
        for path in sorted(root.rglob(f"[!.]*{ending}")):
            images.setdefault(path.name.removesuffix(ending), []).append(path)
    _, rows = read_table(table)
    found = []
    for number, row in enumerate(rows, start=1):
        name = row["External code"] or f"unnamed-{number}"
        places = images.pop(name, [])
        if len(places) == 1:
            found.append(SourceEntry(name, partial(read_case, places[0], row, table.name)))
        else:
            where = f"{len(places)} files {name}_sa.nii.gz" if places else f"no file {name}_sa.nii.gz"
            found.append(
                refused(name, f"{root} holds {where}, which {table.name} lists; expected one; correct folder or table")
            )
    found += [refused(name, f"{table.name} has no row for it; expected its ED and ES frames; add the row") for name in images]
    return found


def read_case(image: Path, row: Row, table: str) -> SourceCase:
    """The patient of one row, whose cine is `image`; `table` is named in errors.

    ED and ES count from 0 in the table. Raises `InputError` for frames that are none, a missing, empty or strange mask, and a
    coding that the anatomy contradicts. A height or weight that no patient can have is left out.
    """
    name = row["External code"]
    ed_frame, es_frame = (_frame(row, column, table) for column in ("ED", "ES"))
    ending = next(ending for ending in _ENDINGS if image.name.endswith(ending))
    mask = image.with_name(image.name.removesuffix(ending) + ending.replace("_sa", "_sa_gt"))
    if not mask.is_file():
        raise InputError(f"{image.parent} has no {mask.name}; expected the expert masks beside the images; add the file")
    options = ReadOptions(ed_frame, es_frame, patient=_patient(row))
    cine = assemble_study(read_image(image), image, options)
    masks = read_cine_masks(mask, cine, CODING)
    check_anatomy(masks, CODING)
    group = GROUPS.get(row.get("Pathology", ""))
    return SourceCase(name, two_phases(cine), masks, group, (image, mask), row_text(row))


def _find_table(root: Path) -> Path | None:
    """The table of M&Ms in `root`, or None; raises `InputError` where there are two."""
    found = []
    for path in sorted(root.glob("*.csv")):
        try:
            columns, _ = read_table(path)
        except InputError:
            continue  # a table of something else need not be sound
        if set(COLUMNS) <= set(columns):
            found.append(path)
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise InputError(f"{root} holds {len(found)} tables of patients ({names}); expected one; move the others away")
    return found[0] if found else None


def _frame(row: Row, column: str, table: str) -> int:
    text = row[column].removesuffix(".0")
    if not text.isdecimal():
        raise InputError(f"{column} in {table} is {row[column]!r}; expected a frame number counted from 0; correct the row")
    return int(text)


def _patient(row: Row) -> Patient:
    """Height, weight and sex as far as they are stated and can be."""
    sex = row.get("Sex", "")
    height_cm = _believable(row.get("Height", ""), lambda value: Patient(height_cm=value))
    weight_kg = _believable(row.get("Weight", ""), lambda value: Patient(weight_kg=value))
    return Patient(height_cm, weight_kg, Sex(sex) if sex in set(Sex) else None)


def _believable(text: str, use: Callable[[float], Patient]) -> float | None:
    """The number in `text`, or None where it is none or `use` refuses it."""
    try:
        value = float(text)
        use(value)
    except (ValueError, InputError):
        return None
    return value
