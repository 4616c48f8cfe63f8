"""`study_uid`: which study a DICOM file belongs to, from the first part of its header."""

from __future__ import annotations

import warnings
from pathlib import Path

from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag

_STUDY_UID = Tag("StudyInstanceUID")


def study_uid(path: Path) -> str:
    """The StudyInstanceUID of a file; empty where it has none or is damaged. What comes after it is not read."""
    try:
        with warnings.catch_warnings(), path.open("rb") as stream:
            warnings.simplefilter("ignore")
            data = read_partial(stream, stop_when=_is_behind, force=True, specific_tags=[_STUDY_UID])
            return str(data.get("StudyInstanceUID") or "").strip()
    except Exception:  # noqa: BLE001 - pydicom raises any kind of error on a damaged file
        return ""


def _is_behind(tag: BaseTag, _representation: str | None, _length: int) -> bool:
    return int(tag) > int(_STUDY_UID)
