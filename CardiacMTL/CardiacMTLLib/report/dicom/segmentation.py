"""`build_segmentation`: the mask of one phase as a DICOM segmentation that refers to the images it was drawn on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.color import CIELabColor
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentationTypeValues, SegmentDescription
from highdicom.seg import Segmentation as HighdicomSegmentation
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code as DicomCode
from pydicom.uid import MRImageStorage
from pydicom.valuerep import DS

from CardiacMTLLib import __version__
from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.recompute import CORRECTED
from CardiacMTLLib.report.dicom.lossy import state_lossy
from CardiacMTLLib.report.dicom.patient_study import copy_patient, copy_study, copy_trial_series
from CardiacMTLLib.report.dicom.sources import PhaseSources, SourceSlice
from CardiacMTLLib.report.dicom.stamp import UNSTAMPED, stamp
from CardiacMTLLib.report.dicom.uids import stable_uid
from CardiacMTLLib.terms import Code, structure_terms

MANUFACTURER = "CardiacMTL"

_LABELS = (Label.RV, Label.MYOCARDIUM, Label.LV)
_SERIES_NUMBERS = {Phase.ED: 9101, Phase.ES: 9102}
_PHASE_WORDS = {Phase.ED: "end-diastole", Phase.ES: "end-systole"}


@dataclass(frozen=True, slots=True, eq=False)
class BuiltSegmentation:
    """A segmentation, the number of each structure that is in it, and a sentence for each that is not."""

    data: Dataset
    numbers: Mapping[Label, int]
    notes: tuple[str, ...]


def build_segmentation(analysis: Analysis, phase: Phase, sources: PhaseSources) -> BuiltSegmentation | None:
    """The segmentation of `phase`; None where no structure was found.

    Segments are numbered 1 RV, 2 myocardium, 3 LV; one without a voxel is left out and the next move up, as numbers must be
    consecutive. The same content gives the same UIDs.
    """
    mask = sources.in_image_axes(analysis.masks[phase])
    present = [label for label in _LABELS if (mask == label).any()]
    if not present:
        return None
    numbers = {label: number for number, label in enumerate(present, start=1)}
    ranks = np.zeros(len(Label), np.uint8)
    ranks[list(numbers)] = list(numbers.values())
    slices = sources.slices[phase]
    images = [_stub(sources, piece, index) for index, piece in enumerate(slices)]
    frame_number = analysis.study.frame_number(analysis.frames[phase])
    data = HighdicomSegmentation(
        images,
        ranks[mask],
        SegmentationTypeValues.BINARY,
        [_description(analysis, phase, label, number, sources.study_uid) for label, number in numbers.items()],
        series_instance_uid=UNSTAMPED,
        series_number=_SERIES_NUMBERS[phase],
        sop_instance_uid=UNSTAMPED,
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=f"{MANUFACTURER} {analysis.model.name}",
        software_versions=__version__,
        device_serial_number=analysis.model.sha256[:16],
        content_label=f"HEART_{phase}",
        content_description=f"RV, LV myocardium, LV at {_PHASE_WORDS[phase]}, frame {frame_number}",
        series_description=f"CardiacMTL segmentation {phase} (research use only)",
    )
    copy_patient(sources.header, data)
    copy_study(sources.header, data)
    copy_trial_series(sources.header, data)
    state_lossy(data, (piece.lossy for piece in slices))
    _refer(data, {image.SOPInstanceUID: piece for image, piece in zip(images, slices, strict=True)})
    _name_dimensions(data)
    stamp(data)
    missing = [structure_terms()[label].name for label in _LABELS if label not in numbers]
    return BuiltSegmentation(data, numbers, tuple(f"{name} has no segment at {phase}: its mask is empty" for name in missing))


def tracking_uid(study_uid: str, phase: Phase, label: Label) -> str:
    """The UID by which a structure at a phase of a study is followed through all its segmentations, corrected ones too."""
    return stable_uid("tracking", study_uid, phase, label.name)


def tracking_name(phase: Phase, label: Label) -> str:
    """Its name, as "ED LV cavity"."""
    return f"{phase} {structure_terms()[label].name}"


def dicom_code(code: Code) -> DicomCode:
    """A code of the terminology as pydicom has it."""
    return DicomCode(code.value, code.scheme, code.meaning)


def is_corrected(analysis: Analysis, phase: Phase) -> bool:
    """Whether a reader corrected the mask of `phase`."""
    return f"{CORRECTED}_{phase.lower()}" in {flag.code for flag in analysis.flags}


def reference_to(frames: Iterable[SourceSlice], *, with_frames: bool = True) -> list[Dataset]:
    """References to the images behind `frames`, one an instance; `with_frames` those of a multi-frame object list numbers."""
    by_instance: dict[tuple[str, str], list[int]] = {}
    for piece in frames:
        numbers = by_instance.setdefault((piece.frame.sop_class_uid, piece.frame.sop_instance_uid), [])
        if piece.frame.frame_number is not None:
            numbers.append(piece.frame.frame_number)
    references = []
    for (class_uid, instance_uid), numbers in by_instance.items():
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = class_uid, instance_uid
        if numbers and with_frames:
            item.ReferencedFrameNumber = sorted(numbers)
        references.append(item)
    return references


def _stub(sources: PhaseSources, piece: SourceSlice, index: int) -> Dataset:
    """The plane of one image as highdicom wants it: a classic image, all of one series; references are put right afterwards."""
    stub = Dataset()
    stub.SOPClassUID, stub.SOPInstanceUID = MRImageStorage, f"2.25.{index + 1}"
    stub.StudyInstanceUID, stub.SeriesInstanceUID = sources.study_uid, "2.25.1"
    stub.FrameOfReferenceUID, stub.Modality = sources.frame_of_reference_uid, "MR"
    stub.PositionReferenceIndicator = sources.position_reference
    stub.PatientID = stub.PatientName = stub.PatientBirthDate = stub.PatientSex = ""
    stub.AccessionNumber = stub.StudyID = ""
    stub.StudyDate = stub.StudyTime = None
    stub.Rows, stub.Columns = piece.shape_yx
    stub.ImagePositionPatient = [DS(value, auto_format=True) for value in piece.position_mm]
    first = next(iter(sources.slices.values()))[0]
    stub.ImageOrientationPatient = [DS(value, auto_format=True) for value in first.orientation]
    stub.PixelSpacing = [DS(value, auto_format=True) for value in first.spacing_yx_mm]
    stub.SliceThickness = DS(first.thickness_mm or sources.distance_mm, auto_format=True)
    stub.SpacingBetweenSlices = DS(sources.distance_mm, auto_format=True)
    return stub


def _description(analysis: Analysis, phase: Phase, label: Label, number: int, study_uid: str) -> SegmentDescription:
    term = structure_terms()[label]
    corrected = is_corrected(analysis, phase)
    return SegmentDescription(
        number,
        term.name,
        dicom_code(term.category),
        dicom_code(term.kind),
        SegmentAlgorithmTypeValues.SEMIAUTOMATIC if corrected else SegmentAlgorithmTypeValues.AUTOMATIC,
        AlgorithmIdentificationSequence(
            analysis.model.name,
            codes.DCM.ArtificialIntelligence,
            f"{analysis.model.version} (CardiacMTL {__version__})",
            source=MANUFACTURER,
            parameters={"weights_sha256": analysis.model.sha256},
        ),
        tracking_uid=tracking_uid(study_uid, phase, label),
        tracking_id=tracking_name(phase, label),
        display_color=CIELabColor.from_rgb(*term.color),
    )


def _refer(data: Dataset, slices: Mapping[str, SourceSlice]) -> None:
    """Put references to the real images in place of those to the stubs."""
    for groups in data.PerFrameFunctionalGroupsSequence:
        for derivation in groups.DerivationImageSequence:
            for image in derivation.SourceImageSequence:
                piece = slices.get(image.ReferencedSOPInstanceUID)
                if piece is not None:  # frames of one slice share the item, which the first of them has put right
                    image.update(reference_to([piece])[0])
    data.SourceImageSequence = DicomSequence(reference_to(slices.values()))
    data.ReferencedSeriesSequence = DicomSequence(_by_series(list(slices.values())))


def _by_series(slices: Sequence[SourceSlice]) -> list[Dataset]:
    items = []
    for uid in dict.fromkeys(piece.frame.series_uid for piece in slices):
        item = Dataset()
        item.SeriesInstanceUID = uid
        members = [piece for piece in slices if piece.frame.series_uid == uid]
        item.ReferencedInstanceSequence = DicomSequence(reference_to(members, with_frames=False))
        items.append(item)
    return items


def _name_dimensions(data: Dataset) -> None:
    """A UID from the frames, which the dimensions order, in place of highdicom's random one."""
    uid = stable_uid("dimensions", *(groups.to_json() for groups in data.PerFrameFunctionalGroupsSequence))
    for item in (*data.DimensionOrganizationSequence, *data.DimensionIndexSequence):
        item.DimensionOrganizationUID = uid
