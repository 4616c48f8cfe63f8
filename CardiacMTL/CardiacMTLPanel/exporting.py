"""What is written of a result in the scene: report and files, DICOM, and its entry in the application's DICOM database."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from CardiacMTLLib.errors import InputError, MissingPackageError
from CardiacMTLLib.outputs import OutputFiles, writing_outputs
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.dicom.write import DicomFiles, writing_dicom
from CardiacMTLLib.report.identity import read_identity
from CardiacMTLLib.steps import Steps
from CardiacMTLPanel.installing import ensure_packages
from CardiacMTLPanel.scene_results import is_stale
from CardiacMTLScene.dicom_source import FileFinder, with_dicom_source
from CardiacMTLScene.report_images import with_images
from CardiacMTLScene.results import StoredResults

PACKAGES = {"report": ("jinja2", "matplotlib"), "dicom": ("highdicom",), "pacs": ("pynetdicom",)}
"""Purpose, as in the names of `Resources/requirements-*.txt` -> the modules that must be there."""

_DRAWING = tuple(f"CardiacMTLLib.report.{part}_drawing" for part in ("sheet", "bullseye", "curve"))
"""Our own modules of the report that import much."""


def install_for(purpose: str, resources: Path) -> None:
    """Install what `purpose` needs, where Slicer lacks some of it; the application asks before it installs.

    Raises `MissingPackageError` where the user declines or pip fails. Of a report, the files that need no package are written
    all the same, and the others say what they lack.
    """
    if any(importlib.util.find_spec(module) is None for module in PACKAGES[purpose]):
        try:
            ensure_packages(resources / f"requirements-{purpose}.txt")
        except MissingPackageError:
            if purpose != "report":
                raise


def loading(purpose: str) -> Iterator[None]:
    """Import what `purpose` needs, a module a step, for each may take some tenths of a second the first time."""
    for module in (*PACKAGES[purpose], *(_DRAWING if purpose == "report" else ())):
        with suppress(ImportError):  # what needs it says so
            importlib.import_module(module)
        yield


def writing_report_files(results: StoredResults, folder: Path, *, patient_data: bool) -> Steps[OutputFiles]:
    """Write, a file or two a step, what `cardiacmtl run` writes into `folder`, but for the scene and the 3D picture.

    After a correction the original stands beside it. Raises `InputError` where masks are newer than numbers, and where
    `patient_data` is wanted of images that are not DICOM.
    """
    _require_fresh(results)
    yield
    shown = with_images(results.latest, results.nodes)
    identity = None
    if patient_data:
        identity = read_identity(with_dicom_source(shown, results.nodes, _file_finder()).study.source)
    original = None if results.corrected is None else replace(results.analysis, study=shown.study)
    yield
    return (yield from writing_outputs(shown, folder, context=ReportContext(original, identity)))


def writing_dicom_files(results: StoredResults, folder: Path) -> Steps[DicomFiles]:
    """Write segmentations and report as DICOM into `folder`, an object a step.

    Errors as `writing_report_files` and `write_dicom`.
    """
    _require_fresh(results)
    yield
    source = with_dicom_source(results.latest, results.nodes, _file_finder())
    yield
    return (yield from writing_dicom(source, folder))


def add_to_database(folder: Path) -> bool:
    """Copy the files in `folder` into the application's DICOM database; False where it has none open or does not take them.

    Copies, because a later export may put other instances in their place, and the folder may go.
    """
    if dicom_database() is None:
        return False
    from DICOMLib import DICOMUtils  # type: ignore[import-not-found]  # noqa: PLC0415 - a module of the application

    return bool(DICOMUtils.importDicom(str(folder), copyFiles=True))


def dicom_database() -> Any:
    """The application's DICOM database; None where it has none open."""
    database = getattr(slicer, "dicomDatabase", None)
    return database if database and database.isOpen else None


def _file_finder() -> FileFinder | None:
    database = dicom_database()
    return None if database is None else database.fileForInstance


def _require_fresh(results: StoredResults) -> None:
    if is_stale(results):
        raise InputError(
            _("the masks have changed since the numbers were computed; expected numbers of these masks; press Recompute first")
        )
