"""`Child`: one worker process as seen by whoever hands it cases; it is started anew whenever it has gone."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from CardiacMTLLib import child_process
from CardiacMTLLib.batch.finished import finished_record
from CardiacMTLLib.batch.protocol import READY, REFUSED, STARTED, Answer, Orders, answer_of, end_of, line_of
from CardiacMTLLib.batch.task import End, Outcome, Task
from CardiacMTLLib.errors import JobError
from CardiacMTLLib.job.process import end_tree

START_LIMIT_S = 600.0
"""A worker that is not ready after so long, on a slow network drive with everything still to load, never will be."""

START_TRIES = 3
_PAUSE_S = 2.0
_GRACE_S = 1.0


class Child:
    """A worker process for the cases of one batch, one at a time; `threads` is how many each of its libraries may use.

    `do` and `close` belong to one thread, `abandon` may be called on any.
    """

    def __init__(self, orders: Orders, python: Path | str, threads: int, pause: Callable[[float], None] = time.sleep) -> None:
        self._orders, self._python, self._threads, self._pause = orders, python, threads, pause
        self._process: subprocess.Popen[bytes] | None = None
        self._answers = queue.SimpleQueue[Answer | None]()
        self._pid: int | None = None
        self._abandoned = False
        self._starting = threading.Lock()

    def do(self, task: Task, time_limit_s: float) -> Outcome:
        """Have one case done. A worker that crashes or takes too long costs this case alone.

        Raises `JobError` where no worker can be started, for a reason that the next case would meet, too.
        """
        process = self._running()
        try:
            outcome = self._outcome(process, task, time_limit_s)
        finally:
            shutil.rmtree(task.work, ignore_errors=True)
        if outcome.end is not End.DONE and finished_record(Path(task.target)) is not None:
            return Outcome(task.name, End.DONE)
        return outcome

    def close(self) -> None:
        """End the process: by closing its standard input, and where that is not enough, by force."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._kill(process)
            process.wait()

    def abandon(self) -> None:
        """End the process at once, and start none any more; a call of `do` that waits for it comes back."""
        with self._starting:
            self._abandoned = True
            process = self._process
            if process is not None:
                self._kill(process)

    def _outcome(self, process: subprocess.Popen[bytes], task: Task, time_limit_s: float) -> Outcome:
        try:
            Path(task.work).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            text = f"{task.target} cannot be written ({error.strerror}); expected a writable folder with free space; make room"
            return Outcome(task.name, End.UNWRITABLE, text)
        self._send(process, task)
        try:
            answer = self._answers.get(timeout=time_limit_s)
        except queue.Empty:
            self._kill(process)
            self.close()
            text = (
                f"the case took longer than {time_limit_s:g} s and was ended; expected an end within that time; try it with a "
                "greater --time-limit-s, or alone by `cardiacmtl run`"
            )
            return Outcome(task.name, End.FAILED, text)
        if answer is None:
            status = process.wait()
            self.close()
            return Outcome(task.name, End.FAILED, crash_text(status))
        if answer.internal:
            self.close()
        return Outcome(task.name, end_of(answer), answer.text)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        for attempt in range(START_TRIES):
            self.close()
            if attempt:
                self._pause(_PAUSE_S)
            process = self._start()
            answer = self._started(process)
            if answer is not None and answer.word == READY:
                return process
            if answer is not None:
                self.close()
                raise JobError(answer.text)
        self.close()
        raise JobError(
            f"the worker process ended before it was ready, {START_TRIES} times; expected a Python that can load the network; "
            "check the installation by `cardiacmtl demo`"
        )

    def _start(self) -> subprocess.Popen[bytes]:
        with self._starting:
            if self._abandoned:
                raise JobError("the batch was ended")
            script = Path(__file__).resolve().with_name("worker.py")
            try:
                command = [str(self._python), str(script)]
                process = child_process.started(command, env=limited_environment(self._threads))
            except OSError as error:
                raise JobError(
                    f"no worker process can be started ({error.strerror}); expected a Python that can be run; check the "
                    "installation"
                ) from error
            self._process, self._pid, self._answers = process, None, queue.SimpleQueue()
        threading.Thread(target=_listen, args=(process, self._answers), daemon=True).start()
        return process

    def _started(self, process: subprocess.Popen[bytes]) -> Answer | None:
        """The answer to the orders; None where the process ended without one."""
        self._send(process, self._orders)
        end = time.monotonic() + START_LIMIT_S
        with suppress(queue.Empty):
            while (answer := self._answers.get(timeout=max(0.0, end - time.monotonic()))) is not None:
                if answer.word != STARTED:
                    return answer
                self._pid = answer.pid
            return None
        return Answer(REFUSED, f"the worker process was not ready after {START_LIMIT_S:g} s; try it by `cardiacmtl demo`")

    @staticmethod
    def _send(process: subprocess.Popen[bytes], message: Orders | Task) -> None:
        """A process that has ended does not read it; that shows as the end of its answers."""
        assert process.stdin is not None  # noqa: S101 - it is a pipe
        with suppress(OSError):
            process.stdin.write(line_of(message))
            process.stdin.flush()

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        # What was started may be a launcher that stands before the process that works.
        if self._pid is not None:
            end_tree(self._pid)
        process.kill()


def limited_environment(threads: int) -> dict[str, str]:
    """This process's environment, with at most `threads` threads for each library.

    What the user has set himself stays, and OMP_NUM_THREADS then holds for all: PyTorch goes by MKL's where both are set.
    """
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
    return {**dict.fromkeys(names, os.environ.get("OMP_NUM_THREADS", str(threads))), **os.environ}


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def crash_text(status: int) -> str:
    """One line on a worker that ended in the middle of a case."""
    if status < 0:
        name = signal.Signals(-status).name if -status in set(signal.Signals) else f"signal {-status}"
        how = f"{name}, often for want of memory" if name == "SIGKILL" else name
    else:
        how = f"exit status {status}"
    return (
        f"the worker process ended unexpectedly ({how}); expected a result; try the study alone by `cardiacmtl run`, or with "
        "--retry-failed and fewer workers"
    )


def _listen(process: subprocess.Popen[bytes], answers: queue.SimpleQueue[Answer | None]) -> None:
    """Put every answer of a process into `answers`, and None when it has ended."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    # A line that is none was cut off when the process ended.
    with process.stdout as lines, suppress(ValueError):
        for line in lines:
            answers.put(answer_of(line))
    answers.put(None)
