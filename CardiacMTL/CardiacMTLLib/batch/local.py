"""`done_here`: the cases of a batch done by worker processes of this machine."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator

from CardiacMTLLib.batch.child import Child, cores
from CardiacMTLLib.batch.protocol import Orders
from CardiacMTLLib.batch.settings import Workforce
from CardiacMTLLib.batch.task import Outcome, Task

TICK_S = 0.5
"""So often whoever waits hears that nothing has ended."""


def done_here(tasks: Iterable[Task], orders: Orders, workforce: Workforce) -> Iterator[Outcome | None]:
    """How each of `tasks` ended, in the order of ending; None every `TICK_S` in between.

    Each worker takes case after case, with its share of the cores. When the iterator is closed, or fails, the workers have
    ended. Raises `JobError` where no worker can be started.
    """
    todo, ended = queue.SimpleQueue[Task](), queue.SimpleQueue[Outcome | Exception | None]()
    for task in tasks:
        todo.put(task)
    count = min(workforce.count or 1, max(todo.qsize(), 1))
    children = [Child(orders, workforce.python, max(1, cores() // count)) for _ in range(count)]
    threads = [
        threading.Thread(target=_take_cases, args=(child, todo, ended, workforce.time_limit_s), daemon=True)
        for child in children
    ]
    for thread in threads:
        thread.start()
    try:
        yield from _as_they_end(ended, count)
    finally:
        for child in children:
            child.abandon()
        for thread in threads:
            thread.join()


def _as_they_end(ended: queue.SimpleQueue[Outcome | Exception | None], working: int) -> Iterator[Outcome | None]:
    while working:
        try:
            item = ended.get(timeout=TICK_S)
        except queue.Empty:
            yield None
            continue
        if isinstance(item, Exception):
            raise item
        if item is None:
            working -= 1
        else:
            yield item


def _take_cases(
    child: Child, todo: queue.SimpleQueue[Task], ended: queue.SimpleQueue[Outcome | Exception | None], time_limit_s: float
) -> None:
    """Have cases done until none is left; a worker that has nothing to do any more gives its memory back at once."""
    try:
        while (task := _next(todo)) is not None:
            ended.put(child.do(task, time_limit_s))
    except Exception as error:  # noqa: BLE001 - it goes on in the thread that waits
        ended.put(error)
    finally:
        child.close()
        ended.put(None)


def _next(todo: queue.SimpleQueue[Task]) -> Task | None:
    try:
        return todo.get_nowait()
    except queue.Empty:
        return None
