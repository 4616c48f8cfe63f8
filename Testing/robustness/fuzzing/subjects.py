"""The whole files that fuzzing starts from: tiny ones, each of another kind of its format."""

from __future__ import annotations

import gzip
import re
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless

from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom
from CardiacMTLLib.volume import CineStudy
from Testing.dicom_compression import compressed
from Testing.dicom_fixtures import CONVENTIONS, enhanced, shots, write
from Testing.robustness.fuzzing.mutate import Layout, Number, Value


@dataclass(frozen=True, slots=True)
class Subject:
    """Files by their names; `target` is the one that is mutated, and what is read is its folder where `read_folder`.

    `packed` is how the target's bytes become its file: as they are, or compressed.
    """

    name: str
    files: dict[str, bytes]
    target: str
    layout: Layout
    read_folder: bool = False
    packed: Callable[[bytes], bytes] | None = None


@cache
def subjects(file_format: str) -> tuple[Subject, ...]:
    """All subjects of a format: "nifti", "dicom" or "weights"."""
    return {"nifti": _niftis, "dicom": _dicoms, "weights": _weights}[file_format]()


FORMATS = ("nifti", "dicom", "weights")

_NIFTI_FIELDS = (
    (0, "i", 1),  # size of the header
    (40, "h", 8),  # dimensions
    (70, "h", 2),  # type, bits
    (76, "f", 8),  # spacings
    (108, "f", 3),  # offset of the voxels, slope, intercept
    (123, "B", 1),  # units
    (252, "h", 2),  # codes of qform and sform
    (256, "f", 6),  # quaternion and offset
    (280, "f", 12),  # sform
)
"""Fields of a NIfTI-1 header (https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h)."""


def _niftis() -> tuple[Subject, ...]:
    rng = np.random.default_rng(5)
    cine = rng.integers(0, 500, (4, 3, 6, 5)).astype(np.int16)
    stack = rng.uniform(0, 500, (3, 6, 5)).astype(np.float32)
    made = (
        ("int16, cine, both forms", cine, "<", 1, 2, 1.0, False),
        ("float32, big-endian, qform", stack, ">", 1, 0, 1.0, False),
        ("uint8, scaled, no form", (stack / 2).astype(np.uint8), "<", 0, 0, 2.5, False),
        ("int16, cine, packed", cine, "<", 0, 2, 1.0, True),
    )
    return tuple(_nifti(*each) for each in made)


def _nifti(name: str, voxels: np.ndarray, order: str, qform: int, sform: int, slope: float, packed: bool) -> Subject:
    raw = bytearray(352)
    struct.pack_into(f"{order}i", raw, 0, 348)
    struct.pack_into(f"{order}8h", raw, 40, voxels.ndim, *voxels.shape[::-1], *[1] * (7 - voxels.ndim))
    code = {"int16": 4, "float32": 16, "uint8": 2}[voxels.dtype.name]
    struct.pack_into(f"{order}2h", raw, 70, code, 8 * voxels.itemsize)
    struct.pack_into(f"{order}8f", raw, 76, 1.0, 1.5, 1.6, 8.0, 0.04, 1.0, 1.0, 1.0)
    struct.pack_into(f"{order}3f", raw, 108, 352.0, slope, 0.0)
    raw[123] = 2 | 8
    struct.pack_into(f"{order}2h", raw, 252, qform, sform)
    struct.pack_into(f"{order}6f", raw, 256, 0.0, 0.0, 0.0, 5.0, 6.0, 7.0)
    struct.pack_into(f"{order}12f", raw, 280, 1.5, 0, 0, 5.0, 0, 1.6, 0, 6.0, 0, 0, 8.0, 7.0)
    raw[344:348] = b"n+1\0"
    numbers = [
        Number(offset + i * struct.calcsize(kind), f"{order}{kind}") for offset, kind, n in _NIFTI_FIELDS for i in range(n)
    ]
    content = bytes(raw) + voxels.astype(voxels.dtype.newbyteorder(order)).tobytes()
    target = "image.nii.gz" if packed else "image.nii"
    return Subject(name, {target: content}, target, Layout(tuple(numbers)), packed=_gzipped if packed else None)


def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, 1, mtime=0)


