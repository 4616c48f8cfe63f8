"""Checks that a MetaImage (.mha, .mhd) is whole, which ITK's reader does not.

A damaged compressed stream only makes ITK print a word and return garbage. Source of the format:
https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import zlib
from math import prod
from pathlib import Path
from typing import BinaryIO

from CardiacMTLLib.errors import InputError

_CHUNK = 1 << 22
_HEADER_LINES = 200
_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}


def check_meta_image(path: Path) -> None:
    """Return where the image's voxels are all there; raise `InputError` where they are not, or it is no MetaImage."""
    try:
        with path.open("rb") as stream:
            fields = _header(stream, path)
            if fields["ElementDataFile"] == "LOCAL":
                _check_voxels(stream, fields, path)
                return
        with (path.parent / fields["ElementDataFile"]).open("rb") as stream:
            _check_voxels(stream, fields, path)
    except (OSError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}); expected a whole MetaImage; copy or export it again") from error
    except (KeyError, ValueError) as error:
        raise InputError(f"{path} is not a MetaImage; expected its header to describe the voxels; export it again") from error


def _header(stream: BinaryIO, path: Path) -> dict[str, str]:
    fields: dict[str, str] = {}
    for _ in range(_HEADER_LINES):
        key, _, value = stream.readline(1 << 16).decode("latin-1").partition("=")
        fields[key.strip()] = value.strip()
        if key.strip() == "ElementDataFile":
            return fields
    raise InputError(f"{path} is not a MetaImage; expected a header that ends with ElementDataFile; export it again")


def _check_voxels(stream: BinaryIO, fields: dict[str, str], path: Path) -> None:
    values = prod(int(size) for size in fields["DimSize"].split()) * int(fields.get("ElementNumberOfChannels", "1"))
    needed = values * _BYTES[fields["ElementType"].removeprefix("MET_").removesuffix("_ARRAY").replace("U", "", 1)]
    compressed = fields.get("CompressedData", "False").lower() == "true"
    held, whole = _inflated_bytes(stream, int(fields["CompressedDataSize"])) if compressed else (_plain_bytes(stream), True)
    if held < needed or not whole:
        raise InputError(
            f"{path} is damaged (it holds {held} of {needed} bytes of voxels); expected a whole image; copy or export it again"
        )


def _plain_bytes(stream: BinaryIO) -> int:
    here = stream.tell()
    return stream.seek(0, 2) - here


def _inflated_bytes(stream: BinaryIO, stated_size: int) -> tuple[int, bool]:
    """Length of the zlib or gzip stream once inflated, and whether it is complete and as long as stated."""
    inflate = zlib.decompressobj(wbits=47)
    held = read = 0
    while chunk := stream.read(_CHUNK):
        read += len(chunk)
        while chunk and not inflate.eof:
            held += len(inflate.decompress(chunk, _CHUNK))
            chunk = inflate.unconsumed_tail
    return held, inflate.eof and read == stated_size
