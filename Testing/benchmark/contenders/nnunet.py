"""nnU-Net's own 2D and 3D full-resolution networks for ACDC, as its planner gives them.

The values are those of `nnUNetPlans.json` for Dataset027_ACDC (nnU-Net 2): spacing 5.0 x 1.5625 x 1.5625 mm, 2D patch
256 x 224, 3D patch 20 x 256 x 224, six stages, 32 features doubled to at most 512 (2D) or 320 (3D), two convolutions
a stage, InstanceNorm and LeakyReLU. The rules that lead there stand in default_experiment_planner.py and network_topology.py
below nnunetv2/experiment_planning/experiment_planners (github.com/MIC-DKFZ/nnUNet); from the median image of 237 x 208 samples
they give six stages in 2D (Isensee et al., Nature Methods 18:203-211, 2021, doi 10.1038/s41592-020-01008-z, supplement). The
networks themselves come from the package that nnU-Net takes them from.
"""

from __future__ import annotations

from functools import partial

import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet
from torch import Tensor, nn
from torch.nn import functional as F

from Testing.benchmark.contenders.contender import Contender
from Testing.benchmark.sliding import predicted

SPACING_ZYX_MM = (5.0, 1.5625, 1.5625)
PATCH_2D, PATCH_3D = (256, 224), (20, 256, 224)
STRIDES_3D = ((1, 1, 1), (1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2))
KERNELS_3D = ((1, 3, 3), *[(3, 3, 3)] * 5)
STAGES = 6
_LABELS = 4


def two_dimensional(*, mirrored: bool) -> Contender:
    """The 2D configuration: every slice on its own."""
    network = _network(nn.Conv2d, nn.InstanceNorm2d, 512, ((3, 3),) * STAGES, ((1, 1), *[(2, 2)] * (STAGES - 1)))

    def predict(frames: list[Tensor]) -> None:
        for frame in frames:
            for plane in frame:
                predicted(plane, network, PATCH_2D, _LABELS, mirrored=mirrored)

    return Contender(network, partial(_resampled, in_plane_only=True), predict)


def three_dimensional(*, mirrored: bool) -> Contender:
    """The 3D full-resolution configuration: every frame as one volume."""
    network = _network(nn.Conv3d, nn.InstanceNorm3d, 320, KERNELS_3D, STRIDES_3D)

    def predict(frames: list[Tensor]) -> None:
        for frame in frames:
            predicted(frame, network, PATCH_3D, _LABELS, mirrored=mirrored)

    return Contender(network, partial(_resampled, in_plane_only=False), predict)


def _network(convolution: type[nn.Module], norm: type[nn.Module], most: int, kernels: object, strides: object) -> nn.Module:
    return PlainConvUNet(
        input_channels=1,
        n_stages=STAGES,
        features_per_stage=[min(32 * 2**stage, most) for stage in range(STAGES)],
        conv_op=convolution,
        kernel_sizes=kernels,
        strides=strides,
        n_conv_per_stage=[2] * STAGES,
        num_classes=_LABELS,
        n_conv_per_stage_decoder=[2] * (STAGES - 1),
        conv_bias=True,
        norm_op=norm,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
        deep_supervision=False,
    ).eval()


def _resampled(voxels: Tensor, spacing_zyx_mm: tuple[float, float, float], *, in_plane_only: bool) -> Tensor:
    """The frame on nnU-Net's grid (linear here, its own is cubic in the plane: the size is what counts), mean 0 and SD 1."""
    size = [round(n * mm / wanted) for n, mm, wanted in zip(voxels.shape, spacing_zyx_mm, SPACING_ZYX_MM, strict=True)]
    if in_plane_only:
        size[0] = voxels.shape[0]
    values = F.interpolate(voxels[None, None], size=size, mode="trilinear")[0, 0]
    return (values - values.mean()) / values.std().clamp_min(torch.finfo(torch.float32).tiny)
