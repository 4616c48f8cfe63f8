"""One DICOM file becomes the frames in it, or the reason why it has none that can be used."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import cast

import numpy as np
import pydicom
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
)

from CardiacMTLLib.geometry import Triple
from CardiacMTLLib.reading.dicom.content import content_of, encodes_velocity
from CardiacMTLLib.reading.dicom.frame import DicomFrame, Person, Pixels, Scale
from CardiacMTLLib.reading.dicom.functional_groups import frame_views
from CardiacMTLLib.reading.dicom.values import View

_MR_CLASSES = (MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage)

_ENHANCED_TIMES = ("NominalCardiacTriggerDelayTime", "TriggerTime", "ActualCardiacTriggerDelayTime")
_CLASSIC_TIMES = ("TriggerTime", "NominalCardiacTriggerDelayTime")
"""Times after the R wave, the usual one of each kind of object first."""

_OVERLAY_GROUPS = range(0x6000, 0x6020, 2)
"""Groups of overlay planes (PS3.3 C.9.2); element 3000 holds the plane."""

_DEFERRED_BYTES = 4096
"""Elements longer than this are left in the file while headers are read."""


class Refusal(StrEnum):
    """Why a file holds no image of a cine, in words for the user."""

    DAMAGED = "truncated or damaged"
    NO_IMAGE = "without an image, such as reports"
    ENCRYPTED = "encrypted"
    NOT_MR = "not MR"
    COLOUR = "in colour"
    NO_PLACE = "without position or orientation"
    NO_SPACING = "without a pixel spacing above zero"


@dataclass(frozen=True, slots=True)
class FileFrames:
    """The frames of one file, or the reason for having none; `modality` is the file's, empty where it names none."""

    frames: tuple[DicomFrame, ...] = ()
    refusal: Refusal | None = None
    modality: str = ""