_GRID = PhantomGrid(size_xyz=(12, 10, 3), spacing_xyz_mm=(14.0, 15.0, 30.0), heart_xy_mm=(0.0, 0.0), above_base_mm=10.0)

_DICOM_TEXTS = (
    b"",
    b"0 ",
    b"-1",
    b"1e400 ",
    b"nan ",
    b"1\\1\\1 ",
    b"0\\0 ",
    b"1e-300\\1e-300 ",
    b"1e300\\1e300 ",
    b"1\\0\\0\\0\\1\\0 ",
    b"1\\0\\0\\1\\0\\0 ",
    b"\xe9\xff\xfe?",
    b"65535 ",
    b"2147483648",
    b"\xff\xff",
    b"\0\0",
    b"\x01\0",
    b"\x03\0",
    b"MONOCHROME1 ",
    b"RGB ",
    b"1.2.840.10008.1.2.4.90",
    b"1.2.840.10008.1.2.1.99",
    b"1.2.840.10008.1.2.2 ",
    b"9" * 400,
    b"\x1b$B",
)


def _dicoms() -> tuple[Subject, ...]:
    study = make_phantom(anatomy_of(Group.NOR), _GRID, n_frames=3).study
    classic = {
        "classic, explicit": ("GE", None),
        "classic, implicit": ("Philips", None),
        "classic, big-endian": ("GE big endian", None),
        "RLE": ("GE", RLELossless),
        "JPEG": ("GE", JPEGLosslessSV1),
        "JPEG-LS": ("GE", JPEGLSLossless),
        "JPEG 2000": ("GE", JPEG2000Lossless),
        "deflated": ("GE", DeflatedExplicitVRLittleEndian),
    }
    folders = [_classic(name, study, convention, syntax) for name, (convention, syntax) in classic.items()]
    alone = [replace(each, name=f"{each.name}, alone", read_folder=False) for each in folders]
    costly = {"JPEG", "JPEG-LS", "JPEG 2000"}  # a process for each
    quick = [each for each in (*folders, *alone, _enhanced(study)) if each.name.removesuffix(", alone") not in costly]
    return (
        *quick * 4,
        *(each for each in (*folders, *alone) if each.name in {*(f"{name}, alone" for name in costly), "JPEG 2000"}),
    )


def _classic(name: str, study: CineStudy, convention: str, syntax: UID | None) -> Subject:
    make, written = CONVENTIONS[convention]
    files = {}
    with tempfile.TemporaryDirectory() as folder:
        for shot in shots(study):
            data = make(study, shot)
            for tag in [element.tag for element in data if element.tag.is_private]:
                del data[tag]
            if convention == "GE big endian":
                data.PixelData = shot.pixels.astype(">i2").tobytes()
            path = Path(folder) / f"IM{shot.z}{shot.t}"
            deflated = syntax == DeflatedExplicitVRLittleEndian
            write(data, path, DeflatedExplicitVRLittleEndian if deflated else written)
            if syntax is not None and not deflated:
                compressed(path, syntax)
            files[path.name] = path.read_bytes()
    return _dicom(name, files, "IM11", read_folder=True)


def _enhanced(study: CineStudy) -> Subject:
    with tempfile.TemporaryDirectory() as folder:
        data: Dataset = enhanced(study)
        path = write(data, Path(folder) / "enhanced")
        return _dicom("enhanced", {"enhanced": path.read_bytes()}, "enhanced", read_folder=False)


def _dicom(name: str, files: dict[str, bytes], target: str, *, read_folder: bool) -> Subject:
    content = files[target]
    values = (*_explicit_values(content), *_implicit_values(content))
    return Subject(name, files, target, Layout(values=values, texts=_DICOM_TEXTS), read_folder=read_folder)


_SHORT = re.compile(rb"[\x02-\x54\x00].[\x00-\xff]{2}(AE|AS|CS|DA|DS|DT|FL|FD|IS|LO|PN|SH|SL|SS|ST|TM|UI|UL|US)", re.DOTALL)
_LONG = re.compile(rb"[\x02-\x7f\x00].[\x00-\xff]{2}(OB|OW|SQ|UN|UT)\0\0", re.DOTALL)


