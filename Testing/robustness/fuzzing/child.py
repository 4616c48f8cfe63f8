"""The process that reads damaged files: limits on memory and time, a case a line on standard input, a verdict a line back.

`python -m Testing.robustness.fuzzing.child FOLDER`; each line of input is "FORMAT SEED INDEX". What libraries print counts.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sys
from pathlib import Path

from Testing.robustness.fuzzing.judge import judge
from Testing.robustness.fuzzing.mutate import mutated
from Testing.robustness.fuzzing.subjects import Subject, subjects

MEMORY_BYTES = 1 << 30
"""Address space that a case may take beyond what the process holds once all is imported."""

CPU_S = 20.0
"""Processor time of one case; then the process is ended by the system."""


def case(file_format: str, seed: int, index: int) -> tuple[Subject, bytes]:
    """The subject of a case and its mutated bytes: the same for the same numbers."""
    kinds = subjects(file_format)
    subject = kinds[index % len(kinds)]
    rng = random.Random(f"{seed}/{file_format}/{index}")
    whole = subject.files[subject.target]
    if subject.packed is None:
        return subject, mutated(whole, subject.layout, rng)
    if rng.random() < 0.7:
        return subject, subject.packed(mutated(whole, subject.layout, rng))
    packed = subject.packed(whole)
    return subject, mutated(packed, type(subject.layout)(), rng)


def warm_up(file_format: str, folder: Path) -> None:
    """Read each whole subject once, so that all is imported; they must be read rightly."""
    for subject in subjects(file_format):
        whole = subject.files[subject.target]
        verdict = judge(subject, file_format, whole if subject.packed is None else subject.packed(whole), folder)
        if verdict.outcome != "right result":
            raise RuntimeError(f"{subject.name} is not read: {verdict}")


def limit_memory() -> None:
    """Let the address space grow by `MEMORY_BYTES` from here on."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    limit = pages * resource.getpagesize() + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))


def main(folder: Path) -> None:
    """Judge cases until the input ends."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    heard = os.open(folder / "printed", os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
    os.dup2(heard, 1)
    os.dup2(heard, 2)
    os.environ["CARDIACMTL_MODELS"] = str(folder / "models")
    warm: set[str] = set()
    for line in sys.stdin:
        file_format, seed, index = line.split()
        if file_format not in warm:
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            warm_up(file_format, folder)
            warm.add(file_format)
            limit_memory()
        subject, content = case(file_format, int(seed), int(index))
        signal.setitimer(signal.ITIMER_PROF, CPU_S)
        verdict = judge(subject, file_format, content, folder)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps([verdict.outcome, verdict.detail[:500]]), file=channel, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
