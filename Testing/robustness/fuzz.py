"""Fuzzing: mutated DICOM, NIfTI and weight files are read in a process of their own, with limits on memory and time.

`python -m Testing.robustness.fuzz [--count N] [--seed S] [--out FILE] [--findings DIR] [FORMAT ...]`. An error of ours or a
right result is as it must be; all else is a finding. The same seed makes the same files. Linux only, as the limits are.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from Testing.robustness.fuzzing.child import CPU_S, MEMORY_BYTES, case
from Testing.robustness.fuzzing.judge import GOOD, Outcome, Verdict
from Testing.robustness.fuzzing.subjects import FORMATS

ROOT = Path(__file__).resolve().parents[2]
WALL_S = 600.0
"""A child that is silent for so long, on a machine however busy, hangs without computing."""


@dataclass(frozen=True, slots=True)
class Case:
    """One mutated file and what came of it."""

    file_format: str
    index: int
    verdict: Verdict


class Reader:
    """The child process; a new one where the last has died."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._process = folder, self._started(folder)
        self.restarts = 0

    @staticmethod
    def _started(folder: Path) -> subprocess.Popen[bytes]:
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(ROOT / "CardiacMTL"), str(ROOT)]),
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "Testing.robustness.fuzzing.child", str(folder)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, cwd=ROOT)

    def judge(self, file_format: str, seed: int, index: int) -> Verdict:
        """The child's verdict, or that it died or fell silent."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{file_format} {seed} {index}\n".encode())
        self._process.stdin.flush()
        if not select.select([self._process.stdout], [], [], WALL_S)[0]:
            self._process.kill()
        line = self._process.stdout.readline()
        if line:
            outcome, detail = json.loads(line)
            return Verdict(Outcome(outcome), detail)
        status = self._process.wait()
        printed = (self._folder / "printed").read_text(encoding="utf-8", errors="replace")[-300:]
        if status > 0:
            raise RuntimeError(f"the child ended with status {status}: {printed}")
        self.close()
        self._process = self._started(self._folder)
        self.restarts += 1
        slow = -status in (27, 9)
        return Verdict(Outcome.SLOW if slow else Outcome.DIED, f"signal {-status}: {printed}")

    def close(self) -> None:
        """End the child."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._process.wait()


def fuzz(formats: Sequence[str], count: int, seed: int, folder: Path) -> Iterator[Case]:
    """Judge `count` mutated files of each format, with scratch space in `folder`."""
    reader = Reader(folder)
    try:
        for file_format in formats:
            for index in range(count):
                yield Case(file_format, index, reader.judge(file_format, seed, index))
    finally:
        reader.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz as asked, print findings as they come, write the counts, and return 1 where there are findings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="*", metavar="FORMAT", help=f"some of {', '.join(FORMATS)}; all by default")
    parser.add_argument("--count", type=int, default=10_000, help="mutated files of each format (%(default)s)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="write what came of each format there, as JSON")
    parser.add_argument("--findings", type=Path, help="keep the files of findings there")
    options = parser.parse_args(arguments)
    formats = options.formats or list(FORMATS)
    counts: dict[str, Counter[str]] = {name: Counter() for name in formats}
    findings = []
    with tempfile.TemporaryDirectory(prefix="cardiacmtl-fuzz-") as folder:
        for each in fuzz(formats, options.count, options.seed, Path(folder)):
            counts[each.file_format][each.verdict.outcome] += 1
            if each.verdict.outcome not in GOOD:
                findings.append(_finding(each, options.seed, options.findings))
                print(json.dumps(findings[-1]), flush=True)
    found: dict[str, list[dict[str, object]]] = {
        name: [each for each in findings if each["format"] == name] for name in formats
    }
    records = {
        name: {
            "command": f"python -m Testing.robustness.fuzz --count {options.count} --seed {options.seed} {name}",
            "commit": _commit(),
            "limits": {"memory_bytes": MEMORY_BYTES, "cpu_s": CPU_S},
            "outcomes": dict(sorted(counter.items())),
            "findings": found[name],
        }
        for name, counter in counts.items()
    }
    print(json.dumps({name: record["outcomes"] for name, record in records.items()}))
    if options.out:
        _write(options.out, records)
    return 1 if findings else 0


def _write(path: Path, records: dict[str, dict[str, object]]) -> None:
    """Put the records of some formats into the file, and leave those of the others."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dict(sorted((known | records).items())), indent=1) + "\n", encoding="utf-8")


def _finding(each: Case, seed: int, keep: Path | None) -> dict[str, object]:
    subject, content = case(each.file_format, seed, each.index)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{each.file_format}-{each.index}-{subject.target}").write_bytes(content)
    return {
        "format": each.file_format,
        "subject": subject.name,
        "index": each.index,
        "outcome": each.verdict.outcome,
        "detail": each.verdict.detail,
    }


def _commit() -> str:
    done = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
