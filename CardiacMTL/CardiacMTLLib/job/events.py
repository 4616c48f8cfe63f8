"""The events that a worker reports: one line of JSON each on its standard output, told from whatever else stands there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

PROTOCOL_VERSION = 1

MAX_LINE_BYTES = 1_000_000
"""A longer line is no event; what comes without a line end is dropped from there on."""


@dataclass(frozen=True, slots=True)
class Started:
    """The first event: the process that works (not the launcher that may stand before it), and the version of the protocol."""

    pid: int
    protocol: int = PROTOCOL_VERSION


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, and the fraction (0 to 1) of the job that is behind it; after a retry it begins anew."""

    text: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the user should know while the job goes on."""

    text: str


@dataclass(frozen=True, slots=True)
class Done:
    """The result folder is there, and whole."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no result; `text` is one line. `internal`: the fault is the software's, not that of the input."""

    text: str
    internal: bool = False


Event = Started | Progress | Note | Done | Failed

_KINDS: dict[str, type[Event]] = {"started": Started, "progress": Progress, "note": Note, "done": Done, "error": Failed}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (int, float), "bool": (bool,)}


def event_line(event: Event) -> bytes:
    """The line of an event, with its end; ASCII, whatever language the text is in."""
    return json.dumps({"event": _NAMES[type(event)]} | asdict(event), allow_nan=False).encode() + b"\n"


def parse_line(line: bytes) -> Event | None:
    """The event of a line without its end, or None for a line that is none; keys that a later version added are passed over."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    kind = _KINDS.get(name) if isinstance(values, dict) and isinstance(name := values.get("event"), str) else None
    if kind is None:
        return None
    known: dict[str, Any] = {field.name: values[field.name] for field in fields(kind) if field.name in values}
    hints = {field.name: _TYPES[str(field.type)] for field in fields(kind)}
    fitting = all(
        isinstance(value, hints[key]) and isinstance(value, bool) == (hints[key] == (bool,)) for key, value in known.items()
    )
    try:
        return kind(**known) if fitting else None
    except TypeError:
        return None


class EventReader:
    """Puts the pieces of a stream together and gives its events; what is no event is noise of libraries and passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def feed(self, piece: bytes) -> list[Event]:
        """The events that `piece`, the next bytes of the stream, completes."""
        *lines, rest = (self._rest + piece).split(b"\n")
        if self._skipping and lines:
            lines, self._skipping = lines[1:], False
        self._skipping = self._skipping or len(rest) > MAX_LINE_BYTES
        self._rest = b"" if self._skipping else rest
        return [event for line in lines if len(line) <= MAX_LINE_BYTES and (event := parse_line(line)) is not None]
