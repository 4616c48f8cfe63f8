"""Phantom cines as DICOM files, each as one vendor's scanners write them (docs/reading-dicom.md names the sources)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import PhantomGrid, PhantomStudy, anatomy_of, make_phantom
from CardiacMTLLib.volume import CineStudy

GRID = PhantomGrid(size_xyz=(44, 36, 5), spacing_xyz_mm=(4.5, 5.0, 18.0), heart_xy_mm=(-4.0, 6.0), above_base_mm=10.0)
"""Oblong pixels and an oblong matrix: exchanged axes show."""

THICKNESS_MM = 6.0
"""Stated slice thickness: a third of the distance of the slices."""

SERIES_NUMBER = 7

Change = Callable[[Dataset, int, int], Dataset | None]
"""Edits the header at phase t and slice z (file's order), or leaves the image out by returning None."""


@cache
def phantom(n_frames: int = 8) -> PhantomStudy:
    """A small beating heart."""
    return make_phantom(anatomy_of(Group.NOR), GRID, n_frames=n_frames)


@dataclass(frozen=True, slots=True)
class Shot:
    """One image of a study in the file's own axes: phase, slice, pixels (y, x) and the LPS position of the first one."""

    t: int
    z: int
    pixels: np.ndarray
    position_mm: np.ndarray


def shots(study: CineStudy) -> Iterator[Shot]:
    """All images, slice by slice."""
    grid = study.stored.geometry
    stored = study.stored.order.undo(study.frames)
    for z in range(stored.shape[1]):
        position = (grid.index_to_lps @ [0, 0, z, 1])[:3]
        for t in range(stored.shape[0]):
            yield Shot(t, z, stored[t, z], position)


def uid(*parts: object) -> str:
    """The same UID for the same parts."""
    return generate_uid(entropy_srcs=[str(part) for part in parts])


def write(data: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    """Save `data` as a DICOM file with preamble and file meta information."""
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.file_meta.MediaStorageSOPClassUID = data.get("SOPClassUID", MRImageStorage)
    data.file_meta.MediaStorageSOPInstanceUID = data.get("SOPInstanceUID", uid(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def set_pixels(data: Dataset, pixels: np.ndarray, syntax: str = ExplicitVRLittleEndian) -> None:
    """Put int16, uint16 or uint8 `pixels` ((t, y, x) or (y, x)) and what describes them into `data`."""
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = pixels.shape[-2:]
    data.BitsAllocated = data.BitsStored = 8 * pixels.dtype.itemsize
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(pixels.dtype.kind == "i")
    order = ">" if syntax == ExplicitVRBigEndian else "<"
    data.add_new(
        "PixelData", "OB" if pixels.dtype.itemsize == 1 else "OW", pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    )


def orientation(study: CineStudy) -> list[float]:
    """ImageOrientationPatient of a study's own grid, with the six decimals of real headers."""
    direction = study.stored.geometry.direction_matrix
    return [round(float(value), 6) for value in (*direction[:, 0], *direction[:, 1])]


def header(study: CineStudy, shot: Shot, series: int = SERIES_NUMBER) -> Dataset:
    """What every vendor's classic MR image says, with a series for all slices."""
    grid = study.stored.geometry
    data = Dataset()
    data.SOPClassUID = MRImageStorage
    data.SOPInstanceUID = uid("image", series, shot.t, shot.z)
    data.StudyInstanceUID, data.SeriesInstanceUID = uid("study"), uid("series", series)
    data.FrameOfReferenceUID = uid("frame of reference")
    data.Modality, data.SeriesNumber = "MR", series
    data.ImageType = ["ORIGINAL", "PRIMARY"]
    data.PatientName, data.PatientID = "Doe^Jane", "12345"
    data.InstanceNumber = 1 + shot.z * len(study.frames) + shot.t
    data.ImagePositionPatient = [round(float(value), 5) for value in shot.position_mm]
    data.ImageOrientationPatient = orientation(study)
    data.PixelSpacing = [grid.spacing_xyz_mm[1], grid.spacing_xyz_mm[0]]
    data.SliceThickness, data.EchoTime = THICKNESS_MM, 1.5
    data.ScanningSequence, data.SequenceVariant = "GR", "SS"
    return data


def beat_ms(z: int) -> float:
    """Length of the heart beat while slice `z` was acquired: another one in each breath-hold."""
    return 800.0 + 15 * ((3 * z) % 5)


def siemens(study: CineStudy, shot: Shot) -> Dataset:
    """One series a slice, numbered as acquired, not as placed; gated in retrospect, times from the middle of the first step."""
    number = 20 + 2 * ((3 * shot.z) % study.frames.shape[1])
    data = header(study, shot, number)
    data.Manufacturer = "SIEMENS"
    data.ImageType = ["ORIGINAL", "PRIMARY", "M", "RETRO", "NORM", "DIS2D"]
    data.SequenceName, data.SeriesDescription = "*tfi2d1_15", "cine_sa_local_shim"
    data.InstanceNumber = shot.t + 1
    data.CardiacNumberOfImages, data.NominalInterval = len(study.frames), round(beat_ms(shot.z))
    data.TriggerTime = round((shot.t + 0.5) / len(study.frames) * beat_ms(shot.z), 1)
    set_pixels(data, shot.pixels.astype(np.uint16))
    return data


def philips(study: CineStudy, shot: Shot) -> Dataset:
    """One series, instance numbers without order, a rescale slope and a private scale slope that differ between images."""
    data = header(study, shot)
    data.Manufacturer = "Philips Medical Systems"
    data.ImageType = ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"]
    data.InstanceNumber = 1 + (7 * (shot.z * len(study.frames) + shot.t)) % 41
    data.TriggerTime = round(shot.t / len(study.frames) * 900.0, 1)
    data.HeartRate = 67
    data.RescaleSlope, data.RescaleIntercept = 1.5 + 0.5 * (shot.z % 2), 0
    block = data.private_block(0x2005, "Philips MR Imaging DD 001", create=True)
    block.add_new(0x0E, "FL", 0.25)
    set_pixels(data, philips_stored(shot))
    return data


def philips_stored(shot: Shot) -> np.ndarray:
    """Stored values of a slice whose signal, stored / 0.25, is the phantom's up to rounding."""
    return np.rint(shot.pixels * 0.25).astype(np.uint16)


def ge(study: CineStudy, shot: Shot) -> Dataset:
    """One series, another heart beat and so other trigger times in each slice, a slice location along the table's axis."""
    data = header(study, shot)
    data.Manufacturer = "GE MEDICAL SYSTEMS"
    data.ImageType = ["ORIGINAL", "PRIMARY", "CARDIAC", "NONE"]
    data.SliceLocation = round(float(shot.position_mm[2]), 3)
    data.CardiacNumberOfImages, data.NominalInterval = len(study.frames), round(beat_ms(shot.z))
    data.TriggerTime = round((shot.t + 0.5) / len(study.frames) * beat_ms(shot.z), 6)
    data.HeartRate = round(60000 / beat_ms(shot.z))
    set_pixels(data, shot.pixels)
    return data


def canon(study: CineStudy, shot: Shot) -> Dataset:
    """One series, public elements only, phase by phase."""
    data = header(study, shot)
    data.Manufacturer = "CANON_MEC"
    data.InstanceNumber = 1 + shot.t * study.frames.shape[1] + shot.z
    data.TriggerTime = round(shot.t / len(study.frames) * 850.0)
    set_pixels(data, shot.pixels)
    return data


CONVENTIONS = {
    "Siemens": (siemens, ExplicitVRLittleEndian),
    "Philips": (philips, ImplicitVRLittleEndian),
    "GE": (ge, ExplicitVRLittleEndian),
    "GE big endian": (ge, ExplicitVRBigEndian),
    "Canon": (canon, ExplicitVRLittleEndian),
}
"""Header and transfer syntax of each convention of single-frame files."""


def write_classic(
    folder: Path, convention: str = "GE", *, change: Change | None = None, study: CineStudy | None = None, prefix: str = "IM"
) -> Path:
    """Write a study as single-frame files, named without order; returns `folder`."""
    make, syntax = CONVENTIONS[convention]
    study = study or phantom().study
    for shot in shots(study):
        data = make(study, shot)
        if syntax == ExplicitVRBigEndian:
            set_pixels(data, shot.pixels, syntax)
        changed = data if change is None else change(data, shot.t, shot.z)
        if changed is not None:
            name = f"{prefix}{(13 * (shot.z * len(study.frames) + shot.t)) % 997:04d}"
            write(changed, folder / name, syntax)
    return folder


def _item(**elements: object) -> Dataset:
    data = Dataset()
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    return data


def enhanced(study: CineStudy | None = None, listed: list[Shot] | None = None) -> Dataset:
    """An enhanced MR object as Philips writes it: phases of a slice together, slices from the last to the first.

    It holds the `listed` images of the study, or all. The private copy of the classic header lies half a voxel off.
    """
    study = study or phantom().study
    grid = study.stored.geometry
    listed = listed or sorted(shots(study), key=lambda shot: (-shot.z, shot.t))
    data = header(study, listed[0])
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "EchoTime"):
        delattr(data, keyword)
    data.SOPClassUID, data.SOPInstanceUID = EnhancedMRImageStorage, uid("enhanced")
    data.Manufacturer = "Philips Medical Systems"
    data.ImageType = ["ORIGINAL", "PRIMARY", "CARDIAC", "NONE"]
    data.NumberOfFrames = len(listed)
    shared = Dataset()
    shared.PlaneOrientationSequence = Sequence([_item(ImageOrientationPatient=orientation(study))])
    shared.PixelMeasuresSequence = Sequence(
        [_item(PixelSpacing=[grid.spacing_xyz_mm[1], grid.spacing_xyz_mm[0]], SliceThickness=THICKNESS_MM)]
    )
    shared.MREchoSequence = Sequence([_item(EffectiveEchoTime=1.5)])
    data.SharedFunctionalGroupsSequence = Sequence([shared])
    data.PerFrameFunctionalGroupsSequence = Sequence([_frame_groups(study, shot) for shot in listed])
    set_pixels(data, np.stack([(shot.pixels // 2).astype(np.uint16) for shot in listed]))
    return data


def _frame_groups(study: CineStudy, shot: Shot) -> Dataset:
    position = [round(float(value), 5) for value in shot.position_mm]
    groups = Dataset()
    groups.PlanePositionSequence = Sequence([_item(ImagePositionPatient=position)])
    groups.FrameContentSequence = Sequence([_item(TemporalPositionIndex=shot.t + 1, InStackPositionNumber=shot.z + 1)])
    groups.CardiacSynchronizationSequence = Sequence(
        [
            _item(
                NominalCardiacTriggerDelayTime=shot.t / len(study.frames) * beat_ms(shot.z),
                RRIntervalTimeNominal=beat_ms(shot.z),
            )
        ]
    )
    groups.PixelValueTransformationSequence = Sequence([_item(RescaleSlope=2.0, RescaleIntercept=0.0)])
    groups.MRImageFrameTypeSequence = Sequence(
        [_item(FrameType=["ORIGINAL", "PRIMARY", "CARDIAC", "NONE"], ComplexImageComponent="MAGNITUDE")]
    )
    block = groups.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
    block.add_new(0x0F, "SQ", Sequence([_item(ImagePositionPatient=[value + 2.25 for value in position])]))
    return groups


def write_enhanced(path: Path, change: Callable[[Dataset], None] | None = None) -> Path:
    """Write the enhanced object as one file."""
    data = enhanced()
    if change is not None:
        change(data)
    return write(data, path)


def write_enhanced_parts(folder: Path, part: Callable[[Shot], int], change: Callable[[Dataset], None] | None = None) -> Path:
    """Enhanced objects without Philips' elements, one for the images of each value of `part`; all in one series."""
    parts: dict[int, list[Shot]] = defaultdict(list)
    for shot in shots(phantom().study):
        parts[part(shot)].append(shot)
    for number, listed in parts.items():
        data = enhanced(listed=listed)
        data.Manufacturer, data.SOPInstanceUID, data.InstanceNumber = "SIEMENS", uid("part", number), number + 1
        for groups in data.PerFrameFunctionalGroupsSequence:
            groups.remove_private_tags()
        if change is not None:
            change(data)
        write(data, folder / f"part{number:02d}.dcm")
    return folder


def long_axis(folder: Path, series: int = 30, n_frames: int = 8) -> Path:
    """One long-axis cine: its plane holds the heart's axis."""
    study = phantom().study
    normal = study.stored.geometry.direction_matrix[:, 2]
    row = study.stored.geometry.direction_matrix[:, 0]
    for shot in shots(study):
        if shot.z != 2 or shot.t >= n_frames:
            continue
        data = header(study, shot, series)
        data.ImageOrientationPatient = [round(float(value), 6) for value in (*row, *normal)]
        data.TriggerTime = 100.0 * shot.t
        set_pixels(data, shot.pixels)
        write(data, folder / f"LA{series}_{shot.t:02d}")
    return folder


def localisers(folder: Path, series: int = 1) -> Path:
    """Three single images, square to one another."""
    study = phantom().study
    shot = next(shots(study))
    for number, axes in enumerate(((1, 0, 0, 0, 1, 0), (0, 1, 0, 0, 0, -1), (1, 0, 0, 0, 0, -1))):
        data = header(study, shot, series)
        data.SOPInstanceUID, data.InstanceNumber = uid("localiser", number), number + 1
        data.ImageOrientationPatient = list(axes)
        set_pixels(data, shot.pixels)
        write(data, folder / f"LOC{number}")
    return folder
