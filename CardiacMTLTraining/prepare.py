"""`prepare`: a folder of ACDC-form patients -> the training cache."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

import numpy as np

from CardiacMTLLib.errors import CardiacMTLError, InputError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.network.configuration import N_LABELS, NetworkConfiguration
from CardiacMTLLib.preprocess.intensity import IntensityScale
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLLib.preprocess.windows import above_darkest
from CardiacMTLLib.reading.acdc import AcdcCase, read_acdc_case
from CardiacMTLTraining.cache import FORMAT, INDEX_NAME, VERSION, CachedCase, CaseScale, save_case

log = logging.getLogger(__name__)

CACHE_SIZE = 224
"""Samples along each side of a cached slice: wide enough for any heart of ACDC and the window turned around it."""


def prepare(data: Path, out: Path) -> tuple[list[str], dict[str, str]]:
    """Cache every patient folder below `data`; returns the names that were cached, and the reason for each that was not.

    A patient without masks of both phases is left out. Raises `InputError` where no patient can be used.
    """
    folders = sorted(path.parent for path in data.glob("*/Info.cfg"))
    if folders:
        out.mkdir(parents=True, exist_ok=True)
    done: list[str] = []
    failed: dict[str, str] = {}
    for folder in folders:
        try:
            save_case(cached_case(folder), out)
        except CardiacMTLError as error:
            failed[folder.name] = str(error)
            log.warning("%s left out: %s", folder.name, error)
        else:
            done.append(folder.name)
            log.info("%s cached (%d of %d)", folder.name, len(done), len(folders))
    if not done:
        raise InputError(f"no usable patient in {data}; expected folders with Info.cfg, images and _gt masks as in ACDC")
    index = {"format": FORMAT, "version": VERSION, "cases": done, "failed": failed}
    (out / INDEX_NAME).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    return done, failed


def cached_case(folder: Path) -> CachedCase:
    """One patient folder on the cache's grid; raises `InputError` where it lacks a phase or a mask.

    Intensities count from each frame's darkest voxel, as in `preprocess.windows`.
    """
    case: AcdcCase = read_acdc_case(folder)
    study = case.study
    frames = [study.frame_of(phase) for phase in Phase]
    if None in frames or case.masks is None or any(phase not in case.masks for phase in Phase):
        raise InputError(f"{folder.name} lacks images or masks of ED and ES; training needs both")
    configuration = NetworkConfiguration()
    masks = np.stack([case.masks[phase] for phase in Phase])
    window = Window(centre_of(study.geometry), CACHE_SIZE, configuration.window_spacing_mm)
    to_y, to_x = window.sample_matrices(study.geometry)
    codes = np.stack([to_y @ (masks == label).astype(np.float32) @ to_x.T for label in range(N_LABELS)])
    codes[0] += 1 - codes.sum(axis=0)
    cached_masks = codes.argmax(axis=0).astype(np.uint8)
    images, low, high = [], [], []
    heart = heart_centre(masks, study.geometry.spacing_xyz_mm)
    around_heart = Window(heart, configuration.window_size, configuration.window_spacing_mm)
    heart_y, heart_x = around_heart.sample_matrices(study.geometry)
    for frame in frames:
        slices = above_darkest(study.frames[frame])
        scale = IntensityScale.of(heart_y @ slices @ heart_x.T)
        values = scale.apply(to_y @ slices @ to_x.T)
        bottom, top = (float(v) for v in scale.apply(np.array([scale.low, scale.high])))
        images.append(np.round((values - bottom) * (255 / (top - bottom))).astype(np.uint8))
        low.append(bottom)
        high.append(top)
    spacing = study.geometry.spacing_xyz_mm
    corner = [window.centre_xy_mm[a] - (CACHE_SIZE - 1) / 2 * window.spacing_mm for a in (0, 1)]
    patient = study.patient
    return CachedCase(
        name=folder.name,
        images=np.stack(images),
        masks=cached_masks,
        low=(low[0], low[1]),
        high=(high[0], high[1]),
        heart_xy=((heart[0] - corner[0]) / window.spacing_mm, (heart[1] - corner[1]) / window.spacing_mm),
        scale=CaseScale(window.spacing_mm, spacing[2], patient.height_cm, patient.weight_kg),
        group=case.group,
        source_sha256=_sha256_of(folder),
    )


def heart_centre(mask: np.ndarray, spacing_xyz_mm: tuple[float, float, float]) -> tuple[float, float]:
    """In-plane centroid (x, y) of all labelled voxels of (..., y, x), in mm from the centre of voxel (0, 0)."""
    *_, y, x = np.nonzero(mask)
    if not len(x):
        raise InputError("the masks are empty; expected labels 1 to 3; check the case")
    return float(x.mean()) * spacing_xyz_mm[0], float(y.mean()) * spacing_xyz_mm[1]


def _sha256_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.cfg")) + sorted(folder.glob("*_frame*.nii.gz")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()
