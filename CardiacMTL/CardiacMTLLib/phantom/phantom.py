"""`make_phantom`: a synthetic cine study with its truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from CardiacMTLLib.errors import UsageError
from CardiacMTLLib.geometry import standard_order
from CardiacMTLLib.labels import Label
from CardiacMTLLib.phantom.acquisition import acquire, coil_gain
from CardiacMTLLib.phantom.anatomy import PhantomAnatomy
from CardiacMTLLib.phantom.body import body_slice, texture, with_atria
from CardiacMTLLib.phantom.cycle import contraction, frame_phases
from CardiacMTLLib.phantom.grid import PhantomGrid
from CardiacMTLLib.phantom.heart import RV_WALL_MM, HeartImage, HeartSlice, heart_image
from CardiacMTLLib.phantom.outline import rv_lobes, rv_outer_radius
from CardiacMTLLib.phantom.plane import PixelPlane
from CardiacMTLLib.phantom.shape import HeartShape
from CardiacMTLLib.volume import CineStudy, Mask, StoredGrid

SUB_SLICE_MM = 2.0
"""Slices are averaged over sub-slices at most this far apart."""


@dataclass(frozen=True, slots=True, eq=False)
class PhantomStudy:
    """A synthetic study: what a scanner would give, the true masks (t, z, y, x) on its axes, and the heart behind it.

    A voxel's label is the structure that fills the largest share of it. `shapes` are the heart at each frame: their closed-form
    volumes are the truth of the whole cycle.
    """

    study: CineStudy
    masks: Mask
    anatomy: PhantomAnatomy
    shapes: tuple[HeartShape, ...]


def make_phantom(
    anatomy: PhantomAnatomy,
    grid: PhantomGrid | None = None,
    n_frames: int = 30,
    seed: int = 0,
    noise_fraction: float = 0.02,
    bias_fraction: float = 0.2,
) -> PhantomStudy:
    """Sample `anatomy` as a short-axis bSSFP cine study of int16 grey values.

    `grid` defaults to `PhantomGrid.covering(anatomy)`. Two frames are ED and ES, one frame is ED alone (no ES). The noise's
    standard deviation is given relative to blood, `bias_fraction` is the coil's fall-off over 100 mm. `seed` determines texture
    and noise. Raises `UsageError` for numbers out of range, `GeometryError` for a grid that is none.
    """
    if n_frames < 1 or min(noise_fraction, bias_fraction) < 0:
        raise UsageError(
            f"phantom of {n_frames} frames, noise {noise_fraction}, bias {bias_fraction}; "
            "expected at least one frame and fractions that are not negative; correct the numbers"
        )
    grid = grid or PhantomGrid.covering(anatomy)
    order = standard_order(grid.geometry, slice_axis=2)
    geometry = order.geometry(grid.geometry)
    phases, es_frame = frame_phases(n_frames)
    es_phase = phases[es_frame] if es_frame is not None else 1.0
    shapes = tuple(anatomy.shape_at(contraction(phase, es_phase)) for phase in phases)
    plane = PixelPlane.of(geometry, grid.heart_xy_mm)
    gain = coil_gain(plane, bias_fraction)
    frames = np.empty((n_frames, *geometry.shape_zyx), dtype=np.int16)
    masks = np.zeros(frames.shape, dtype=np.uint8)
    for index, rng in enumerate(np.random.default_rng(seed).spawn(geometry.size_xyz[2])):
        heights_mm = _sub_heights(index, geometry.size_xyz[2], geometry.spacing_xyz_mm[2], grid.above_base_mm, anatomy)
        signal = _slice_signal(plane, anatomy, shapes, heights_mm, masks[:, index], rng)
        frames[:, index] = acquire(signal, plane.pixel_mm, gain, noise_fraction, rng)
    beat_ms = 60000 / (anatomy.patient.heart_rate_bpm or 60)
    study = CineStudy(
        frames,
        geometry,
        StoredGrid(grid.geometry, order),
        frame_times_ms=tuple(phase * beat_ms for phase in phases),
        ed_frame=0,
        es_frame=es_frame,
        patient=anatomy.patient,
    )
    return PhantomStudy(study, masks, anatomy, shapes)


def _sub_heights(index: int, n_slices: int, distance_mm: float, above_base_mm: float, anatomy: PhantomAnatomy) -> list[float]:
    """Heights above the epicardial apex of the sub-slices of slice `index`, apex first."""
    top_mm = anatomy.ed.base_height_mm + above_base_mm
    bottom_mm = top_mm - (n_slices - index) * distance_mm
    count = max(1, math.ceil(distance_mm / SUB_SLICE_MM - 1e-9))
    return [bottom_mm + (part + 0.5) * distance_mm / count for part in range(count)]


def _slice_signal(
    plane: PixelPlane,
    anatomy: PhantomAnatomy,
    shapes: tuple[HeartShape, ...],
    heights_mm: list[float],
    masks: Mask,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Signal (t, y, x) of one slice; writes its truth into `masks` (t, y, x)."""
    behind = body_slice(plane, anatomy.ed, sum(heights_mm) / len(heights_mm), rng)
    above_base = with_atria(behind, plane, anatomy.ed)
    box = _heart_box(plane, anatomy.ed)
    scene = HeartSlice.of(plane.window(box), behind[box], above_base[box], anatomy, rng)
    signal = np.repeat(behind[None], len(shapes), axis=0)
    for frame, shape in enumerate(shapes):
        if heights_mm[0] > shape.base_height_mm:
            signal[frame] = above_base
        elif heights_mm[-1] > 0:
            image = heart_image(scene, shape, heights_mm)
            signal[frame][box] = image.signal
            masks[frame][box] = _largest_share(image)
    return signal * texture(plane, rng)


def _heart_box(plane: PixelPlane, ed: HeartShape) -> tuple[slice, slice]:
    """Rows and columns that hold the heart at ED with its fat."""
    basal, _ = rv_lobes(plane.angle)
    epi = np.full_like(plane.radius, ed.epi_radius_mm * (1 + max(ed.epi_bump, 0.0)))
    near = plane.radius < rv_outer_radius(epi, ed.rv_base_area_mm2, basal) + RV_WALL_MM + 12
    rows, columns = (_span(np.asarray(near.any(axis))) for axis in (1, 0))
    return rows, columns


def _span(hits: NDArray[np.bool_]) -> slice:
    found = np.flatnonzero(hits)
    return slice(int(found[0]), int(found[-1]) + 1) if found.size else slice(0, 0)


def _largest_share(image: HeartImage) -> Mask:
    outside = 1 - image.rv - image.myocardium - image.lv
    shares = {Label.BACKGROUND: outside, Label.RV: image.rv, Label.MYOCARDIUM: image.myocardium, Label.LV: image.lv}
    winner = np.argmax(np.stack(list(shares.values())), axis=0)
    return np.asarray(np.take([int(label) for label in shares], winner), dtype=np.uint8)
