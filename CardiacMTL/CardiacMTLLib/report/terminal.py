"""`Terminal`: progress as one live line on a terminal, nothing in a pipe; warnings in both."""

from __future__ import annotations

import shutil
from typing import TextIO


class Terminal:
    """Writes about a run to `stream` (standard error); progress only where a person watches."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
        self._shown = ""

    def progress(self, stage: str, fraction: float) -> None:
        """Show that `stage` (a short sentence) goes on and `fraction` (0 to 1) of all work is done."""
        line = f"{100 * min(max(fraction, 0.0), 1.0):3.0f} %  {stage}"[: shutil.get_terminal_size().columns - 1]
        if self._live and line != self._shown:
            self._stream.write(f"\r{line.ljust(len(self._shown))}")
            self._stream.flush()
            self._shown = line

    @property
    def is_live(self) -> bool:
        """Whether a person watches: progress is shown."""
        return self._live

    def clear(self) -> None:
        """Take the live line away."""
        if self._shown:
            self._stream.write(f"\r{' ' * len(self._shown)}\r")
            self._stream.flush()
            self._shown = ""

    def line(self, text: str) -> None:
        """Write `text` as one line of its own, whatever line ends it holds."""
        self.clear()
        self._stream.write(f"{' '.join(text.split())}\n")
        self._stream.flush()
