"""Faulty and foreign inputs for `cardiacmtl run`, and the ways in which a run ends with them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from pydicom.dataset import Dataset

from Testing.dicom_fixtures import Change, write_classic
from Testing.unit.hearts import ED_HEART, ES_HEART
from Testing.unit.oracle import ORACLE_GRID, painted_frames

TRUTH = np.stack([ED_HEART.mask(ORACLE_GRID), ES_HEART.mask(ORACLE_GRID)])
FRAMES = painted_frames(TRUTH, ORACLE_GRID.spacing_xyz_mm)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its exit status, the lines on standard error, the record, and whether anything was written."""

    status: int
    lines: tuple[str, ...]
    record: dict[str, Any] | None
    wrote: bool

    @property
    def codes(self) -> list[str]:
        return [flag["code"] for flag in self.record["quality"]["flags"]]

    def value(self, name: str) -> float | None:
        return self.record["measurements"][name]["value"]

    def reason(self, name: str) -> str:
        return self.record["measurements"][name]["reason"]


def refused(outcome: Outcome, *words: str) -> bool:
    """Whether a run ended as bad input does: status 2, one line with all `words`, nothing written."""
    (line,) = outcome.lines
    assert all(word in line for word in ("cardiacmtl: error: ", *words)), line
    return outcome.status == 2 and not outcome.wrote


def out_of_scope(outcome: Outcome, word: str) -> bool:
    """Whether a run was done, but neither measures nor diagnoses, with the reason."""
    measured = outcome.record["measurements"]
    return (
        outcome.status == 0
        and outcome.codes == ["out_of_scope"]
        and all(entry["value"] is None for entry in measured.values())
        and all("out of scope" in entry["reason"] for name, entry in measured.items() if name != "body_surface_area_m2")
        and outcome.record["diagnosis"]["probabilities"] is None
        and word in outcome.record["diagnosis"]["reason"]
    )


def nifti(folder: Path, frames: np.ndarray = FRAMES, name: str = "cine.nii.gz", spacing=ORACLE_GRID.spacing_xyz_mm) -> Path:
    """A 4D file of `frames` (t, z, y, x)."""
    image = sitk.JoinSeries([sitk.GetImageFromArray(frame) for frame in frames])
    image.SetSpacing((*spacing, 0.04))
    sitk.WriteImage(image, str(folder / name))
    return folder / name


def changed(**elements: object) -> Change:
    """Sets elements of each header; None takes one away."""

    def change(data: Dataset, t: int, z: int) -> Dataset:
        for keyword, value in elements.items():
            if value is None:
                data.pop(keyword, None)
            else:
                setattr(data, keyword, value)
        return data

    return change


def one_image(folder: Path, **elements: object) -> Path:
    """A folder with one DICOM image."""
    change = changed(**elements)
    return write_classic(folder / "study", change=lambda data, t, z: change(data, t, z) if (t, z) == (0, 0) else None)
