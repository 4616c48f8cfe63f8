"""`source_of_files`: a study's `DicomSource` found again from the files behind its frames, where only those are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.config import disable_value_validation

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.reading.dicom.functional_groups import frame_views
from CardiacMTLLib.reading.dicom.values import View
from CardiacMTLLib.source import DicomSource, SourceFrame
from CardiacMTLLib.volume import CineStudy

_TOLERANCE_MM = 1.5
"""Slices may lie so far off the even grid, as in `sources`, which checks planes and pixels, too, before anything is written."""


@dataclass(frozen=True, slots=True)
class _Image:
    """One image of a file: what names it, where its first pixel lies (LPS), and its time after the R wave (None: unknown)."""

    frame: SourceFrame
    position_mm: tuple[float, ...]
    time_ms: float | None
    study_uid: str
    reference_uid: str


def source_of_files(study: CineStudy, files: Mapping[int, Sequence[Path]]) -> DicomSource:
    """The source of `study`, for which `files` hold the images of each frame that is needed, in any order.

    An image is told by its place among the slices of the stored grid. Where a place has an image for every frame of the study,
    as when one list names all files of a cine, they are told by their times. The frames of the source that are not in `files`
    stay empty. Only headers are read. Raises `InputError` where a file cannot be read, and where images are missing, are too
    many, or belong to several studies.
    """
    order = study.stored.order
    if order.axes[2] != 2:
        raise InputError(
            "the slices do not lie along the third axis of the images, as those of DICOM do; expected one as DICOM gives it; "
            "load it from DICOM again"
        )
    known: dict[Path, tuple[_Image, ...]] = {}
    found: dict[int, tuple[_Image, ...]] = {}
    for t, paths in files.items():
        with disable_value_validation():  # headers hold what scanners left in them, and it is only compared
            for path in paths:
                if path not in known:
                    known[path] = _images(path)
        images = [image for path in dict.fromkeys(paths) for image in known[path]]
        placed = _by_slice(images, study, t)
        found[t] = placed[::-1] if order.flips[2] else placed
    studies = {image.study_uid for images in found.values() for image in images}
    references = {image.reference_uid for images in found.values() for image in images}
    if len(studies) != 1:
        raise InputError(f"the images belong to {len(studies)} DICOM studies; expected one; load the images of one study")
    frames = tuple(tuple(image.frame for image in found.get(t, ())) for t in range(len(study.frames)))
    folder = next(frame.file for phase in frames for frame in phase).parent
    return DicomSource(studies.pop(), references.pop() if len(references) == 1 else "", frames, folder)


def _by_slice(images: Sequence[_Image], study: CineStudy, t: int) -> tuple[_Image, ...]:
    """The image of frame `t` for each slice of the stored grid."""
    grid = study.stored.geometry
    count = grid.size_xyz[2]
    places = np.array([(grid.index_to_lps @ [0, 0, k, 1])[:3] for k in range(count)])
    candidates: list[list[_Image]] = [[] for _ in range(count)]
    for image in images:
        apart_mm = np.linalg.norm(places - image.position_mm, axis=1) if len(image.position_mm) == 3 else np.array([np.inf])
        if apart_mm.min() <= _TOLERANCE_MM:
            candidates[int(apart_mm.argmin())].append(image)
    return tuple(_at_time(choice, k, t, len(study.frames)) for k, choice in enumerate(candidates))


def _at_time(choice: Sequence[_Image], k: int, t: int, n_frames: int) -> _Image:
    if len(choice) == 1:
        return choice[0]
    times = [image.time_ms for image in choice if image.time_ms is not None]
    if choice and len(choice) == n_frames == len(set(times)):
        return sorted(choice, key=lambda image: image.time_ms or 0.0)[t]
    raise InputError(
        f"of the DICOM images {len(choice)} lie at slice {k + 1} of frame {t + 1}; expected one, or one of each time; load the "
        "cine from the DICOM database again"
    )


def _images(path: Path) -> tuple[_Image, ...]:
    try:
        data = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    except Exception as error:  # pydicom raises many kinds for a damaged file
        raise InputError(
            "a DICOM image that the volume was loaded from cannot be read any more; expected it where the DICOM database says; "
            "put it back, or load the study again"
        ) from error
    whole = View((data,))
    numbered: list[tuple[int | None, View]] = [*enumerate(frame_views(data), 1)] or [(None, whole)]
    return tuple(
        _Image(
            SourceFrame(
                whole.text("SOPClassUID"),
                whole.text("SOPInstanceUID"),
                whole.text("SeriesInstanceUID"),
                number,
                path.absolute(),
            ),
            tuple(view.numbers("ImagePositionPatient")),
            _time_ms(view),
            whole.text("StudyInstanceUID"),
            whole.text("FrameOfReferenceUID"),
        )
        for number, view in numbered
    )


def _time_ms(view: View) -> float | None:
    time_ms = view.number("TriggerTime")
    return view.number("NominalCardiacTriggerDelayTime") if time_ms is None else time_ms
