"""A model that reads the answer off the image, for tests of everything around the network.

`painted_frames` paints each label in its own grey level, with a dark patch in every slice; `OracleNetwork` finds the levels
again from each slice's median (background) and minimum (patch), so that it needs neither weights nor absolute intensities.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from CardiacMTLLib.geometry import Geometry
from CardiacMTLLib.labels import Group, Label
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.manifest import Calibration, Manifest, Provenance
from CardiacMTLLib.network.model import DiagnosisHead, MultiTaskNetwork
from CardiacMTLLib.network.weights import LoadedModel
from CardiacMTLLib.volume import Mask

CONFIGURATION = NetworkConfiguration(
    window_size=48,
    window_spacing_mm=4.0,
    channels=(2, 2),
    embedding_size=4,
    locator_size=32,
    locator_spacing_mm=8.0,
    locator_channels=(2, 2),
)
ORACLE_GRID = Geometry((56, 50, 8), (4.0, 4.0, 12.0))
"""A grid whose voxels are the samples of the oracle's window about its middle."""

INDEXED_ANSWER, UNINDEXED_ANSWER = Group.DCM, Group.HCM

_LEVELS = {Label.BACKGROUND: 3, Label.RV: 2, Label.MYOCARDIUM: 4, Label.LV: 5}
_PATCH = -6
_LOGIT = 20.0


def painted_frames(masks: Mask, spacing_xyz_mm: tuple[float, float, float]) -> NDArray[np.int16]:
    """Frames (t, z, y, x) that show `masks`; the patch lies 40 to 60 mm right of and 50 to 70 mm below the middle."""
    levels = np.array([_LEVELS[label] for label in Label], dtype=np.int16)[masks]
    *_, height, width = masks.shape
    x_mm = (np.arange(width) - (width - 1) / 2) * spacing_xyz_mm[0]
    y_mm = (np.arange(height) - (height - 1) / 2) * spacing_xyz_mm[1]
    patch = ((x_mm > 40) & (x_mm < 60))[None, :] & ((y_mm > 50) & (y_mm < 70))[:, None]
    levels[..., patch] = _PATCH
    return 100 * levels


class OracleNetwork(MultiTaskNetwork):
    """The multi-task network with its masks and its heart locator replaced by reading grey levels."""

    def locate(self, images: Tensor) -> Tensor:
        return torch.where(_levels(images)[:, 0] > 3.5, _LOGIT, -_LOGIT)

    def segment(self, images: Tensor) -> tuple[Tensor, Tensor]:
        level = _levels(images)[:, 0].round()
        shown = {Label.RV: level == 2, Label.MYOCARDIUM: level == 4, Label.LV: level >= 5}
        shown[Label.BACKGROUND] = ~(shown[Label.RV] | shown[Label.MYOCARDIUM] | shown[Label.LV])
        masks = torch.stack([shown[label] for label in Label], dim=1).float()
        return _LOGIT * masks, images.new_zeros(len(images), 3, sum(self.configuration.channels[-2:]) + 1)


def oracle_model(label_threshold: float = 0.5, *, undecided: bool = False) -> LoadedModel:
    """The oracle; it answers `INDEXED_ANSWER` or `UNINDEXED_ANSWER` by its two heads, or likes all groups alike."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = OracleNetwork(CONFIGURATION)
    for head, answer in ((network.head_indexed, INDEXED_ANSWER), (network.head_unindexed, UNINDEXED_ANSWER)):
        _set(head, None if undecided else answer)
    manifest = Manifest("oracle", "0", "0" * 64, CONFIGURATION, Calibration(label_threshold=label_threshold), Provenance())
    return LoadedModel(network.eval(), manifest)


def _set(head: DiagnosisHead, answer: Group | None) -> None:
    with torch.no_grad():
        head.linear.weight.zero_()
        head.linear.bias.zero_()
        if answer is not None:
            head.linear.bias[list(Group).index(answer)] = 5.0


def _levels(images: Tensor) -> Tensor:
    flat = images.flatten(1)
    background = flat.median(dim=1).values[:, None, None, None]
    patch = flat.amin(dim=1)[:, None, None, None]
    background_level = _LEVELS[Label.BACKGROUND]
    return background_level + (background_level - _PATCH) * (images - background) / (background - patch)
