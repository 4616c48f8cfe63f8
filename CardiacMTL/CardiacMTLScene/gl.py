"""`rendering_missing_reason`: whether VTK can draw a picture here without a window; tried in a process of its own.

Where no OpenGL library is installed VTK crashes, and an unreachable X server can make it wait for ever; neither may end
the program.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache

PROBE_TIMEOUT_S = 60.0

_PROBE = """
import sys, vtk
window = vtk.vtkRenderWindow()
window.SetOffScreenRendering(1)
window.SetMultiSamples(0)
window.SetSize(16, 16)
renderer = vtk.vtkRenderer()
renderer.SetBackground(1, 0, 0)
window.AddRenderer(renderer)
window.Render()
grab = vtk.vtkWindowToImageFilter()
grab.SetInput(window)
grab.ReadFrontBufferOff()
grab.Update()
color = grab.GetOutput().GetPointData().GetScalars().GetTuple3(0)
sys.stdout.write(window.GetClassName() if color == (255, 0, 0) else "")
"""
"""Draws a red window and, where its pixels come out red, prints the class of render window that VTK chose."""

_REMEDY = "install the Debian packages libegl1 and libgl1-mesa-dri, or libosmesa6"


@cache
def _probe(timeout_s: float) -> tuple[str | None, str | None]:
    """Class of the working render window, or the reason why there is none."""
    if not sys.executable:
        return None, "3D pictures are left out: this Python does not know its own path, so rendering could not be tried"
    try:
        command = [sys.executable, "-c", _PROBE]
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        return None, f"3D pictures are left out: a trial rendering did not end within {timeout_s:g} s; {_REMEDY}"
    except OSError as error:
        return None, f"3D pictures are left out: a trial rendering could not be started ({error.strerror})"
    if result.returncode == 0 and result.stdout.startswith("vtk"):
        return result.stdout, None
    ending = f"signal {-result.returncode}" if result.returncode < 0 else f"exit status {result.returncode}"
    return None, f"3D pictures are left out: no usable OpenGL library was found (a trial rendering ended with {ending}); {_REMEDY}"


def rendering_missing_reason(timeout_s: float = PROBE_TIMEOUT_S) -> str | None:
    """None where pictures can be drawn, otherwise one sentence that says why not and what to do; tried once a process."""
    return _probe(timeout_s)[1]


def render_window_class() -> str | None:
    """Name of the VTK class whose windows draw here, None where none does; naming it spares the attempt at the others."""
    return _probe(PROBE_TIMEOUT_S)[0]
