"""What surrounds the ventricles and stands still: chest wall, lung, diaphragm, abdomen, atria and great vessels.

Places are in mm from the left ventricular axis on the image (x right, y down), as short-axis images usually show them. The
chest wall and the diaphragm touch the heart at ED in every slice, so they close in towards the apex.
"""

from __future__ import annotations

import math

import numpy as np

from CardiacMTLLib.phantom import tissue
from CardiacMTLLib.phantom.outline import Plane
from CardiacMTLLib.phantom.plane import PixelPlane, paint, smooth_field
from CardiacMTLLib.phantom.shape import HeartShape

Ellipse = tuple[tuple[float, float], tuple[float, float], float]
"""Centre, semi-axes and turn, as `PixelPlane.ellipse_depth` takes them."""

_DENSITY_TOWARDS_CHEST = 0.45
"""Share of the right cavity's area per radian towards the chest wall; only places the surroundings."""


def body_slice(plane: PixelPlane, ed: HeartShape, height_mm: float, rng: np.random.Generator) -> Plane:
    """Signal (y, x) of everything but heart and great vessels, in the slice `height_mm` above the epicardial apex."""
    level_mm = min(max(height_mm, 0.12 * ed.base_height_mm), ed.base_height_mm)
    epi_mm = ed.epi_radius_at(level_mm)
    reach_mm = math.sqrt(epi_mm**2 + 2 * _DENSITY_TOWARDS_CHEST * ed.rv_area_at(level_mm))
    signal = np.full_like(plane.x, tissue.AIR)
    inside = _chest_wall(signal, plane, reach_mm, rng)
    below = _below_diaphragm(plane, epi_mm, reach_mm)
    pad = plane.ellipse_depth((-reach_mm - 10, epi_mm + 10), (reach_mm + epi_mm + 18, 2 * epi_mm + 20))
    paint(signal, inside * plane.above(pad), tissue.FAT)
    _lung_vessels(signal, plane, inside * plane.above(-below - 3) * plane.above(-pad - 4), rng)
    _abdomen(signal, plane, inside * plane.above(below), below, rng)
    if level_mm > 0.5 * ed.base_height_mm:
        _descending_aorta(signal, plane)
    return signal


def texture(plane: PixelPlane, rng: np.random.Generator) -> Plane:
    """Factor (y, x) about 1 by which real tissue and flowing blood vary from place to place."""
    return 1 + np.float32(0.12) * smooth_field(rng, plane.shape, 6) + np.float32(0.08) * smooth_field(rng, plane.shape, 3)


def with_atria(behind: Plane, plane: PixelPlane, ed: HeartShape) -> Plane:
    """`behind` with what lies above the base plane: atria, aortic root and pulmonary trunk, thin-walled, embedded in fat."""
    scale = ed.epi_radius_mm / 34
    parts = (
        ((9, 6), (24, 20), 0.4, 0.95 * tissue.BLOOD),
        ((-34, 20), (34, 21), 1.1, tissue.RV_BLOOD),
        ((-16, -11), (13, 13), 0.0, 0.9 * tissue.BLOOD),
        ((-36, -29), (17, 13), -0.5, tissue.RV_BLOOD),
    )
    depths = [plane.ellipse_depth((scale * x, scale * y), (scale * a, scale * b), turn) for (x, y), (a, b), turn, _ in parts]
    signal = behind.copy()
    fat = plane.ellipse_depth((-20 * scale, 2 * scale), (54 * scale, 44 * scale), 0.3)
    paint(signal, plane.above(fat), tissue.FAT)
    for depth in depths:
        paint(signal, plane.above(depth + 1.5), tissue.MYOCARDIUM)
    for depth, (*_, blood) in zip(depths, parts, strict=True):
        paint(signal, plane.above(depth), blood)
    return signal


