"""`ReadOptions`: what the caller knows about a study better than its files do."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.volume import Patient


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Values that override what the files say; None leaves a file's value alone.

    Frames count from 0. `whole_cycle` asks for every frame where a folder holds both the two phases and the cine. `series` is
    the number or the SeriesInstanceUID of the DICOM series to use.
    Raises `UsageError` for a slice spacing that is not a positive number.
    """

    ed_frame: int | None = None
    es_frame: int | None = None
    slice_spacing_mm: float | None = None
    patient: Patient | None = None
    whole_cycle: bool = False
    series: str | None = None

    def __post_init__(self) -> None:
        spacing = self.slice_spacing_mm
        if spacing is not None and not (math.isfinite(spacing) and spacing > 0):
            raise UsageError(
                f"slice spacing is {spacing} mm; expected a positive number; give the distance between slice centres"
            )

    def patient_over(self, stated: Patient) -> Patient:
        """`stated` with every field that the caller knows put in its place."""
        if self.patient is None:
            return stated
        known = {field.name: getattr(self.patient, field.name) for field in fields(Patient)}
        return replace(stated, **{name: value for name, value in known.items() if value is not None})
