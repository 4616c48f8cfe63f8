"""`PhaseSources`: the images that the masks of ED and ES refer to, and the header that says whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import AxisOrder, Geometry, Triple
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.reading.dicom.functional_groups import frame_views
from CardiacMTLLib.reading.dicom.values import View
from CardiacMTLLib.report.dicom.lossy import LossyHistory, lossy_history
from CardiacMTLLib.report.dicom.uids import stable_uid
from CardiacMTLLib.source import DicomSource, SourceFrame
from CardiacMTLLib.volume import CineStudy, Mask

_TOLERANCE_MM = 1.5
"""Slices of a stack may lie so far off the even grid, by rounding and between breath-holds, that the reader takes them."""

_OWN_REFERENCE = (
    "the source images do not share a frame of reference; the segmentations have one of their own and refer to the images"
)


@dataclass(frozen=True, slots=True)
class SourceSlice:
    """One image with its plane: LPS position of the first pixel, direction cosines of rows and columns, pixel spacing.

    `lossy` is None where no compression of it was lossy.
    """

    frame: SourceFrame
    position_mm: Triple
    orientation: tuple[float, ...]
    spacing_yx_mm: tuple[float, float]
    thickness_mm: float | None
    shape_yx: tuple[int, int]
    lossy: LossyHistory | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PhaseSources:
    """The images behind the masks, slice by slice in the order of `in_image_axes`.

    `header` has the attributes of patient and study; `distance_mm` is that of the slices; `notes` are sentences for the user;
    `position_reference` is the anatomical point of the frame of reference, empty where it is unknown.
    """

    header: Dataset
    study_uid: str
    frame_of_reference_uid: str
    slices: Mapping[Phase, tuple[SourceSlice, ...]]
    distance_mm: float
    order: AxisOrder
    notes: tuple[str, ...] = ()
    position_reference: str = ""

    def in_image_axes(self, mask: Mask) -> Mask:
        """A (z, y, x) mask of the study as rows and columns of the images, `mask[i]` on image i."""
        return np.ascontiguousarray(self.order.undo(mask))


def check_has_sources(study: CineStudy) -> DicomSource:
    """The source of a study that DICOM objects can refer to; raises `InputError` with the reason where there is none."""
    source = study.source
    if source is None:
        raise InputError(
            "the study was not read from DICOM, so there are no images that a DICOM segmentation could refer to; expected a "
            "DICOM study, or --dicom-template with a DICOM file of the same patient"
        )
    frames = {frame for phase in source.frames for frame in phase}
    whole = all(frame.sop_instance_uid and frame.series_uid and UID(frame.sop_class_uid).keyword for frame in frames)
    if not (source.study_uid and whole):
        raise InputError(
            "the source images lack UIDs of study, series, instance or a standard SOP class, so that nothing can refer to "
            "them; expected images as an archive has them; export them again"
        )
    return source


def read_sources(study: CineStudy, frames: Mapping[Phase, int]) -> PhaseSources:
    """The images behind the `frames` of `study`, whose headers are read again and must still be those that were analysed.

    Raises `InputError` where the study names none, and where an image is gone, is another one, or lies elsewhere.
    """
    source = check_has_sources(study)
    files: dict[Path, Dataset] = {}
    order = study.stored.order
    slices: dict[Phase, tuple[SourceSlice, ...]] = {}
    for phase, t in frames.items():
        listed = source.frames[t][::-1] if order.flips[2] else source.frames[t]
        slices[phase] = tuple(_slice(frame, _header(frame, source, files)) for frame in listed)
        _check_place(slices[phase], study.stored.geometry)
    reference = source.frame_of_reference_uid
    header = next(iter(files.values()))
    return PhaseSources(
        header,
        source.study_uid,
        reference
        or stable_uid("frame of reference", source.study_uid, *sorted({f.series_uid for p in source.frames for f in p})),
        slices,
        study.stored.geometry.spacing_xyz_mm[2],
        order,
        () if reference else (_OWN_REFERENCE,),
        View((header,)).text("PositionReferenceIndicator") if reference else "",
    )


def _header(frame: SourceFrame, source: DicomSource, files: dict[Path, Dataset]) -> Dataset:
    """The header of the frame's file, which must be the instance that was read before."""
    path = source.folder / frame.file
    if path not in files:
        try:
            files[path] = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        except Exception as error:  # pydicom raises many kinds for a damaged file
            raise InputError(
                "a source image can no longer be read where the study was read from; expected the unchanged study; "
                "put it back, or run the study again from where it lies now"
            ) from error
    view = View((files[path],))
    if (view.text("SOPInstanceUID"), view.text("StudyInstanceUID")) != (frame.sop_instance_uid, source.study_uid):
        raise _changed()
    return files[path]


def _slice(frame: SourceFrame, header: Dataset) -> SourceSlice:
    views = frame_views(header)
    number = (frame.frame_number or 1) - 1
    if frame.frame_number is not None and number >= len(views):
        raise _changed()
    view = View((header,)) if frame.frame_number is None else views[number]
    position, orientation, spacing = (
        view.numbers(keyword) for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    )
    if (len(position), len(orientation), len(spacing)) != (3, 6, 2):
        raise _changed()
    return SourceSlice(
        frame,
        (position[0], position[1], position[2]),
        orientation,
        (spacing[0], spacing[1]),
        view.number("SliceThickness"),
        (view.whole("Rows") or 0, view.whole("Columns") or 0),
        lossy_history(view),
    )


def _check_place(slices: Sequence[SourceSlice], geometry: Geometry) -> None:
    """Raise `InputError` where the images do not lie on the grid that was analysed."""
    columns, rows, count = geometry.size_xyz
    if len(slices) != count:
        raise _changed()
    for index, piece in enumerate(slices):
        expected = (geometry.index_to_lps @ [0, 0, index, 1])[:3]
        axes = np.reshape(piece.orientation, (2, 3)) - geometry.direction_matrix[:, :2].T
        spacing = np.subtract(piece.spacing_yx_mm, geometry.spacing_xyz_mm[1::-1])
        apart_mm = float(np.linalg.norm(expected - piece.position_mm))
        same = piece.shape_yx == (rows, columns) and np.abs(axes).max() < 0.02 and np.abs(spacing).max() < 0.01
        if not same or apart_mm > _TOLERANCE_MM:
            raise _changed()


def _changed() -> InputError:
    return InputError(
        "a source image is not the one that was analysed any more (its UIDs or its place differ); expected the unchanged "
        "study; run the study again"
    )
