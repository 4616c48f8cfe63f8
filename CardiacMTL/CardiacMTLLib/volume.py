"""`CineStudy`: the one form in which images travel through the library."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.source import DicomSource

Image = NDArray[Any]
"""Intensities, (z, y, x) or (t, z, y, x), of any real dtype."""

Mask = NDArray[np.uint8]
"""Values of `Label`, (z, y, x) or (t, z, y, x)."""


class Sex(StrEnum):
    """Sex as reference ranges need it."""

    MALE = "M"
    FEMALE = "F"


@dataclass(frozen=True, slots=True)
class Patient:
    """What is known of the patient; None where it is not."""

    height_cm: float | None = None
    weight_kg: float | None = None
    sex: Sex | None = None
    heart_rate_bpm: float | None = None

    def __post_init__(self) -> None:
        limits = {"height_cm": (30.0, 260.0), "weight_kg": (1.0, 400.0), "heart_rate_bpm": (20.0, 300.0)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise InputError(f"{name} is {value}; expected {low:g} to {high:g}; correct it or leave it out")


@dataclass(frozen=True, slots=True)
class StoredGrid:
    """How the study lay in its file: the file's own geometry, and the order that turns it into the study's.

    `time_step` and `time_origin` are spacing and origin of a file's fourth axis, as the file has them.
    """

    geometry: Geometry
    order: AxisOrder
    time_step: float = 1.0
    time_origin: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class CineStudy:
    """A short-axis study: one stack of parallel slices at one or more times.

    `frames` is (t, z, y, x) in standard axes (`geometry.standard_order`), z the slice axis; `geometry` is that of every
    frame; `stored` leads back to the file's own grid. `ed_frame` and `es_frame` count from 0. `frame_times_ms` are the
    times after the R wave, one a frame. `warnings` are sentences for the user about what was mended while reading. `source`
    names the DICOM frames behind the voxels, where the study comes from DICOM. `out_of_scope` is the reason why the headers
    already say that the images are no short-axis stack of a heart: then nothing is measured. `frame_numbers` are the numbers,
    counted from 1, that the frames have in a longer cine of which the study holds some; None where it holds 1, 2, 3 and so on.

    Raises `InputError` for frames that are not four-dimensional real numbers, for values that are not finite, for phases
    outside the study or at one frame, and for `frame_numbers` that are not one a frame, from 1 and all different.
    """

    frames: Image
    geometry: Geometry
    stored: StoredGrid
    frame_times_ms: tuple[float, ...] | None = None
    ed_frame: int | None = None
    es_frame: int | None = None
    patient: Patient = field(default_factory=Patient)
    warnings: tuple[str, ...] = ()
    source: DicomSource | None = None
    out_of_scope: str | None = None
    frame_numbers: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.frames.ndim != 4 or len(self.frames) < 1 or self.frames.shape[1:] != self.geometry.shape_zyx:
            raise InputError(
                f"frames have shape {self.frames.shape}; expected (t, z, y, x) with t of at least 1 "
                f"and (z, y, x) = {self.geometry.shape_zyx}; give the frames the shape of their grid"
            )
        if self.frames.dtype.kind not in "biuf":
            raise InputError(f"voxels are of type {self.frames.dtype}; expected real numbers; convert the image to grey values")
        if self.frames.dtype.kind == "f":
            bad = int(self.frames.size - np.isfinite(self.frames).sum())
            if bad:
                raise InputError(
                    f"{bad} voxels are NaN or infinite; expected finite intensities; repair the image and try again"
                )
        for name in ("ed_frame", "es_frame"):
            number = getattr(self, name)
            if number is not None and not 0 <= number < len(self.frames):
                raise InputError(
                    f"{name} is {number} (counted from 0) but the study has {len(self.frames)} frames; correct the frame number"
                )
        if self.ed_frame is not None and self.ed_frame == self.es_frame:
            raise InputError(
                f"ED and ES are both frame {self.ed_frame} (counted from 0); expected two frames; correct the frame numbers"
            )
        if self.frame_times_ms is not None and len(self.frame_times_ms) != len(self.frames):
            raise InputError(
                f"{len(self.frame_times_ms)} frame times for {len(self.frames)} frames; expected one a frame; "
                "leave them out where unknown"
            )
        numbers = self.frame_numbers
        if numbers is not None and (len(set(numbers)) < len(numbers) or len(numbers) != len(self.frames) or min(numbers) < 1):
            raise InputError(
                f"the numbers {numbers} for {len(self.frames)} frames; expected one a frame, from 1 and all different; "
                "leave them out where unknown"
            )

    def frame_of(self, phase: Phase) -> int | None:
        """Index of the frame at `phase`, or None where it is not known."""
        return self.ed_frame if phase is Phase.ED else self.es_frame

    def frame_number(self, frame: int) -> int:
        """The number, counted from 1, by which a reader finds the frame at index `frame` in the source."""
        return int(frame) + 1 if self.frame_numbers is None else self.frame_numbers[frame]

    def frame_text(self, frame: int) -> str:
        """The frame at index `frame` for a reader: "frame 9 of 30", or "frame 16" of a longer cine."""
        of = f" of {len(self.frames)}" if self.frame_numbers is None else ""
        return f"frame {self.frame_number(frame)}{of}"

    def in_file_axes(self, mask: Mask) -> Mask:
        """`mask` (..., z, y, x) of this study, rearranged to the axes of the file it came from."""
        return self.stored.order.undo(mask)