def _chest_wall(signal: Plane, plane: PixelPlane, reach_mm: float, rng: np.random.Generator) -> Plane:
    """Paint skin fat, muscle with ribs, and lung; return the cover of the chest's inside."""
    phase = rng.uniform(0, 2 * np.pi, 2)
    wobble = (2 * np.sin(3 * plane.angle + phase[0]) + 1.5 * np.sin(8 * plane.angle + phase[1])).astype(np.float32)

    def depth(front_mm: float, back_mm: float, centre_y: float, half_height: float) -> Plane:
        left = -(reach_mm + front_mm)
        return plane.ellipse_depth(((back_mm + left) / 2, centre_y), ((back_mm - left) / 2, half_height), 0.2)

    paint(signal, plane.above(depth(26 + 0.3 * max(80 - reach_mm, 0), 145, 15, 165)), tissue.SKIN_FAT)
    ribs = np.clip(0.5 + 1.5 * smooth_field(rng, plane.shape, 12), 0, 1)
    paint(signal, plane.above(depth(14, 112, 8, 126) + wobble), tissue.MUSCLE + (tissue.MARROW - tissue.MUSCLE) * ribs)
    inside = plane.above(depth(6, 100, 5, 112) + wobble)
    paint(signal, inside, tissue.LUNG)
    return inside


def _below_diaphragm(plane: PixelPlane, epi_mm: float, reach_mm: float) -> Plane:
    """Distance in mm below the diaphragm: it carries the left ventricle and falls off to both sides."""
    slope = 12 * np.logaddexp(0, -(plane.x + 8) / 12)
    dome = epi_mm + 1.5 + 0.006 * reach_mm * slope + 0.0012 * np.clip(plane.x, 0, None) ** 2
    return np.asarray(plane.y - dome, dtype=np.float32)


def _lung_vessels(signal: Plane, plane: PixelPlane, lung: Plane, rng: np.random.Generator) -> None:
    for _ in range(40):
        centre = (rng.uniform(-90, 95), rng.uniform(-105, 30))
        radius, bright = rng.uniform(1.0, 2.8), rng.uniform(0.15, 0.6)
        _spot(signal, plane, lung, (centre, (radius, radius), 0.0), tissue.LUNG + bright)


def _spot(signal: Plane, plane: PixelPlane, cover: Plane, ellipse: Ellipse, value: float) -> None:
    """Paint a small ellipse where `cover` allows it."""
    centre, axes, turn = ellipse
    box = plane.box_around(centre, max(axes) + 2 * plane.pixel_mm)
    paint(signal[box], cover[box] * plane.window(box).above(plane.window(box).ellipse_depth(centre, axes, turn)), value)


def _abdomen(signal: Plane, plane: PixelPlane, inside: Plane, below: Plane, rng: np.random.Generator) -> None:
    paint(signal, inside, tissue.FAT)
    for _ in range(14):
        centre = (rng.uniform(-60, 120), rng.uniform(80, 140))
        size = rng.uniform(6, 16)
        ellipse = (centre, (size * rng.uniform(0.6, 1.6), size), rng.uniform(0, 3))
        _spot(signal, plane, inside, ellipse, rng.uniform(0.2, 0.7))
    deeper = inside * plane.above(below - 3)
    liver = plane.above(plane.ellipse_depth((-62, 92), (112, 52), -0.35))
    paint(signal, deeper * liver, tissue.LIVER + np.clip(smooth_field(rng, plane.shape, 6) - 0.6, 0, None))
    stomach = plane.above(plane.ellipse_depth((66, 76), (34, 28), -0.4))
    paint(signal, deeper * stomach, tissue.STOMACH + 0.2 * smooth_field(rng, plane.shape, 4))
    paint(signal, deeper * plane.above(plane.ellipse_depth((112, 72), (16, 34), 0.2)), tissue.SPLEEN)


def _descending_aorta(signal: Plane, plane: PixelPlane) -> None:
    depth = plane.ellipse_depth((52, 46), (12, 13))
    paint(signal, plane.above(depth + 2), tissue.MUSCLE)
    paint(signal, plane.above(depth), 0.9 * tissue.BLOOD)
