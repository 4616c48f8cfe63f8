"""How time and memory grow with phases, slices, matrix, threads and the workers of a batch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from Testing.benchmark.child import run
from Testing.benchmark.parts import Plan, summary

Found = dict[str, Any]

SIZES = {"phases": (10, 30, 50, 70, 90), "slices": (5, 10, 15, 20), "matrix": (256, 512, 1024, 1536, 2048)}
"""Of the study, one after the other; the others stay at 2 phases, 10 slices and 256 x 256. Phases and matrix go beyond what
scanners make: within that so little is added to the network's constant memory that no growth can be told from noise."""

BATCH_STUDIES = 4


def scaling(plan: Plan) -> Found:
    """Curves of median seconds and peak memory over each size."""
    found: Found = {}
    for name, sizes in SIZES.items():
        found[name] = _curve(sizes, [_job(plan, **{name: size}) for size in sizes])
    found["threads"] = _threads(plan)
    found["workers"] = _workers(plan)
    return found


def _job(plan: Plan, **size: int) -> Found:
    """The whole job without the scene, whose libraries' memory would hide that of the study."""
    study = plan.study(**size)
    return summary([plan.child("job", study=study, passes=1, scene=False) for _ in range(plan.rounds)])


def _threads(plan: Plan) -> Found:
    """The network on ED and ES: what more threads bring."""
    study, counts = plan.study(), _powers_of_two(os.cpu_count() or 1)
    points = [
        summary([plan.child("network", contender="ours", study=study, passes=plan.passes, threads=count)]) for count in counts
    ]
    return _curve(counts, points)


def _workers(plan: Plan) -> Found:
    """A batch of studies with so many workers, each with one thread; empty where the command cannot do it."""
    study, counts = plan.study(), _powers_of_two(os.cpu_count() or 1)
    points = []
    for count in counts:
        try:
            plan.say(f"batch with {count} workers")
            points.append(summary([run("batch", study=study, copies=BATCH_STUDIES, workers=count, threads=1)]))
        except RuntimeError as error:
            return {"missing": str(error).splitlines()[0][:200]}
    return _curve(counts, points) | {"studies": BATCH_STUDIES}


def _curve(sizes: Sequence[int], points: Sequence[Found]) -> Found:
    return {"sizes": list(sizes)} | {
        kind: [_median(point, kind) for point in points] for kind in ("wall_s", "cpu_s", "peak_mb")
    }


def _median(point: Found, kind: str) -> float:
    value = point[kind]
    return float(value["median"] if isinstance(value, dict) else value)


def _powers_of_two(most: int) -> list[int]:
    return [2**power for power in range(most.bit_length()) if 2**power <= most]
