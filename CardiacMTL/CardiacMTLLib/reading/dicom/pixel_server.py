"""Decodes the pixels of DICOM files; run as a script, for whoever writes requests to its standard input.

Decoders written in C end their whole process on some damaged images (seen: GDCM on JPEG 2000), print what they dislike, or ask
for more memory than there is. So they run here, in a process that may die. A request is a line of JSON, {"path", "indices",
"syntax", "has_file_meta"}; the answer is an image for each index in order, a line {"dtype", "shape"} and its bytes, as far as
they can be decoded, and a line {} in the end. It imports nothing of this library, to start fast.
"""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

MAX_BYTES = 8 * 2**30
"""Address space of the process, where the system can limit it: twice the largest study that is read."""


def decoded(path: str, indices: Sequence[int], syntax: str, has_file_meta: bool) -> Iterator[NDArray[Any]]:
    """Stored values (y, x) of the frames `indices`, counted from 0, up to the first that cannot be decoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            streamed = has_file_meta and syntax != DeflatedExplicitVRLittleEndian
            yield from iter_pixels(path if streamed else _whole(path, syntax, has_file_meta), indices=list(indices))
    except Exception:  # noqa: BLE001 - decoders raise any kind of error on damaged pixels; the frame counts as missing
        return


def _whole(path: str, syntax: str, has_file_meta: bool) -> pydicom.Dataset:
    """The whole file in memory, for what pydicom does not decode frame by frame.

    That are deflated files, and those without file meta information, which get the transfer syntax that they were read in.
    """
    data = pydicom.dcmread(path, force=True)
    if not has_file_meta:
        data.file_meta = pydicom.dataset.FileMetaDataset()
        data.file_meta.TransferSyntaxUID = UID(syntax)
    return data


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until the requests end."""
    for line in requests:
        for image in decoded(**json.loads(line)):
            head = {"dtype": image.dtype.str, "shape": image.shape}
            answers.write(json.dumps(head).encode() + b"\n" + np.ascontiguousarray(image).tobytes())
        answers.write(b"{}\n")
        answers.flush()


def limit_memory() -> None:
    """Keep this process to `MAX_BYTES`, where the system knows such a limit."""
    with suppress(ImportError, OSError, ValueError):
        import resource  # noqa: PLC0415 - not on Windows

        resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))


def main() -> None:
    """Serve standard input; what libraries print goes nowhere."""
    limit_memory()
    with os.fdopen(os.dup(1), "wb") as answers:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
