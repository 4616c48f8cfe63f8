import pytest
import torch
from torch import nn

from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.folding import folded
from CardiacMTLLib.network.model import MultiTaskNetwork
from Testing.unit.oracle import oracle_model

CONFIGURATION = NetworkConfiguration(
    window_size=16, channels=(3, 5), locator_size=16, locator_channels=(2, 4), embedding_size=4
)


@pytest.fixture
def network():
    """A small network whose BatchNorm has statistics and weights of its own."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        made = MultiTaskNetwork(CONFIGURATION)
        for module in made.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.weight, 1.0, 0.3)
                nn.init.uniform_(module.bias, 0.2, 1.0)
                nn.init.normal_(module.running_mean, 0.0, 0.5)
                nn.init.uniform_(module.running_var, 0.3, 3.0)
    return made.eval()


def images():
    return torch.randn(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))


def test_a_folded_network_says_the_same(network):
    assert network.segment(images())[0].std() > 0.01
    with torch.inference_mode():
        plain, fast = network.segment(images()), folded(network).segment(images())
        located = network.locate(images()), folded(network).locate(images())
    for before, after in (*zip(plain, fast, strict=True), located):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)


def test_no_batch_norm_is_left_and_the_network_itself_stays_as_it_was(network):
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    fast = folded(network)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    assert any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_a_network_that_is_training_is_folded_for_inference(network):
    fast = folded(network.train())
    assert not fast.training
    assert network.training
    with torch.inference_mode():
        torch.testing.assert_close(fast.locate(images()), network.eval().locate(images()), rtol=1e-4, atol=1e-5)


def test_what_is_folded_already_is_not_copied_again(network):
    fast = folded(network)
    assert folded(fast) is fast


def test_a_network_of_another_kind_stays_of_that_kind():
    assert type(folded(oracle_model().network)) is type(oracle_model().network)
