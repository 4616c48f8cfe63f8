"""Draws the extension's icons and screenshot anew, from the phantom alone: `python Resources/make_pictures.py`."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import vtk
from PIL import Image
from vtk.util.numpy_support import vtk_to_numpy

from CardiacMTLLib.analysis import Analysis, ModelIdentity
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.labels import Group, Phase
from CardiacMTLLib.network.weights import load_model
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom, sample_phantom
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.report.contact_sheet import draw_contact_sheet
from CardiacMTLScene.gl import render_window_class, rendering_missing_reason
from CardiacMTLScene.heart_actors import heart_actors
from CardiacMTLScene.view3d import render_3d
from CardiacMTLScene.viewpoint import heart_axes, viewpoint

ROOT = Path(__file__).resolve().parents[1]
ICONS = (ROOT / "Resources" / "CardiacMTL.png", ROOT / "CardiacMTL" / "Resources" / "Icons" / "CardiacMTL.png")
SCREENSHOT = ROOT / "Resources" / "Screenshots" / "CardiacMTL.png"

ICON_PIXELS = 128
DRAWN_PIXELS = 1024
ICON_SLICE_MM = 4.0
ICON_TILT_DEGREES = 16.0
ICON_AMBIENT = 0.28
ICON_WALL_OPACITY = 0.6
"""Brighter, steeper and denser than in reports: an icon is looked at from afar, on light and on dark ground."""

SCREENSHOT_HEIGHT = 460
SCREENSHOT_COLORS = 200
SHEET_FOOT_PIXELS = 100
"""The notes below the contact sheet are left out: they cannot be read at this size, and only ED is shown."""


def main() -> None:
    """Write all pictures; ends with a sentence where nothing can be drawn."""
    reason = rendering_missing_reason()
    if reason is not None:
        sys.exit(reason)
    icon = heart_icon()
    for path in ICONS:
        icon.save(path, optimize=True)
    results_picture().save(SCREENSHOT, optimize=True)


def heart_icon() -> Image.Image:
    """A normal heart at ED on transparent ground, filling the square."""
    heart = _drawn(_finely_sliced_heart())
    heart = heart.crop(heart.getbbox())
    side = max(heart.size)
    square = Image.new("RGBA", (side, side))
    square.alpha_composite(heart, ((side - heart.width) // 2, (side - heart.height) // 2))
    return square.resize((ICON_PIXELS, ICON_PIXELS), Image.Resampling.LANCZOS)


def results_picture() -> Image.Image:
    """What a run finds in the sample study: masks on the images at ED, and the surfaces of ED and ES beside them."""
    phantom = sample_phantom()
    analysis = analyse(replace(phantom.study, ed_frame=None, es_frame=None), load_model(), device="cpu", whole_cycle=True)
    with tempfile.TemporaryDirectory() as folder:
        sheet, view = Path(folder) / "sheet.png", Path(folder) / "view.png"
        frame, mask = analysis.frames[Phase.ED], analysis.masks[Phase.ED]
        draw_contact_sheet(replace(analysis, frames={Phase.ED: frame}, masks={Phase.ED: mask}), sheet)
        render_3d(analysis, view)
        parts = [_of_height(sheet, SHEET_FOOT_PIXELS), _of_height(view)]
    whole = Image.new("RGB", (sum(part.width for part in parts), SCREENSHOT_HEIGHT))
    left = 0
    for part in parts:
        whole.paste(part, (left, 0))
        left += part.width
    return whole.quantize(SCREENSHOT_COLORS, dither=Image.Dither.NONE)


def _of_height(path: Path, without_pixels: int = 0) -> Image.Image:
    """The picture without its lowest rows of pixels, at the height of the screenshot."""
    with Image.open(path) as picture:
        part = picture.convert("RGB").crop((0, 0, picture.width, picture.height - without_pixels))
    width = round(part.width * SCREENSHOT_HEIGHT / part.height)
    return part.resize((width, SCREENSHOT_HEIGHT), Image.Resampling.LANCZOS)


def _finely_sliced_heart() -> Analysis:
    """The true masks of a phantom with thinner slices than a scanner's, for a smooth surface."""
    anatomy = anatomy_of(Group.NOR)
    phantom = make_phantom(anatomy, PhantomGrid.covering(anatomy, ICON_SLICE_MM), n_frames=1)
    diagnosis, model = Diagnosis(None, None, "not analysed"), ModelIdentity("none", "0", "0" * 64)
    return Analysis(phantom.study, {Phase.ED: 0}, {Phase.ED: phantom.masks[0]}, None, {}, diagnosis, (), model, {})


def _drawn(analysis: Analysis) -> Image.Image:
    axes = heart_axes(analysis)
    window, renderer = _window()
    actors = heart_actors(analysis.masks[Phase.ED], analysis.study.geometry, axes.to_base)
    actors[-1].GetProperty().SetOpacity(ICON_WALL_OPACITY)
    for actor in actors:
        actor.GetProperty().SetAmbient(ICON_AMBIENT)
        renderer.AddActor(actor)
    view = viewpoint(analysis, axes)
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    camera.SetFocalPoint(*view.center)
    camera.SetPosition(*(view.center + view.toward))
    camera.SetViewUp(*view.up)
    camera.Elevation(ICON_TILT_DEGREES)
    camera.OrthogonalizeViewUp()
    renderer.ResetCamera()
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.SetInputBufferTypeToRGBA()
    grab.ReadFrontBufferOff()
    grab.Update()
    pixels = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars()).reshape(DRAWN_PIXELS, DRAWN_PIXELS, 4)
    return Image.fromarray(pixels[::-1].copy(), "RGBA")


def _window() -> tuple[Any, Any]:
    """A window of `DRAWN_PIXELS` with transparent ground, and its renderer."""
    window = getattr(vtk, render_window_class() or "vtkRenderWindow")()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetAlphaBitPlanes(1)
    window.SetSize(DRAWN_PIXELS, DRAWN_PIXELS)
    renderer = vtk.vtkRenderer()
    renderer.SetBackgroundAlpha(0.0)
    window.AddRenderer(renderer)
    vtk.vtkLightKit().AddLightsToRenderer(renderer)
    return window, renderer


if __name__ == "__main__":
    main()
