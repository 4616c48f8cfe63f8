"""`BatchSettings`: how every study of a batch is analysed; `Workforce`: who does it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.reading.options import ReadOptions

DEFAULT_TIME_LIMIT_S = 1800.0
"""A study takes seconds to a few minutes; what takes half an hour on a slow machine will not end."""


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """The options of `cardiacmtl run` that make sense for all studies alike; `scene`: scene and 3D picture are written, too.

    `report_patient_data` names the patients in their reports; `dicom_out` is the folder for DICOM, None where none is wanted.

    Raises `UsageError` for a slice spacing that is not a positive number.
    """

    model: str | None = None
    device: str = "auto"
    whole_cycle: bool = False
    slice_spacing_mm: float | None = None
    scene: bool = True
    report_patient_data: bool = False
    dicom_out: str | None = None

    def __post_init__(self) -> None:
        ReadOptions(slice_spacing_mm=self.slice_spacing_mm)


@dataclass(frozen=True, slots=True)
class Workforce:
    """How many worker processes of this machine take cases, and for how long each may work on one.

    `scheduler` is the address of a Dask scheduler, whose workers take the cases instead. `python` runs the workers of this
    machine. Raises `UsageError` for a count or a time that is not positive, and for a count together with a scheduler.
    """

    count: int | None = None
    time_limit_s: float = DEFAULT_TIME_LIMIT_S
    scheduler: str | None = None
    python: Path | str = sys.executable

    def __post_init__(self) -> None:
        if self.count is not None and self.count < 1:
            raise UsageError(f"--workers is {self.count}; expected 1 or more worker processes; correct the number")
        if not (math.isfinite(self.time_limit_s) and self.time_limit_s > 0):
            raise UsageError(f"--time-limit-s is {self.time_limit_s:g}; expected a time above zero; correct the number")
        if self.scheduler is not None and self.count is not None:
            raise UsageError(
                "got --workers together with --scheduler; the cluster's own workers take the cases; leave --workers out"
            )
