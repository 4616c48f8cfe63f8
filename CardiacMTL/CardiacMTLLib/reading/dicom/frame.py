"""`DicomFrame`: what the reader needs to know of one frame, before any pixel is read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.geometry import Triple


class Content(StrEnum):
    """What a frame shows, in words for the user; only `ANATOMY` can be a cine of the heart."""

    ANATOMY = "magnitude images"
    FLOW = "flow or phase images"
    INVERSION = "images after an inversion pulse, such as late enhancement or T1 mapping"
    TAGGING = "tagged images"
    PERFUSION = "perfusion images"
    LOCALISER = "localisers"
    COMPUTED = "computed images, such as maps and reformatted views"


@dataclass(frozen=True, slots=True)
class Scale:
    """How stored values become grey values: value = stored * `slope` + `intercept`.

    `precise` is Philips' scale slope (2005,100E), 0 where there is none: the signal is then value / (slope * precise).
    Source: Chenevert et al., Translational Oncology 7(1):65-71, 2014, doi 10.1593/tlo.13811.
    """

    slope: float = 1.0
    intercept: float = 0.0
    precise: float = 0.0

    @property
    def is_identity(self) -> bool:
        """Whether stored values are grey values."""
        return (self.slope, self.intercept) == (1.0, 0.0)


@dataclass(frozen=True, slots=True)
class Pixels:
    """How the pixels of a frame are stored. `bits` are those that count, `inverted` is MONOCHROME1."""

    dtype: str
    bits: int
    inverted: bool
    transfer_syntax: str
    has_file_meta: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Body size and sex as the header has them, unchecked: metres, kilograms, one letter."""

    size_m: float | None = None
    weight_kg: float | None = None
    sex: str = ""


@dataclass(frozen=True, slots=True)
class DicomFrame:
    """One frame of one file. `number` counts from 1 within a multi-frame object and is None in a single-frame one.

    `row` and `column` are the LPS directions in which the column and the row index grow (PS3.3 C.7.6.2.1.1), `position_mm` is
    the centre of the first pixel; `trigger_time_ms` is the time after the R wave, `interval_ms` the length of the heart beat,
    `phase_number` the frame's rank among the times of its slice, `acquired_s` the time of day. `stated_slice` tells slices
    apart and no more: SliceLocation, or the number within the stack of an enhanced object. `has_overlay` is whether lines are
    drawn over the image, in a plane of their own.
    """

    path: Path
    number: int | None
    sop_class_uid: str
    sop_instance_uid: str
    study_uid: str
    series_uid: str
    frame_of_reference_uid: str
    series_number: int | None
    instance_number: int | None
    shape_yx: tuple[int, int]
    spacing_yx_mm: tuple[float, float]
    position_mm: Triple
    row: Triple
    column: Triple
    content: Content
    encodes_velocity: bool
    has_overlay: bool
    technique: str
    echo_time_ms: float | None
    thickness_mm: float | None
    stated_slice: float | None
    trigger_time_ms: float | None
    phase_number: int | None
    acquired_s: float | None
    interval_ms: float | None
    heart_rate_bpm: float | None
    scale: Scale
    pixels: Pixels
    person: Person

    @property
    def normal(self) -> NDArray[np.float64]:
        """Unit normal of the slice, so that row, column and normal are right-handed."""
        normal = np.cross(self.row, self.column)
        return np.asarray(normal / np.linalg.norm(normal), dtype=float)

    @property
    def order(self) -> tuple[int, int, str, int]:
        """Where the frame stands where nothing better is known: by series, instance, file name, number in the file."""
        return self.series_number or 0, self.instance_number or 0, self.path.as_posix(), self.number or 0
