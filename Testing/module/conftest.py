"""The fixtures of the test host, a model so small that a run takes seconds, and workers that start when they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from CardiacMTLLib.job.warm_runner import WarmRunner
from Testing.host.fixtures import click, open_module, panel_latency, picture, slicer_host, wait_until

__all__ = ["click", "open_module", "panel_latency", "picture", "slicer_host", "tiny_model", "wait_until", "warm"]


@pytest.fixture(autouse=True)
def cold(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker waits for a run, but where a test asks for `warm`: each would load PyTorch, and few tests run one."""
    if "warm" not in request.fixturenames:
        monkeypatch.setattr(WarmRunner, "warm_up", lambda *_: None)


@pytest.fixture
def warm() -> None:
    """Workers wait, as they do for users."""


@pytest.fixture(scope="session")
def models_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of imported models with one tiny model of random weights."""
    from Testing.unit.tiny_model import write_tiny_model

    folder = tmp_path_factory.mktemp("models")
    write_tiny_model(folder / "tiny")
    return folder


@pytest.fixture
def tiny_model(models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Makes the tiny model one of the imported ones, for this process and for the worker."""
    monkeypatch.setenv("CARDIACMTL_MODELS", str(models_folder))
    return "tiny"
