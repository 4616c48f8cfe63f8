"""`write_dicom`, and `writing_dicom` in steps: segmentations of ED and ES and the report, all in one folder or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import MissingPackageError, UsageError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.report.dicom.converted import IMAGES_FOLDER, check_template, convert_images
from CardiacMTLLib.report.dicom.sources import PhaseSources, check_has_sources, read_sources
from CardiacMTLLib.report.publish import published
from CardiacMTLLib.steps import Steps, finished
from CardiacMTLLib.volume import CineStudy

SEGMENTATION_FILES = {Phase.ED: "segmentation_ed.dcm", Phase.ES: "segmentation_es.dcm"}
SR_FILE = "measurements_sr.dcm"
DICOM_NAMES = (IMAGES_FOLDER, *SEGMENTATION_FILES.values(), SR_FILE)
"""Every name that may be written into the folder."""


@dataclass(frozen=True, slots=True)
class DicomFiles:
    """What was written: the folder, the files in it in the order in which to send them, and sentences for the user."""

    folder: Path
    names: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files; what others refer to comes first."""
        return tuple(self.folder / name for name in self.names)


def write_dicom(analysis: Analysis, folder: Path, *, template: Path | None = None) -> DicomFiles:
    """Write `analysis` as DICOM objects into `folder`, which is made where it does not exist.

    The objects refer to the images of `analysis.study.source`, whose headers are read again. Where the study has none,
    `template` is a DICOM file of the same patient (or a folder with one): the images of ED and ES then become a series in a new
    study of that patient, for the objects to refer to. The same content always has the same UIDs. Raises `InputError` without
    source and template, and where images are gone or changed; `UsageError` with both; `MissingPackageError` without highdicom;
    `OutputError` where the folder cannot be written, which then is as it was.
    """
    return finished(writing_dicom(analysis, folder, template=template))


def writing_dicom(analysis: Analysis, folder: Path, *, template: Path | None = None) -> Steps[DicomFiles]:
    """As `write_dicom`, an object a step. Dropped before its end it leaves `folder` as it was."""
    with published(folder, DICOM_NAMES) as staging:
        files = yield from _unvalidated(_written(analysis, staging, template))
    return replace(files, folder=folder)


@contextmanager
def staged_dicom(analysis: Analysis, folder: Path, *, template: Path | None = None) -> Iterator[DicomFiles]:
    """`write_dicom` in two steps: files are ready when the block begins and appear in `folder` when it ends well."""
    with published(folder, DICOM_NAMES) as staging:
        files = finished(_unvalidated(_written(analysis, staging, template)))
        yield replace(files, folder=folder)


def check_dicom_out(study: CineStudy, template: Path | None) -> None:
    """Raise, before any work, what `write_dicom` would raise for want of a source, a template or a package."""
    if template is None:
        check_has_sources(study)
    else:
        _check_needs_template(study)
        check_template(template)
    require_highdicom()


def _check_needs_template(study: CineStudy) -> None:
    if study.source is not None:
        raise UsageError(
            "got --dicom-template for a study that is DICOM itself; the results refer to its own images; leave the template out"
        )


def require_highdicom() -> None:
    """Raise `MissingPackageError` where highdicom cannot be imported."""
    try:
        import highdicom  # noqa: F401, PLC0415 - optional, and slow to import
    except ImportError as error:
        raise MissingPackageError(
            f"DICOM output needs the package highdicom, which cannot be imported ({error}); install highdicom and try again"
        ) from error


def _unvalidated(steps: Steps[DicomFiles]) -> Steps[DicomFiles]:
    """`steps` without pydicom's validation, which is as before between them, when others may use pydicom.

    Source headers hold what scanners and de-identification left in them; it is copied as it is.
    """
    while True:
        with disable_value_validation():
            try:
                next(steps)
            except StopIteration as end:
                files: DicomFiles = end.value
                return files
        yield


def _written(analysis: Analysis, folder: Path, template: Path | None) -> Steps[DicomFiles]:
    require_highdicom()
    from CardiacMTLLib.report.dicom.measurement_report import build_report  # noqa: PLC0415 - needs highdicom
    from CardiacMTLLib.report.dicom.segmentation import build_segmentation  # noqa: PLC0415 - needs highdicom

    frames = {phase: analysis.frames[phase] for phase in analysis.masks}
    names: list[str] = []
    sources: PhaseSources
    if template is None:
        sources = read_sources(analysis.study, frames)
    else:
        _check_needs_template(analysis.study)
        sources = convert_images(analysis.study, frames, template, folder)
        names += sorted(path.relative_to(folder).as_posix() for path in (folder / IMAGES_FOLDER).iterdir())
    notes = list(sources.notes)
    yield
    segmentations = {}
    for phase, name in SEGMENTATION_FILES.items():
        built = None if phase not in analysis.masks else build_segmentation(analysis, phase, sources)
        if built is None:
            why = "was not segmented" if phase not in analysis.masks else "has an empty mask"
            notes.append(f"{name} is left out: {phase} {why}")
            continue
        segmentations[phase] = built
        _save(built.data, folder / name)
        names.append(name)
        notes += built.notes
        yield
    report = build_report(analysis, sources, segmentations)
    yield
    _save(report, folder / SR_FILE)
    return DicomFiles(folder, (*names, SR_FILE), tuple(notes))


def _save(data: Dataset, path: Path) -> None:
    data.save_as(path, enforce_file_format=True)
