import pytest
import torch

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.network.clinical_layer import StudyScale, clinical_features
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.model import MultiTaskNetwork

torch.set_num_threads(1)
CONFIGURATION = NetworkConfiguration(
    window_size=32, channels=(4, 8, 8, 8, 16), embedding_size=8, locator_size=16, locator_channels=(2, 4, 4, 4)
)
SCALE = StudyScale(1.5, 8.0, 1.9)


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(4)
        return MultiTaskNetwork(CONFIGURATION).eval()


@pytest.fixture(scope="module")
def images():
    return torch.randn(2, 5, 32, 32, generator=torch.Generator().manual_seed(1))


def test_one_pass_gives_masks_and_diagnosis(network, images):
    with torch.inference_mode():
        output = network(images, SCALE, indexed=True)
    assert output.mask_logits.shape == (2, 5, 4, 32, 32)
    assert output.features.shape == (len(FEATURES),)
    assert output.auxiliary_logits.shape == output.diagnosis_logits.shape == (5,)
    assert all(torch.isfinite(part).all() for part in output)


def test_the_pass_is_the_sum_of_its_parts(network, images):
    with torch.inference_mode():
        output = network(images, SCALE, indexed=True)
        logits, bottleneck = network.segment(images.flatten(0, 1)[:, None])
        auxiliary = network.embed(bottleneck.unflatten(0, (2, 5)))
        features = clinical_features(torch.softmax(logits.unflatten(0, (2, 5)), dim=2), SCALE)
    torch.testing.assert_close(output.mask_logits.flatten(0, 1), logits)
    torch.testing.assert_close(output.auxiliary_logits, auxiliary)
    torch.testing.assert_close(output.diagnosis_logits, network.head_indexed(features, auxiliary))


def test_indexed_and_unindexed_studies_have_a_head_each(network, images):
    with torch.inference_mode():
        indexed, unindexed = (network(images, SCALE, indexed=which) for which in (True, False))
    torch.testing.assert_close(unindexed.features, indexed.features)
    assert not torch.allclose(unindexed.diagnosis_logits, indexed.diagnosis_logits)


def test_inference_is_deterministic(network, images):
    with torch.inference_mode():
        first, second = (network(images, SCALE, indexed=False) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_slice_s_mask_does_not_depend_on_the_slices_beside_it(network, images):
    slices = images.flatten(0, 1)[:, None]
    with torch.inference_mode():
        together = network.segment(slices)[0]
        alone = torch.cat([network.segment(one[None])[0] for one in slices])
        located = network.locate(slices[..., :16, :16]), torch.cat([network.locate(one[None, :, :16, :16]) for one in slices])
    torch.testing.assert_close(alone, together, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(*located, atol=1e-5, rtol=1e-4)


def test_channels_last_changes_the_layout_and_not_the_result(images):
    with torch.random.fork_rng():
        torch.manual_seed(4)
        plain, laid_out = (MultiTaskNetwork(CONFIGURATION).eval() for _ in range(2))
    laid_out.load_state_dict(plain.state_dict())
    laid_out.use_channels_last()
    slices = images.flatten(0, 1)[:, None]
    with torch.inference_mode():
        torch.testing.assert_close(laid_out.segment(slices)[0], plain.segment(slices)[0], atol=1e-5, rtol=1e-4)


def test_the_embedding_depends_neither_on_the_order_nor_on_the_number_of_like_slices(network, images):
    with torch.inference_mode():
        _, maps = network.segment(images.flatten(0, 1)[:, None])
        maps = maps.unflatten(0, (2, 5))
        expected = network.embed(maps)
        torch.testing.assert_close(network.embed(maps.flip(1)), expected)
        torch.testing.assert_close(network.embed(maps.repeat(1, 3, 1, 1, 1)), expected)
        assert not torch.allclose(network.embed(maps.flip(0)), expected)


def test_the_embedding_is_dropped_out_only_in_training(network, images):
    _, maps = network.segment(images.flatten(0, 1)[:, None])
    maps = maps.detach().unflatten(0, (2, 5))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network.embedding.train()
        drawn = [network.embed(maps) for _ in range(2)]
        network.embedding.eval()
    assert not torch.allclose(*drawn)
    assert torch.equal(network.embed(maps), network.embed(maps))


def test_the_diagnosis_trains_the_shared_encoder_and_the_decoder(images):
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = MultiTaskNetwork(CONFIGURATION).eval()
    network(images, SCALE, indexed=True).diagnosis_logits.square().sum().backward()
    for part in (network.encoder, network.decoder, network.embedding, network.auxiliary, network.head_indexed):
        gradients = [parameter.grad for parameter in part.parameters()]
        assert any(g is not None and g.abs().sum() > 0 for g in gradients)
        assert all(g is None or torch.isfinite(g).all() for g in gradients)
    assert all(p.grad is None for p in [*network.head_unindexed.parameters(), *network.locator_encoder.parameters()])


@pytest.mark.parametrize("n_slices", [1, 2, 18])
def test_any_number_of_slices_is_taken(network, n_slices):
    images = torch.zeros(2, n_slices, 32, 32)
    with torch.inference_mode():
        assert network(images, SCALE, indexed=True).mask_logits.shape[1] == n_slices


def test_the_head_keeps_its_standardisation_with_its_weights(network):
    state = network.state_dict()
    assert {"head_indexed.feature_mean", "head_indexed.feature_sd", "head_unindexed.feature_sd"} <= set(state)
