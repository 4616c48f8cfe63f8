"""The one door to SimpleITK: without its chatter, and without its missing types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import SimpleITK

sitk: Any = SimpleITK
"""SimpleITK. It declares itself typed but annotates next to nothing, so its values are `Any`."""


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Turn ITK's global warning display off inside the block, and back to what it was afterwards.

    What ITK would warn about (sform scales, rounded directions) reaches the user as `CineStudy.warnings` instead.
    """
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


def open_header(path: Path, image_io: str) -> Any:
    """A `SimpleITK.ImageFileReader` that has read the header of `path` as `image_io` does; raises `RuntimeError`.

    Naming the format keeps ITK from trying all others, some of which print what they dislike.
    """
    reader = sitk.ImageFileReader()
    reader.SetImageIO(image_io)
    reader.SetFileName(str(path))
    with quiet_itk():
        reader.ReadImageInformation()
    return reader


def reason_of(error: Exception) -> str:
    """The last line of an ITK error, which is the one that says what went wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
