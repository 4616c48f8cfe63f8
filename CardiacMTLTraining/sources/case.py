"""`SourceCase`: one patient's images and expert masks, whatever the layout of the folder they came from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.volume import CineStudy, Mask


@dataclass(frozen=True, slots=True, eq=False)
class SourceCase:
    """A study whose ED and ES frames are known, with an expert mask (z, y, x) of both on its axes, in the coding of `Label`.

    `group` is None where it is not known, or is none of ours. `files` are all that was read of the patient alone;
    `stated` is what a table of many patients says of this one.
    """

    name: str
    study: CineStudy
    masks: Mapping[Phase, Mask]
    group: Group | None
    files: tuple[Path, ...]
    stated: str = ""

    def frame_of(self, phase: Phase) -> int:
        """Index of the frame at `phase`; raises `InputError` where the study does not say."""
        frame = self.study.frame_of(phase)
        if frame is None:
            raise InputError(f"{self.name} has no {phase} frame; training needs images of ED and ES; name both frames")
        return frame

    def source_sha256(self) -> str:
        """SHA-256 of names and contents of all files, and of what a table states."""
        digest = hashlib.sha256()
        for path in self.files:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
        digest.update(self.stated.encode())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A patient that a folder seems to hold; `read` raises `CardiacMTLError` or `OSError` where it cannot be used."""

    name: str
    read: Callable[[], SourceCase]


def refused(name: str, reason: str) -> SourceEntry:
    """The entry of a patient of whom it is known already that it cannot be used."""

    def read() -> NoReturn:
        raise InputError(reason)

    return SourceEntry(name, read)
