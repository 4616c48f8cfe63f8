"""What a batch remembers in its output folder, so that it goes on exactly after any interruption."""

from __future__ import annotations

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from CardiacMTLLib.errors import OutputError, UsageError
from CardiacMTLLib.lock import locked
from CardiacMTLLib.report.publish import check_output_folder

STATE_FOLDER = ".cardiacmtl-batch"
"""In the output folder; whatever is found below a folder that has it is results, never a study."""

STATE_VERSION = 1
_PLAN, _FAILURES, _LOCK = "batch.json", "failures.jsonl", "lock"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one output folder is for: `origin`, all that its results depend on, and the names of cases by their places.

    A place is a path below the folder of the studies, or the UID of a DICOM study.
    """

    origin: Mapping[str, Any]
    names: Mapping[str, str]


class BatchState:
    """The state folder of `out`; only the holder of its lock writes here."""

    def __init__(self, out: Path) -> None:
        self._folder = out / STATE_FOLDER
        self._out = out
        self.work = self._folder / f"work-{uuid.uuid4().hex}"
        """Where workers write what is not whole yet: another folder for each run, so that none of a run before writes here."""

    def plan(self) -> Plan | None:
        """The plan of the batch that was begun here, or None; raises `OutputError` for one that cannot be read."""
        path = self._folder / _PLAN
        if not path.exists():
            return None
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["version"] == STATE_VERSION:
                return Plan(dict(values["origin"]), dict(values["names"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{path} is damaged ({error}); expected the plan of a batch; choose another folder") from error
        raise OutputError(
            f"{path} has version {values['version']!r:.20}; expected {STATE_VERSION}; go on with the software that began it"
        )

    def begin(self, plan: Plan) -> None:
        """Keep the plan, remove what workers of an interrupted run left, and make an empty folder for this run's."""
        values = {"version": STATE_VERSION, "origin": dict(plan.origin), "names": dict(plan.names)}
        with _writing(self._out):
            for left in self._folder.glob("work-*"):
                # Renamed first: a worker of before that still writes there can then no longer give its folder a case's name.
                gone = left.rename(left.with_name(f"work-gone-{uuid.uuid4().hex}"))
                shutil.rmtree(gone, ignore_errors=True)
            self.work.mkdir(mode=0o700)
        write_whole(self._folder / _PLAN, json.dumps(values, indent=1).encode("ascii"))

    def end(self) -> None:
        """Remove this run's folder for what is not whole."""
        shutil.rmtree(self.work, ignore_errors=True)

    def failures(self) -> dict[str, str]:
        """The cases that failed and why, in the order of failing; a line that was cut off by an interruption counts as none."""
        try:
            lines = (self._folder / _FAILURES).read_bytes().split(b"\n")
        except FileNotFoundError:
            return {}
        found: dict[str, str] = {}
        for line in lines:
            try:
                name, text = json.loads(line)
            except (ValueError, TypeError):
                continue
            found[str(name)] = str(text)
        return found

    def add_failure(self, name: str, text: str) -> None:
        """Remember that a case failed, in one step behind those that are remembered."""
        # The line end before it keeps it apart from a line that was cut off.
        line = b"\n" + json.dumps([name, text]).encode("ascii") + b"\n"
        with _writing(self._out):
            descriptor = os.open(self._folder / _FAILURES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                if os.write(descriptor, line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(descriptor)

    def forget_failures(self) -> None:
        """Forget them, so that these cases are done again."""
        with _writing(self._out):
            (self._folder / _FAILURES).unlink(missing_ok=True)


@contextmanager
def batch_state(out: Path, *, resume: bool) -> Iterator[BatchState]:
    """The state of the output folder `out`, locked for this process; folders are made where they do not exist.

    Raises `UsageError` where a batch was begun there and this is not to `resume` it, and `OutputError` where another process
    holds it or it cannot be written.
    """
    check_output_folder(out)
    state = BatchState(out)
    folder = out / STATE_FOLDER
    made = [path for path in (folder, out, *out.parents) if not path.exists()]
    with _writing(out):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locked(folder / _LOCK, out, "batch"):
        if not resume and state.plan() is not None:
            raise UsageError(
                f"{out} holds a batch already; expected --resume to go on with it, or another folder; choose one of the two"
            )
        try:
            yield state
        finally:
            state.end()
            if made and not (folder / _PLAN).exists():
                _take_away(made)


def _take_away(made: list[Path]) -> None:
    """Remove the state folder and those around it that were made for a batch that was not begun."""
    shutil.rmtree(made[0], ignore_errors=True)
    with suppress(OSError):
        for path in made[1:]:
            path.rmdir()


@contextmanager
def _writing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written ({error.strerror or error}); expected a writable folder with free space; make room, and "
            "go on with --resume"
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or as before; raises `OutputError`."""
    partial = path.with_name(f".{path.name}.partial")
    with _writing(path.parent):
        try:
            with partial.open("wb") as opened:
                opened.write(content)
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
