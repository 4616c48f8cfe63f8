"""Deep supervision: what the heads are held against, and that the network itself stays what it is."""

import pytest
import torch
from torch.nn import functional as F

from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining.deep_supervision import DeeplySupervised, deep_mask_loss
from CardiacMTLTraining.losses import mask_loss

torch.set_num_threads(1)
CONFIGURATION = NetworkConfiguration(
    window_size=32, patch_size=2, channels=(4, 6, 8, 10), embedding_size=4, locator_size=16, locator_channels=(2, 2)
)
LABELS = torch.zeros(1, 32, 32, dtype=torch.long)
LABELS[:, 8:24, 8:24] = 2
LABELS[:, 12:20, 12:20] = 3


@pytest.fixture
def network() -> MultiTaskNetwork:
    return MultiTaskNetwork(CONFIGURATION).eval()


def coarse_labels(step: int) -> torch.Tensor:
    return LABELS[:, step // 2 :: step, step // 2 :: step]


def coarse_logits(step: int) -> torch.Tensor:
    return F.one_hot(coarse_labels(step), 4).movedim(-1, 1).float() * 40


def test_the_finest_logits_are_those_of_the_network_and_each_level_has_a_head(network: MultiTaskNetwork) -> None:
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        finest, *coarser = DeeplySupervised(network).eval()(images)
        torch.testing.assert_close(finest, network.segment(images)[0])
    assert [tuple(logits.shape) for logits in coarser] == [(2, 4, 8, 8), (2, 4, 4, 4)]


def test_the_heads_begin_alike_in_every_process() -> None:
    heads = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        heads.append(DeeplySupervised(MultiTaskNetwork(CONFIGURATION)).heads.state_dict())
    assert len(heads[0]) == 4
    assert all(torch.equal(heads[0][name], heads[1][name]) for name in heads[0])


def test_levels_that_are_right_cost_nothing_and_a_wrong_one_its_share() -> None:
    right = [coarse_logits(1), coarse_logits(4), coarse_logits(8)]
    assert deep_mask_loss(right, LABELS) < 1e-3
    for level in range(3):
        wrong = [-logits if index == level else logits for index, logits in enumerate(right)]
        own = mask_loss(wrong[level], coarse_labels((1, 4, 8)[level]))
        torch.testing.assert_close(deep_mask_loss(wrong, LABELS), own / 2**level, atol=1e-2, rtol=0)


def test_every_level_sends_a_gradient_to_its_own_map(network: MultiTaskNetwork) -> None:
    supervised = DeeplySupervised(network).train()
    images = torch.randn(2, 1, 32, 32, generator=torch.Generator().manual_seed(1))
    deep_mask_loss(supervised(images), LABELS.expand(2, -1, -1)).backward()
    assert all(head.weight.grad is not None and head.weight.grad.abs().sum() > 0 for head in supervised.heads)
