"""The beating ventricles: which share of a voxel is cavity or wall, and what signal they give.

A slice is the mean of thin sub-slices through its thickness, so that sloping walls, the apex and the base plane are blurred as
a thick slice blurs them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from CardiacMTLLib.phantom import tissue
from CardiacMTLLib.phantom.anatomy import PhantomAnatomy
from CardiacMTLLib.phantom.outline import RV_SECTOR, Plane, regional_bump, rv_lobes, rv_outer_radius
from CardiacMTLLib.phantom.plane import PixelPlane, paint, smooth_field
from CardiacMTLLib.phantom.shape import HeartShape

RV_WALL_MM = 2.5

_PAPILLARY_ANGLES = (math.radians(140.0), math.radians(-125.0))
_PAPILLARY_LEVELS = (0.2, 0.72)


@dataclass(frozen=True, slots=True, eq=False)
class HeartSlice:
    """What one slice keeps over the cycle, each (y, x): what lies behind the heart, angular shapes, fat, and texture.

    `behind` is the signal around the ventricles, `above_base` that above the base plane.
    """

    plane: PixelPlane
    behind: Plane
    above_base: Plane
    region: Plane
    basal: Plane
    apical: Plane
    fat_mm: Plane
    trabeculae: Plane
    rv_texture: Plane

    @classmethod
    def of(
        cls, plane: PixelPlane, behind: Plane, above_base: Plane, anatomy: PhantomAnatomy, rng: np.random.Generator
    ) -> HeartSlice:
        """The heart of `anatomy` on the pixels of `plane`; texture is drawn from `rng`."""
        basal, apical = rv_lobes(plane.angle)
        grooves = sum(np.exp(-(((plane.angle - edge) / 0.25) ** 2)) for edge in RV_SECTOR)
        fat_mm = 5 * (0.5 + 0.5 * np.cos(plane.angle + 0.3)) ** 2 + 4 * grooves
        ridges = sum(np.cos(order * plane.angle + rng.uniform(0, 2 * np.pi)) / 8 for order in (7, 9, 11, 13))
        return cls(
            plane,
            behind,
            above_base,
            regional_bump(plane.angle, math.radians(anatomy.regional_angle_deg)),
            basal,
            apical,
            np.asarray(fat_mm, dtype=np.float32),
            np.asarray(0.5 + ridges, dtype=np.float32),
            np.clip(1.6 * smooth_field(rng, plane.shape, 4), 0, 1),
        )


@dataclass(frozen=True, slots=True, eq=False)
class HeartImage:
    """One slice at one instant, each (y, x): signal, and the share of each voxel in right cavity, wall and left cavity."""

    signal: Plane
    rv: Plane
    myocardium: Plane
    lv: Plane


def heart_image(scene: HeartSlice, shape: HeartShape, heights_mm: list[float]) -> HeartImage:
    """The slice whose sub-slices lie at `heights_mm`."""
    total = HeartImage(*(np.zeros_like(scene.behind) for _ in range(4)))
    for height_mm in heights_mm:
        _add_section(total, scene, shape, height_mm)
    share = np.float32(1 / len(heights_mm))
    return HeartImage(total.signal * share, total.rv * share, total.myocardium * share, total.lv * share)


def _add_section(total: HeartImage, scene: HeartSlice, shape: HeartShape, height_mm: float) -> None:
    signal = (scene.behind if height_mm <= shape.base_height_mm else scene.above_base).copy()
    if 0 < height_mm <= shape.base_height_mm:
        plane = scene.plane
        epi = shape.epi_radius_at(height_mm) * (1 + shape.epi_bump * scene.region)
        level = shape.rv_level_at(height_mm)
        density = scene.apical + np.float32(level) * (scene.basal - scene.apical)
        outer = rv_outer_radius(epi, shape.rv_area_at(height_mm), density)
        wall = np.asarray(RV_WALL_MM * np.clip((outer - epi) / 6, 0, 1), dtype=np.float32)
        fat = scene.fat_mm * np.float32(1.8 - 0.8 * height_mm / shape.base_height_mm)
        in_epi, in_outer = plane.within(epi), plane.within(outer)
        paint(signal, plane.within(outer + wall + fat), tissue.FAT)
        paint(signal, plane.within(outer + wall), tissue.MYOCARDIUM)
        trabeculation = np.float32(0.8 - 0.55 * level) * scene.rv_texture
        paint(signal, in_outer, tissue.RV_BLOOD + (tissue.MYOCARDIUM - tissue.RV_BLOOD) * trabeculation)
        paint(signal, in_epi, tissue.MYOCARDIUM)
        total.rv[...] += in_outer - in_epi
        total.myocardium[...] += in_epi
        endo = shape.lv_radius_at(height_mm) * (1 + shape.endo_bump * scene.region)
        if height_mm > shape.apex_wall_mm:
            in_endo = plane.within(endo)
            paint(signal, in_endo, _lv_signal(scene, shape, height_mm, endo))
            total.myocardium[...] -= in_endo
            total.lv[...] += in_endo
    total.signal[...] += signal


def _lv_signal(scene: HeartSlice, shape: HeartShape, height_mm: float, endo: Plane) -> Plane:
    """Signal inside the left cavity: blood, trabeculae along the wall, two papillary muscles (all cavity to the mask)."""
    plane = scene.plane
    level = (height_mm - shape.apex_wall_mm) / shape.lv_length_mm
    signal = np.full_like(plane.x, tissue.TRABECULATED_BLOOD)
    depth = 0.08 + 0.3 * (1 - level) ** 1.3
    paint(signal, plane.within(endo * (1 - np.float32(depth) * scene.trabeculae)), tissue.BLOOD)
    low, high = _PAPILLARY_LEVELS
    if low < level < high:
        size_mm = 5.5 * math.sqrt(math.sin(math.pi * (level - low) / (high - low)))
        reach_mm = 0.68 * shape.lv_radius_at(height_mm)
        for angle in _PAPILLARY_ANGLES:
            centre = (-reach_mm * math.cos(angle), -reach_mm * math.sin(angle))
            paint(signal, plane.above(plane.ellipse_depth(centre, (size_mm, size_mm))), tissue.MYOCARDIUM)
    return signal
