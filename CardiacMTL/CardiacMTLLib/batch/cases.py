"""`find_cases`: the studies below a folder, each with a name of its own that stays the same from run to run."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.batch.dicom_cases import DicomGrouping
from CardiacMTLLib.batch.state import STATE_FOLDER
from CardiacMTLLib.outputs import RECORD_FILE, RESULT_FILES
from CardiacMTLLib.reading.acdc import is_acdc_folder
from CardiacMTLLib.reading.image_file import IMAGE_SUFFIXES

MAX_NAME_BYTES = 120
"""File systems take 255 bytes; a name has room for what others add to it."""

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')
"""What some system does not allow in a file's name, and bytes that are no text."""

_SUFFIXES = (*IMAGE_SUFFIXES, ".dcm")


@dataclass(frozen=True, slots=True)
class Case:
    """A study: `path` is a file or a folder, `files` those of the study where the folder holds more than it.

    `name` is that of its results; `place` says where it was found, and is the same in each run.
    """

    name: str
    path: Path
    place: str
    files: tuple[str, ...] = ()


def find_cases(root: Path, *, leave_out: Path | None = None, known: Mapping[str, str] | None = None) -> tuple[Case, ...]:
    """The studies below `root`: patient folders (Info.cfg), files with images, and DICOM studies; in the order of their paths.

    A DICOM study is one, however many folders and series it has. Links are followed, and what can be reached twice counts
    once. Hidden files, the folder `leave_out`, and results of this software are passed over. A folder that cannot be read is a
    case, too, which will fail: nothing is passed over that may be a study.

    A case is named after its path below `root`; `known` are the names by places of a run before, which stay, whatever came
    since; places that are gone are cases that will fail unless they are done.
    """
    names = _Names(known or {})
    found = [(path, place, files) for path, place, files in _found(root, leave_out)]
    cases = [Case(names.of(place, _relative(path, root)), path, place, files) for path, place, files in found]
    gone = (known or {}).keys() - {case.place for case in cases}
    return (*cases, *(Case(names.of(place, Path(place)), root / place, place) for place in sorted(gone)))


def _found(root: Path, leave_out: Path | None) -> list[tuple[Path, str, tuple[str, ...]]]:
    """Path, place and files of each study, sorted by path."""
    dicom = DicomGrouping()
    walk = _Walk(leave_out, dicom)
    found: list[tuple[Path, str, tuple[str, ...]]] = [
        (path, _relative(path, root).as_posix(), ()) for path in (walk.below(root) if root.is_dir() else iter(()))
    ]
    found += [(study.path, f"DICOM study {study.uid}", study.files) for study in dicom.studies()]
    return sorted(found, key=lambda entry: (entry[0].parts, entry[1]))


class _Walk:
    """Goes through folders, each once: links may lead back to where they stand."""

    def __init__(self, leave_out: Path | None, dicom: DicomGrouping) -> None:
        self._seen = set() if leave_out is None else {leave_out.resolve()}
        self._dicom = dicom

    def below(self, folder: Path) -> Iterator[Path]:
        """Patient folders, image files, and folders that cannot be read; DICOM files go to their grouping."""
        if not self._is_new(folder) or (folder / STATE_FOLDER).exists():
            return
        try:
            with os.scandir(folder) as entries:
                names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
        except OSError:
            yield folder
            return
        if is_acdc_folder(folder):
            yield folder
            return
        results = set(RESULT_FILES) if RECORD_FILE in names else set()
        paths = [folder / name for name in names if name not in results]
        files = [path for path in paths if path.is_file()]
        images = [path for path in files if path.name.lower().endswith(IMAGE_SUFFIXES)]
        self._dicom.add(folder, (path.name for path in files if path not in images))
        yield from (path for path in images if self._is_new(path))
        for path in paths:
            if path.is_dir():
                yield from self.below(path)

    def _is_new(self, path: Path) -> bool:
        real = path.resolve()
        if real in self._seen:
            return False
        self._seen.add(real)
        return True


class _Names:
    """Names for cases, no two alike on any file system."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known
        self._taken = {_key(name) for name in known.values()}

    def of(self, place: str, path: Path) -> str:
        """The name of the case at `place`, whose path below the root is `path`."""
        if place in self._known:
            return self._known[place]
        base = name = _named_after(path.parts)
        number = 1
        while _key(name) in self._taken:
            number += 1
            name = f"{base}_{number}"
        self._taken.add(_key(name))
        return name


def _named_after(parts: Iterable[str]) -> str:
    """A file name of the parts of a path, without the ending of an image's file."""
    joined = "_".join(parts)
    suffix = next((suffix for suffix in _SUFFIXES if joined.lower().endswith(suffix)), "")
    name = _NOT_IN_NAMES.sub("_", joined[: len(joined) - len(suffix)]).strip(" .") or "study"
    if len(name.encode("utf-8")) <= MAX_NAME_BYTES:
        return name
    mark = hashlib.sha256(joined.encode("utf-8", errors="surrogatepass")).hexdigest()[:8]
    return f"{name.encode('utf-8')[: MAX_NAME_BYTES - 9].decode('utf-8', errors='ignore')}_{mark}"


def _key(name: str) -> str:
    """Names with one key are one file on some file systems."""
    return unicodedata.normalize("NFC", name).casefold()


def _relative(path: Path, root: Path) -> Path:
    """`path` below `root`; the root's own name where it is the root."""
    return Path(path.name) if path == root else path.relative_to(root)
