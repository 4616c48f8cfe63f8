"""A batch of 500 phantom studies, 50 of them bad, killed five times and resumed; then a Dask cluster that loses a worker.

Writes docs/reliability/batch.json, batch.md and batch.png: what was found, and the memory over the cases; `python -m
Testing.robustness.page` takes them into its page. Any finding ends the script with an error. `--cases 60 --cluster-cases 20
--tiny` makes it small.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "CardiacMTL"), str(REPOSITORY)]

from CardiacMTLLib.batch.state import STATE_FOLDER  # noqa: E402 - runs as a script without an installed package
from CardiacMTLLib.labels import Group  # noqa: E402
from CardiacMTLLib.phantom import make_phantom, write_phantom  # noqa: E402
from CardiacMTLLib.phantom.grid import PhantomGrid  # noqa: E402
from CardiacMTLLib.phantom.groups import anatomy_of  # noqa: E402
from CardiacMTLTraining.provenance import commit  # noqa: E402

KILLS = 5
SAMPLE_S = 0.5
PATIENCE_S = 6 * 3600
MEGABYTE = 1 << 20


@dataclass
class Memory:
    """Resident memory (MiB) of the batch's process and of its worker, by the number of cases that had ended."""

    cases: list[int] = field(default_factory=list)
    batch_mib: list[float] = field(default_factory=list)
    worker_mib: list[float] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)


def make_studies(root: Path, count: int, bad: int, *, tiny: bool) -> tuple[list[str], list[str]]:
    """Studies `p0000_cine`, ...: phantoms of the five groups, and files that are none; names of good and bad ones."""
    grid = PhantomGrid((24, 24, 3), (10.0, 10.0, 25.0)) if tiny else PhantomGrid((96, 96, 10), (2.5, 2.5, 10.0))
    stock = root.parent / "stock"
    stock.mkdir()
    for group in Group:
        write_phantom(make_phantom(anatomy_of(group), grid, n_frames=3 if tiny else 10), stock / f"{group}.nii.gz")
    phantoms = sorted(stock.iterdir())
    whole = phantoms[0].read_bytes()
    damage = (b"", b"<html>not found</html>", whole[: len(whole) // 2], whole[:20], bytes(4096))
    spoiled = set(random.Random(1).sample(range(count), bad))
    names: tuple[list[str], list[str]] = ([], [])
    for number in range(count):
        path = root / f"p{number:04}" / "cine.nii.gz"
        path.parent.mkdir(parents=True)
        if number in spoiled:
            path.write_bytes(damage[number % len(damage)])
        else:
            shutil.copyfile(phantoms[number % len(phantoms)], path)
        names[number in spoiled].append(f"p{number:04}_cine")
    return names


def rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def done_cases(out: Path) -> dict[str, int]:
    return {path.parent.name: path.stat().st_ino for path in sorted(out.glob("*/result.json"))}


def ended(out: Path) -> int:
    return len(done_cases(out)) + len(rows(out / "failures.csv"))


def start(root: Path, out: Path, *options: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(REPOSITORY / "CardiacMTL"), str(REPOSITORY)))}
    command = [sys.executable, "-m", "CardiacMTLLib", "batch", str(root), "--out", str(out), "--resume", "--no-scene", *options]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def resident_mib(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE


def children_of(pid: int) -> list[int]:
    try:
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()] + [
            child
            for task in Path(f"/proc/{pid}/task").iterdir()
            if task.name != str(pid)
            for child in map(int, (task / "children").read_text(encoding="ascii").split())
        ]
    except OSError:
        return []


@contextmanager
def sampled(process: subprocess.Popen[bytes], out: Path, memory: Memory, run: int) -> Iterator[None]:
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(SAMPLE_S):
            worker = max((resident_mib(child) for child in children_of(process.pid)), default=0.0)
            memory.cases.append(ended(out))
            memory.batch_mib.append(round(resident_mib(process.pid), 1))
            memory.worker_mib.append(round(worker, 1))
            memory.runs.append(run)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def check(holds: bool, what: str) -> None:
    if not holds:
        sys.exit(f"finding: {what}")


