"""The residual U-Net of MONAI's bundle ventricular_short_axis_3label.

`network_def` and `inferer` of models/ventricular_short_axis_3label/configs/inference.json, for the 256 x 256 input that its
metadata.json states (github.com/Project-MONAI/model-zoo): slices one at a time, in windows of 256 x 256, grey values scaled to
0 to 1, no resampling.
"""

from __future__ import annotations

from monai.inferers import SliceInferer
from monai.networks.nets import UNet
from torch import Tensor

from Testing.benchmark.contenders.contender import Contender

WINDOW = (256, 256)


def residual_unet() -> Contender:
    """The bundle's network with its own inferer."""
    network = UNet(
        spatial_dims=2, in_channels=1, out_channels=4, channels=(16, 32, 64, 128, 256), strides=(2, 2, 2, 2), num_res_units=2
    ).eval()
    inferer = SliceInferer(roi_size=WINDOW, spatial_dim=0)

    def predict(frames: list[Tensor]) -> None:
        for frame in frames:
            inferer(frame[None, None], network).softmax(dim=1)

    return Contender(network, _scaled, predict)


def _scaled(voxels: Tensor, _spacing_zyx_mm: tuple[float, float, float]) -> Tensor:
    return (voxels - voxels.min()) / (voxels.max() - voxels.min()).clamp_min(1e-6)