def read_frames(path: Path) -> FileFrames:
    """The frames of the DICOM file at `path`; pixels stay in the file. Raises nothing for a file that is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path, defer_size=_DEFERRED_BYTES, force=True)
            refusal = _refusal(data, path)
            modality = View((data,)).text("Modality")
            return FileFrames((), refusal, modality) if refusal else _frames(data, path, modality)
    except Exception:  # noqa: BLE001 - pydicom raises any kind of error on a damaged file, which then is left out by name
        return FileFrames(refusal=Refusal.DAMAGED)


def _refusal(data: Dataset, path: Path) -> Refusal | None:
    view = View((data,))
    if "PixelData" not in data or not view.whole("Rows") or not view.whole("Columns"):
        if view.has("EncryptedAttributesSequence"):
            return Refusal.ENCRYPTED
        return Refusal.NO_IMAGE if len(data) > 1 else Refusal.DAMAGED
    if view.text("Modality").upper() != "MR" and view.text("SOPClassUID") not in _MR_CLASSES:
        return Refusal.NOT_MR
    if view.whole("SamplesPerPixel") not in (None, 1) or not view.text("PhotometricInterpretation").startswith("MONOCHROME"):
        return Refusal.COLOUR
    return None if _pixels_fit(data, view, path) else Refusal.DAMAGED


def _pixels_fit(data: Dataset, view: View, path: Path) -> bool:
    """Whether uncompressed pixels are there in full, and not twice or more: judged by lengths, without reading them."""
    if (view.whole("BitsAllocated") or 0) not in (8, 16, 32):
        return False
    syntax = _pixels(data, view).transfer_syntax
    element = cast(RawDataElement, data.get_item("PixelData", keep_deferred=True))
    if syntax not in (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian):
        return True
    pixels = (view.whole("Rows") or 0) * (view.whole("Columns") or 0) * max(view.whole("NumberOfFrames") or 1, 1)
    needed = pixels * (view.whole("BitsAllocated") or 0) // 8
    return needed <= element.length < max(2 * needed, needed + 2) and element.value_tell + element.length <= path.stat().st_size


def _frames(data: Dataset, path: Path, modality: str) -> FileFrames:
    frames: list[DicomFrame] = []
    refusals: list[Refusal] = []
    for number, view in _numbered(data):
        place = _place(view)
        spacing = view.numbers("PixelSpacing")
        if place is None:
            refusals.append(Refusal.NO_PLACE)
        elif len(spacing) != 2 or min(spacing) <= 0:
            refusals.append(Refusal.NO_SPACING)
        else:
            frames.append(_frame(data, view, path, number, place, (spacing[0], spacing[1])))
    return FileFrames(tuple(frames), refusals[0] if refusals and not frames else None, modality)


def _numbered(data: Dataset) -> Iterator[tuple[int | None, View]]:
    """Number and header of each frame; a multi-frame object without functional groups gives no frame a place of its own."""
    views = frame_views(data)
    if views:
        yield from enumerate(views, start=1)
    elif (View((data,)).whole("NumberOfFrames") or 1) > 1:
        yield 1, View(())
    else:
        yield None, View((data,))


def _place(view: View) -> tuple[Triple, Triple, Triple] | None:
    """Position, row and column direction, or None where they are missing or no plane."""
    position, cosines = view.numbers("ImagePositionPatient"), view.numbers("ImageOrientationPatient")
    if len(position) != 3 or len(cosines) != 6:
        return None
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(abs(1 - length) for length in lengths) > 0.01 or abs(row @ column) > 0.01:
        return None
    return (position[0], position[1], position[2]), _unit(row), _unit(column)


def _unit(vector: np.ndarray) -> Triple:
    x, y, z = (float(value) for value in vector / np.linalg.norm(vector))
    return x, y, z


def _frame(
    data: Dataset,
    view: View,
    path: Path,
    number: int | None,
    place: tuple[Triple, Triple, Triple],
    spacing_yx_mm: tuple[float, float],
) -> DicomFrame:
    position, row, column = place
    return DicomFrame(
        path=path,
        number=number,
        sop_class_uid=view.text("SOPClassUID"),
        sop_instance_uid=view.text("SOPInstanceUID"),
        study_uid=view.text("StudyInstanceUID"),
        series_uid=view.text("SeriesInstanceUID"),
        frame_of_reference_uid=view.text("FrameOfReferenceUID"),
        series_number=view.whole("SeriesNumber"),
        instance_number=view.whole("InstanceNumber"),
        shape_yx=(view.whole("Rows") or 0, view.whole("Columns") or 0),
        spacing_yx_mm=spacing_yx_mm,
        position_mm=position,
        row=row,
        column=column,
        content=content_of(view),
        encodes_velocity=encodes_velocity(view),
        has_overlay=any((group, 0x3000) in data for group in _OVERLAY_GROUPS),
        technique="/".join(sorted(view.words("ScanningSequence"))),
        echo_time_ms=_first(view, "EffectiveEchoTime", "EchoTime"),
        thickness_mm=_first(view, "SpacingBetweenSlices", "SliceThickness"),
        stated_slice=_first(view, "SliceLocation", "InStackPositionNumber"),
        trigger_time_ms=_first(view, *(_CLASSIC_TIMES if number is None else _ENHANCED_TIMES)),
        phase_number=_phase_number(view),
        acquired_s=next(filter(None, map(view.seconds, ("FrameAcquisitionDateTime", "AcquisitionTime"))), None),
        interval_ms=_first(view, "RRIntervalTimeNominal", "NominalInterval") or None,
        heart_rate_bpm=view.number("HeartRate") or None,
        scale=_scale(view),
        pixels=_pixels(data, view),
        person=Person(view.number("PatientSize"), view.number("PatientWeight"), view.text("PatientSex").strip().upper()),
    )


def _first(view: View, *keywords: str) -> float | None:
    return next((value for keyword in keywords if (value := view.number(keyword)) is not None), None)


def _phase_number(view: View) -> int | None:
    """Rank of the frame among the times of its slice; standard elements first, then those of GE and Philips."""
    number = _first(view, "TemporalPositionIndex", "TemporalPositionIdentifier")
    if number is None:
        number = view.private(0x2001, "Philips Imaging DD 001", 0x08)
    if number is None:
        number = view.private(0x0019, "GEMS_ACQU_01", 0xD7)
    return None if number is None else int(number)


def _scale(view: View) -> Scale:
    slope = view.number("RescaleSlope") or 1.0
    return Scale(slope, view.number("RescaleIntercept") or 0.0, view.private(0x2005, "Philips MR Imaging DD 001", 0x0E) or 0.0)


def _pixels(data: Dataset, view: View) -> Pixels:
    bits = view.whole("BitsAllocated") or 16
    meta = getattr(data, "file_meta", Dataset())
    syntax = str(meta.get("TransferSyntaxUID", "") or "")
    if not syntax:
        implicit, little = data.original_encoding
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    return Pixels(
        dtype=f"{'i' if view.whole('PixelRepresentation') else 'u'}{bits // 8}",
        bits=view.whole("BitsStored") or bits,
        inverted=view.text("PhotometricInterpretation") == "MONOCHROME1",
        transfer_syntax=str(syntax),
        has_file_meta="TransferSyntaxUID" in meta,
    )
