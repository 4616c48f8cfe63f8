"""Whether pictures can be drawn is found out without risk, and told in words."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from CardiacMTLScene import gl


@pytest.fixture(autouse=True)
def fresh_probe() -> Iterator[None]:
    gl._probe.cache_clear()
    yield
    gl._probe.cache_clear()


def test_a_probe_that_crashes_becomes_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "_PROBE", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    reason = gl.rendering_missing_reason()
    assert reason is not None
    assert "no usable OpenGL library" in reason
    assert "signal 11" in reason
    assert "install" in reason
    assert gl.render_window_class() is None


def test_a_probe_that_hangs_becomes_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "_PROBE", "import time; time.sleep(600)")
    monkeypatch.setattr(gl, "PROBE_TIMEOUT_S", 0.3)
    reason = gl.rendering_missing_reason()
    assert reason is not None
    assert "did not draw within 0.3 s" in reason


def test_a_probe_that_draws_nothing_becomes_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "_PROBE", "raise SystemExit(3)")
    reason = gl.rendering_missing_reason()
    assert reason is not None
    assert "exit status 3" in reason


def test_an_interpreter_that_cannot_be_started_becomes_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    assert "could not be tried" in str(gl.rendering_missing_reason())


def test_an_embedded_python_without_a_path_of_its_own_becomes_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "")
    assert "does not know its own path" in str(gl.rendering_missing_reason())


def test_the_next_kind_of_window_is_tried_where_one_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VTK_DEFAULT_OPENGL_WINDOW", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(gl, "_PROBE", "import os, sys; sys.argv[1] == 'vtkOSOpenGLRenderWindow' or os.abort()")
    assert gl.rendering_missing_reason() is None
    assert gl.render_window_class() == "vtkOSOpenGLRenderWindow"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X windows are Linux only")
def test_an_x_server_that_is_not_there_is_a_reason_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("vtk", reason="needs VTK", exc_type=ImportError)
    monkeypatch.setenv("VTK_DEFAULT_OPENGL_WINDOW", "vtkXOpenGLRenderWindow")
    monkeypatch.setenv("DISPLAY", ":93")
    assert "no usable OpenGL library" in str(gl.rendering_missing_reason())


def test_the_probe_runs_once_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gl, "_PROBE", "raise SystemExit(3)")
    first = gl.rendering_missing_reason()
    monkeypatch.setattr(gl, "_PROBE", "pass")
    assert gl.rendering_missing_reason() == first
