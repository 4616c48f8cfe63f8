"""DICOM of the cases of a batch: a folder for each below `--dicom-out`, with the files or the reason why there are none."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.report.publish import check_output_folder, published

NOTES_FILE = "notes.txt"
"""In a case's folder: a sentence a line, on what was left out or differs; without DICOM files beside it, why there are none."""

_NAMED = 5


def check_dicom_folder(folder: Path, root: Path, out: Path) -> None:
    """Raise `UsageError` unless `folder` lies apart from studies and results; `OutputError` where it cannot be written."""
    whole = folder.resolve()
    for name, other in (("studies", root.resolve()), ("results (--out)", out.resolve())):
        if whole == other or whole in other.parents or other in whole.parents:
            raise UsageError(
                f"--dicom-out {folder} and the folder of the {name}, {other}, lie one in the other; expected folders apart; "
                "choose another one for --dicom-out"
            )
    check_output_folder(folder)


def write_case_dicom(analysis: Analysis, folder: Path) -> None:
    """Write the DICOM files of a case into `folder`, whole and on the disk; those of an attempt before are replaced.

    A study that cannot become DICOM, because its images are not or lack UIDs, gets `NOTES_FILE` alone. Raises `OutputError`
    where the folder cannot be written, which then is as it was.
    """
    from CardiacMTLLib.report.dicom.write import DICOM_NAMES, write_dicom  # noqa: PLC0415 - pydicom is slow to import

    with published(folder, (*DICOM_NAMES, NOTES_FILE)) as staging:
        try:
            notes = write_dicom(analysis, staging).notes
        except InputError as error:
            notes = (f"no DICOM files: {error}",)
        if notes:
            (staging / NOTES_FILE).write_text("".join(f"{note}\n" for note in notes), encoding="utf-8")
        for path in staging.iterdir():
            flush(path)


def flush(path: Path) -> None:
    """See to it that a file's content is on the disk before its name is: a power cut then leaves no empty results."""
    with path.open("rb+") as opened:
        os.fsync(opened.fileno())


def dicom_notes(folder: Path, done: Iterable[str]) -> tuple[str, ...]:
    """A sentence that names the cases among `done` without DICOM, by what lies in `folder`; none where all have it."""
    from CardiacMTLLib.report.dicom.write import SR_FILE  # noqa: PLC0415 - pydicom is slow to import

    without = [name for name in done if not (folder / name / SR_FILE).is_file()]
    if not without:
        return ()
    named = ", ".join(without[:_NAMED]) + (f" and {len(without) - _NAMED} more" if len(without) > _NAMED else "")
    cases = "case" if len(without) == 1 else "cases"
    return (f"no DICOM files for {len(without)} {cases} ({named}); {NOTES_FILE} in the folder of each in {folder} says why",)
