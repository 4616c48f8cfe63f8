"""Checksums of evaluated patients: the same as those of training, so that overlap shows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLTraining.sources.case import SourceCase


def source_sha256(folder: Path, case: AcdcCase) -> str:
    """SHA-256 of the files of a patient in ACDC's form, the one that `prepare` notes of the same folder.

    Masks or a group more or less make it another one.
    """
    kinds = ["*.cfg", "*_frame*.nii.gz", "*_frame*.nii"] + (["*_4d.nii*"] if len(case.study.frames) > 2 else [])
    files = tuple(path for kind in kinds for path in sorted(folder.glob(kind)))
    return SourceCase(folder.name, case.study, case.masks or {}, case.group, files).source_sha256()


def checksum_of_all(checksums: Mapping[str, str]) -> str:
    """One SHA-256 over the names and checksums of all patients."""
    return hashlib.sha256("".join(f"{name} {checksums[name]}\n" for name in sorted(checksums)).encode()).hexdigest()
