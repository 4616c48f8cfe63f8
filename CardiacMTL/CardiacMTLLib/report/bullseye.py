"""`draw_bullseye`: wall thickness at ED and ES and thickening of the 16 segments as bull's-eye plots in one picture."""

from __future__ import annotations

from pathlib import Path

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import CardiacMTLError, MissingPackageError


def draw_bullseye(analysis: Analysis, path_png: Path) -> None:
    """Write the plots of `analysis` to `path_png`: base outside, anterior wall up, septum to the left, as the AHA draws them.

    A segment that is not defined is grey. Raises `MissingPackageError` without Matplotlib, and `CardiacMTLError` where no
    segment is defined.
    """
    wall = analysis.segments
    if wall is None or all(segment.ed_mm.value is None and segment.es_mm.value is None for segment in wall.segments):
        reason = "the wall was not measured" if wall is None else wall.segments[0].ed_mm.reason
        raise CardiacMTLError(f"there is nothing to draw: {reason}")
    try:
        from CardiacMTLLib.report.bullseye_drawing import render_bullseye  # noqa: PLC0415 - Matplotlib is optional

        picture = render_bullseye(wall)
    except ImportError as error:
        raise MissingPackageError(
            f"the bull's-eye plot needs the package matplotlib, which cannot be imported ({error}); install matplotlib"
        ) from error
    path_png.write_bytes(picture)
