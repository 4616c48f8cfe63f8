"""What is written over the 3D picture: titles, legend with volumes, scale bar, orientation, and the note on its use."""

from __future__ import annotations

from typing import Any

import vtk

Rgb = tuple[int, int, int]

BACKGROUND: Rgb = (12, 14, 18)
TEXT: Rgb = (240, 242, 245)
MUTED: Rgb = (168, 176, 186)

_JUSTIFICATION = {"left": vtk.VTK_TEXT_LEFT, "center": vtk.VTK_TEXT_CENTERED, "right": vtk.VTK_TEXT_RIGHT}

_FACES = ("R", "L", "A", "P", "S", "I")
"""Letters of the cube's +X, -X, +Y, -Y, +Z, -Z faces in RAS."""


def unit_color(color: Rgb) -> tuple[float, float, float]:
    """Red, green and blue from 0..255 to 0..1."""
    red, green, blue = (value / 255 for value in color)
    return red, green, blue


class Overlay:
    """A transparent layer over the whole window; positions are in units of a picture 800 units high, from the lower left."""

    def __init__(self, window: Any, pixels_per_unit: float) -> None:
        self._scale = pixels_per_unit
        self._renderer = vtk.vtkRenderer()
        self._renderer.SetLayer(1)
        self._renderer.InteractiveOff()
        window.SetNumberOfLayers(2)
        window.AddRenderer(self._renderer)

    def text(self, x: float, y: float, words: str, height: int, color: Rgb = TEXT, align: str = "left") -> None:
        """Write one line whose vertical middle is at `y`; `align` is left, center or right."""
        actor = vtk.vtkTextActor()
        actor.SetInput(words)
        look = actor.GetTextProperty()
        look.SetFontFamilyToArial()
        look.SetFontSize(round(height * self._scale))
        look.SetColor(*unit_color(color))
        look.SetVerticalJustificationToCentered()
        look.SetJustification(_JUSTIFICATION[align])
        actor.SetPosition(x * self._scale, y * self._scale)
        self._renderer.AddViewProp(actor)

    def box(self, x: float, y: float, width: float, height: float, color: Rgb) -> None:
        """Fill a rectangle whose lower left corner is at (x, y)."""
        plane = vtk.vtkPlaneSource()
        plane.SetOrigin(x * self._scale, y * self._scale, 0)
        plane.SetPoint1((x + width) * self._scale, y * self._scale, 0)
        plane.SetPoint2(x * self._scale, (y + height) * self._scale, 0)
        mapper = vtk.vtkPolyDataMapper2D()
        mapper.SetInputConnection(plane.GetOutputPort())
        actor = vtk.vtkActor2D()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*unit_color(color))
        self._renderer.AddViewProp(actor)


def orientation_cube() -> Any:
    """A cube whose faces bear the first letters of the patient's directions, in RAS."""
    cube = vtk.vtkAnnotatedCubeActor()
    names = ("XPlus", "XMinus", "YPlus", "YMinus", "ZPlus", "ZMinus")
    for name, letter in zip(names, _FACES, strict=True):
        getattr(cube, f"Set{name}FaceText")(letter)
        getattr(cube, f"Get{name}FaceProperty")().SetColor(*unit_color(TEXT))
    cube.SetXFaceTextRotation(0)
    cube.SetZFaceTextRotation(-90)
    cube.SetFaceTextScale(0.6)
    cube.GetCubeProperty().SetColor(0.28, 0.31, 0.36)
    cube.GetTextEdgesProperty().SetOpacity(0.0)
    return cube
