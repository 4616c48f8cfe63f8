"""Reads what fuzzing made and judges what came of it: an error of ours in one line, a right result, or a finding."""

from __future__ import annotations

import gzip
import json
import math
import os
import shutil
import stat
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.reading.itk import quiet_itk
from CardiacMTLLib.volume import CineStudy
from Testing.robustness.fuzzing.subjects import Subject


class Outcome(StrEnum):
    """What came of a file: the first two are as it must be, the others are findings."""

    REFUSED = "refused"
    RIGHT = "right result"
    WRONG = "wrong result"
    FOREIGN = "foreign error"
    UNCLEAR = "error not in one line"
    PRINTED = "words of a library on standard error"
    DIED = "process died"
    SLOW = "too slow"


GOOD = (Outcome.REFUSED, Outcome.RIGHT)


Check = Callable[[], None]
"""Holds a result against the file by other means than ours; raises `WrongResultError`."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An outcome, and a line on it."""

    outcome: Outcome
    detail: str = ""


class WrongResultError(Exception):
    """A result that is not what the file says."""


class PrintedError(Exception):
    """Words on standard error, or a warning, that come from a library and not from us."""


@contextmanager
def _silence_kept() -> Iterator[None]:
    """Raise `PrintedError` where a library printed in the block, or warned; standard error is seen where it is a file."""
    before = os.fstat(2).st_size
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield
    if heard:
        raise PrintedError(f"{heard[0].category.__name__}: {heard[0].message}")
    if stat.S_ISREG(os.fstat(2).st_mode) and os.fstat(2).st_size > before:
        raise PrintedError(os.pread(2, 300, before).decode(errors="replace"))


