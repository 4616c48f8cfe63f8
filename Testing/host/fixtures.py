"""Fixtures for tests of panels; a conftest.py imports them by name.

`slicer_host`, `open_module`, `click`, `wait_until`, `picture`, `panel_latency`. They skip, with the reason, where PySide6 or
slicer-core is missing. A test fails when a slot raised an exception that it did not take out of `slicer_host.slot_errors`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from Testing.host.host import SlicerHost
    from Testing.host.panel import Latency, Panel

__all__ = ["click", "open_module", "panel_latency", "picture", "slicer_host", "wait_until"]


@pytest.fixture(scope="module")
def slicer_host() -> Iterator[SlicerHost]:
    """The host. It is installed for the tests of one file and gone afterwards, so that other tests see slicer-core as it is."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    for name in ("PySide6.QtWidgets", "slicer"):
        pytest.importorskip(name, reason=f"the panel is tested where {name} can be imported", exc_type=ImportError)
    with import_module("Testing.host.host").slicer_host() as host:
        yield host


@pytest.fixture
def open_module(slicer_host: SlicerHost) -> Iterator[Callable[[Path], Panel]]:
    """`open_module(path) -> panel`: load and enter a scripted module; after the test it is unloaded and the scene emptied."""
    opened: list[Panel] = []

    def open_it(path: Path) -> Panel:
        opened.append(import_module("Testing.host.panel").Panel(slicer_host, path))
        return opened[-1]

    slicer_host.slot_errors.clear()
    slicer_host.dialogs.forget()
    yield open_it
    for panel in opened:
        slicer_host.close_module(panel.name)
    slicer_host.scene.Clear(False)
    errors = [repr(error) for error in slicer_host.slot_errors]
    slicer_host.slot_errors.clear()
    assert not errors, f"slots raised {errors}; Slicer would only have printed it"


@pytest.fixture
def click(open_module: Any) -> Callable[[Panel, str], None]:
    """`click(panel, name)`: click the control of this object name."""
    return lambda panel, name: panel.click(name)


@pytest.fixture
def picture() -> Callable[..., Any]:
    """`picture(panel, path, width=, scale=, dark=)`: draw the panel into a PNG."""
    return lambda panel, path, **how: panel.picture(path, **how)


@pytest.fixture
def wait_until(slicer_host: SlicerHost) -> Callable[[Callable[[], object], float], None]:
    """`wait_until(condition, timeout_s)`: let the event loop run until the condition holds."""
    return import_module("Testing.host.panel").wait_until  # type: ignore[no-any-return]


@pytest.fixture
def panel_latency(slicer_host: SlicerHost) -> Callable[[], AbstractContextManager[Latency]]:
    """`with panel_latency() as latency: ...` and then `latency.p99_ms`."""
    return import_module("Testing.host.panel").panel_latency  # type: ignore[no-any-return]
