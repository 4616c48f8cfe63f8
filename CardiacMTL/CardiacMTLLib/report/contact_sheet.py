"""`draw_contact_sheet`: all slices at ED and at ES in one picture, each plain and below it with the segmentation."""

from __future__ import annotations

from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import CardiacMTLError, MissingPackageError


def draw_contact_sheet(analysis: Analysis, path_png: Path) -> None:
    """Write the contact sheet of `analysis` to `path_png`.

    ED stands above ES; slices run from base to apex and carry their numbers in the file. All tiles show the same square about
    the heart (the whole image where nothing was segmented) in true proportions, with one grey window a phase. A phase that was
    not found is left out; without any, the first frame is shown. Raises `MissingPackageError` without Pillow, and
    `CardiacMTLError` where the voxels of the study are not at hand, as in results that were taken from a saved scene.
    """
    frames = analysis.study.frames
    if frames.size == 0 or not frames.any():
        raise CardiacMTLError("the images are not at hand")
    try:
        from CardiacMTLLib.report.sheet_drawing import render_sheet  # noqa: PLC0415 - Pillow is optional
    except ImportError as error:
        raise MissingPackageError(
            f"the contact sheet needs the package pillow, which cannot be imported ({error}); install pillow"
        ) from error
    render_sheet(analysis).save(path_png, format="PNG", compress_level=2)
