"""`DicomSource`: which DICOM frames the voxels of a study came from, for exports that have to name them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One DICOM frame: its SOP class and instance, its series, and its file relative to `DicomSource.folder`.

    `frame_number` counts from 1 within a multi-frame object and is None for a single-frame one, as references in DICOM want it.
    """

    sop_class_uid: str
    sop_instance_uid: str
    series_uid: str
    frame_number: int | None
    file: Path


@dataclass(frozen=True, slots=True)
class DicomSource:
    """The frame behind every phase and slice of a study: `frames[t][z]`, in the study's own axes.

    A slice that lacks a phase names the frame that stands in for it. A phase may be empty where its frames are not known:
    of a study found again in a scene only ED and ES are. `folder` is where the files lie; it is kept out of every
    printed form, and nothing of a source goes into a result record. UIDs are empty where the headers
    have none, and the frame of reference also where frames do not agree on one, as after some de-identification.
    """

    study_uid: str
    frame_of_reference_uid: str
    frames: tuple[tuple[SourceFrame, ...], ...]
    folder: Path = field(repr=False)
