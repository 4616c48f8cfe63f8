"""`render_3d`: a picture of the segmented phases side by side as smooth surfaces, drawn without a window."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import vtk

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.diagnosis.diagnosis import RESEARCH_USE
from CardiacMTLLib.errors import MissingPackageError, OutputError
from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from CardiacMTLLib.measure.orientation import has_orientation
from CardiacMTLLib.measure.volumes import structure_volumes_ml
from CardiacMTLLib.report.palette import STRUCTURE_COLORS
from CardiacMTLLib.terms import structure_terms
from CardiacMTLScene.gl import render_window_class, rendering_missing_reason
from CardiacMTLScene.heart_actors import heart_actors
from CardiacMTLScene.messages import captured_vtk_messages
from CardiacMTLScene.overlay import BACKGROUND, MUTED, Overlay, orientation_cube, unit_color
from CardiacMTLScene.viewpoint import Vector, Viewpoint, heart_axes, viewpoint

Area = tuple[float, float, float, float]

DEFAULT_SIZE = (1400, 800)
_UNITS_HIGH = 800.0
_SUPERSAMPLING = 2
"""The picture is drawn this many times larger and averaged: with multisampling llvmpipe loses translucent surfaces."""

_LEGEND_SHARE = 0.14
_TITLE_SHARE = 0.10
_CUBE_AREA = (0.01, 0.15, 0.10, 0.31)
_ROOM = 1.08
_SCALE_BAR_MM = 50.0
_PHASE_TITLES = {Phase.ED: "End-diastole (ED)", Phase.ES: "End-systole (ES)"}
_MEASUREMENT = {
    (Label.LV, Phase.ED): "lv_edv_ml",
    (Label.LV, Phase.ES): "lv_esv_ml",
    (Label.RV, Phase.ED): "rv_edv_ml",
    (Label.RV, Phase.ES): "rv_esv_ml",
    (Label.MYOCARDIUM, Phase.ED): "lv_mass_g",
    (Label.MYOCARDIUM, Phase.ES): "lv_mass_g",
}
"""What must be defined for the volume of a structure to be printed."""


def render_3d(analysis: Analysis, path_png: Path, size: tuple[int, int] = DEFAULT_SIZE) -> None:
    """Write a PNG of `size` (width, height; pixels) that shows LV, RV and wall of each segmented phase at the same scale.

    The view is the heart's own: base up, right ventricle to the left, seen from above the base. Raises
    `MissingPackageError` with the reason where pictures cannot be drawn here (see `gl.rendering_missing_reason`), and
    `OutputError` where the file cannot be written.
    """
    reason = rendering_missing_reason()
    if reason is not None:
        raise MissingPackageError(reason)
    try:
        with TemporaryDirectory(dir=path_png.parent, prefix=".cardiacmtl-") as folder, captured_vtk_messages():
            unfinished = Path(folder) / "view.png"
            window = _window(size)
            _compose(analysis, window, size)
            _write(window, unfinished)
            window.Finalize()
            unfinished.replace(path_png)
    except OSError as error:
        raise OutputError(f"{path_png} could not be written ({error.strerror}); choose another output folder") from error


def _window(size: tuple[int, int]) -> Any:
    window = getattr(vtk, render_window_class() or "vtkRenderWindow")()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(size[0] * _SUPERSAMPLING, size[1] * _SUPERSAMPLING)
    return window


def _compose(analysis: Analysis, window: Any, size: tuple[int, int]) -> None:
    axes, phases = heart_axes(analysis), [phase for phase in Phase if phase in analysis.masks]
    view, width = viewpoint(analysis, axes), _UNITS_HIGH * size[0] / size[1]
    overlay = Overlay(window, size[1] * _SUPERSAMPLING / _UNITS_HIGH)
    _add_renderer(window, (0.0, 0.0, 1.0, 1.0), view, view.center, 1.0)
    panel_width = width / max(1, len(phases))
    panel_height = _UNITS_HIGH * (1 - _LEGEND_SHARE - _TITLE_SHARE)
    half_height_mm = _ROOM * max(view.half_height_mm, view.half_width_mm * panel_height / panel_width)
    for position, phase in enumerate(phases):
        area = (position / len(phases), _LEGEND_SHARE, (position + 1) / len(phases), 1 - _TITLE_SHARE)
        renderer = _add_renderer(window, area, view, view.center, half_height_mm)
        for actor in heart_actors(analysis.masks[phase], analysis.study.geometry, axes.to_base):
            renderer.AddActor(actor)
        renderer.ResetCameraClippingRange()
        _title(overlay, analysis, phase, (position + 0.5) * panel_width)
    _legend(overlay, analysis, phases, width)
    _scale_bar(overlay, width, panel_height / 2 / half_height_mm)
    if has_orientation(analysis.study.geometry):
        corner = _add_renderer(window, _CUBE_AREA, view, np.zeros(3), 0.9)
        corner.PreserveColorBufferOn()
        corner.AddActor(orientation_cube())
        corner.ResetCameraClippingRange()
    else:
        overlay.text(24, 138, "base up; the file holds no patient orientation", 16, MUTED)


def _add_renderer(window: Any, area: Area, view: Viewpoint, center: Vector, half_height: float) -> Any:
    """A part of the window, in fractions (left, bottom, right, top), in which `center` is looked at from the side of `view`."""
    renderer = vtk.vtkRenderer()
    renderer.SetViewport(*area)
    renderer.SetBackground(*unit_color(BACKGROUND))
    window.AddRenderer(renderer)
    vtk.vtkLightKit().AddLightsToRenderer(renderer)
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    camera.SetParallelScale(half_height)
    camera.SetFocalPoint(*center)
    camera.SetPosition(*(center + 500.0 * view.toward))
    camera.SetViewUp(*view.up)
    return renderer


def _title(overlay: Overlay, analysis: Analysis, phase: Phase, x: float) -> None:
    overlay.text(x, 770, _PHASE_TITLES[phase], 26, align="center")
    details = analysis.study.frame_text(analysis.frames[phase])
    if not analysis.masks[phase].any():
        details += "; no structure was found"
    overlay.text(x, 738, details, 17, MUTED, align="center")


def _legend(overlay: Overlay, analysis: Analysis, phases: list[Phase], width: float) -> None:
    """A column for each structure: its colour, its name, and its volume at each phase."""
    for position, label in enumerate(STRUCTURES):
        x = 24 + position * (width - 48) / len(STRUCTURES)
        overlay.box(x, 66, 26, 26, STRUCTURE_COLORS[label])
        overlay.text(x + 38, 79, structure_terms()[label].name, 22)
        volumes = ",  ".join(f"{phase.value} {_volume(analysis, label, phase)}" for phase in phases)
        overlay.text(x + 38, 50, volumes, 19)
    overlay.text(24, 16, RESEARCH_USE, 15, MUTED)
    overlay.text(width - 24, 16, "surfaces are interpolated between slices; volumes count the voxels", 15, MUTED, align="right")


def _volume(analysis: Analysis, label: Label, phase: Phase) -> str:
    measured = analysis.measurements.get(_MEASUREMENT[label, phase])
    if measured is None or measured.value is None:
        return "undefined"
    return f"{structure_volumes_ml(analysis.masks[phase], analysis.study.geometry)[label]:.0f} mL"


def _scale_bar(overlay: Overlay, width: float, units_per_mm: float) -> None:
    length = _SCALE_BAR_MM * units_per_mm
    overlay.box(width - 24 - length, 128, length, 4, MUTED)
    overlay.text(width - 24 - length / 2, 146, f"{_SCALE_BAR_MM:.0f} mm", 16, MUTED, align="center")


def _write(window: Any, path: Path) -> None:
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.ShouldRerenderOff()
    average = vtk.vtkImageShrink3D()
    average.SetInputConnection(grab.GetOutputPort())
    average.SetShrinkFactors(_SUPERSAMPLING, _SUPERSAMPLING, 1)
    average.AveragingOn()
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputConnection(average.GetOutputPort())
    writer.Write()
    if not path.is_file():
        raise OutputError("the 3D picture could not be written; check free space and permissions")
