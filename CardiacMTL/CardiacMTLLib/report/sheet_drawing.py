"""How the contact sheet is laid out and drawn; needs Pillow (`contact_sheet.draw_contact_sheet` is the way in)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.diagnosis.diagnosis import RESEARCH_USE
from CardiacMTLLib.labels import STRUCTURES, Phase
from CardiacMTLLib.report.palette import STRUCTURE_COLORS, STRUCTURE_NAMES
from CardiacMTLLib.report.slice_view import (
    Crop,
    Ends,
    crop_around,
    edge_letters,
    grey_window,
    reading_order,
    stored_slice_number,
    to_grey,
)
from CardiacMTLLib.report.tile import SIDE_PX, overlaid_tile, plain_tile
from CardiacMTLLib.volume import CineStudy, Image, Mask

PHASE_NAMES = {Phase.ED: "End-diastole (ED)", Phase.ES: "End-systole (ES)"}
"""What a heading calls each phase."""

SCALE_BAR_MM = 50.0
_MAX_COLUMNS = 7
_MIN_COLUMNS = 5
_MARGIN_PX, _GAP_PX, _TITLE_PX, _HEADING_PX, _FOOT_PX = 24, 8, 84, 52, 104
_BACKGROUND, _TEXT, _MUTED = (12, 14, 18), (240, 242, 245), (168, 176, 186)


@dataclass(frozen=True, slots=True)
class _Block:
    """One phase on the sheet: its heading, its frame, and its mask where there is one."""

    title: str
    details: str
    image: Image
    mask: Mask | None

    @property
    def cell_px(self) -> int:
        """Height of what is shown of one slice: the plain tile, and the overlaid one where there is a mask."""
        return SIDE_PX if self.mask is None else 2 * SIDE_PX

    def height_px(self, rows: int) -> int:
        """Height of the block with `rows` rows of slices."""
        return _HEADING_PX + rows * (self.cell_px + _GAP_PX)


@dataclass(frozen=True, slots=True)
class _Pen:
    """A canvas with fonts; text is placed by its vertical middle, so that lines of one row agree."""

    canvas: Pillow.Image
    draw: ImageDraw.ImageDraw
    fonts: dict[int, ImageFont.FreeTypeFont | ImageFont.ImageFont]

    def text(
        self,
        at: tuple[float, float],
        text: str,
        size: int,
        fill: tuple[int, int, int] = _TEXT,
        anchor: str = "lm",
        edge: int = 0,
    ) -> float:
        """Write `text` and return the x where it ends."""
        font = self.fonts[size]
        self.draw.text(at, text, fill=fill, font=font, anchor=anchor, stroke_width=edge, stroke_fill=(0, 0, 0))
        return at[0] + self.draw.textlength(text, font=font)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Where the slices of a block stand."""

    order: Sequence[int]
    columns: int
    names_ends: bool

    def corner(self, place: int, cell_px: int) -> tuple[int, int]:
        """Left and top, within its block, of the plain tile at `place` in reading order; the overlaid one lies below."""
        row, column = divmod(place, self.columns)
        return _MARGIN_PX + column * (SIDE_PX + _GAP_PX), _HEADING_PX + row * (cell_px + _GAP_PX)

    def end_name(self, place: int) -> str:
        """What is added to the number of the first and the last slice."""
        if not self.names_ends or len(self.order) == 1:
            return ""
        return {0: " · base", len(self.order) - 1: " · apex"}.get(place, "")


def render_sheet(analysis: Analysis) -> Pillow.Image:
    """The contact sheet of `analysis` as an RGB picture."""
    blocks = _blocks(analysis)
    order, ends = reading_order(analysis.study, list(analysis.masks.values()))
    columns = math.ceil(len(order) / math.ceil(len(order) / _MAX_COLUMNS))
    rows = math.ceil(len(order) / columns)
    width = 2 * _MARGIN_PX + _span(max(columns, _MIN_COLUMNS))
    canvas = Pillow.new("RGB", (width, _TITLE_PX + sum(block.height_px(rows) for block in blocks) + _FOOT_PX), _BACKGROUND)
    fonts = {size: ImageFont.load_default(size) for size in (16, 18, 22, 26)}
    pen = _Pen(canvas, ImageDraw.Draw(canvas), fonts)
    crop = crop_around(analysis.masks.values(), analysis.study.geometry)
    _draw_title(pen)
    grid = _Grid(order, columns, names_ends=ends is not Ends.UNKNOWN)
    top = _TITLE_PX
    for block in blocks:
        _draw_block(pen, analysis.study, block, grid, crop, top)
        top += block.height_px(rows)
    _draw_foot(pen, analysis, ends)
    return canvas


def _span(columns: int) -> int:
    return columns * SIDE_PX + (columns - 1) * _GAP_PX


