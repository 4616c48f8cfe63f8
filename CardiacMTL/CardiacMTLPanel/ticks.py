"""`TickWork`: work in steps, one at each turn of the event loop, so that the panel stays live without a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import qt


class TickWork:
    """One piece of work at a time. `parent` is a QObject that keeps the timer."""

    def __init__(self, parent: Any) -> None:
        self._timer = qt.QTimer(parent)
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._step)
        self._steps: Iterator[None] | None = None
        self._on_end: Callable[[], None] = lambda: None

    @property
    def busy(self) -> bool:
        """Whether steps are left."""
        return self._steps is not None

    def start(self, steps: Iterator[None], on_end: Callable[[], None]) -> None:
        """Take `steps` from the next turn on, and call `on_end` after the last; what a step raises is the caller's to catch."""
        self._steps, self._on_end = steps, on_end
        self._timer.start()

    def stop(self) -> None:
        """Do no further step; `on_end` is not called."""
        self._steps = None
        if self._timer:
            self._timer.stop()

    def _step(self) -> None:
        for _ in self._steps or ():
            return
        if self.busy:
            self.stop()
            self._on_end()
