"""Our own layout for any data: `cases.csv`, `labels.json`, and the files that the table names. See docs/training-data.md."""

from __future__ import annotations

from functools import partial
from pathlib import Path, PurePosixPath

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.reading.assemble import assemble_study
from CardiacMTLLib.reading.image_file import read_image
from CardiacMTLLib.reading.options import ReadOptions
from CardiacMTLLib.reading.phases import read_two_phases
from CardiacMTLLib.volume import CineStudy, Patient, Sex
from CardiacMTLTraining.sources.anatomy import check_anatomy
from CardiacMTLTraining.sources.case import SourceCase, SourceEntry, refused
from CardiacMTLTraining.sources.coding import LabelCoding
from CardiacMTLTraining.sources.phase_masks import read_cine_masks, read_single_masks, two_phases
from CardiacMTLTraining.sources.table import Row, read_table, row_text

TABLE_NAME = "cases.csv"
CODING_NAME = "labels.json"

FILE_COLUMNS = ("image", "ed_image", "es_image", "mask", "ed_mask", "es_mask")
"""Columns that name a file, with / between folders, from the folder of the table."""

COLUMNS = ("case", *FILE_COLUMNS, "ed_frame", "es_frame", "group", "height_cm", "weight_kg", "sex", "slice_spacing_mm")
"""All columns that a table may have; only `case` has to be there. Frames count from 1."""


def recognises(root: Path) -> bool:
    """Whether `root` holds a `cases.csv`."""
    return (root / TABLE_NAME).is_file()


def entries(root: Path) -> list[SourceEntry]:
    """The patients of the table; raises `InputError` for an unknown column and for a coding that is missing or no coding."""
    table = root / TABLE_NAME
    if not table.is_file():
        return []
    columns, rows = read_table(table)
    unknown = [column for column in columns if column not in COLUMNS]
    if unknown or "case" not in columns:
        found = f"has the column {unknown[0]!r}" if unknown else "has no column 'case'"
        raise InputError(f"{table} {found}; expected columns among {', '.join(COLUMNS)}; rename, remove or add it")
    coding = LabelCoding.load(root / CODING_NAME)
    found_entries = []
    for number, row in enumerate(rows, start=1):
        if row["case"]:
            found_entries.append(SourceEntry(row["case"], partial(read_case, root, row, coding)))
        else:
            found_entries.append(refused(f"unnamed-{number}", f"patient {number} of {table} has no name; add it in `case`"))
    return found_entries


def read_case(root: Path, row: Row, coding: LabelCoding) -> SourceCase:
    """The patient of one row; raises `InputError` for cells that contradict each other and files that cannot be used."""
    paths = {column: _path(root, row[column], column) for column in FILE_COLUMNS if row.get(column)}
    _check_choice(paths, row)
    options = ReadOptions(_frame(row, "ed_frame"), _frame(row, "es_frame"), _number(row, "slice_spacing_mm"), _patient(row))
    if "image" in paths:
        study = assemble_study(read_image(paths["image"]), paths["image"], options)
    else:
        study = read_two_phases(paths["ed_image"], paths["es_image"], options)
    if "mask" in paths:
        masks = read_cine_masks(paths["mask"], study, coding)
    else:
        masks = read_single_masks({Phase.ED: paths["ed_mask"], Phase.ES: paths["es_mask"]}, study, coding)
    check_anatomy(masks, coding)
    files = tuple(dict.fromkeys(paths.values()))
    stated = f"{row_text(row)}\n{coding}"
    return SourceCase(row["case"], _two(study), masks, _group(row), files, stated)


def _two(study: CineStudy) -> CineStudy:
    return two_phases(study) if len(study.frames) > 2 else study


def _check_choice(paths: dict[str, Path], row: Row) -> None:
    """Refuse rows that give too little, or the same twice."""
    for whole, ed, es in (("image", "ed_image", "es_image"), ("mask", "ed_mask", "es_mask")):
        given = {column for column in (whole, ed, es) if column in paths}
        if given not in ({whole}, {ed, es}):
            raise InputError(
                f"{', '.join(sorted(given)) or f'no {whole}'} given; expected either `{whole}` (4D) or `{ed}` and `{es}`; "
                f"correct the row of {TABLE_NAME}"
            )
    if "mask" in paths and "image" not in paths:
        raise InputError("`mask` (4D) given beside two images; expected `ed_mask` and `es_mask`; correct the row")
    frames = [column for column in ("ed_frame", "es_frame") if row.get(column)]
    if len(frames) != (2 if "image" in paths else 0):
        raise InputError(
            f"frames given: {', '.join(frames) or 'none'}; expected `ed_frame` and `es_frame` with `image`, and neither with "
            "two images; correct the row"
        )


def _path(root: Path, text: str, column: str) -> Path:
    parts = PurePosixPath(text)
    if parts.is_absolute() or ".." in parts.parts:
        raise InputError(f"{column} is {text!r}; expected a path within the folder of {TABLE_NAME}; move the file there")
    return root / parts


def _frame(row: Row, column: str) -> int | None:
    text = row.get(column, "")
    if text and (not text.isdecimal() or int(text) < 1):
        raise InputError(f"{column} is {text!r}; expected a frame number counted from 1; correct the row")
    return int(text) - 1 if text else None


def _number(row: Row, column: str) -> float | None:
    text = row.get(column, "")
    try:
        return float(text) if text else None
    except ValueError as error:
        raise InputError(f"{column} is {text!r}; expected a number; correct the row or leave the cell empty") from error


def _patient(row: Row) -> Patient:
    sex = row.get("sex", "")
    if sex and sex not in set(Sex):
        raise InputError(f"sex is {sex!r}; expected one of {', '.join(Sex)}; correct the row or leave the cell empty")
    return Patient(_number(row, "height_cm"), _number(row, "weight_kg"), Sex(sex) if sex else None)


def _group(row: Row) -> Group | None:
    text = row.get("group", "")
    if text and text not in set(Group):
        raise InputError(f"group is {text!r}; expected one of {', '.join(Group)}; correct the row or leave the cell empty")
    return Group(text) if text else None
