"""`Job`: what a worker is asked for, as a folder: job.json, and the voxels as an array file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import InputError, OutputError
from CardiacMTLLib.job.array_file import array_pieces
from CardiacMTLLib.job.codec import decode, encode
from CardiacMTLLib.job.partial import partial_of, remove_partial
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.volume import CineStudy

JOB_VERSION = 1
JOB_FILE = "job.json"
FRAMES = "frames"


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """A study, and how it is to be analysed: the arguments of `pipeline.analyse`, the model by its name (None: the default).

    What `study.source` names stays behind: the worker has no need of it, and it names files.
    """

    study: CineStudy
    model: str | None = None
    device: str = "auto"
    whole_cycle: bool = False
    left_out: SliceSelection = field(default_factory=SliceSelection)


def write_job(job: Job, folder: Path) -> None:
    """Write `job` into `folder`, which must not exist; raises `OutputError` where that fails, and leaves nothing then."""
    for _ in job_pieces(job, folder):
        pass


def job_pieces(job: Job, folder: Path) -> Iterator[None]:
    """As `write_job`, but a few milliseconds of work for each step, so that an event loop goes on in between.

    `folder` is there after the last step. An iterator that is closed before leaves nothing.
    """
    arrays: dict[str, NDArray[Any]] = {}
    record = encode(job, arrays, leave_out=("study",)) | {
        "version": JOB_VERSION,
        "study": encode(job.study, arrays, leave_out=(FRAMES, "source")),
    }
    yield from folder_pieces(folder, {JOB_FILE: record}, arrays | {FRAMES: job.study.frames})


def read_job(folder: Path) -> Job:
    """The job in `folder`; raises `InputError` where it is missing, damaged, or of another version."""
    record, arrays = read_folder(folder, JOB_FILE, JOB_VERSION)
    if FRAMES not in arrays or "study" not in record:
        raise InputError("the job has no study; expected job.json and frames.npy; write the job again")
    study = decode(record.pop("study"), CineStudy, arrays, "the job's study", frames=arrays[FRAMES], source=None)
    job: Job = decode(record, Job, arrays, "the job", study=study)
    return job


def write_folder(folder: Path, records: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write records, by the names of their files, and arrays so that `folder` appears whole or not at all; or `OutputError`.

    They are written into `partial_of(folder)` first; whatever lay there before is removed.
    """
    for _ in folder_pieces(folder, records, arrays):
        pass


def folder_pieces(folder: Path, records: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, NDArray[Any]]) -> Iterator[None]:
    """As `write_folder`, step by step; an iterator that is closed before its end leaves nothing."""
    partial = partial_of(folder)
    try:
        if folder.exists():
            raise OutputError(f"{folder} is there already; expected a new folder; choose another one")
        remove_partial(folder)
        partial.mkdir(parents=True)
        for key, array in arrays.items():
            yield from array_pieces(partial / f"{key}.npy", array)
        for name, record in records.items():
            text = json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1)
            (partial / name).write_text(text + "\n", encoding="utf-8")
        partial.rename(folder)
    except GeneratorExit:
        remove_partial(folder)
        raise
    except OSError as error:
        remove_partial(folder)
        raise OutputError(
            f"{folder} cannot be written ({error.strerror or error}); expected a writable folder with free space; make room"
        ) from error


def read_folder(folder: Path, name: str, version: int) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """The record, without its version, and the arrays of a folder.

    Raises `InputError` where a file is missing or damaged, or the record has another version.
    """
    what = f"{folder.name}/{name}"
    try:
        record = json.loads((folder / name).read_text(encoding="utf-8"))
        arrays = {path.stem: np.load(path, allow_pickle=False) for path in sorted(folder.glob("*.npy"))}
    except (OSError, ValueError, EOFError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise InputError(f"{what} cannot be read ({reason}); expected a whole folder; run the analysis again") from error
    found = record.pop("version", None) if isinstance(record, dict) else None
    if found != version or isinstance(found, bool):
        raise InputError(f"{what} has version {found!r:.40}; expected {version}; run both sides with one software version")
    return record, arrays
