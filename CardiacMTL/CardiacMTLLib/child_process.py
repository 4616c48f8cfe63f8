"""Starts the processes that work for this one, out of sight: without a window of their own and without standard error."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from typing import Any


def started(command: Sequence[str], *, bufsize: int = -1, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start `command` (a program and its arguments, no shell) with pipes as standard input and output.

    `bufsize` and `env` as for `subprocess.Popen`. Raises `OSError` where it cannot be started.
    """
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return subprocess.Popen(list(command), bufsize=bufsize, env=env, **pipes, **_out_of_sight())


def finished(command: Sequence[str], timeout_s: float | None = None) -> int:
    """Run `command` to its end and return its exit status; what it writes is dropped.

    Raises `OSError` where it cannot be started, and `subprocess.TimeoutExpired` where it was ended after `timeout_s`.
    """
    silent: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    return subprocess.run(list(command), timeout=timeout_s, check=False, **silent, **_out_of_sight()).returncode


def _out_of_sight() -> dict[str, Any]:
    """Of an application without a console Windows would open one for each program; it may have no standard error either."""
    return {"stderr": subprocess.DEVNULL, "creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