def judge(subject: Subject, file_format: str, content: bytes, folder: Path) -> Verdict:
    """Write the subject with `content` as its target into `folder`, read it as the format is read, and judge."""
    path = _laid_out(subject, content, folder)
    try:
        with _silence_kept():
            check = _READERS[file_format](subject, path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            check()
    except CardiacMTLError as error:
        text = str(error)
        one_line = bool(text) and "\n" not in text and "\r" not in text
        return Verdict(Outcome.REFUSED if one_line else Outcome.UNCLEAR, f"{type(error).__name__}: {text}")
    except WrongResultError as error:
        return Verdict(Outcome.WRONG, str(error))
    except PrintedError as error:
        return Verdict(Outcome.PRINTED, str(error))
    except Exception as error:  # noqa: BLE001 - any other error is what fuzzing looks for
        return Verdict(Outcome.FOREIGN, f"{type(error).__name__}: {error}")
    return Verdict(Outcome.RIGHT)


def _laid_out(subject: Subject, content: bytes, folder: Path) -> Path:
    """The target's path; its companions are written once."""
    place = folder / "".join(letter if letter.isalnum() else "-" for letter in subject.name)
    place.mkdir(exist_ok=True)
    for name, whole in subject.files.items():
        if name == subject.target:
            (place / name).write_bytes(content)
        elif not (place / name).exists():
            (place / name).write_bytes(whole)
    return place / subject.target


def _read_nifti(_subject: Subject, path: Path) -> Check:
    study = read_study(path)
    return lambda: _check_nifti(study, path)


def _check_nifti(study: CineStudy, path: Path) -> None:
    _check_study(study)
    reader = sitk.ImageFileReader()
    reader.SetImageIO("NiftiImageIO")
    reader.SetFileName(str(path))
    try:
        with quiet_itk():
            theirs = reader.Execute()
    except RuntimeError:
        return
    stored = study.stored.geometry
    _demand(np.allclose(theirs.GetSpacing()[:3], stored.spacing_xyz_mm, rtol=1e-5), "spacing differs from SimpleITK's")
    _demand(np.allclose(theirs.GetOrigin()[:3], stored.origin_xyz_mm, rtol=1e-5, atol=1e-3), "origin differs from SimpleITK's")
    if _stated_offset(path) < 348:  # 0 stands for the usual place; SimpleITK begins right after the header then
        return
    voxels, ours = sitk.GetArrayFromImage(theirs), study.in_file_axes(study.frames)
    if voxels.size == ours.size and np.isfinite(voxels).all():
        same = np.allclose(voxels.reshape(ours.shape), ours, rtol=1e-5, atol=1e-5 * max(float(np.abs(ours).max()), 1e-30))
        _demand(same, "voxels differ from SimpleITK's")


def _stated_offset(path: Path) -> float:
    with gzip.open(path) if path.name.endswith(".gz") and path.read_bytes()[:2] == b"\x1f\x8b" else path.open("rb") as stream:
        raw = stream.read(348)
    return float(struct.unpack_from("<f" if raw[:4] == struct.pack("<i", 348) else ">f", raw, 108)[0])


def _read_dicom(subject: Subject, path: Path) -> Check:
    study = read_study(path.parent if subject.read_folder else path)
    return lambda: _check_dicom(study)


def _check_dicom(study: CineStudy) -> None:
    _check_study(study)
    source = study.source
    _demand(source is not None, "a DICOM study without source")
    assert source is not None
    opened: dict[Path, pydicom.Dataset] = {}
    to_index = np.linalg.inv(study.geometry.index_to_lps)
    for t, phase in enumerate(source.frames):
        for z, frame in enumerate(phase):
            if frame.file not in opened:
                opened[frame.file] = _opened(source.folder / frame.file)
            _check_plane(opened[frame.file], frame.frame_number, study.frames[t, z], to_index, z)


def _opened(path: Path) -> pydicom.Dataset:
    """The file by pydicom; where it does not state its transfer syntax, the one that it was read in."""
    data = pydicom.dcmread(path, force=True, defer_size=4096)
    if "TransferSyntaxUID" not in data.file_meta:
        implicit, little = data.original_encoding
        named = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        data.file_meta.TransferSyntaxUID = named
    return data


def _check_plane(data: pydicom.Dataset, number: int | None, plane: np.ndarray, to_index: np.ndarray, z: int) -> None:
    """Every pixel of a frame lies at its place in the study with its own value, by pydicom alone."""
    pixels, groups = data.pixel_array, [data]
    if number is not None:
        pixels = pixels[number - 1] if pixels.ndim == 3 else pixels
        shared = data.SharedFunctionalGroupsSequence[0]
        groups = _items(data.PerFrameFunctionalGroupsSequence[number - 1], shared, data)
    position, cosines, spacing = (
        np.array(_value(groups, keyword), dtype=float)
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
    )
    rows, columns = np.indices(pixels.shape)
    placed = position + columns[..., None] * spacing[1] * cosines[:3] + rows[..., None] * spacing[0] * cosines[3:]
    index = placed @ to_index[:3, :3].T + to_index[:3, 3]
    _demand(np.abs(index[..., 2] - z).max() < 0.25, f"a slice lies {np.abs(index[..., 2] - z).max():.2f} slices off its place")
    xy = np.rint(index[..., :2]).astype(int)
    _demand(np.abs(index[..., :2] - xy).max() < 0.25, "pixels lie between the voxels")
    inside = (xy >= 0).all() and (xy[..., 0] < plane.shape[1]).all() and (xy[..., 1] < plane.shape[0]).all()
    _demand(bool(inside), "pixels lie outside the grid")
    expected = pixels.astype(float)
    if _value(groups, "PhotometricInterpretation") == "MONOCHROME1":
        expected = (-1 - expected) if pixels.dtype.kind == "i" else (2 ** int(_value(groups, "BitsStored")) - 1 - expected)
    slope, intercept = (_value(groups, keyword) for keyword in ("RescaleSlope", "RescaleIntercept"))
    expected = expected * (1.0 if not _number(slope) else _number(slope)) + _number(intercept)
    found = plane[xy[..., 1], xy[..., 0]]
    _demand(np.allclose(found, expected, rtol=1e-5, atol=1e-3), "grey values differ from pydicom's")


def _items(group: pydicom.Dataset, shared: pydicom.Dataset, data: pydicom.Dataset) -> list[pydicom.Dataset]:
    nested = [each for part in (group, shared) for each in part if each.VR == "SQ" and not each.tag.is_private]
    return [*(item for each in nested for item in each.value), data]


def _value(groups: list[pydicom.Dataset], keyword: str) -> object:
    found = (_element_value(group, keyword) for group in groups)
    return next((value for value in found if value is not None and str(value) != ""), None)


def _element_value(group: pydicom.Dataset, keyword: str) -> object:
    """The value, or None where pydicom itself cannot read it: a damaged element counts as absent, as it does for us."""
    try:
        return group.get(keyword)
    except Exception:  # noqa: BLE001 - pydicom raises any kind of error on a damaged element
        return None


def _number(value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def _check_study(study: CineStudy) -> None:
    """What every study keeps, whatever its file says."""
    _demand(study.frames.ndim == 4 and study.frames.shape[1:] == study.geometry.shape_zyx, "frames do not fit their grid")
    _demand(bool(np.isfinite(study.frames).all()), "voxels are not finite")
    numbers = (*study.geometry.spacing_xyz_mm, *study.geometry.origin_xyz_mm, *study.geometry.direction)
    _demand(all(math.isfinite(number) for number in numbers), "the geometry is not finite")
    _demand(min(study.geometry.spacing_xyz_mm) > 0, "a spacing is not above zero")
    _demand(0 < study.geometry.voxel_volume_ml < math.inf, "a voxel has no volume")
    direction = study.geometry.direction_matrix
    _demand(bool(np.abs(direction @ direction.T - np.eye(3)).max() < 1e-3), "the axes are not at right angles")
    _demand(not any("\n" in warning for warning in study.warnings), "a warning of several lines")
    times = study.frame_times_ms
    _demand(times is None or all(math.isfinite(time) for time in times), "a time is not finite")


def _read_weights(subject: Subject, path: Path) -> Check:
    from CardiacMTLLib.network.archive import import_model  # noqa: PLC0415 - torch is slow to import
    from CardiacMTLLib.network.store import ModelEntry, imported_models_dir  # noqa: PLC0415
    from CardiacMTLLib.network.weights import load_entry  # noqa: PLC0415
    from Testing.unit.tiny_model import seal  # noqa: PLC0415

    if path.suffix == ".zip":
        models = imported_models_dir()
        shutil.rmtree(models, ignore_errors=True)
        try:
            entry = import_model(path)
        finally:
            left = sorted(each.name for each in models.iterdir())
            _demand(len(left) <= 1 and not any(name.startswith(".") for name in left), f"an import leaves {left}")
        _demand(left == [entry.name], f"an import of {entry.name} leaves {left}")
        imported = load_entry(entry).network.state_dict()
        return lambda: _check_tensors(imported, entry.weights.read_bytes())
    entry = ModelEntry("tiny", path.parent)
    if subject.name == "weights, sealed anew":
        seal(entry)
    loaded = load_entry(entry)
    whole = subject.files["weights.safetensors"]
    content = entry.weights.read_bytes()
    _demand(subject.name == "weights, sealed anew" or content == whole, "changed weights passed the old checksum")
    return lambda: _check_tensors(loaded.network.state_dict(), content)


_DTYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U8": "u1",
    "BOOL": "?",
}


def _check_tensors(found: Mapping[str, object], content: bytes) -> None:
    """The network's tensors are those of the file, read by the format's description alone."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header.pop("__metadata__", None)
    _demand(set(found) == set(header), "tensors are not those of the file")
    for key, tensor in found.items():
        entry = header[key]
        begin, end = entry["data_offsets"]
        if entry["dtype"] not in _DTYPES:
            continue
        raw = np.frombuffer(content[8 + length + begin : 8 + length + end], _DTYPES[entry["dtype"]])
        values = np.asarray(tensor)
        _demand(values.shape == tuple(entry["shape"]) and values.size == raw.size, f"{key} has another shape than in the file")
        as_used = raw.astype(np.float32) if values.dtype.kind == "f" else raw
        same = np.array_equal(values.reshape(-1), as_used)
        _demand(same and bool(np.isfinite(values).all()), f"{key} has other values than in the file")


def _demand(fact: bool, otherwise: str) -> None:
    if not fact:
        raise WrongResultError(otherwise)


_READERS: dict[str, Callable[[Subject, Path], Check]] = {"nifti": _read_nifti, "dicom": _read_dicom, "weights": _read_weights}
