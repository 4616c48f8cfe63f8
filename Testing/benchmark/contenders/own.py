"""Our network: the heart located in one frame, then every frame in all views, and ED and ES embedded.

Its time does not depend on what the weights are, so that the architecture of the code is measured with random ones; the
shipped model is measured beside it while its architecture is another.
"""

from __future__ import annotations

import torch
from torch import Tensor

from CardiacMTLLib.inference.views import segment_views
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.folding import folded
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.network.weights import load_model
from Testing.benchmark.contenders.contender import Contender


def coded() -> Contender:
    """The architecture of the code."""
    torch.manual_seed(0)
    return _contender(MultiTaskNetwork(NetworkConfiguration()).eval())


def shipped() -> Contender:
    """The model that is used where none is named."""
    return _contender(load_model().network)


def _contender(trained: MultiTaskNetwork) -> Contender:
    network = folded(trained)
    configuration = network.configuration
    locator_shape = (1, configuration.locator_size, configuration.locator_size)
    window_shape = (1, configuration.window_size, configuration.window_size)

    def predict(frames: list[Tensor]) -> None:
        """A cycle is segmented frame by frame, then ED and ES together once more, as `inference.find` does."""
        slices = len(frames[0])
        network.locate(torch.randn(slices, *locator_shape))
        if len(frames) > 2:
            for _ in frames:
                segment_views(torch.randn(slices, *window_shape), network)
        viewed = segment_views(torch.randn(2 * slices, *window_shape), network)
        for within in viewed.within:
            network.embed(within.unflatten(0, (2, -1)))

    return Contender(network, lambda voxels, _: voxels, predict)
