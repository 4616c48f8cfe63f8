"""`WarmRunner`: a process runner that hands a job to a worker that has loaded its libraries already, where one waits.

A warm process takes one job and ends, as every worker does. Where it is gone, or dies before it has begun, the job is started
as if there had been none: it is neither lost nor done twice.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from CardiacMTLLib.job.events import EventReader, Started
from CardiacMTLLib.job.order import order_line
from CardiacMTLLib.job.process import ProcessRunner

Runner = TypeVar("Runner", bound=ProcessRunner)


@dataclass(frozen=True, slots=True)
class _Handed:
    """What is to be told of a job, and how it is started anew where its process never began."""

    on_stdout: Callable[[bytes], None]
    on_finished: Callable[[int | None], None]
    start_cold: Callable[[], None]


class WarmRunner(Generic[Runner]):
    """A `ProcessRunner` of one job after the other; `new_runner` makes the runner of each process."""

    def __init__(self, new_runner: Callable[[], Runner]) -> None:
        self._new_runner = new_runner
        self._idle: _WarmProcess[Runner] | None = None
        self._working: _WarmProcess[Runner] | Runner | None = None

    @property
    def idle(self) -> Runner | None:
        """The runner of the process that waits for a job."""
        return None if self._idle is None or self._idle.ended else self._idle.runner

    @property
    def working(self) -> Runner | None:
        """The runner of the process that was given the last job."""
        return self._working.runner if isinstance(self._working, _WarmProcess) else self._working

    def warm_up(self, command_prefix: Sequence[str]) -> None:
        """Let a process of `command_prefix` (a Python and a worker's script) wait for a job, unless one does already."""
        if self._idle is None or not self._idle.fits(command_prefix):
            self.stop()
            self._idle = _WarmProcess(self._new_runner(), command_prefix)

    def stop(self) -> None:
        """End the process that waits; one that has a job goes on."""
        idle, self._idle = self._idle, None
        if idle is not None:
            idle.runner.close_stdin()
            idle.runner.kill()

    def start(
        self, command: Sequence[str], on_stdout: Callable[[bytes], None], on_finished: Callable[[int | None], None]
    ) -> None:
        """As `ProcessRunner.start`; the last two parts of `command` are the folders of job and result."""

        def start_cold() -> None:
            runner = self._new_runner()
            self._working = runner
            runner.start(command, on_stdout, on_finished)

        *prefix, job_folder, result_folder = command
        idle = self._idle
        if idle is None or not idle.fits(prefix):
            self.stop()
            start_cold()
            return
        self._working, self._idle = idle, None
        idle.hand_over(order_line(job_folder, result_folder), _Handed(on_stdout, on_finished, start_cold))

    def write(self, data: bytes) -> None:
        """As `ProcessRunner.write`."""
        if self._working is not None:
            self._working.write(data)

    def close_stdin(self) -> None:
        """As `ProcessRunner.close_stdin`, of the process that has the job."""
        if self._working is not None:
            self._working.close_stdin()

    def kill(self) -> None:
        """As `ProcessRunner.kill`, of the process that has the job."""
        if self._working is not None:
            self._working.kill()


class _WarmProcess(Generic[Runner]):
    """A process that was started before its job was known.

    What it says is kept until it is certain that the job is its own: when it has begun, or is asked to end. So a client never
    hears of a process that is replaced.
    """

    def __init__(self, runner: Runner, prefix: Sequence[str]) -> None:
        self.runner, self.ended = runner, False
        self._made_for = _circumstances(prefix)
        self._reader, self._held = EventReader(), b""
        self._handed: _Handed | None = None
        self._certain = False
        runner.start(prefix, self._on_stdout, self._on_finished)

    def fits(self, prefix: Sequence[str]) -> bool:
        """Whether it still waits, and is what `prefix` would start now."""
        return not self.ended and self._made_for == _circumstances(prefix)

    def hand_over(self, order: bytes, handed: _Handed) -> None:
        self._handed = handed
        self.runner.write(order)

    def write(self, data: bytes) -> None:
        self.runner.write(data)

    def close_stdin(self) -> None:
        self._make_certain()
        self.runner.close_stdin()

    def kill(self) -> None:
        self._make_certain()
        self.runner.kill()

    def _make_certain(self) -> None:
        self._certain = True
        held, self._held = self._held, b""
        if self._handed is not None and held:
            self._handed.on_stdout(held)

    def _on_stdout(self, piece: bytes) -> None:
        self._held += piece
        begun = any(not isinstance(event, Started) for event in self._reader.feed(piece))
        if self._certain or (begun and self._handed is not None):
            self._make_certain()

    def _on_finished(self, status: int | None) -> None:
        self.ended = True
        if self._handed is None:
            return
        if self._certain:
            self._handed.on_finished(status)
        else:
            self._handed.start_cold()


def _circumstances(prefix: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """What a process takes over from its start: the program and the environment, which names folders and devices."""
    return list(prefix), dict(os.environ)
