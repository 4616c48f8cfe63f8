"""`standalone_host`: a MRML scene with the logics it needs, without the Slicer application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import slicer

from CardiacMTLScene.messages import captured_vtk_messages

MODULE_LOGICS = {
    "Colors": "vtkMRMLColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Sequences": "vtkSlicerSequencesLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Plots": "vtkSlicerPlotsLogic",
}
"""Module -> class of its logic; given the scene, a logic registers its node classes, which reading a scene needs."""

_SCENE_VERSION = "Slicer 5.12.0 0"
"""Written into files in place of slicer-core's own name, of which the application warns although the format is the same."""


@dataclass(frozen=True, slots=True)
class MrmlHost:
    """A vtkMRMLScene that can read and write files, and the terminology logic that goes with it."""

    scene: Any
    terminologies: Any


@contextmanager
def standalone_host(temporary: Path | None = None) -> Iterator[MrmlHost]:
    """An empty scene for the time of the context; nodes must not be used after it.

    Nothing of it is reachable through the `slicer` module, several may live at once, and its folder of temporary files, which
    is made in `temporary` (None: the system's), is removed at the end. VTK's messages go to logging meanwhile.
    """
    with TemporaryDirectory(prefix="cardiacmtl-scene-", dir=temporary) as folder, captured_vtk_messages():
        scene, application = slicer.vtkMRMLScene(), slicer.vtkSlicerApplicationLogic()
        scene.SetVersion(_SCENE_VERSION)
        application.SetTemporaryPath(folder)
        application.SetMRMLScene(scene)
        logics = [_add_logic(name, class_name, scene, application) for name, class_name in MODULE_LOGICS.items()]
        terminologies = slicer.vtkSlicerTerminologiesModuleLogic()
        terminologies.SetMRMLApplicationLogic(application)
        remote, manager = file_access(scene, application, folder)
        try:
            yield MrmlHost(scene, terminologies)
        finally:
            scene.Clear(True)
            manager.SetAndObserveDataIOManager(None)
            remote.RemoveDataIOFromScene()
            for name in MODULE_LOGICS:
                application.SetModuleLogic(name, None)
            for logic in (*logics, terminologies, remote, manager, application):
                logic.SetMRMLScene(None)


def _add_logic(name: str, class_name: str, scene: Any, application: Any) -> Any:
    logic = getattr(slicer, class_name)()
    logic.SetMRMLApplicationLogic(application)
    logic.SetMRMLScene(scene)
    application.SetModuleLogic(name, logic)
    return logic


def file_access(scene: Any, application: Any, folder: str) -> tuple[Any, Any]:
    """Let storage nodes read and write: without a data IO manager they refuse."""
    remote = slicer.vtkMRMLRemoteIOLogic()
    remote.GetCacheManager().SetRemoteCacheDirectory(folder)
    remote.SetMRMLScene(scene)
    manager = slicer.vtkDataIOManagerLogic()
    manager.SetMRMLApplicationLogic(application)
    manager.SetAndObserveDataIOManager(remote.GetDataIOManager())
    remote.AddDataIOToScene()
    return remote, manager
