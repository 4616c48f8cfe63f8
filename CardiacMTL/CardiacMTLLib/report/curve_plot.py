"""`draw_curves`: the volume-time curves of both ventricles in one picture."""

from __future__ import annotations

from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import CardiacMTLError, MissingPackageError


def draw_curves(analysis: Analysis, path_png: Path) -> None:
    """Write the curves of `analysis` to `path_png`, with ED and ES marked.

    The time runs in milliseconds where it is known, else in shares of the cycle. Raises `MissingPackageError` without
    Matplotlib, and `CardiacMTLError` where there are no curves.
    """
    if analysis.curves is None:
        cause = (
            "the study is not in scope or has one slice"
            if analysis.cine_masks is not None
            else "the whole cycle was not segmented"
        )
        raise CardiacMTLError(f"there are no volume-time curves to draw: {cause}")
    try:
        from CardiacMTLLib.report.curve_drawing import render_curves  # noqa: PLC0415 - Matplotlib is optional

        picture = render_curves(analysis.curves, analysis.frames)
    except ImportError as error:
        raise MissingPackageError(
            f"the volume-time curves need the package matplotlib, which cannot be imported ({error}); install matplotlib"
        ) from error
    path_png.write_bytes(picture)
