"""`--dicom-out` and `--dicom-template`: options of a command, what they forbid, and what is printed."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.path_text import path_argument

if TYPE_CHECKING:
    from CardiacMTLLib.analysis import Analysis
    from CardiacMTLLib.report.dicom.write import DicomFiles
    from CardiacMTLLib.volume import CineStudy


def add_dicom_options(parser: argparse.ArgumentParser) -> None:
    """Add both options to `parser`, which has `--out` already."""
    parser.add_argument(
        "--dicom-out",
        type=path_argument,
        metavar="DIR",
        help="also write DICOM: a segmentation of ED and ES, and a structured report",
    )
    parser.add_argument(
        "--dicom-template",
        type=path_argument,
        metavar="FILE",
        help="with --dicom-out, for images that are not DICOM: a DICOM file of the same patient",
    )


def check_dicom_usage(arguments: argparse.Namespace) -> None:
    """Raise `UsageError` for options that contradict each other, `OutputError` where nothing can be written."""
    from CardiacMTLLib.report.publish import check_output_folder  # noqa: PLC0415 - only when a command runs

    if arguments.dicom_out is None:
        if arguments.dicom_template is not None:
            raise UsageError("got --dicom-template without --dicom-out; name the folder for the DICOM files with --dicom-out")
        return
    out, dicom = arguments.out.absolute(), arguments.dicom_out.absolute()
    if dicom == out or dicom in out.parents:
        raise UsageError(f"--out {arguments.out} lies in --dicom-out; expected two folders, each its own; name another one")
    check_output_folder(arguments.dicom_out)


def check_dicom_study(study: CineStudy, arguments: argparse.Namespace) -> None:
    """Raise, before the study is analysed, where it cannot become DICOM."""
    if arguments.dicom_out is not None:
        from CardiacMTLLib.report.dicom.write import check_dicom_out  # noqa: PLC0415 - pydicom is slow to import

        check_dicom_out(study, arguments.dicom_template)


@contextmanager
def dicom_beside(analysis: Analysis, arguments: argparse.Namespace) -> Iterator[DicomFiles | None]:
    """Write the DICOM files, which appear when the block, in which the other results are written, ends well."""
    if arguments.dicom_out is None:
        yield None
        return
    from CardiacMTLLib.report.dicom.write import staged_dicom  # noqa: PLC0415 - pydicom is slow to import

    with staged_dicom(analysis, arguments.dicom_out, template=arguments.dicom_template) as files:
        yield files


def dicom_record(files: DicomFiles | None) -> dict[str, object]:
    """What `--json` prints of the files, nothing where none were asked for."""
    return {} if files is None else {"dicom_outputs": files.names, "dicom_notes": files.notes}


def dicom_lines(files: DicomFiles | None) -> str:
    """What the summary says of the files, each line with a line end before it; converted images are counted."""
    if files is None:
        return ""
    own = [name for name in files.names if "/" not in name]
    images = len(files.names) - len(own)
    listed = [*([f"{images} images in {files.names[0].split('/')[0]}"] if images else []), *own]
    lines = [f"DICOM in {files.folder}:", *(f"  {name}" for name in listed), *(f"Note: {note}" for note in files.notes)]
    return "".join(f"\n{line}" for line in lines)