def killed_and_resumed(root: Path, out: Path, names: tuple[list[str], list[str]], options: tuple[str, ...]) -> dict[str, Any]:
    """The batch with its kills; what was found."""
    good, bad = names
    total, generator, memory = len(good) + len(bad), random.Random(2), Memory()
    seen: dict[str, int] = {}
    kills: list[int] = []
    started = time.monotonic()
    for run, stop_at in enumerate(sorted(generator.sample(range(total // 2), KILLS))):
        process = start(root, out, *options)
        with sampled(process, out, memory, run):
            while ended(out) < stop_at or not (out / STATE_FOLDER / "batch.json").exists():
                check(process.poll() is None, f"run {run} ended by itself with status {process.poll()}")
                time.sleep(0.01)
            time.sleep(generator.uniform(0, 0.5))
            process.kill()
            process.wait()
        found = done_cases(out)
        check(seen.items() <= found.items(), "a case that was done was done again")
        named = [row["case"] for row in rows(out / "results.csv")]
        check(
            len(set(named)) == len(named) and set(named) <= set(found),
            "results.csv names a case twice, or one that is not done",
        )
        seen = found
        kills.append(ended(out))
    process = start(root, out, *options)
    with sampled(process, out, memory, KILLS):
        status = process.wait(PATIENCE_S)
    seconds = time.monotonic() - started
    check(status == int(bool(bad)), f"the last run ended with status {status}")
    check_complete(out, names)
    check(seen.items() <= done_cases(out).items(), "a case that was done was done again")
    last = [index for index, run in enumerate(memory.runs) if run == KILLS and memory.worker_mib[index] > 0]
    last = last[len(last) // 10 :]
    tenth = max(len(last) // 5, 1)
    return {
        "cases": total,
        "good": len(good),
        "bad": len(bad),
        "killed_after_cases": kills,
        "all_good_results": True,
        "all_failures_named": True,
        "lost": 0,
        "doubled": 0,
        "seconds": round(seconds, 1),
        "memory_mib": {
            "batch_first": mean(memory.batch_mib, last[:tenth]),
            "batch_last": mean(memory.batch_mib, last[-tenth:]),
            "worker_first": mean(memory.worker_mib, last[:tenth]),
            "worker_last": mean(memory.worker_mib, last[-tenth:]),
            "worker_highest": max(memory.worker_mib),
        },
        "memory": by_case(memory),
    }


def by_case(memory: Memory) -> dict[str, list[float]]:
    """The most that was seen while so many cases had ended: one point for each run and number."""
    most: dict[tuple[int, int], tuple[float, float]] = {}
    for run, cases, batch, worker in zip(memory.runs, memory.cases, memory.batch_mib, memory.worker_mib, strict=True):
        before = most.get((run, cases), (0.0, 0.0))
        most[run, cases] = (max(before[0], batch), max(before[1], worker))
    return {
        "run": [run for run, _ in most],
        "cases": [cases for _, cases in most],
        "batch_mib": [batch for batch, _ in most.values()],
        "worker_mib": [worker for _, worker in most.values()],
    }


def mean(values: list[float], places: list[int]) -> float:
    return round(sum(values[place] for place in places) / max(len(places), 1), 1)


def check_complete(out: Path, names: tuple[list[str], list[str]]) -> None:
    good, bad = names
    check(list(done_cases(out)) == good, "folders of results are not those of the good studies")
    check([row["case"] for row in rows(out / "results.csv")] == good, "results.csv is not the list of the good studies")
    check([row["case"] for row in rows(out / "failures.csv")] == bad, "failures.csv is not the list of the bad studies")
    check(all(row["error"] for row in rows(out / "failures.csv")), "a failure has no reason")
    check(len({frozenset(path.name for path in (out / name).iterdir()) for name in good}) == 1, "a result lacks files")


def on_a_cluster(root: Path, out: Path, names: tuple[list[str], list[str]], options: tuple[str, ...]) -> dict[str, Any]:
    """The same batch by three Dask workers of this machine, one of which is killed midway."""
    folder = out.parent
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY / "CardiacMTL")}
    dask = [sys.executable, "-m", "dask"]
    file = folder / "scheduler.json"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment, "cwd": folder}
    line = [*dask, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    processes = [subprocess.Popen(line, **quiet)]
    try:
        while not file.exists() or not file.read_text(encoding="utf-8").rstrip().endswith("}"):
            time.sleep(0.1)
        address = json.loads(file.read_text(encoding="utf-8"))["address"]
        line = [*dask, "worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        processes += [subprocess.Popen([*line, "--memory-limit", "0"], **quiet) for _ in range(3)]
        started = time.monotonic()
        batch = start(root, out, "--scheduler", address, *options)
        total = len(names[0]) + len(names[1])
        while ended(out) < total // 3:
            check(batch.poll() is None, f"the batch on the cluster ended by itself with status {batch.poll()}")
            time.sleep(0.05)
        processes[1].kill()
        killed_after = ended(out)
        check(batch.wait(PATIENCE_S) == int(bool(names[1])), "the batch on the cluster ended with another status")
        check_complete(out, names)
        seconds = round(time.monotonic() - started, 1)
        return {"cases": total, "workers": 3, "worker_killed_after_cases": killed_after, "seconds": seconds}
    finally:
        for process in processes:
            process.kill()
            process.wait()


def draw(found: dict[str, Any], path: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415 - of the extra `report`

    memory = found["memory"]
    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    for key, label, colour in (("worker_mib", "worker process", "#0072b2"), ("batch_mib", "batch itself", "#d55e00")):
        points = [(cases, mib) for cases, mib in zip(memory["cases"], memory[key], strict=True) if mib > 0]
        axes.plot(*zip(*points, strict=True), ".", color=colour, markersize=3, label=label)
    for number, cases in enumerate(found["killed_after_cases"]):
        axes.axvline(cases, color="0.6", linewidth=1, label="" if number else "killed (SIGKILL), then resumed")
    axes.set(xlabel="cases that have ended", ylabel="resident memory, MiB", ylim=(0, None))
    axes.legend(loc="best", frameon=False)
    figure.savefig(path, dpi=120)


def section(found: dict[str, Any]) -> str:
    """What was found, as a section of docs/reliability.md."""
    batch, cluster, made = found["batch"], found["cluster"], found["machine"]
    memory, kills = batch["memory_mib"], ", ".join(map(str, batch["killed_after_cases"]))
    worker = f"{memory['worker_first']:.0f} and {memory['worker_last']:.0f} MiB in the worker"
    most = f"{memory['worker_highest']:.0f} MiB at most"
    whole = f"{memory['batch_first']:.0f} and {memory['batch_last']:.0f} MiB in the batch itself"
    return f"""## A batch of {batch["cases"]} studies

Made by `{made["command"]}` at commit {made["commit"][:7]} on {made["date"]}, {made["cores"]} cores, Python {made["python"]}.

- {batch["cases"]} phantom studies, {batch["bad"]} of them bad files; the batch was killed (SIGKILL) after
  {kills} cases, and resumed.
- All {batch["good"]} results are there; all {batch["bad"]} failures are named, with their reasons.
  None is lost, none was done twice.
- Memory of the last run, means of its first and of its last fifth: {worker} ({most}),
  {whole}.
- {cluster["workers"]} Dask workers on this machine did {cluster["cases"]} of the studies; one of them was killed after
  {cluster["worker_killed_after_cases"]} cases. Results and failures are complete.

![Memory over the cases](batch.png)
"""


def machine() -> dict[str, str]:
    return {
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "cores": str(os.cpu_count()),
        "commit": commit(),
        "command": " ".join(["python", "Testing/robustness/batch_of_500.py", *sys.argv[1:]]),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="A batch of 500 phantom studies, killed five times and resumed.")
    parser.add_argument("--cases", type=int, default=500, help="number of studies; a tenth of them is bad (%(default)s)")
    parser.add_argument("--cluster-cases", type=int, default=60, help="number of studies for the Dask run (%(default)s)")
    parser.add_argument("--tiny", action="store_true", help="a tiny network of random weights and tiny studies")
    parser.add_argument(
        "--out", type=Path, default=REPOSITORY / "docs" / "reliability", help="folder for batch.json and batch.png"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cardiacmtl-") as name:
        folder = Path(name)
        options: tuple[str, ...] = ("--device", "cpu")
        if arguments.tiny:
            from Testing.unit.tiny_model import write_tiny_model  # noqa: PLC0415 - loads torch

            write_tiny_model(folder / "models" / "tiny")
            os.environ["CARDIACMTL_MODELS"] = str(folder / "models")
            options += ("--model", "tiny")
        names = make_studies(folder / "studies", arguments.cases, arguments.cases // 10, tiny=arguments.tiny)
        found: dict[str, Any] = {"machine": machine(), "network": "tiny" if arguments.tiny else "default"}
        found["batch"] = killed_and_resumed(folder / "studies", folder / "out", names, options)
        few = tuple([case for case in part if int(case[1:5]) < arguments.cluster_cases] for part in names)
        for path in (folder / "studies").iterdir():
            if int(path.name[1:5]) >= arguments.cluster_cases:
                shutil.rmtree(path)
        found["cluster"] = on_a_cluster(folder / "studies", folder / "cluster", (few[0], few[1]), options)
    arguments.out.mkdir(parents=True, exist_ok=True)
    draw(found["batch"], arguments.out / "batch.png")
    (arguments.out / "batch.json").write_text(json.dumps(found) + "\n", encoding="utf-8")
    (arguments.out / "batch.md").write_text(section(found), encoding="utf-8")
    sys.stdout.write(
        json.dumps({key: value for key, value in found["batch"].items() if key != "memory"} | found["cluster"]) + "\n"
    )


if __name__ == "__main__":
    main()
