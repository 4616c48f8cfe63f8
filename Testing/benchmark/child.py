"""One measurement in a process of its own: `python -m Testing.benchmark.child TASK '{"option": value}'`.

The last line that it prints is the result as JSON. Memory is what this process alone needed at most.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OWN_PLACES = (ROOT / "CardiacMTL", ROOT)


def run(task: str, **options: object) -> dict[str, Any]:
    """What `task` of `tasks.TASKS` found in a new process; raises `RuntimeError` with what it said where it failed."""
    command = [sys.executable, "-m", "Testing.benchmark.child", task, json.dumps(options)]
    places = os.pathsep.join([*map(str, OWN_PLACES), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"PYTHONPATH": places, "OMP_NUM_THREADS": str(options.get("threads", 1))}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{task} {options} ended with status {done.returncode}: {done.stderr.strip()[-800:]}")
    result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return result


def timed(work: Callable[[], object], passes: int, *, warm_up: bool = True) -> dict[str, list[float]]:
    """Wall and processor seconds (of all threads) of each pass, after one that is not counted."""
    if warm_up:
        work()
    wall_s, cpu_s = [], []
    for _ in range(passes):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        wall_s.append(round(time.perf_counter() - wall, 4))
        cpu_s.append(round(time.process_time() - cpu, 4))
    return {"wall_s": wall_s, "cpu_s": cpu_s}


def process_cost(command: list[str], threads: int, *, status: int = 0) -> dict[str, Any]:
    """Wall and processor seconds and memory of a command from its start to its end, with the processes it waited for.

    Memory is that of the largest of them. Raises `RuntimeError` where it ends otherwise than with `status`.
    """
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wall_s, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != status:
        raise RuntimeError(f"{' '.join(command[:4])} ended with status {done.returncode}: {done.stderr.strip()[-800:]}")
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": [round(wall_s, 4)], "cpu_s": [round(cpu_s, 4)], "peak_mb": _megabytes(after.ru_maxrss)}


def own_peak_mb() -> float:
    """The most memory that this process held; Linux's own figure, as the other may be that of the process that started it."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    return _megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _megabytes(most: int) -> float:
    """The system's own unit of `ru_maxrss` is kilobytes, on macOS bytes."""
    return round(most / (1024**2 if sys.platform == "darwin" else 1024), 1)


def main() -> None:
    """Do one task and print what it found."""
    from Testing.benchmark.tasks import TASKS  # noqa: PLC0415 - the parent, which imports this file too, stays small

    found = TASKS[sys.argv[1]](**json.loads(sys.argv[2]))
    sys.stdout.write("\n" + json.dumps({"peak_mb": own_peak_mb()} | found) + "\n")


if __name__ == "__main__":
    main()
