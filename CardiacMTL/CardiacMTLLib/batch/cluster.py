"""`done_on_cluster`: the cases of a batch done by the workers of a Dask cluster, on whatever machines they are.

Every machine sees the studies and the output folder under the same paths. A Dask worker hands each case to a worker process
of ours, as a batch on one machine does, so that a crash costs one case and no Dask worker. Dask alone decides who gets what.
"""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from CardiacMTLLib import __version__
from CardiacMTLLib.batch.child import Child, cores
from CardiacMTLLib.batch.local import TICK_S
from CardiacMTLLib.batch.protocol import Orders, line_of, orders_of, task_of
from CardiacMTLLib.batch.settings import Workforce
from CardiacMTLLib.batch.task import End, Outcome, Task
from CardiacMTLLib.errors import JobError, MissingPackageError, UsageError

if TYPE_CHECKING:
    from distributed import Client, Future

CONNECT_LIMIT_S = 30.0
_AHEAD = 2
"""Cases in the scheduler's hands for each thread of the cluster: enough that none waits, and few to forget."""

_idle: dict[bytes, list[Child]] = {}
_busy: set[Child] = set()
_children = threading.Lock()
"""The worker processes of ours that this Dask worker has started, by the orders they got."""


def done_on_cluster(tasks: Sequence[Task], orders: Orders, workforce: Workforce) -> Iterator[Outcome | None]:
    """How each of `tasks` ended, in the order of ending; None every now and then in between.

    A case whose Dask worker has gone is given to another one, by Dask. When the iterator is closed, or fails, what is still
    running was told to end. Raises `MissingPackageError` without Dask, `UsageError` where no scheduler answers, and `JobError`
    where a worker cannot take part or the scheduler has gone.
    """
    client = _connect(workforce.scheduler or "")
    try:
        _check_workers(client, tasks)
        yield from _as_they_end(client, tasks, line_of(orders).decode("ascii"), workforce.time_limit_s)
    finally:
        # The scheduler may have gone; then its workers end, and ours with them.
        with suppress(Exception):
            client.run(end_children)
        client.close(timeout=CONNECT_LIMIT_S)


def do_task(orders_line: str, task_line: str, time_limit_s: float) -> dict[str, str]:
    """On a Dask worker: one case, done by a worker process of ours; the fields of its `Outcome`. Raises `JobError`."""
    from distributed import get_worker  # noqa: PLC0415

    key = orders_line.encode("ascii")
    threads = max(1, cores() // get_worker().state.nthreads)
    with _children:
        waiting = _idle.setdefault(key, [])
        child = waiting.pop() if waiting else Child(orders_of(key), sys.executable, threads)
        _busy.add(child)
    try:
        return asdict(child.do(task_of(task_line.encode("ascii")), time_limit_s))
    finally:
        with _children:
            _busy.discard(child)
            _idle.setdefault(key, []).append(child)


def end_children() -> None:
    """On a Dask worker: end all worker processes of ours; a case that runs fails, and nobody hears of it."""
    with _children:
        for child in (*_busy, *(child for waiting in _idle.values() for child in waiting)):
            child.abandon()
        _idle.clear()


def facts_of_worker(folder: str) -> tuple[str, bool]:
    """On a Dask worker: the version of this software, and whether the folder is there."""
    return __version__, Path(folder).is_dir()


def _connect(address: str) -> Client:
    try:
        from distributed import Client  # noqa: PLC0415
        from distributed.security import Security  # noqa: PLC0415
    except ImportError as error:
        raise MissingPackageError(
            "--scheduler needs the package distributed, which is not installed; expected the extra cluster; install "
            "cardiacmtl[cluster], or leave --scheduler out"
        ) from error
    if address.startswith("tls://") and Security().get_connection_args("client").get("ssl_context") is None:
        raise UsageError(
            f"{address} needs a certificate; expected one in Dask's configuration (distributed.comm.tls); see docs/batch.md"
        )
    try:
        return Client(address, timeout=CONNECT_LIMIT_S, set_as_default=False)
    except (OSError, ValueError, TypeError, ImportError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {address} ({' '.join(str(error).split()) or type(error).__name__}); expected an "
            "address such as tcp://host:8786; start `dask scheduler`, or correct --scheduler"
        ) from error


def _check_workers(client: Client, tasks: Sequence[Task]) -> None:
    """Raise `JobError` unless there are workers, all with this software and all with the output folder before them."""
    with suppress(TimeoutError):
        client.wait_for_workers(1, timeout=CONNECT_LIMIT_S)
    try:
        facts = client.run(facts_of_worker, str(Path(tasks[0].work).parent))
    except Exception as error:
        raise JobError(
            f"a worker of the cluster cannot take part ({type(error).__name__}: {' '.join(str(error).split())}); expected the "
            f"package cardiacmtl {__version__} on every machine; install it there"
        ) from error
    if not facts:
        raise JobError("the scheduler has no workers; expected some; start `dask worker` on the machines that shall take part")
    for worker, (version, sees) in sorted(facts.items()):
        if version != __version__:
            raise JobError(f"{worker} has cardiacmtl {version}; expected {__version__}; install one version on every machine")
        if not sees:
            raise JobError(
                f"{worker} does not see the output folder; expected a file system that all machines share, under one path; "
                "choose a folder on it"
            )


def _as_they_end(client: Client, tasks: Sequence[Task], orders: str, time_limit_s: float) -> Iterator[Outcome | None]:
    from distributed import wait  # noqa: PLC0415

    run, todo = uuid.uuid4().hex, list(enumerate(tasks))[::-1]
    running: dict[Future[Any], Task] = {}
    while todo or running:
        room = max(1, _AHEAD * sum(client.nthreads().values())) - len(running)
        for _ in range(min(room, len(todo))):
            number, task = todo.pop()
            line = line_of(task).decode("ascii")
            future = client.submit(do_task, orders, line, time_limit_s, key=f"cardiacmtl-{run}-{number}", pure=False)
            running[future] = task
        try:
            with client.as_current():
                ended = wait(list(running), timeout=TICK_S, return_when="FIRST_COMPLETED").done
        except TimeoutError:
            yield None
            continue
        for future in ended:
            yield _outcome(future, running.pop(future))


def _outcome(future: Future[Any], task: Task) -> Outcome:
    """How a task ended, by what became of its future; raises `JobError` where the next one would meet the same."""
    from distributed import KilledWorker  # noqa: PLC0415

    if future.status == "finished":
        values: dict[str, Any] = future.result()
        return Outcome(values["name"], End(values["end"]), values["text"])
    error = future.exception() if future.status == "error" else None
    if isinstance(error, KilledWorker):
        text = "the Dask workers that had the case ended, one after the other; expected a result; try it alone"
        return Outcome(task.name, End.FAILED, text)
    if isinstance(error, JobError):
        raise error
    what = f"{type(error).__name__}: {error}" if error else f"a case is {future.status}"
    raise JobError(f"the cluster cannot go on ({json.dumps(what)}); expected its scheduler to run on; go on with --resume")
