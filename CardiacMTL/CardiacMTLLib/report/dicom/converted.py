"""`convert_images`: images that were never DICOM become a series in a new study, so that DICOM objects can refer to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import DS

from CardiacMTLLib import __version__
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import AxisOrder
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.reading.dicom.files import dicom_files
from CardiacMTLLib.reading.dicom.values import View
from CardiacMTLLib.report.dicom.patient_study import copy_patient, copy_time_zone
from CardiacMTLLib.report.dicom.sources import PhaseSources, SourceSlice
from CardiacMTLLib.report.dicom.uids import stable_uid
from CardiacMTLLib.source import SourceFrame
from CardiacMTLLib.volume import CineStudy, Image

IMAGES_FOLDER = "cardiacmtl_images"
"""Folder of the converted images below that of the results."""

_SERIES_NUMBER = 9100
_LARGEST = 4095
"""Grey values that do not fit into 16-bit integers are scaled to 12 bits."""


def check_template(template: Path) -> Dataset:
    """The header of the DICOM file at, or the first one below, `template`; raises `InputError` where there is none."""
    files = dicom_files(template) if template.exists() else ()
    for file in files:
        try:
            header = pydicom.dcmread(file, stop_before_pixels=True, force=True)
        except Exception:  # noqa: BLE001, S112 - pydicom raises many kinds for a damaged file, and the next may be whole
            continue
        if View((header,)).text("PatientID") or View((header,)).text("PatientName"):
            return header
    raise InputError(
        f"{template} holds no DICOM file that names a patient; expected one of the patient whose images these are; "
        "correct --dicom-template"
    )


def convert_images(study: CineStudy, frames: Mapping[Phase, int], template: Path, folder: Path) -> PhaseSources:
    """Write the slices of `study` at `frames` as MR images below `folder`, for the patient of `template`, and name them.

    They make a study of their own: they are no images of the template's examination. Integers of 16 bits stay as they are,
    other grey values are scaled. What nobody knows any more (sequence, times) is left empty; the place is that of the file.
    """
    header = check_template(template)
    pixels = {phase: study.frames[t] for phase, t in frames.items()}
    stored, scaled = _stored(pixels)
    whose = _study_header(header)
    study_uid = stable_uid("converted study", whose.to_json(), *(stored[p].tobytes() for p in stored), repr(study.geometry))
    images: dict[Phase, list[Dataset]] = {}
    times_ms = study.frame_times_ms
    for phase, t in frames.items():
        images[phase] = [_image(study, stored[phase][z], z, whose, study_uid, phase) for z in range(len(stored[phase]))]
        for z, image in enumerate(images[phase]):
            image.InstanceNumber = z + 1 + len(images[phase]) * list(frames).index(phase)
            if times_ms is not None:
                image.TriggerTime = DS(times_ms[t], auto_format=True)
            image.SOPInstanceUID = stable_uid("converted image", image.to_json())
    _save_series(images, folder / IMAGES_FOLDER)
    notes = [
        "the images were converted into a new study of the template's patient; nothing in them tells whether they are of that "
        "patient"
    ]
    if scaled:
        notes.append(f"grey values of the converted images are scaled to 0 to {_LARGEST}")
    return PhaseSources(
        whose,
        study_uid,
        stable_uid("frame of reference", study_uid),
        {phase: tuple(_slice(image, study) for image in images[phase]) for phase in images},
        study.geometry.spacing_xyz_mm[2],
        AxisOrder(),
        tuple(notes),
    )


def _stored(pixels: Mapping[Phase, Image]) -> tuple[dict[Phase, NDArray[np.int16 | np.uint16]], bool]:
    """Grey values as 16-bit integers, the same way at both phases, and whether they had to be scaled."""
    low = min(float(image.min()) for image in pixels.values())
    high = max(float(image.max()) for image in pixels.values())
    whole = all(image.dtype.kind in "biu" for image in pixels.values())
    for dtype in (np.int16, np.uint16):
        if whole and np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return {phase: image.astype(dtype) for phase, image in pixels.items()}, False
    factor = _LARGEST / (high - low) if high > low else 0.0
    return {
        phase: np.rint((image.astype(np.float64) - low) * factor).astype(np.uint16) for phase, image in pixels.items()
    }, True


def _study_header(template: Dataset) -> Dataset:
    """Patient of the template, and a study that says what it is."""
    whose = Dataset()
    copy_patient(template, whose)
    view = View((template,))
    whose.StudyDate, whose.StudyTime = view.text("StudyDate"), view.text("StudyTime")
    copy_time_zone(template, whose)
    whose.ReferringPhysicianName = whose.AccessionNumber = ""
    whose.StudyID = "CARDIACMTL"
    whose.StudyDescription = "CardiacMTL: images converted from a file (research use only)"
    return whose


def _image(
    study: CineStudy, pixels: NDArray[np.int16 | np.uint16], z: int, whose: Dataset, study_uid: str, phase: Phase
) -> Dataset:
    grid = study.geometry
    position = (grid.index_to_lps @ [0, 0, z, 1])[:3]
    image = Dataset()
    image.update(whose)
    image.StudyInstanceUID = study_uid
    image.SOPClassUID = MRImageStorage
    image.SeriesNumber = _SERIES_NUMBER
    image.SeriesDescription = "Images converted from a file: ED and ES"
    image.FrameOfReferenceUID, image.PositionReferenceIndicator = stable_uid("frame of reference", study_uid), ""
    image.Modality, image.PatientPosition, image.BodyPartExamined = "MR", "", "HEART"
    image.Manufacturer, image.SoftwareVersions = "CardiacMTL", __version__
    image.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
    image.DerivationDescription = f"{phase} frame, converted from a file that is not DICOM"
    image.ScanningSequence, image.SequenceVariant = "RM", "NONE"
    image.ScanOptions = image.MRAcquisitionType = ""
    image.RepetitionTime = image.EchoTime = image.EchoTrainLength = None
    image.SliceThickness = DS(grid.spacing_xyz_mm[2], auto_format=True)
    image.SpacingBetweenSlices = DS(grid.spacing_xyz_mm[2], auto_format=True)
    image.PixelSpacing = [DS(value, auto_format=True) for value in grid.spacing_xyz_mm[1::-1]]
    image.ImagePositionPatient = [DS(float(value), auto_format=True) for value in position]
    axes = grid.direction_matrix[:, :2].T.ravel()
    image.ImageOrientationPatient = [DS(float(value), auto_format=True) for value in axes]
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.Rows, image.Columns = pixels.shape
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, int(pixels.dtype.kind == "i")
    image.add_new("PixelData", "OW", pixels.astype(pixels.dtype.newbyteorder("<")).tobytes())
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return image


def _save_series(images: Mapping[Phase, list[Dataset]], folder: Path) -> None:
    """Save the images as one series, whose UID follows from them, in the new `folder`."""
    folder.mkdir()
    uid = stable_uid("converted series", *(image.SOPInstanceUID for made in images.values() for image in made))
    for phase, made in images.items():
        for z, image in enumerate(made):
            image.SeriesInstanceUID = uid
            image.save_as(folder / f"{phase.lower()}_{z + 1:03d}.dcm", enforce_file_format=True)


def _slice(image: Dataset, study: CineStudy) -> SourceSlice:
    frame = SourceFrame(image.SOPClassUID, image.SOPInstanceUID, image.SeriesInstanceUID, None, Path())
    x, y, z = (float(value) for value in image.ImagePositionPatient)
    return SourceSlice(
        frame,
        (x, y, z),
        tuple(float(value) for value in image.ImageOrientationPatient),
        (study.geometry.spacing_xyz_mm[1], study.geometry.spacing_xyz_mm[0]),
        study.geometry.spacing_xyz_mm[2],
        (image.Rows, image.Columns),
    )