def _blocks(analysis: Analysis) -> list[_Block]:
    """A block for each phase that was found; without any the study's first frame, so that the input is always shown."""
    study, count = analysis.study, len(analysis.study.frames)
    blocks = []
    for phase in Phase:
        if phase in analysis.frames:
            frame = analysis.frames[phase]
            details = [study.frame_text(frame), *_volumes(analysis, phase)]
            blocks.append(_Block(PHASE_NAMES[phase], "  ·  ".join(details), study.frames[frame], analysis.masks.get(phase)))
    return blocks or [_Block("Frame 1", f"of {count}; phases not found", study.frames[0], None)]


def _volumes(analysis: Analysis, phase: Phase) -> list[str]:
    if phase not in analysis.masks:
        return ["not segmented"]
    suffix = "edv_ml" if phase is Phase.ED else "esv_ml"
    volumes_ml = {side: analysis.measurements.get(f"{side}_{suffix}") for side in ("lv", "rv")}
    return [
        f"{side.upper()} volume undefined"
        if volume is None or volume.value is None
        else f"{side.upper()} {volume.value:.0f} mL"
        for side, volume in volumes_ml.items()
    ]


def _draw_title(pen: _Pen) -> None:
    y = _TITLE_PX / 2
    pen.text((_MARGIN_PX, y), "Short-axis cine: segmentation", 26)
    entry_px = {label: 30 + pen.draw.textlength(STRUCTURE_NAMES[label], font=pen.fonts[16]) for label in STRUCTURES}
    x = pen.canvas.width - _MARGIN_PX - sum(entry_px.values()) - 24 * (len(STRUCTURES) - 1)
    for label in STRUCTURES:
        colour = STRUCTURE_COLORS[label]
        red, green, blue = (round(0.75 * back + 0.25 * front) for back, front in zip(_BACKGROUND, colour, strict=True))
        pen.draw.rectangle((x, y - 9, x + 22, y + 9), fill=(red, green, blue), outline=colour, width=2)
        pen.text((x + 30, y), STRUCTURE_NAMES[label], 16)
        x += entry_px[label] + 24


def _draw_block(pen: _Pen, study: CineStudy, block: _Block, grid: _Grid, crop: Crop, top: int) -> None:
    dx_mm, dy_mm, _ = study.geometry.spacing_xyz_mm
    grey = to_grey(block.image, grey_window([block.image], crop, study.geometry))
    end = pen.text((_MARGIN_PX, top + _HEADING_PX / 2), block.title, 22)
    pen.text((end + 20, top + _HEADING_PX / 2), block.details, 18, _MUTED)
    _draw_scale_bar(pen, crop, top + _HEADING_PX / 2)
    for place, z in enumerate(grid.order):
        x, y = grid.corner(place, block.cell_px)
        y += top
        plain = plain_tile(grey[z], crop, (dy_mm, dx_mm))
        pen.canvas.paste(Pillow.fromarray(plain), (x, y))
        if block.mask is not None:
            overlaid = overlaid_tile(plain, block.mask[z], crop, (dy_mm, dx_mm))
            pen.canvas.paste(Pillow.fromarray(overlaid), (x, y + SIDE_PX))
        pen.text((x + 7, y + 14), f"{stored_slice_number(study, z)}{grid.end_name(place)}", 16, edge=2)
    letters = edge_letters(study.geometry)
    if letters:
        x, y = _MARGIN_PX, top + _HEADING_PX
        pen.text((x + SIDE_PX - 6, y + SIDE_PX / 2), letters[0], 16, anchor="rm", edge=2)
        pen.text((x + SIDE_PX / 2, y + SIDE_PX - 6), letters[1], 16, anchor="mb", edge=2)


def _draw_scale_bar(pen: _Pen, crop: Crop, y: float) -> None:
    """The bar of all tiles, at the right end of the row at `y`."""
    label = f"{SCALE_BAR_MM:.0f} mm"
    length = SCALE_BAR_MM * SIDE_PX / crop.side_mm
    right = pen.canvas.width - _MARGIN_PX
    pen.text((right, y), label, 16, anchor="rm")
    right -= 64
    pen.draw.line((right - length, y, right, y), fill=_TEXT, width=2)
    for x in (right - length, right):
        pen.draw.line((x, y - 6, x, y + 6), fill=_TEXT, width=2)


def _draw_foot(pen: _Pen, analysis: Analysis, ends: Ends) -> None:
    study, model = analysis.study, analysis.model
    order = f"{ends.value[0].upper()}{ends.value[1:]}, numbered as in the file"
    missing = "".join(f" {phase} was not found." for phase in Phase if phase not in analysis.frames)
    rows = (
        "Upper rows: image. Lower rows: the same with the outlines of the segmentation; papillary muscles belong to a cavity."
    )
    lines = (
        f"{order}; slice distance {study.geometry.spacing_xyz_mm[2]:.4g} mm. All tiles show the same square of their slices.",
        (rows if analysis.masks else "Nothing was segmented.") + missing,
        f"Model {model.name} {model.version}. {RESEARCH_USE}",
    )
    for number, line in enumerate(lines):
        pen.text((_MARGIN_PX, pen.canvas.height - _FOOT_PX + 26 + 26 * number), line, 16, _MUTED)
