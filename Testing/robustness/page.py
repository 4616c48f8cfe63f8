"""Makes docs/reliability.md: `python -m Testing.robustness.page` runs the tests that show a row, and writes what came of each.

What the page says besides the table stands in docs/reliability/*.md and .json, and is taken in as it is but for its links.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from Testing.robustness.rows import ROWS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reliability.md"
PARTS = ROOT / "docs" / "reliability"
COMMAND = "python -m Testing.robustness.page"

NOT_RUN = "not run"
_BADNESS = ("passed", "skipped", NOT_RUN, "failed")


@dataclass(eq=False)
class Collector:
    """A pytest plugin: keeps the tests that carry the marker `robustness`, and what came of them."""

    _rows: dict[str, list[str]] = field(default_factory=dict)
    _outcomes: dict[str, str] = field(default_factory=dict)

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what shows no row, and note which rows the others show."""
        self._rows = {item.nodeid: found for item in items if (found := rows_of(item))}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in self._rows])
        items[:] = [item for item in items if item.nodeid in self._rows]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note an outcome; that of a set-up or a tear-down counts only where it is bad."""
        if report.when == "call" or report.outcome != "passed":
            known = self._outcomes.get(report.nodeid, "passed")
            self._outcomes[report.nodeid] = max(known, report.outcome, key=_BADNESS.index)

    @property
    def tests(self) -> dict[str, dict[str, str]]:
        """By row, the names of its tests in the order in which they stand, with the worst outcome of their cases."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for case, rows in self._rows.items():
            name, outcome = case.split("[")[0], self._outcomes.get(case, NOT_RUN)
            for row in rows:
                found[row][name] = max(found[row].get(name, "passed"), outcome, key=_BADNESS.index)
        return dict(found)


def rows_of(item: pytest.Item) -> list[str]:
    """The rows that a test shows."""
    return [str(row) for mark in item.iter_markers("robustness") for row in mark.args]


def table(tests: Mapping[str, Mapping[str, str]]) -> str:
    """The rows as a table: number, what comes, what must happen, the tests, the result."""
    lines = ["| # | Input or fault | Required | Shown by | Result |", "|---|---|---|---|---|"]
    for row, (fault, required) in ROWS.items():
        shown = tests.get(row, {})
        names = "<br>".join(f"`{Path(file).name}`: {words(name)}" for file, name in (each.split("::", 1) for each in shown))
        lines.append(f"| {row} | {fault} | {required} | {names or '-'} | {result(shown.values())} |")
    return "\n".join(lines)


def words(name: str) -> str:
    """A test's name as the sentence that it is."""
    return name.rsplit("::", 1)[-1].removeprefix("test_").replace("_", " ")


def result(outcomes: Sequence[str]) -> str:
    """One word for a row: as bad as its worst test; a row is skipped only where all its tests are."""
    found = set(outcomes)
    if not found:
        return "**no test**"
    for bad in ("failed", NOT_RUN):
        if bad in found:
            return f"**{bad}**"
    if found == {"skipped"}:
        return "skipped"
    return "passed, in part skipped" if "skipped" in found else "passed"


def fuzz_table(records: Mapping[str, Mapping[str, object]]) -> str:
    """Outcomes of fuzzing by format."""
    lines = ["| Format | Files | Error of ours | Right result | Findings | Commit, command |", "|---|---|---|---|---|---|"]
    for name, record in records.items():
        outcomes = record["outcomes"]
        assert isinstance(outcomes, dict)
        good = [outcomes.get(outcome, 0) for outcome in ("refused", "right result")]
        total = sum(outcomes.values())
        lines.append(
            f"| {name} | {total} | {good[0]} | {good[1]} | {total - sum(good)} | {record['commit']}, `{record['command']}` |"
        )
    return "\n".join(lines)


def page(tests: Mapping[str, Mapping[str, str]]) -> str:
    """The whole page."""
    parts = [
        "# Reliability",
        f"Made by `{COMMAND}`; do not edit. Commit {_commit()}, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}. A test's name says what holds; it stands in `Testing/`.",
        table(tests),
    ]
    fuzz = PARTS / "fuzz.json"
    if fuzz.exists():
        parts += ["## Fuzzing", fuzz_table(json.loads(fuzz.read_text(encoding="utf-8")))]
    parts += [_seen_from_page(path.read_text(encoding="utf-8").strip()) for path in sorted(PARTS.glob("*.md"))]
    return "\n\n".join(parts) + "\n"


def _seen_from_page(part: str) -> str:
    """A part whose links lead from the page to where they led from its own folder."""
    return re.sub(r"\]\((?!\w+:|#)", f"]({PARTS.name}/", part)


def main(arguments: Sequence[str] = ()) -> int:
    """Run the tests and write the page; the exit status is 1 where a row failed or has no test, 2 where tests could not run."""
    collector = Collector()
    status = pytest.main(["-q", "-p", "no:cacheprovider", *(arguments or ["Testing"])], plugins=[collector])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        print(f"pytest ended with {pytest.ExitCode(status).name}: {PAGE.relative_to(ROOT)} stays as it was")
        return 2
    tests = collector.tests
    PAGE.write_text(page(tests), encoding="utf-8")
    bad = [row for row in ROWS if result(tests.get(row, {}).values()).startswith("**")]
    print(f"{PAGE.relative_to(ROOT)}: {len(ROWS) - len(bad)} of {len(ROWS)} rows shown; not shown: {bad or 'none'}")
    return 1 if bad else 0


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
