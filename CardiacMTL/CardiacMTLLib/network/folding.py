"""BatchNorm folded into the convolutions before it: the same network, faster at inference."""

from __future__ import annotations

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from CardiacMTLLib.network.blocks import ConvBlock
from CardiacMTLLib.network.model import MultiTaskNetwork


def folded(network: MultiTaskNetwork) -> MultiTaskNetwork:
    """A copy of `network` for inference that gives the same up to float rounding; `network` itself stays as it is.

    At inference BatchNorm is a scale and an offset of each channel, which weights and bias of the convolution take over.
    The copy has other parameters, so its weights are not for saving. One that is folded already is returned itself.
    """
    if not any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        return network
    copied = copy.deepcopy(network).eval()
    for block in [module for module in copied.modules() if isinstance(module, ConvBlock)]:
        layers = list(block)
        for index in range(0, len(layers), 3):
            convolution, normalisation = layers[index], layers[index + 1]
            assert isinstance(convolution, nn.Conv2d)  # noqa: S101 - the order in which ConvBlock lays them out
            assert isinstance(normalisation, nn.BatchNorm2d)  # noqa: S101
            block[index] = fuse_conv_bn_eval(convolution, normalisation)
            block[index + 1] = nn.Identity()
    copied.use_channels_last()
    return copied
