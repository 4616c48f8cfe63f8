"""Which DICOM files below a folder make one study: those with one StudyInstanceUID, in however many folders they lie."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from CardiacMTLLib.reading.dicom.files import dicom_files, is_dicom_file
from CardiacMTLLib.reading.dicom.study_uid import study_uid

_DIRECTORY_NAME = "DICOMDIR"


@dataclass(frozen=True, slots=True)
class DicomStudy:
    """A study in the folder `path`; `files` are its files below that, none where all DICOM files below it are its own."""

    uid: str
    path: Path
    files: tuple[str, ...] = ()


@dataclass(slots=True)
class DicomGrouping:
    """Takes folder after folder, and then says which studies there are.

    Of a folder with one study it keeps no file's name: an archive may have millions.
    """

    _folders: dict[str, dict[Path, tuple[str, ...] | None]] = field(default_factory=dict)

    def add(self, folder: Path, names: Iterable[str]) -> None:
        """The files of a folder, those in folders below it left out; those that are not DICOM are passed over."""
        found: dict[str, list[str]] = {}
        for name in names:
            if name.upper() != _DIRECTORY_NAME and is_dicom_file(folder / name):
                found.setdefault(study_uid(folder / name), []).append(name)
        if "" in found and len(found) == 2:
            # Damaged files beside those of one study are that study's: its warnings will count them.
            (uid,) = found.keys() - {""}
            found[uid] += found.pop("")
        for uid, members in found.items():
            # What names no study is a case of its own in each folder, whose failure will say what is there.
            key = uid or f"without StudyInstanceUID in {folder}"
            self._folders.setdefault(key, {})[folder] = None if len(found) == 1 else tuple(members)

    def studies(self) -> Iterator[DicomStudy]:
        """The studies, by the place of their first file."""
        studies_in = Counter(folder for folders in self._folders.values() for folder in folders)
        for uid, folders in self._folders.items():
            common = Path(os.path.commonpath(folders))
            foreign = any(folder not in folders and folder.is_relative_to(common) for folder in studies_in)
            alone = not foreign and all(studies_in[folder] == 1 for folder in folders)
            if alone and _is_read_whole(common, folders):
                yield DicomStudy(uid, common)
            else:
                yield DicomStudy(uid, common, tuple(_files(common, folders)))


def _is_read_whole(common: Path, folders: Iterable[Path]) -> bool:
    """Whether a reader that goes through `common` comes to all `folders`: it does not follow links to folders."""
    return not any(
        part.is_symlink()
        for folder in folders
        for part in (folder, *folder.parents)
        if part != common and common in part.parents
    )


def _files(common: Path, folders: dict[Path, tuple[str, ...] | None]) -> Iterator[str]:
    for folder, names in folders.items():
        found = _dicom_names(folder) if names is None else names
        yield from (str((folder / name).relative_to(common)) for name in found)


def _dicom_names(folder: Path) -> list[str]:
    return [path.name for path in dicom_files(folder) if path.parent == folder]
