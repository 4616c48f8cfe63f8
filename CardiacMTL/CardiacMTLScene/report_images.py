"""`with_images`: a result that was taken from the scene, with the images of ED and ES in it, as a report shows them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import GeometryError
from CardiacMTLLib.volume import CineStudy, Image
from CardiacMTLScene.input_volumes import grid_of, voxels_of
from CardiacMTLScene.scene_nodes import SceneNodes


def with_images(analysis: Analysis, nodes: SceneNodes) -> Analysis:
    """`analysis` whose study holds the voxels of the volumes in `nodes` at its phases; all other frames stay without voxels.

    Stored results hold no voxels (`StoredResults`). Where a volume is gone, or lies on another grid since, nothing is filled
    in, and a report leaves the contact sheet out with the reason. The scene is not changed.
    """
    study = analysis.study
    images = {frame: _voxels(nodes.volumes.get(phase), study) for phase, frame in analysis.frames.items()}
    known = [voxels for voxels in images.values() if voxels is not None]
    if len(known) < len(images) or not known:
        return analysis
    frames = np.zeros((len(study.frames), *study.geometry.shape_zyx), np.result_type(*known))
    for frame, voxels in images.items():
        frames[frame] = voxels
    return replace(analysis, study=replace(study, frames=frames))


def _voxels(node: Any, study: CineStudy) -> Image | None:
    """The voxels (z, y, x) of a volume in the axes of `study`, be it in those or in the file's; None for neither."""
    if node is None or node.GetScene() is None or node.GetImageData() is None:
        return None
    try:
        grid = grid_of(node, node.GetName())
    except GeometryError:
        return None
    if grid.matches(study.geometry):
        return voxels_of(node)
    return study.stored.order.apply(voxels_of(node)) if grid.matches(study.stored.geometry) else None
