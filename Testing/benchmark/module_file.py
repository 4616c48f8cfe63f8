"""What Slicer pays at its start for the module's file: the imports at its top that are not Slicer's own."""

from __future__ import annotations

import ast
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

MODULE_FILE = Path(__file__).resolve().parents[2] / "CardiacMTL" / "CardiacMTL.py"

_SLICER_HAS = {"slicer", "vtk", "qt", "ctk"}
"""Imported by the application before any module; here they are absent and cost nothing."""

_TIMED = """
import json, sys, time
cpu, wall = time.process_time(), time.perf_counter()
{imports}
seconds = time.perf_counter() - wall, time.process_time() - cpu
print(json.dumps({{"wall_s": seconds[0], "cpu_s": seconds[1], "torch": "torch" in sys.modules}}))
"""


def top_imports(source: str) -> list[str]:
    """The import statements at the top level of a module's source, without those of the application itself."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        else:
            continue
        if not any(name.partition(".")[0] in _SLICER_HAS for name in names):
            found.append(ast.unparse(node))
    return found


def import_cost(_threads: int, repeats: int = 5) -> dict[str, Any]:
    """Median seconds of these imports in a fresh interpreter, and whether they bring torch."""
    program = _TIMED.format(imports="\n".join(top_imports(MODULE_FILE.read_text(encoding="utf-8"))))
    runs = []
    for _ in range(repeats):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout))
    times = {name: [round(statistics.median(run[name] for run in runs), 4)] for name in ("wall_s", "cpu_s")}
    return times | {"torch": any(run["torch"] for run in runs)}
