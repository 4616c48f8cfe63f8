"""A worker waits for the next run while the module is in use: who gets it, and that none is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from Testing.module.given import given_cine
from Testing.module.reading import MODULE, ended, text
from Testing.unit.worker_python import PATH_LINE, python_that

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell"),
    pytest.mark.usefixtures("warm"),
]

LIGHT = (
    PATH_LINE,
    f"sys.path.insert(0, {str(Path(__file__).resolve().parents[2])!r})",
    "import time",
    "from dataclasses import replace",
    "from CardiacMTLLib.job import worker_main as w",
    "from Testing.unit.analyses import analysis_of",
    "w._import_all = lambda: None",
    "w._analyse = lambda job, report: analysis_of(replace(job.study, ed_frame=0, es_frame=1))",
)
"""A worker without its network: what it does is done at once."""


@pytest.fixture
def worker(open_module: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """`worker(*lines)`: the worker's Python does these lines first."""
    import CardiacMTLPanel.run_controller as run_module

    def change(*lines: str) -> None:
        python = str(python_that(tmp_path, *lines))
        monkeypatch.setattr(run_module, "worker_python", lambda: python)

    return change


def waiting(panel: Any) -> int | None:
    """The number of the process that waits, if one does."""
    idle = panel.module_widget.run._workers.idle
    return None if idle is None else int(idle._process.processId()) or None


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def run(panel: Any, wait_until: Any) -> int | None:
    """Click, wait for the result, and give the number of the process that brought it."""
    pids: set[int | None] = set()

    def over() -> bool:
        started = panel.module_widget.run._run
        pids.add(started._client._pid if started is not None else None)
        return ended(panel)

    panel.click("runButton")
    wait_until(over, 120)
    assert text(panel, "statusLabel").startswith("Done in"), text(panel, "statusLabel")
    (pid,) = pids - {None}
    return pid


def test_each_run_is_handed_to_the_process_that_waits_and_then_another_waits(
    open_module: Any, wait_until: Any, worker: Any, tiny_model: str
) -> None:
    worker()
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    panel.module_widget._parameterNode.model = tiny_model
    panel.module_widget._parameterNode.wholeCycle = False
    pids = []
    for _ in range(2):
        pids.append(waiting(panel))
        assert pids[-1] is not None
        assert run(panel, wait_until) == pids[-1]
        wait_until(lambda: is_gone(pids[-1]), 5)
    assert pids[0] != pids[1]
    assert waiting(panel) not in {None, *pids}


@pytest.mark.robustness(22)
def test_a_waiting_process_that_was_killed_costs_no_run(open_module: Any, wait_until: Any, worker: Any) -> None:
    worker(*LIGHT)
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    killed = waiting(panel)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert run(panel, wait_until) not in {None, killed}
    os.kill(waiting(panel), signal.SIGKILL)  # type: ignore[arg-type]
    wait_until(lambda: waiting(panel) is None, 5)
    run(panel, wait_until)


def test_a_run_that_is_cancelled_before_its_process_has_begun_ends_with_it(
    open_module: Any, wait_until: Any, worker: Any
) -> None:
    worker(*LIGHT, "w._import_all = lambda: time.sleep(600)")
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    pid = waiting(panel)
    panel.click("runButton")
    wait_until(lambda: waiting(panel) is None, 10)
    panel.click("cancelButton")
    wait_until(lambda: ended(panel), 2)
    assert text(panel, "statusLabel").startswith("Cancelled")
    assert pid is not None
    wait_until(lambda: is_gone(pid), 2)


@pytest.mark.robustness(40)
@pytest.mark.usefixtures("open_module")
def test_twenty_reloads_and_the_end_of_the_module_leave_no_process(slicer_host: Any) -> None:
    from Testing.host.panel import Panel

    panel = Panel(slicer_host, MODULE)
    pids = [waiting(panel)]
    for _ in range(20):
        panel.reload()
        pids.append(waiting(panel))
    *before, last = pids
    assert len({*pids, None}) == 22
    assert all(is_gone(pid) for pid in before if pid)
    assert last is not None
    assert not is_gone(last)
    slicer_host.close_module(panel.name)
    assert is_gone(last)


def test_a_worker_that_waits_in_vain_ends_by_itself(open_module: Any, wait_until: Any, worker: Any) -> None:
    worker(*LIGHT, "w.IDLE_LIMIT_S = 0.2")
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    pid = waiting(panel)
    assert pid is not None
    slicer.util.mainWindow().moduleSelector().selectModule("")
    wait_until(lambda: waiting(panel) is None, 30)
    assert is_gone(pid)
    slicer.util.selectModule(panel.name)
    assert waiting(panel) not in {None, pid}


def test_a_module_that_nobody_has_entered_lets_nobody_wait(open_module: Any) -> None:
    panel = open_module(MODULE)
    slicer.util.mainWindow().moduleSelector().selectModule("")
    panel.reload()
    assert waiting(panel) is None


@pytest.mark.robustness(38)
def test_nobody_waits_without_torch_or_while_packages_are_installed(
    open_module: Any, wait_until: Any, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from CardiacMTLPanel import installation, python_environment

    worker(*LIGHT)
    panel = open_module(MODULE)
    pid, seen = waiting(panel), []

    def install(_requirements: Path) -> str:
        seen.append(waiting(panel))
        return "Ready"

    monkeypatch.setattr(installation, "install_packages", install)
    panel.click("advancedSection")
    panel.click("installTorchButton")
    assert pid is not None
    assert is_gone(pid)
    assert seen == [None]
    assert waiting(panel) is not None
    monkeypatch.setattr(python_environment, "WORKER_PACKAGES", {"no_such_module": python_environment.PYTORCH})
    panel.click("installTorchButton")
    assert waiting(panel) is None
