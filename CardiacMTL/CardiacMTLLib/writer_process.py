"""`WriterProcess`: a second process, which loads slow libraries while this one reads and segments, and then writes files."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from CardiacMTLLib.errors import CardiacMTLError

if TYPE_CHECKING:
    from CardiacMTLLib.analysis import Analysis

_END_S = 2.0


class WriterProcess:
    """Runs writers, one after the other, in a process of its own, which begins with `warm_up` at once.

    It is used as a context; at its end, and at the end of this process, the other one ends. A writer that crashes takes the
    files of that process with it and nothing else.
    """

    def __init__(self, warm_up: Callable[[], object]) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, warm_up), daemon=True, name="cardiacmtl-writer")
        self._process.start()
        theirs.close()

    def __enter__(self) -> WriterProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pipe.close()
        if kind is not None:
            self._process.terminate()
        self._process.join(_END_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def write(self, writer: Callable[[Analysis, Path], None], analysis: Analysis, path: Path) -> None:
        """As `writer(analysis, path)`; raises what it raises, and `CardiacMTLError` where the process ended too early.

        The writer is sent by its name: it must be a function of a module.
        """
        try:
            self._pipe.send((writer, analysis, path))
            error = self._pipe.recv()
        except (EOFError, OSError) as lost:
            self._process.join(_END_S)
            status = self._process.exitcode
            raise CardiacMTLError(
                f"the process that writes {path.name} ended before it was done (exit status {status}); run the study again"
            ) from lost
        if error is not None:
            raise error


def started(warm_up: Callable[[], object]) -> WriterProcess | None:
    """A `WriterProcess`, or None where no process can be started: Python does not know its own path, or the system refuses."""
    if not sys.executable:
        return None
    try:
        return WriterProcess(warm_up)
    except OSError:
        return None


def _serve(pipe: Connection, warm_up: Callable[[], object]) -> None:
    """Do what is asked for until nobody is there to ask; an interrupt is for the process that asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warm_up()
    while True:
        try:
            writer, analysis, path = pipe.recv()
        except EOFError:
            return
        error: Exception | None = None
        try:
            writer(analysis, path)
        except Exception as raised:  # noqa: BLE001 - it goes on in the process that asked
            error = raised
        pipe.send(error)
