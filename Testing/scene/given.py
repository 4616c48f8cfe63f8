"""Images as the application holds them before a run: volumes and sequences, on the axes of their file, under transforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import slicer
import vtk

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.volume import Image, StoredGrid
from CardiacMTLScene.volumes import add_volume, new_volume

SLICES_FIRST = AxisOrder((1, 2, 0), (False, False, True))
"""From the axes of a file whose slices come first, counted from the base, to standard axes."""


def stored_in(analysis: Analysis, order: AxisOrder = SLICES_FIRST) -> Analysis:
    """The same study as read from a file with other axes."""
    stored = order.inverse.geometry(analysis.study.geometry)
    return replace(analysis, study=replace(analysis.study, stored=StoredGrid(stored, order)))


def file_volumes(host: Any, analysis: Analysis) -> dict[Phase, Any]:
    """A volume node for each phase, with the voxels in the axes of the file."""
    stored = analysis.study.stored
    frames = {phase: stored.order.undo(analysis.study.frames[number]) for phase, number in analysis.frames.items()}
    return {phase: add_volume(host.scene, f"input {phase}", image, stored.geometry) for phase, image in frames.items()}


def file_sequence(host: Any, analysis: Analysis, unit: str = "ms", played: bool = True) -> tuple[Any, Any]:
    """A sequence of all frames in the axes of the file, indexed by `unit`, and its browser or None."""
    study = analysis.study
    times = [f"{time:g}" for time in study.frame_times_ms or ()]
    return make_sequence(host, study.stored.order.undo(study.frames), study.stored.geometry, times, unit, played)


def make_sequence(
    host: Any, frames: Image, geometry: Geometry, index: Sequence[str], unit: str = "ms", played: bool = True
) -> tuple[Any, Any]:
    items = [new_volume("frame", frame, geometry) for frame in frames]
    return sequence_of(host, items, index, unit, played)


def sequence_of(
    host: Any, items: Sequence[Any], index: Sequence[str], unit: str = "ms", played: bool = True
) -> tuple[Any, Any]:
    """A sequence called "input cine" of these nodes, and the browser that plays it or None."""
    sequence = slicer.vtkMRMLSequenceNode()
    sequence.SetName("input cine")
    sequence.SetIndexName("time")
    sequence.SetIndexUnit(unit)
    for number, item in enumerate(items):
        item.SetAttribute("DICOM.instanceUIDs", f"1.2.{number}")
        sequence.SetDataNodeAtValue(item, index[number])
    host.scene.AddNode(sequence)
    if not played:
        return sequence, None
    browser = host.scene.AddNode(slicer.vtkMRMLSequenceBrowserNode())
    browser.SetName("input browser")
    browser.SetAndObserveMasterSequenceNodeID(sequence.GetID())
    return sequence, browser


def under(host: Any, matrix: Any, *nodes: Any) -> Any:
    """Put nodes under a new linear transform with this (4, 4) matrix."""
    transform = host.scene.AddNode(slicer.vtkMRMLLinearTransformNode())
    transform.SetName("moved")
    elements = vtk.vtkMatrix4x4()
    elements.DeepCopy(np.asarray(matrix, dtype=float).ravel().tolist())
    transform.SetMatrixTransformToParent(elements)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def warp(host: Any, *nodes: Any) -> Any:
    """Put nodes under a transform that is not linear."""
    bent = vtk.vtkThinPlateSplineTransform()
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    for number in range(5):
        source.InsertNextPoint(number**2, 7 * number % 5, 11 * number % 7)
        target.InsertNextPoint(number**2 + number % 2, 7 * number % 5, 11 * number % 7)
    bent.SetSourceLandmarks(source)
    bent.SetTargetLandmarks(target)
    bent.SetBasisToR()
    transform = host.scene.AddNode(slicer.vtkMRMLTransformNode())
    transform.SetName("bent")
    transform.SetAndObserveTransformToParent(bent)
    for node in nodes:
        node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


QUARTER_TURN = np.array([[0, -1, 0, 30], [1, 0, 0, -20], [0, 0, 1, 5], [0, 0, 0, 1]], dtype=float)
"""A turn about the long axis of the body, and a shift in mm."""
