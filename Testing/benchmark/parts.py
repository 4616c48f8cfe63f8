"""The parts of the benchmark: each starts child processes in turn and gathers what they found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from Testing.benchmark.child import run
from Testing.benchmark.machine import spread

Found = dict[str, Any]

NETWORKS = {
    "ED and ES": ("ours", "shipped", "nnunet_2d", "nnunet_2d_mirrored", "nnunet_3d", "nnunet_3d_mirrored", "monai"),
    "30-phase cine": ("ours", "shipped", "nnunet_2d", "monai"),
}
"""Which networks see which study. nnU-Net's other ways cost the same for every frame: 15 times ED and ES."""

_SLOW = ("nnunet_2d_mirrored", "nnunet_3d", "nnunet_3d_mirrored")
"""Measured once a round and without a pass that is not counted: a pass takes minutes, whose beginning does not matter."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: rounds through all contenders, passes in each process, threads, and the studies' folder.

    `left_out` are networks that are not measured.
    """

    folder: Path
    rounds: int
    passes: int
    threads: int
    say: Callable[[str], None]
    left_out: frozenset[str] = frozenset()

    def study(self, phases: int = 2, slices: int = 10, matrix: int = 256) -> str:
        """The path of a study of this size."""
        path: str = run("study_file", folder=str(self.folder), phases=phases, slices=slices, matrix=matrix)["path"]
        return path

    def child(self, task: str, **options: object) -> Found:
        """What a child process found, with this plan's threads unless others are given."""
        said = " ".join(str(value) for value in options.values() if not str(value).startswith("/"))
        self.say(f"{task} {said}")
        return run(task, **{"threads": self.threads} | options)


def networks(plan: Plan) -> Found:
    """All networks in turn, round after round, the order turned each time, the matrix product among them."""
    studies = {"ED and ES": plan.study(), "30-phase cine": plan.study(phases=30)}
    entries = [(study, name) for study, names in NETWORKS.items() for name in names if name not in plan.left_out]
    passes: dict[tuple[str, str], list[Found]] = {entry: [] for entry in entries}
    products: list[Found] = []
    for number in range(plan.rounds):
        products.append(plan.child("peak"))
        for study, name in entries if number % 2 == 0 else reversed(entries):
            slow = name in _SLOW or study != "ED and ES"
            options = {"passes": 1 if slow else plan.passes, "warm_up": not slow}
            passes[study, name].append(plan.child("network", contender=name, study=studies[study], **options))
    case = studies["ED and ES"]
    counted = {name: plan.child("operations", contender=name, study=case) for name in {name for _, name in entries}}
    peak = {key: spread(_all(products, key)) for key in ("gflop_per_s", "gflop_per_cpu_s")}
    found: Found = {"matrix_product": peak}
    for (study, name), rounds in passes.items():
        times = 1 if study == "ED and ES" else _cine_work(name)
        figures = {key: value for key, value in counted[name].items() if key != "peak_mb"}
        figures["gflop"] *= times
        found.setdefault(study, {})[name] = summary(rounds) | figures
    return found


def pipeline(plan: Plan) -> Found:
    """Our whole job on both studies: as a command, and in a process that has done one before."""
    studies = {"ED and ES": plan.study(), "30-phase cine": plan.study(phases=30)}
    rounds: dict[str, dict[str, list[Found]]] = {study: {"command_line": [], "job": []} for study in studies}
    for _ in range(plan.rounds):
        for study, path in studies.items():
            rounds[study]["command_line"].append(plan.child("command_line", study=path))
            rounds[study]["job"].append(plan.child("job", study=path, passes=plan.passes if "ED" in study else 1))
    found: Found = {}
    for study, ways in rounds.items():
        found[study] = {way: summary(results) for way, results in ways.items()}
        jobs = ways["job"]
        parts = {part for job in jobs for part in job["parts"]}
        found[study]["job"]["parts"] = {part: spread(_all([job["parts"] for job in jobs], part)) for part in sorted(parts)}
        found[study]["job"] |= {kind: spread(_all(jobs, kind)) for kind in ("outside_s", "outside_cpu_s")}
    return found


def startup(plan: Plan) -> Found:
    """What is paid before any work: `--help`, and the module's imports when Slicer starts."""
    tasks = {"help": "help_text", "module_import": "module_import"}
    return {name: _with_torch([plan.child(task) for _ in range(plan.rounds)]) for name, task in tasks.items()}


def training(plan: Plan) -> Found:
    """Loader and augmentation against the bare training step; processor seconds, which a busy machine changes little."""
    found = plan.child("training", steps=4 * plan.passes)
    return {key: value for key, value in found.items() if key.startswith("window")}


def summary(rounds: Sequence[Mapping[str, Any]]) -> Found:
    """Spread of the seconds over all passes of all rounds, and the most memory that any needed."""
    times = {key: spread(_all(rounds, key)) for key in ("wall_s", "cpu_s")}
    return times | {"peak_mb": max(one["peak_mb"] for one in rounds), "passes": len(_all(rounds, "wall_s"))}


def _with_torch(rounds: Sequence[Mapping[str, Any]]) -> Found:
    brought = [one["torch"] for one in rounds if "torch" in one]
    return summary(rounds) | ({"imports_torch": any(brought)} if brought else {})


def _all(rounds: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [value for one in rounds for value in one[key]]


def _cine_work(name: str) -> int:
    """How many times the operations of ED and ES a 30-phase cine takes; ours segments ED and ES once more."""
    return 16 if name in {"ours", "shipped"} else 15
