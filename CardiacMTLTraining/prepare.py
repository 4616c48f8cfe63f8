"""`prepare`: a folder of patients in any known layout -> the training cache, complete or not at all."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from CardiacMTLLib.errors import CardiacMTLError, InputError
from CardiacMTLTraining.cache import INDEX_NAME, CachedCase, save_case, write_index
from CardiacMTLTraining.cache_grid import cached_case
from CardiacMTLTraining.folds import OF_THE_TEST_SET
from CardiacMTLTraining.sources.case import SourceEntry, refused
from CardiacMTLTraining.sources.layouts import Layout, find_cases, layout_of

log = logging.getLogger(__name__)

STAGING_NAME = ".unfinished"
"""Folder within the cache that holds the cases until all are there."""


def prepare(data: Path, out: Path, layout: Layout | None = None) -> tuple[list[str], dict[str, str]]:
    """Cache every patient of `data`; returns the names that were cached, and the reason for each that was not.

    `layout` None finds out how `data` is laid out; of ACDC's patients the one who is in its test set, too, is left out. A
    cache that is in `out` already stays as it is until the new one is complete. Raises `InputError` where no patient can be
    used.
    """
    layout = layout or layout_of(data)
    entries = find_cases(data, layout)
    if layout is Layout.ACDC:
        entries = [refused(e.name, OF_THE_TEST_SET[e.name]) if e.name in OF_THE_TEST_SET else e for e in entries]
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    digests: dict[str, str] = {}
    failed: dict[str, str] = {}
    with _staging(out) as staging:
        for number, entry in enumerate(entries, start=1):
            case = _cached_or_reason(entry)
            if isinstance(case, str):
                failed[entry.name] = case
                log.warning("%s left out: %s", entry.name, case)
            else:
                save_case(case, staging)
                digests[case.name] = case.sha256()
                log.info("%s cached (%d of %d)", case.name, number, len(entries))
        if digests:
            _publish(staging, out, digests, failed)
    if not digests:
        if is_new:
            out.rmdir()
        name, reason = next(iter(failed.items()))
        raise InputError(f"no usable patient in {data}, where all {len(failed)} were left out, such as {name}: {reason}")
    return list(digests), failed


def _cached_or_reason(entry: SourceEntry) -> CachedCase | str:
    """The patient on the cache's grid, or the one line that says why not."""
    try:
        return cached_case(entry.read())
    except CardiacMTLError as error:
        return str(error)
    except OSError as error:
        return (
            f"{error.filename or 'a file'} cannot be read ({error.strerror}); expected a file that can; check its permissions"
        )


@contextmanager
def _staging(out: Path) -> Iterator[Path]:
    """An empty folder in `out` that is gone afterwards; what a killed `prepare` left there is thrown away."""
    staging = out / STAGING_NAME
    if staging.exists():
        shutil.rmtree(staging)
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging)


def _publish(staging: Path, out: Path, digests: dict[str, str], failed: dict[str, str]) -> None:
    """Put finished cases in their place: without an index in between, so that old and new are never taken for one cache."""
    (out / INDEX_NAME).unlink(missing_ok=True)
    for name in digests:
        (staging / f"{name}.npz").replace(out / f"{name}.npz")
    write_index(out, digests, failed)
