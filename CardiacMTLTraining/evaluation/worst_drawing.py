"""One patient as a picture: each slice plain, below it with our outlines, below that with the experts'; needs Pillow."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.reading.acdc import AcdcCase
from CardiacMTLLib.report.slice_view import Crop, crop_around, grey_window, reading_order, stored_slice_number, to_grey
from CardiacMTLLib.report.tile import SIDE_PX, overlaid_tile, plain_tile
from CardiacMTLLib.volume import CineStudy, Mask

_COLUMNS = 9
"""At most so many slices beside each other."""

_SCALE = 0.75
"""The finished picture is reduced by this: a page holds many."""

_HEADING_PX, _GAP_PX = 40, 8
_QUALITY = 85


def draw_comparison(case: AcdcCase, analysis: Analysis) -> bytes:
    """A JPEG file of ED above ES, slices from base to apex, in the colours of the reports; a mask that is missing is left out.

    All tiles show the same square about both masks.
    """
    study = case.study
    truth = case.masks or {}
    masks = [*analysis.masks.values(), *truth.values()]
    order, ends = reading_order(study, masks)
    crop = crop_around(masks, study.geometry)
    blocks = []
    for phase in Phase:
        frame = study.frame_of(phase)
        if frame is not None:
            rows = {"image": None, "ours": analysis.masks.get(phase), "expert": truth.get(phase)}
            shown = {name: mask for name, mask in rows.items() if name == "image" or mask is not None}
            heading = _heading(f"{phase}: {ends.value}")
            blocks += [heading, _block(study, frame, shown, order, crop)]
    width = max(block.shape[1] for block in blocks)
    whole = np.concatenate([_padded(block, width) for block in blocks])
    picture = Pillow.fromarray(whole)
    size = (round(picture.width * _SCALE), round(picture.height * _SCALE))
    stream = io.BytesIO()
    picture.resize(size, Pillow.Resampling.LANCZOS).save(stream, format="JPEG", quality=_QUALITY)
    return stream.getvalue()


def _block(study: CineStudy, frame: int, shown: dict[str, Mask | None], order: list[int], crop: Crop) -> NDArray[np.uint8]:
    """One phase (height, width, 3): the slices in lines of at most `_COLUMNS`."""
    dx_mm, dy_mm, _ = study.geometry.spacing_xyz_mm
    image = study.frames[frame]
    grey = to_grey(image, grey_window([image], crop, study.geometry))
    columns = []
    for z in order:
        plain = plain_tile(grey[z], crop, (dy_mm, dx_mm))
        tiles = [
            np.repeat(plain[..., None], 3, axis=2) if mask is None else overlaid_tile(plain, mask[z], crop, (dy_mm, dx_mm))
            for mask in shown.values()
        ]
        columns.append(_named(np.concatenate(tiles), [f"{stored_slice_number(study, z)} {name}" for name in shown]))
    gap = np.zeros((len(shown) * SIDE_PX, _GAP_PX, 3), np.uint8)
    per_line = -(-len(columns) // -(-len(columns) // _COLUMNS))
    lines = []
    for start in range(0, len(columns), per_line):
        parts = [part for column in columns[start : start + per_line] for part in (column, gap)]
        lines.append(np.concatenate(parts, axis=1))
    width = max(line.shape[1] for line in lines)
    spaced = [part for line in lines for part in (_padded(line, width), np.zeros((_GAP_PX, width, 3), np.uint8))]
    return np.concatenate(spaced)


def _padded(part: NDArray[np.uint8], width: int) -> NDArray[np.uint8]:
    """`part` with black on its right up to `width`."""
    return np.pad(part, ((0, 0), (0, width - part.shape[1]), (0, 0)))


def _heading(text: str) -> NDArray[np.uint8]:
    font = ImageFont.load_default(24)
    strip = Pillow.new("RGB", (round(font.getlength(text)) + 12, _HEADING_PX))
    ImageDraw.Draw(strip).text((6, _HEADING_PX / 2), text, fill=(255, 255, 255), font=font, anchor="lm")
    return np.asarray(strip)


def _named(column: NDArray[np.uint8], names: list[str]) -> NDArray[np.uint8]:
    """The column with a name in the corner of each of its tiles."""
    picture = Pillow.fromarray(column)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(20)
    for place, name in enumerate(names):
        at = (6, place * SIDE_PX + 4)
        draw.text(at, name, fill=(240, 242, 245), font=font, stroke_width=2, stroke_fill=(0, 0, 0))
    return np.asarray(picture)
