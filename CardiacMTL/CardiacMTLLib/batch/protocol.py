"""What a batch and its worker process say to each other: lines of JSON on the worker's standard input and output.

The first line that goes in holds the orders for all cases, every further one a task. The worker says `started` with its
process number, and then answers each line: `ready` to the orders, the end of the case to a task, `refused` to either where
it cannot go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from CardiacMTLLib.batch.settings import BatchSettings
from CardiacMTLLib.batch.task import End, Task

STARTED, READY, REFUSED = "started", "ready", "refused"


@dataclass(frozen=True, slots=True)
class Orders:
    """What holds for all cases; `model_sha256` is that of the weights that the worker must find under the model's name."""

    settings: BatchSettings
    model_sha256: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One line from the worker. `word` is STARTED, READY, REFUSED or an `End`; `internal`: the fault is the software's."""

    word: str
    text: str = ""
    pid: int = 0
    internal: bool = False


def line_of(message: Orders | Task | Answer) -> bytes:
    """A message as a line with its end; ASCII, whatever script a path is in, and bytes that are no text survive."""
    return json.dumps(asdict(message)).encode("ascii") + b"\n"


def orders_of(line: bytes) -> Orders:
    """The orders in a line."""
    values = json.loads(line)
    return Orders(BatchSettings(**values["settings"]), values["model_sha256"])


def task_of(line: bytes) -> Task:
    """The task in a line."""
    values: dict[str, Any] = json.loads(line)
    return Task(**values | {"files": tuple(values["files"])})


def answer_of(line: bytes) -> Answer:
    """The answer in a line."""
    return Answer(**json.loads(line))


def end_of(answer: Answer) -> End:
    """The end of a case that an answer tells; a worker that refuses has not done it."""
    return End.FAILED if answer.word == REFUSED else End(answer.word)


class Lines:
    """Puts the pieces of a stream together and gives its lines, without their ends."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """The lines that `piece`, the next bytes of the stream, completes."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return iter(lines)
