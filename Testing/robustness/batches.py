"""Small batches for tests: studies, workers that misbehave on demand, and a driver process that can be killed."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from CardiacMTLLib.batch import RESULTS_FILE
from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import PhantomStudy, make_phantom, write_phantom
from CardiacMTLLib.phantom.grid import PhantomGrid
from CardiacMTLLib.phantom.groups import anatomy_of

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL = PhantomGrid(size_xyz=(24, 24, 3), spacing_xyz_mm=(10.0, 10.0, 25.0))
PATIENCE_S = 200

WITHOUT_PICTURES = """
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"matplotlib", "jinja2", "PIL"}:
            raise ModuleNotFoundError(f"no {name}", name=name.split(".")[0])
sys.meta_path.insert(0, Blocker())
"""
"""Pictures and reports are most of a tiny case's time."""

WITHOUT_NETWORK = """
import os, signal, time
from pathlib import Path
import CardiacMTLLib.batch.worker_main as worker
from CardiacMTLLib.conclude import conclude
from CardiacMTLLib.network.heads import load_heads

worker.prepare = lambda orders: worker.Means(lambda study: conclude(study, None, load_heads()))
done = worker.do
"""
"""A worker that concludes what is concluded where no heart is found: without torch, it is ready in half a second."""


@cache
def phantom() -> PhantomStudy:
    return make_phantom(anatomy_of(Group.NOR), SMALL, n_frames=3)


def write_study(path: Path) -> Path:
    """A tiny cine at `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_phantom(phantom(), path)
    return path


def python_that(folder: Path, lines: str) -> Path:
    """A Python for workers that first does `lines`."""
    folder.mkdir(parents=True, exist_ok=True)
    patch = folder / "patch.py"
    start = (
        "import runpy, sys, pathlib\nsys.argv = sys.argv[1:]\nsys.path.insert(0, str(pathlib.Path(sys.argv[0]).parents[2]))\n"
    )
    patch.write_text(f"{start}{lines}\nrunpy.run_path(sys.argv[0], run_name='__main__')\n", encoding="utf-8")
    launcher = folder / "python"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{patch}" "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    return launcher


def quick_python(folder: Path, lines: str = "") -> Path:
    """A Python for workers without network and pictures; `lines` may put other things into the module `worker`."""
    return python_that(folder, WITHOUT_PICTURES + WITHOUT_NETWORK + lines)


DRIVER = """
import json, sys
from pathlib import Path
from CardiacMTLLib.batch import BatchSettings, Watcher, Workforce, run_batch
from CardiacMTLLib.errors import CardiacMTLError

root, out, python, model, workers = sys.argv[1:]
settings = BatchSettings(model=model or None, device="cpu", scene=False)
try:
    summary = run_batch(Path(root), Path(out), settings, Workforce(int(workers), python=python), resume=True)
except CardiacMTLError as error:
    sys.exit(str(error))
print(json.dumps([summary.done, dict(summary.failed)]))
"""


def start_driver(root: Path, out: Path, python: Path | str, model: str = "", workers: int = 1) -> subprocess.Popen[bytes]:
    """A process that goes on with the batch in `out`, and prints how it ended."""
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY / 'CardiacMTL'}{os.pathsep}{REPOSITORY}", "OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        "-c",
        WITHOUT_PICTURES.join(["import sys\n", DRIVER]),
        *map(str, (root, out, python, model, workers)),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment)


def end_of(driver: subprocess.Popen[bytes]) -> tuple[list[str], dict[str, str]]:
    """Done and failed cases, once a driver has ended well."""
    output, errors = driver.communicate(timeout=PATIENCE_S)
    assert driver.returncode == 0, errors.decode()
    done, failed = json.loads(output)
    return done, failed


def kill(driver: subprocess.Popen[bytes]) -> None:
    """End a driver by SIGKILL."""
    driver.kill()
    driver.communicate(timeout=PATIENCE_S)


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table, which must be whole; none where it is not there."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as opened:
        found = list(csv.DictReader(opened))
    assert all(None not in row and None not in row.values() for row in found)
    return found


def done_cases(out: Path) -> dict[str, int]:
    """The cases whose folders are there, each with the number of its record's file: another one would be another run's."""
    return {path.parent.name: path.stat().st_ino for path in sorted(out.glob("*/result.json"))}


def check_tables_agree(out: Path) -> None:
    """results.csv names only cases that are done, and each once."""
    named = [row["case"] for row in rows(out / RESULTS_FILE)]
    assert len(named) == len(set(named))
    assert set(named) <= set(done_cases(out))
