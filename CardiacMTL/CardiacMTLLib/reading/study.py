"""`read_study` and `read_phases`: the two ways into the library for files.

`_FORMATS` is the one list of what a path can be; a further kind of input is one more entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.reading.acdc import is_acdc_folder, read_acdc_folder
from CardiacMTLLib.reading.acdc_info import info_beside
from CardiacMTLLib.reading.assemble import assemble_study
from CardiacMTLLib.reading.dicom import is_dicom_input, read_dicom
from CardiacMTLLib.reading.image_file import IMAGE_SUFFIXES, is_image_file, read_image
from CardiacMTLLib.reading.options import ReadOptions
from CardiacMTLLib.reading.phases import read_two_phases
from CardiacMTLLib.volume import CineStudy, Patient


def read_study(
    path: Path,
    *,
    ed_frame: int | None = None,
    es_frame: int | None = None,
    slice_spacing_mm: float | None = None,
    patient: Patient | None = None,
    whole_cycle: bool = False,
    series: str | None = None,
) -> CineStudy:
    """The study at `path`: an ACDC patient folder, a 4D cine file, a 3D file (one frame), a DICOM folder or multi-frame file.

    An `Info.cfg` beside a 4D file gives its ED and ES frames, beside any file the patient's height and weight.
    `ed_frame` and `es_frame` count from 0 in the cycle; `slice_spacing_mm` is the distance between slice centres;
    fields of `patient` that are not None take precedence over the files'. `whole_cycle` reads the 4D cine of a folder
    that also has its two phases. `series` is the number or UID of the DICOM series to use.

    Raises `InputError` (`GeometryError` for spacing and axes) with one line where the input cannot be used.
    """
    options = ReadOptions(ed_frame, es_frame, slice_spacing_mm, patient, whole_cycle, series)
    if not path.exists():
        raise InputError(f"{path} does not exist; expected an image file or a patient folder; check the name")
    for form in _FORMATS:
        if form.recognises(path):
            if series is not None and form.read is not read_dicom:
                raise UsageError(f"got --series {series}, but {path} is not DICOM; only DICOM has series; leave --series out")
            return form.read(path, options)
    if path.is_dir():
        raise InputError(
            f"{path} is a folder without Info.cfg and without DICOM files; expected an ACDC patient folder, a DICOM folder or "
            "an image file; check the name"
        )
    raise InputError(
        f"{path} is not an image file that can be read; expected DICOM, or a name ending in {', '.join(IMAGE_SUFFIXES)}"
    )


def read_phases(ed: Path, es: Path, *, slice_spacing_mm: float | None = None, patient: Patient | None = None) -> CineStudy:
    """The study of an ED and an ES file (frames 0 and 1), which lie on one grid; errors as `read_study`."""
    return read_two_phases(ed, es, ReadOptions(slice_spacing_mm=slice_spacing_mm, patient=patient))


def _read_file(path: Path, options: ReadOptions) -> CineStudy:
    image = read_image(path)
    info = info_beside(path)
    if len(image.frames) > 1:
        options = replace(
            options,
            ed_frame=info.ed_frame if options.ed_frame is None else options.ed_frame,
            es_frame=info.es_frame if options.es_frame is None else options.es_frame,
        )
    return assemble_study(image, path, options, info.patient, info.warnings)


class _Format(NamedTuple):
    recognises: Callable[[Path], bool]
    read: Callable[[Path, ReadOptions], CineStudy]


_FORMATS = (
    _Format(is_acdc_folder, read_acdc_folder),
    _Format(is_image_file, _read_file),
    _Format(is_dicom_input, read_dicom),
)
