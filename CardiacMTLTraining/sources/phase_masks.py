"""Mask files on the grid of their study: one file a phase, or one 4D file beside a 4D cine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.reading.image_file import read_image
from CardiacMTLLib.reading.stored_image import StoredImage
from CardiacMTLLib.volume import CineStudy, Mask
from CardiacMTLTraining.sources.coding import LabelCoding


def read_single_masks(paths: Mapping[Phase, Path], study: CineStudy, coding: LabelCoding) -> dict[Phase, Mask]:
    """Masks (z, y, x) of one file a phase on the axes of `study`.

    Raises `InputError` for a file that cannot be read, has more than one frame, lies on another grid, or holds values that
    `coding` does not declare.
    """
    masks = {}
    for phase, path in paths.items():
        image = _on_grid_of(study, path)
        if len(image.frames) != 1:
            raise InputError(f"{path} has {len(image.frames)} frames; expected the mask of {phase} alone; give it as `mask`")
        masks[phase] = study.stored.order.apply(coding.decode(image.frames[0], str(path)))
    return masks


def read_cine_masks(path: Path, study: CineStudy, coding: LabelCoding) -> dict[Phase, Mask]:
    """Masks (z, y, x) of the ED and ES frames of a 4D mask as long as `study`, on its axes.

    Raises `InputError` as `read_single_masks`, and where a phase's frame is empty: then it names the frames that are not.
    """
    image = _on_grid_of(study, path)
    if len(image.frames) != len(study.frames):
        raise InputError(
            f"{path} has {len(image.frames)} frames but the image {len(study.frames)}; expected one a frame; export it again"
        )
    masks = {}
    for phase in Phase:
        frame = study.frame_of(phase)
        if frame is None:
            continue
        if not image.frames[frame].any():
            labelled = [str(number + 1) for number, voxels in enumerate(image.frames) if voxels.any()]
            raise InputError(
                f"{path} is empty in frame {frame + 1} (counted from 1), which is to be {phase}; frames with labels: "
                f"{', '.join(labelled) or 'none'}; correct the frame number or add the mask"
            )
        masks[phase] = study.stored.order.apply(coding.decode(image.frames[frame], str(path)))
    return masks


def two_phases(study: CineStudy) -> CineStudy:
    """`study`, whose ED and ES frames are known, cut down to these two frames."""
    frames = np.stack([study.frames[study.frame_of(phase)] for phase in Phase])
    return replace(study, frames=frames, ed_frame=0, es_frame=1, frame_times_ms=None)


def _on_grid_of(study: CineStudy, path: Path) -> StoredImage:
    image = read_image(path)
    if not image.geometry.matches(study.stored.geometry):
        raise InputError(f"{path} does not lie on the grid of its image; expected the same geometry; export the mask again")
    return image
