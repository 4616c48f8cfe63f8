"""`PixelDecoder`: asks for decoded pixels, of a process of its own where a decoder could end the one it runs in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path
from threading import Timer
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, RLELossless

from CardiacMTLLib import child_process
from CardiacMTLLib.reading.dicom.pixel_server import decoded

SERVER = Path(__file__).with_name("pixel_server.py")

FILE_S, IMAGE_S = 60.0, 2.0
"""How long the decoding of a file may take, and each image of it beyond that; a decoder that never comes back is ended."""

PixelDecoder = Callable[[Path, Sequence[int], str, bool], list[NDArray[Any]]]
"""Of a file, frames counted from 0, transfer syntax, and whether the file states it: stored values (y, x) of the frames.

The list ends before the first frame that cannot be decoded.
"""


@contextmanager
def pixel_decoder() -> Iterator[PixelDecoder]:
    """A decoder; the process behind it starts when it is first needed and is gone in the end."""
    server = _Server(own_python())

    def decode(path: Path, indices: Sequence[int], syntax: str, has_file_meta: bool) -> list[NDArray[Any]]:
        if server.python is None or is_safe(syntax):
            return list(decoded(str(path), indices, syntax, has_file_meta))
        return server.decode(path, indices, syntax, has_file_meta)

    try:
        yield decode
    finally:
        server.end()


def is_safe(syntax: str) -> bool:
    """Whether pixels of that transfer syntax are decoded by Python and numpy alone."""
    return syntax in (RLELossless, DeflatedExplicitVRLittleEndian) or not UID(syntax).is_compressed


def own_python() -> str | None:
    """The program that runs Python as here, or None where that is an application with Python inside."""
    program = Path(sys.executable or "")
    return str(program) if program.name.lower().startswith("python") and program.is_file() else None


class _Server:
    """The process that decodes; one that died is replaced when the next file comes."""

    def __init__(self, python: str | None) -> None:
        self.python = python
        self._process: subprocess.Popen[bytes] | None = None

    def decode(self, path: Path, indices: Sequence[int], syntax: str, has_file_meta: bool) -> list[NDArray[Any]]:
        process = self._started()
        assert process.stdin is not None  # noqa: S101 - both were asked for
        assert process.stdout is not None  # noqa: S101
        request = {"path": str(path.absolute()), "indices": list(indices), "syntax": syntax, "has_file_meta": has_file_meta}
        images: list[NDArray[Any]] = []
        alarm = Timer(FILE_S + IMAGE_S * len(indices), process.kill)
        alarm.daemon = True
        alarm.start()
        try:
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            while (image := _received(process.stdout)) is not None:
                images.append(image)
        except (OSError, EOFError):
            self.end()
        finally:
            alarm.cancel()
        return images

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = child_process.started([str(self.python), "-P", str(SERVER)])
        return self._process

    def end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
        process.wait()


def _received(answers: IO[bytes]) -> NDArray[Any] | None:
    """The next image, None where all have come; raises `EOFError` where the process has ended."""
    line = answers.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    head = json.loads(line)
    if not head:
        return None
    dtype, shape = np.dtype(head["dtype"]), tuple(head["shape"])
    content = answers.read(prod(shape) * dtype.itemsize)
    if len(content) < prod(shape) * dtype.itemsize:
        raise EOFError
    return np.frombuffer(content, dtype).reshape(shape)
