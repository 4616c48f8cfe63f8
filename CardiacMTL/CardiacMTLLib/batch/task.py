"""`Task`: what a worker is asked to do for one case; `Outcome`: how that ended."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class End(StrEnum):
    """How a case ended. UNWRITABLE: the fault lies with the output folder, and the next case would meet it, too."""

    DONE = "done"
    FAILED = "failed"
    UNWRITABLE = "unwritable"


@dataclass(frozen=True, slots=True)
class Task:
    """One case: the study's path, or some `files` below it, read into the folder `target` by way of the folder `work`.

    All paths are absolute, and the same on every machine that takes part.
    """

    name: str
    path: str
    target: str
    work: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of the case `name`; `text` is one line that says why, where it is not DONE."""

    name: str
    end: End
    text: str = ""
