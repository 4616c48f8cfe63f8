"""`captured_vtk_messages`: keeps VTK's own messages off stderr and hands them to logging."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import vtk

_log = logging.getLogger(__name__)


@contextmanager
def captured_vtk_messages() -> Iterator[None]:
    """Inside, VTK's warnings and errors are collected; at the end they are logged as debug, and VTK's output is as before."""
    window, verbosity = vtk.vtkOutputWindow.GetInstance(), vtk.vtkLogger.GetCurrentVerbosityCutoff()
    collector = vtk.vtkStringOutputWindow()
    vtk.vtkOutputWindow.SetInstance(collector)
    vtk.vtkLogger.SetStderrVerbosity(vtk.vtkLogger.VERBOSITY_OFF)
    try:
        yield
    finally:
        vtk.vtkLogger.SetStderrVerbosity(verbosity)
        vtk.vtkOutputWindow.SetInstance(window)
        for line in filter(None, collector.GetOutput().splitlines()):
            _log.debug("VTK: %s", line)
