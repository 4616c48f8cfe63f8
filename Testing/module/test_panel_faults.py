"""What becomes of a run when its process, its model, its images, the scene or the module fails or goes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLScene.nodes import nodes_of_class
from Testing.module.given import finished_analysis, given_cine, given_volumes
from Testing.module.reading import MODULE, ended, node_count, text
from Testing.unit.worker_python import BROKEN_TORCH, PATH_LINE, python_that

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell")

WITHOUT_NETWORK = (
    "import socket",
    "def refuse(*_): raise OSError('there is no network')",
    "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse",
)
ENDLESS = (
    PATH_LINE,
    "import time, CardiacMTLLib.job.worker_main as w",
    "w._analyse = lambda *_: time.sleep(600)",
)
FULL_GPU = (
    PATH_LINE,
    "import torch, CardiacMTLLib.pipeline as p, CardiacMTLLib.network.model as m",
    "p.choose_device = lambda wanted: torch.device('cpu' if wanted == 'cpu' else 'meta')",
    "to = m.MultiTaskNetwork.to",
    "def full(self, device):",
    "    if device.type != 'cpu': raise torch.OutOfMemoryError('CUDA out of memory')",
    "    return to(self, device)",
    "m.MultiTaskNetwork.to = full",
)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """`worker(*lines)`: the worker's Python does these lines first; `worker(path=...)`: it is another program."""
    import CardiacMTLPanel.run_controller as run_module

    def change(*lines: str, path: Path | None = None) -> None:
        python = str(path or python_that(tmp_path, *lines))
        monkeypatch.setattr(run_module, "worker_python", lambda: python)

    return change


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def ready(open_module: Any, model: str = "") -> Any:
    """The panel with a short cine chosen."""
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine().browser)
    panel.module_widget._parameterNode.model = model
    return panel


def run(panel: Any, wait_until: Any) -> str:
    panel.click("runButton")
    wait_until(lambda: ended(panel), 200)
    return text(panel, "statusLabel")


@pytest.mark.robustness(22)
def test_a_worker_that_dies_before_it_works_is_told_and_the_next_run_starts(
    open_module: Any, wait_until: Any, worker: Any, tmp_path: Path
) -> None:
    panel = ready(open_module)
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 9\n", encoding="utf-8")
    broken.chmod(0o755)
    worker(path=broken)
    before = node_count()
    for _ in range(2):
        assert run(panel, wait_until).startswith("Error: the worker process ended before it began")
    assert node_count() == before
    worker(path=tmp_path / "missing")
    assert "could not be started" in run(panel, wait_until)
    panel.picture(tmp_path / "error.png")


@pytest.mark.robustness(21)
@pytest.mark.robustness(22)
@pytest.mark.robustness(37)
def test_after_a_worker_was_killed_the_next_run_works_without_network_and_where_the_gpus_memory_is_not_enough(
    open_module: Any, wait_until: Any, tiny_model: str, worker: Any, temporary: Path
) -> None:
    panel = ready(open_module, tiny_model)
    worker(*ENDLESS)
    before = node_count()
    panel.click("runButton")
    wait_until(lambda: text(panel, "statusLabel").startswith("Starting the network"), 60)
    assert len(list(temporary.iterdir())) == 1
    os.kill(panel.module_widget.run._run._client._pid, signal.SIGKILL)
    wait_until(lambda: ended(panel), 10)
    assert text(panel, "statusLabel").startswith("Error: the worker process ended unexpectedly (with exit status")
    assert list(temporary.iterdir()) == []
    assert node_count() == before
    worker(*WITHOUT_NETWORK, *FULL_GPU)
    done, *notes = run(panel, wait_until).split("\n")
    assert done.startswith("Done in"), (done, notes)
    assert ["memory" in note and "CPU" in note for note in notes] == [True]
    assert "the GPU ran out of memory" in text(panel, "flagsLabel").lower().replace("gpu", "GPU")
    assert list(temporary.iterdir()) == []


@pytest.mark.robustness(30)
def test_weights_that_were_changed_are_refused_and_another_model_works_on(
    open_module: Any, wait_until: Any, models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(models_folder, tmp_path / "models")
    weights = tmp_path / "models" / "tiny" / "weights.safetensors"
    damaged = bytearray(weights.read_bytes())
    damaged[-100] ^= 1
    weights.write_bytes(damaged)
    monkeypatch.setenv("CARDIACMTL_MODELS", str(tmp_path / "models"))
    panel = ready(open_module, "tiny")
    before = node_count()
    said = run(panel, wait_until)
    assert said.startswith("Error: ")
    assert "the file is damaged: install model tiny again" in said
    assert node_count() == before
    assert panel.find("runButton").isEnabled()


@pytest.mark.robustness(38)
def test_a_broken_torch_is_told_with_what_to_do(open_module: Any, wait_until: Any, tiny_model: str, worker: Any) -> None:
    worker(*BROKEN_TORCH)
    said = run(ready(open_module, tiny_model), wait_until)
    assert said.startswith("Error: PyTorch is installed but cannot be loaded (a DLL is missing)")
    assert said.endswith("install it again")


def test_a_full_disk_is_told_and_nothing_is_left(
    open_module: Any, wait_until: Any, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, array: Any) -> Any:
        path.write_bytes(b"half")
        yield
        raise OSError(28, "No space left on device")

    panel = ready(open_module)
    monkeypatch.setattr("CardiacMTLLib.job.folder.array_pieces", full)
    said = run(panel, wait_until)
    assert said.startswith("Error: ")
    assert "cannot be written (No space left on device)" in said
    assert list(temporary.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "absent"))
    panel.click("runButton")
    assert "no temporary folder can be made" in text(panel, "statusLabel")


