"""`Instance`: a DICOM file that can be sent, and finding those in folders; no more than the UIDs is taken from a file."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pydicom.config
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.uid import MediaStorageDirectoryStorage

from CardiacMTLLib.errors import InputError

_PREAMBLE_BYTES = 128
_DEFERRED_BYTES = 1024
_UNDEFINED_LENGTH = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Instance:
    """One SOP instance: its file, what it is, its UID, and how the file is encoded."""

    path: str
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


@dataclass(frozen=True, slots=True)
class Found:
    """The instances of the given files and folders; `left_out` files of folders are not DICOM, or DICOMDIR."""

    instances: tuple[Instance, ...]
    left_out: int


def find_instances(paths: Iterable[Path]) -> Found:
    """All DICOM files among `paths` and below the folders among them, each once, in a stable order.

    Raises `InputError` for a path that is missing, a file given by name that is not DICOM, a DICOM file that is damaged, two
    files with one SOP Instance UID (a PACS keeps one of them), and where nothing is left to send.
    """
    instances: dict[str, Instance] = {}
    left_out = 0
    for path, named in _files(paths):
        if not named and not _is_dicom(path):
            left_out += 1
            continue
        instance = read_instance(path)
        if instance.sop_class_uid == MediaStorageDirectoryStorage:
            left_out += 1
            continue
        twin = instances.setdefault(instance.sop_instance_uid, instance)
        if twin.path != instance.path:
            raise InputError(
                f"{twin.path} and {instance.path} have the same SOP Instance UID, and a PACS keeps one of them; expected "
                "different ones; leave one file out"
            )
    if not instances:
        raise InputError(f"no DICOM file was found ({left_out} other files); expected at least one; name another folder")
    return Found(tuple(instances.values()), left_out)


def read_instance(path: Path) -> Instance:
    """What must be known of the DICOM file at `path` to send it; raises `InputError` for a file that is none or damaged."""
    try:
        with warnings.catch_warnings(), pydicom.config.disable_value_validation():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path, defer_size=_DEFERRED_BYTES)
            whole = _is_whole(data, path)
            meta = data.file_meta
            stated = str(meta.MediaStorageSOPClassUID), str(meta.MediaStorageSOPInstanceUID)
            syntax = str(meta.TransferSyntaxUID)
            held = str(data.get("SOPClassUID", stated[0])), str(data.get("SOPInstanceUID", stated[1]))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}); expected a DICOM file; check the path") from error
    except Exception as error:
        raise InputError(f"{path} is not a DICOM file, or damaged; expected a whole DICOM file; leave it out") from error
    if not whole or held != stated or not all((*stated, syntax)):
        what = "ends early" if not whole else "states one SOP instance and holds another"
        raise InputError(f"{path} is damaged ({what}); expected a whole DICOM file; write it again")
    return Instance(str(path), *stated, syntax)


def _files(paths: Iterable[Path]) -> Iterator[tuple[Path, bool]]:
    """Every file once, and whether it was given by its name."""
    for path in paths:
        if path.is_dir():
            yield from ((file, False) for file in sorted(path.rglob("*")) if file.is_file())
        elif path.exists():
            yield path, True
        else:
            raise InputError(f"{path} is not there; expected a DICOM file or a folder; check the path")


def _is_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(_PREAMBLE_BYTES + 4)[_PREAMBLE_BYTES:] == b"DICM"
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}); expected a readable file; leave it out"
        ) from error


def _is_whole(data: FileDataset, path: Path) -> bool:
    """Whether the last element ends where the file does; True where that cannot be told."""
    if not len(data) or data.file_meta.TransferSyntaxUID.is_deflated:
        return bool(len(data))
    last: object = data.get_item(max(data.keys()), keep_deferred=True)
    if not isinstance(last, RawDataElement) or last.length == _UNDEFINED_LENGTH:
        return True
    return last.value_tell + last.length == path.stat().st_size