def _explicit_values(content: bytes) -> list[Value]:
    """Elements with a named representation, at any depth, found by their look; big-endian ones by their group."""
    order = ">" if b"1.2.840.10008.1.2.2\0" in content[:400] else "<"
    found = []
    for pattern, gap, code in ((_SHORT, 0, "H"), (_LONG, 2, "I")):
        for match in pattern.finditer(content, 132):
            offset = match.start() + 6 + gap
            here = order if match.start() > 340 else "<"
            if offset + struct.calcsize(code) > len(content):
                continue
            (length,) = struct.unpack_from(f"{here}{code}", content, offset)
            start = offset + struct.calcsize(code)
            if start + length <= len(content):
                found.append(Value(Number(offset, f"{here}{code}"), start, start + length))
            elif length == 0xFFFFFFFF:
                found.append(Value(Number(offset, f"{here}{code}"), start, start))
    return found


def _implicit_values(content: bytes) -> list[Value]:
    """Elements of an implicit file's outermost level, by pydicom."""
    data = pydicom.dcmread(_stream(content))
    if not data.original_encoding[0]:
        return []
    raw = [data.get_item(tag) for tag in data.keys()]  # noqa: SIM118 - iterating would decode them
    return [Value(Number(each.value_tell - 4, "<I"), each.value_tell, each.value_tell + each.length) for each in raw]


def _stream(content: bytes) -> pydicom.filebase.DicomBytesIO:
    return pydicom.filebase.DicomBytesIO(content)


def _weights() -> tuple[Subject, ...]:
    from Testing.unit.tiny_model import write_tiny_model, zip_folder  # noqa: PLC0415 - torch is slow to import

    with tempfile.TemporaryDirectory() as folder:
        made = write_tiny_model(Path(folder) / "tiny").folder
        files = {path.name: path.read_bytes() for path in made.iterdir()}
        archive = zip_folder(made, Path(folder) / "model.zip").read_bytes()
    weights = _safetensors_layout(files["weights.safetensors"])
    plain = ("", "0", "-1", "1e999", "NaN", "null", "[]", "{}", "true", '"x"', '"\\\\ud800"', '"../x"', "9" * 400, "[" * 2000)
    texts = tuple(text.encode() for text in plain)
    manifest = Layout(values=tuple(_json_values(files["manifest.json"])), texts=texts)
    return (
        Subject("weights, sealed anew", files, "weights.safetensors", weights),
        Subject("weights, seal kept", files, "weights.safetensors", weights),
        Subject("manifest", files, "manifest.json", manifest),
        Subject("archive", {"model.zip": archive}, "model.zip", _zip_layout(archive)),
    )


_TENSOR_TEXTS = (
    *(b"0", b"-1", b"99999999999999999999", b"1e3", b'"F64"', b'"F4"', b'"BOOL"', b'"I64"', b"[]", b"[0]", b"null", b"\xff"),
    *(b"{" * 400, b'"__metadata__"', b"9223372036854775807", b"18446744073709551615"),
)


def _safetensors_layout(content: bytes) -> Layout:
    """The length of the header, and the numbers and texts in it."""
    length = int.from_bytes(content[:8], "little")
    values = [Value(None, start + 8, end + 8) for _, start, end in _json_values(content[8 : 8 + length])]
    return Layout(values=tuple(values), texts=_TENSOR_TEXTS, whole_length=Number(0, "<Q"))


def _json_values(content: bytes) -> list[Value]:
    """Plain values of a JSON text, and its keys."""
    found = re.finditer(rb'[:,\[{]\s*(-?[0-9][0-9.eE+-]*|"[^"]*"|null|true|false)', content)
    return [Value(None, match.start(1), match.end(1)) for match in found]


def _zip_layout(content: bytes) -> Layout:
    """Lengths, offsets and attributes of the records of a zip (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16)."""
    numbers = []
    for mark, fields in ((b"PK\x03\x04", "HHHHHIIIHH"), (b"PK\x01\x02", "HHHHHHIIIHHHHHII"), (b"PK\x05\x06", "HHHHIIH")):
        for match in re.finditer(re.escape(mark), content):
            offset = match.start() + 4
            for code in fields:
                numbers.append(Number(offset, f"<{code}"))
                offset += struct.calcsize(f"<{code}")
    return Layout(tuple(number for number in numbers if number.offset + 8 <= len(content)))
