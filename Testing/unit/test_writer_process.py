"""The process that writes beside this one: real processes, with writers that stand in this file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import CardiacMTLError, OutputError
from CardiacMTLLib.writer_process import WriterProcess, started
from Testing.unit.analyses import analysis_of, study_like

ANALYSIS = analysis_of(study_like(size_xyz=(24, 20, 2)))
_state: list[str] = []


def warm_up() -> None:
    _state.append("warm")


def write_facts(analysis: Analysis, path: Path) -> None:
    path.write_text(f"{os.getpid()} {' '.join(_state)} {analysis.study.frames.sum()}", encoding="utf-8")


def refuses(analysis: Analysis, path: Path) -> None:
    raise OutputError(f"{path.name} has no room")


def crashes(analysis: Analysis, path: Path) -> None:
    os._exit(7)


@pytest.fixture(scope="module")
def process() -> Iterator[WriterProcess]:
    with WriterProcess(warm_up) as started:
        yield started


def test_a_writer_works_elsewhere_on_the_same_analysis_after_the_warm_up(process: WriterProcess, tmp_path: Path) -> None:
    process.write(write_facts, ANALYSIS, tmp_path / "facts")
    pid, state, total = (tmp_path / "facts").read_text(encoding="utf-8").split()
    assert int(pid) != os.getpid()
    assert (state, int(total)) == ("warm", ANALYSIS.study.frames.sum())
    assert not _state


def test_an_error_of_a_writer_is_raised_here_and_the_process_goes_on(process: WriterProcess, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="picture has no room"):
        process.write(refuses, ANALYSIS, tmp_path / "picture")
    process.write(write_facts, ANALYSIS, tmp_path / "next")
    assert (tmp_path / "next").is_file()


def test_a_crash_is_an_error_of_each_file_that_is_asked_for_and_the_end_is_clean(tmp_path: Path) -> None:
    with WriterProcess(warm_up) as process:
        with pytest.raises(CardiacMTLError, match=r"writes picture ended before it was done \(exit status 7\)"):
            process.write(crashes, ANALYSIS, tmp_path / "picture")
        with pytest.raises(CardiacMTLError, match="writes scene ended"):
            process.write(write_facts, ANALYSIS, tmp_path / "scene")


def test_an_error_of_the_job_ends_the_process_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), WriterProcess(warm_up) as process:
        raise KeyboardInterrupt
    assert process._process.exitcode is not None


def test_a_process_is_started_where_the_system_allows_it_and_python_knows_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_warm_up: object) -> WriterProcess:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr("CardiacMTLLib.writer_process.WriterProcess", lambda warm_up: (warm_up.__name__, "started"))
    assert started(warm_up) == ("warm_up", "started")
    monkeypatch.setattr("CardiacMTLLib.writer_process.WriterProcess", refused)
    assert started(warm_up) is None
    monkeypatch.setattr("sys.executable", "")
    assert started(warm_up) is None
