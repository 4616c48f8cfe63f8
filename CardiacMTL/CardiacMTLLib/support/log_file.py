"""The log file: what happened, as lines of JSON. It holds no path, no name and no number of a patient, whatever goes wrong.

Only events of this library get there, and of their texts only single words; messages of errors, which name files, do not.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from CardiacMTLLib.errors import OutputError
from CardiacMTLLib.support.environment import software

LOG_VERSION = 1

EVENTS = ("started", "study", "analysed", "case", "batch", "ended", "failed", "interrupted")
"""All events that there are."""

WITHHELD = "(withheld)"

_LOGGER = logging.getLogger("CardiacMTLLib.events")
_LOGGER.addHandler(logging.NullHandler())
_LOGGER.propagate = False

_PACKAGE = Path(__file__).resolve().parents[1]
_PLAIN = re.compile(r"[A-Za-z0-9_.:+-]{0,100}")


def log_event(event: str, **values: object) -> None:
    """Note one of `EVENTS` with its values, plain JSON; where no log file was asked for, nothing happens."""
    _LOGGER.info(event, extra={"values": values})


@contextmanager
def log_file(path: Path | None, command: str) -> Iterator[None]:
    """Append the events of the block to the file at `path` (None: nowhere), which only its owner may read if it is new.

    The end of the block, or the kind and place of the error that ends it, are events, too. Raises `OutputError` where the file
    cannot be opened; a disk that fills up later loses lines and nothing else.
    """
    if path is None:
        yield
        return
    handler = _opened(path)
    _LOGGER.addHandler(handler)
    level = _LOGGER.level
    _LOGGER.setLevel(logging.INFO)
    began = time.perf_counter()
    log_event("started", command=command, log_version=LOG_VERSION, **software())
    try:
        yield
    except KeyboardInterrupt:
        log_event("interrupted", seconds=round(time.perf_counter() - began, 3))
        raise
    except BaseException as error:
        log_event("failed", error=type(error).__name__, place=_place(error), seconds=round(time.perf_counter() - began, 3))
        raise
    else:
        log_event("ended", seconds=round(time.perf_counter() - began, 3))
    finally:
        _LOGGER.setLevel(level)
        _LOGGER.removeHandler(handler)
        with suppress(OSError):
            handler.stream.close()


def known_lines(text: str) -> list[str]:
    """Those lines of `text` that this library can have logged, each written anew: nothing else goes into a bundle."""
    kept = []
    for line in text.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict) and record.get("event") in EVENTS:
            kept.append(json.dumps(_plain(record)))
    return kept


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return json.dumps({"time": at, "event": record.msg} | _plain(getattr(record, "values", {})))


class _Handler(logging.StreamHandler[Any]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is that of `logging`
        """A line that cannot be written is lost; the run goes on."""


def _opened(path: Path) -> _Handler:
    try:
        handler = _Handler(os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8"))
    except OSError as error:
        raise OutputError(
            f"the log file {path} cannot be written ({error.strerror}); expected a file in a writable folder; change --log-file"
        ) from error
    handler.setFormatter(_JsonLines())
    return handler


def _plain(value: Any) -> Any:
    """`value` with every text that is more than a word withheld, and so the names of keys."""
    if isinstance(value, Mapping):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if _PLAIN.fullmatch(text) else WITHHELD


def _place(error: BaseException) -> str:
    """File and line, without folders, of the innermost function of ours on the way to the error."""
    steps = traceback.extract_tb(error.__traceback__)
    ours = [step for step in steps if _PACKAGE in Path(step.filename).parents and step.filename != __file__]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "unknown"