@pytest.mark.parametrize("moment", ["Starting, ", "Starting the network"])
def test_a_scene_closed_during_a_run_ends_it(open_module: Any, wait_until: Any, temporary: Path, moment: str) -> None:
    panel = ready(open_module)
    panel.click("runButton")
    wait_until(lambda: text(panel, "statusLabel").startswith(moment), 60)
    slicer.mrmlScene.Clear(False)
    wait_until(lambda: ended(panel), 5)
    assert text(panel, "statusLabel") == "Cancelled; the scene is unchanged. The scene was closed."
    assert not panel.find("runButton").isEnabled()
    assert nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode") == []
    assert list(temporary.iterdir()) == []


def outcome(panel: Any) -> None:
    """The worker has just brought a result for the chosen cine."""
    from CardiacMTLLib.job.client import JobOutcome
    from CardiacMTLLib.job.worker_client import JobEnd

    controller = panel.module_widget.run
    controller._chosen = panel.module_widget.chosen()
    controller._finished(JobOutcome(JobEnd.DONE, finished_analysis()))


def steps_done(panel: Any, count: int) -> None:
    """Let the panel take this many steps of filling the scene."""
    for _ in range(count):
        panel.module_widget.run._showing._step()


@pytest.mark.parametrize("steps", [0, 3])
def test_images_deleted_during_a_run_are_told_and_nothing_is_added(open_module: Any, wait_until: Any, steps: int) -> None:
    panel = open_module(MODULE)
    cine = given_cine(study=finished_analysis().study)
    panel.choose("cineSelector", cine.browser)
    outcome(panel)
    steps_done(panel, steps)
    for node in (cine.browser, cine.sequence, cine.shown):
        slicer.mrmlScene.RemoveNode(node)
    before = node_count()
    wait_until(lambda: ended(panel), 10)
    assert "not in the scene any more" in text(panel, "statusLabel")
    assert node_count() == before


def test_a_scene_closed_while_a_result_is_being_shown_ends_that(open_module: Any, wait_until: Any) -> None:
    panel = open_module(MODULE)
    panel.choose("cineSelector", given_cine(study=finished_analysis().study).browser)
    outcome(panel)
    steps_done(panel, 3)
    slicer.mrmlScene.Clear(False)
    assert ended(panel)
    assert "The scene was closed" in text(panel, "statusLabel")
    assert nodes_of_class(slicer.mrmlScene, "vtkMRMLSegmentationNode") == []


def test_a_result_deleted_from_the_scene_is_told_when_it_is_asked_for(open_module: Any) -> None:
    from Testing.module.given import shown_result

    panel = open_module(MODULE)
    results = shown_result(panel)
    slicer.mrmlScene.RemoveNode(results.nodes.results)
    panel.click("recomputeButton")
    assert text(panel, "statusLabel").startswith("Error: there are no results 'Short axis results' in the scene any more")


def test_a_reload_during_a_run_ends_its_process_and_the_next_run_can_start(
    open_module: Any, wait_until: Any, temporary: Path
) -> None:
    panel = ready(open_module)
    panel.click("runButton")
    wait_until(lambda: text(panel, "statusLabel").startswith("Starting the network"), 60)
    process = panel.module_widget.run._workers.working._process
    panel.reload()
    assert not process or process.state() == 0
    assert ended(panel)
    assert panel.find("runButton").isEnabled()
    assert list(temporary.iterdir()) == []


@pytest.mark.robustness(22)
def test_voxels_that_a_killed_slicer_left_are_removed_when_the_module_opens(open_module: Any, temporary: Path) -> None:
    from CardiacMTLLib.job.handover import new_handover_folder

    ended_process = subprocess.Popen([sys.executable, "-c", ""])
    ended_process.wait()
    ours = new_handover_folder()
    left = ours.with_name(ours.name.replace(f"-{os.getpid()}-", f"-{ended_process.pid}-"))
    left.mkdir()
    open_module(MODULE)
    assert list(temporary.iterdir()) == [ours]


def test_a_chosen_volume_that_is_deleted_is_chosen_no_longer(open_module: Any) -> None:
    panel = open_module(MODULE)
    ed, es = given_volumes()
    panel.choose("edVolumeSelector", ed)
    panel.choose("esVolumeSelector", es)
    slicer.mrmlScene.RemoveNode(es)
    assert panel.see("esVolumeSelector").currentNode() is None
    assert panel.find("runButton").isEnabled()
