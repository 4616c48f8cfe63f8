"""`rendering_missing_reason`: whether VTK can draw a picture here without a window; tried in processes of their own.

Where no OpenGL library is installed VTK crashes, and an unreachable X server can make it wait for ever; neither may end
the program.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

from CardiacMTLLib import child_process

PROBE_TIMEOUT_S = 120.0

_FACTORY = "vtkRenderWindow"
_WINDOWLESS = ("vtkEGLRenderWindow", "vtkOSOpenGLRenderWindow")
"""Render windows that need no X server, best first; only VTK for Linux has them. Where libX11 is missing, VTK's own choice
crashes before it comes to them, so they are asked for by name."""

_PROBE = """
import sys
from vtkmodules import vtkRenderingCore, vtkRenderingOpenGL2
name = sys.argv[1]
window = getattr(vtkRenderingOpenGL2 if hasattr(vtkRenderingOpenGL2, name) else vtkRenderingCore, name)()
window.SetOffScreenRendering(1)
window.SetMultiSamples(0)
window.SetSize(16, 16)
renderer = vtkRenderingCore.vtkRenderer()
renderer.SetBackground(1, 0, 0)
window.AddRenderer(renderer)
window.Render()
grab = vtkRenderingCore.vtkWindowToImageFilter()
grab.SetInput(window)
grab.ReadFrontBufferOff()
grab.Update()
color = grab.GetOutput().GetPointData().GetScalars().GetTuple3(0)
sys.exit(0 if color == (255, 0, 0) else 3)
"""
"""Draws a red window of the named class; the exit status is 0 where its pixels come out red."""

_REMEDY = "on Debian or Ubuntu install libegl1 and libgl1-mesa-dri, or libosmesa6 with libx11-6"


def rendering_missing_reason() -> str | None:
    """None where pictures can be drawn, otherwise one sentence that says why not and what to do; tried once a process."""
    return _probe()[1]


def render_window_class() -> str | None:
    """Name of the VTK class whose windows draw here; None where none does."""
    return _probe()[0]


@cache
def _probe() -> tuple[str | None, str | None]:
    """Class of the first working render window, or the reason why there is none."""
    if not sys.executable:
        return None, "3D pictures are left out: this Python does not know its own path, so that drawing could not be tried"
    failures = []
    for name in _candidates():
        failure = _failure(name)
        if failure is None:
            return name, None
        failures.append(failure)
    return None, f"3D pictures are left out: no usable OpenGL library was found ({'; '.join(failures)}); {_REMEDY}"


def _candidates() -> tuple[str, ...]:
    """Classes to try; a choice that the user made for VTK (VTK_DEFAULT_OPENGL_WINDOW) is obeyed."""
    chosen = os.environ.get("VTK_DEFAULT_OPENGL_WINDOW")
    return (_FACTORY,) if chosen or not sys.platform.startswith("linux") else (*_WINDOWLESS, _FACTORY)


def _failure(window_class: str) -> str | None:
    """How a trial with this class ended, None where it drew."""
    command = [sys.executable, "-c", _PROBE, window_class]
    try:
        status = child_process.finished(command, PROBE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return f"{window_class} did not draw within {PROBE_TIMEOUT_S:g} s"
    except OSError as error:
        return f"{window_class} could not be tried, {error.strerror}"
    if status == 0:
        return None
    return f"{window_class} ended with " + (f"signal {-status}" if status < 0 else f"exit status {status}")
