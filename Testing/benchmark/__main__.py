"""The benchmark: `python -m Testing.benchmark`, from the checkout, on a machine that does nothing else.

It writes docs/benchmark/results.json, the pictures beside it, and docs/benchmark.md. Parts that are not asked for keep their
figures. The networks of others need the extra `benchmark`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from CardiacMTLTraining.provenance import commit
from Testing.benchmark.machine import facts, load_average
from Testing.benchmark.page import write_page
from Testing.benchmark.parts import Plan, networks, pipeline, startup, training
from Testing.benchmark.scaling import scaling
from Testing.benchmark.tasks import CONTENDERS

DOCS = Path(__file__).resolve().parents[2] / "docs"
FORMAT = 1

PARTS: dict[str, Callable[[Plan], dict[str, Any]]] = {
    "startup": startup,
    "training": training,
    "networks": networks,
    "pipeline": pipeline,
    "scaling": scaling,
}


def main() -> None:
    """Measure the chosen parts and write the page anew."""
    arguments = _parser().parse_args()
    out: Path = arguments.out
    results_file = out / "benchmark" / "results.json"
    results: dict[str, Any] = {"format": FORMAT, "parts": {}}
    if results_file.is_file():
        results = json.loads(results_file.read_text(encoding="utf-8"))
    results_file.parent.mkdir(parents=True, exist_ok=True)
    load = load_average()
    with tempfile.TemporaryDirectory() as folder:
        left_out = frozenset(arguments.leave_out)
        plan = Plan(Path(folder), arguments.rounds, arguments.passes, arguments.threads, _say, left_out)
        for name in arguments.parts:
            found = PARTS[name](plan)
            results["parts"][name] = _stamp(arguments, name, load) | {"found": found}
            results_file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page(results, out)


def _stamp(arguments: argparse.Namespace, name: str, load: float | None) -> dict[str, Any]:
    """When, where and how a part was measured."""
    options = f"--rounds {arguments.rounds} --passes {arguments.passes} --threads {arguments.threads}"
    return {
        "command": f"python -m Testing.benchmark --parts {name} {options}",
        "commit": commit(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": facts(arguments.threads),
        "load_at_start": load,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m Testing.benchmark", description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="what is measured; none: the page only")
    parser.add_argument("--rounds", type=int, default=3, help="times through everything, each in new processes (%(default)s)")
    parser.add_argument("--passes", type=int, default=3, help="counted passes of a process, after one more (%(default)s)")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="of the networks (%(default)s)")
    parser.add_argument("--leave-out", nargs="*", choices=CONTENDERS, default=[], help="networks that are not measured")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of benchmark.md and benchmark/ (%(default)s)")
    return parser


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
