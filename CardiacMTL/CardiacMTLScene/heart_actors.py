"""One phase as things to draw: red and blue blood pools in a translucent green wall that is cut open at the base."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Label
from CardiacMTLLib.report.palette import STRUCTURE_COLORS
from CardiacMTLLib.volume import Mask
from CardiacMTLScene.surfaces import surface
from CardiacMTLScene.viewpoint import Vector

_NEAR_WALL_OPACITY = 0.2
_FAR_WALL_OPACITY = 0.6
"""Of the wall the near side is faint, so that the cavity keeps its colour, and the far side dense, so that the wall is seen."""

_RIM_SHADE = 0.8
"""The cut wall is drawn without lights, in its colour made this much darker."""


def heart_actors(mask: Mask, geometry: Geometry, to_base: Vector) -> list[Any]:
    """Actors of a (z, y, x) mask in RAS mm, in drawing order: solid ones first, then the wall from far to near.

    `to_base` is the unit vector along the slice axis towards the base.
    """
    actors = [_actor(surface(mask == label, geometry), label) for label in (Label.LV, Label.RV)]
    if not (mask == Label.MYOCARDIUM).any():
        return actors
    outside = surface((mask == Label.MYOCARDIUM) | (mask == Label.LV), geometry)
    plane = _basal_plane(mask, geometry, to_base)
    rim = _actor(_rim(outside, plane), Label.MYOCARDIUM)
    rim.GetProperty().LightingOff()
    rim.GetProperty().SetColor(*(_RIM_SHADE * value for value in rim.GetProperty().GetColor()))
    cup = _clipped(outside, plane)
    far, near = _actor(cup, Label.MYOCARDIUM), _actor(cup, Label.MYOCARDIUM)
    far.GetProperty().FrontfaceCullingOn()
    far.GetProperty().SetOpacity(_FAR_WALL_OPACITY)
    near.GetProperty().BackfaceCullingOn()
    near.GetProperty().SetOpacity(_NEAR_WALL_OPACITY)
    return [*actors, rim, far, near]


def _actor(shape: Any, label: Label) -> Any:
    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputData(shape)
    mapper.ScalarVisibilityOff()
    actor = vtk.vtkActor()
    actor.SetMapper(mapper)
    look = actor.GetProperty()
    look.SetColor(*(value / 255 for value in STRUCTURE_COLORS[label]))
    look.SetAmbient(0.15)
    look.SetDiffuse(0.9)
    look.SetSpecular(0.2)
    look.SetSpecularPower(25.0)
    return actor


def _basal_plane(mask: Mask, geometry: Geometry, to_base: Vector) -> Any:
    """The plane through the most basal slice of the wall; its positive side is towards the apex."""
    matrix = geometry.ijk_to_ras
    slices = np.flatnonzero((mask == Label.MYOCARDIUM).any(axis=(1, 2)))
    basal = slices.max() if matrix[:3, 2] @ to_base > 0 else slices.min()
    plane = vtk.vtkPlane()
    plane.SetOrigin(*(matrix[:3, 2] * basal + matrix[:3, 3]))
    plane.SetNormal(*(-to_base))
    return plane


def _clipped(shape: Any, plane: Any) -> Any:
    clip = vtk.vtkClipPolyData()
    clip.SetInputData(shape)
    clip.SetClipFunction(plane)
    clip.Update()
    return clip.GetOutput()


def _rim(shape: Any, plane: Any) -> Any:
    """The area that `plane` cuts out of a closed surface: with the cavity standing out of it, the cut wall."""
    cut = vtk.vtkCutter()
    cut.SetInputData(shape)
    cut.SetCutFunction(plane)
    fill = vtk.vtkContourTriangulator()
    fill.SetInputConnection(cut.GetOutputPort())
    fill.Update()
    return fill.GetOutput()
