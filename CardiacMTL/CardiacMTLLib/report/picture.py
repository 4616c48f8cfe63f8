"""`Picture`: a picture inside a page, or the reason why there is none."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from CardiacMTLLib.report.path_scrub import without_folders


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture for the report, or the reason why there is none."""

    path_png: Path | None
    reason: str | None = None

    @property
    def data_uri(self) -> str | None:
        """The picture itself as a `data:` address."""
        return None if self.path_png is None else png_uri(self.path_png.read_bytes())

    @property
    def reason_text(self) -> str:
        """The reason for a reader: an error's text names no folder here."""
        return without_folders(self.reason or "")


def png_uri(png: bytes) -> str:
    """The `data:` address of a PNG file."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


NOT_ASKED = Picture(None, "it was not asked for")
"""Stands for a picture that nobody wanted."""
