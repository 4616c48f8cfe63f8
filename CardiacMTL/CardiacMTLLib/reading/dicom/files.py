"""Which files are DICOM: by their content, as scanners and archives name them as they like."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_PREAMBLE, _MAGIC = 128, b"DICM"
_DIRECTORY_NAME = "DICOMDIR"


def is_dicom_input(path: Path) -> bool:
    """Whether `path` is a DICOM file, or a folder with one in it or below it."""
    return is_dicom_file(path) if path.is_file() else next(_below(path), None) is not None


def dicom_files(path: Path) -> tuple[Path, ...]:
    """The DICOM files at or below `path`, by name; hidden files and folders, links to folders and DICOMDIR are passed over."""
    return (path,) if path.is_file() else tuple(_below(path))


def is_dicom_file(path: Path) -> bool:
    """Whether a file begins as DICOM does (PS3.10 section 7.1), or as the older form without a preamble.

    The older form begins with an element of group 0002 or 0008: small element numbers, and a value representation or a short
    length. A file that cannot be opened is none.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_PREAMBLE + len(_MAGIC))
    except OSError:
        return False
    return head[_PREAMBLE:] == _MAGIC or _starts_with_an_element(head)


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(parent) / name
            if not name.startswith(".") and name.upper() != _DIRECTORY_NAME and path.is_file() and is_dicom_file(path):
                yield path


def _starts_with_an_element(head: bytes) -> bool:
    if len(head) < 16:
        return False
    group, element = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
    if group not in (0x0002, 0x0008) or element > 0x0018:
        return False
    named = head[4:6].isalpha() and head[4:6].isupper()
    return named or int.from_bytes(head[4:8], "little") <= 64
