import pytest
import torch

from CardiacMTLLib.diagnosis.features import FEATURES
from CardiacMTLLib.labels import STRUCTURES
from CardiacMTLLib.network.blocks import structure_means
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
        network = MultiTaskNetwork(CONFIGURATION).eval()
    network.embedding.sd.fill_(1e-3)  # about the spread of what random weights see
    return network


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
        logits, within = network.segment(images.flatten(0, 1)[:, None])
        auxiliary = network.embed(within.unflatten(0, (2, 5)))
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


def within_of(network, images):
    """What the encoder sees within the structures of one study, (phase=2, z, structure, channel + 1)."""
    with torch.no_grad():
        return network.segment(images.flatten(0, 1)[:, None])[1].unflatten(0, (2, -1))


def test_the_embedding_looks_at_the_two_coarsest_levels_within_each_structure(network, images):
    within = within_of(network, images)
    assert within.shape == (2, 5, len(STRUCTURES), 8 + 16 + 1)
    with torch.no_grad():
        slices = images.flatten(0, 1)[:, None]
        maps = network.encoder(slices)
        probabilities = torch.softmax(network.decoder(maps), dim=1)[:, list(STRUCTURES)]
    torch.testing.assert_close(within.flatten(0, 1), structure_means(probabilities, maps[-2:]))


def test_the_embedding_depends_neither_on_the_order_nor_on_the_number_of_like_slices(network, images):
    within = within_of(network, images)
    with torch.inference_mode():
        expected = network.embed(within)
        torch.testing.assert_close(network.embed(within.flip(1)), expected)
        torch.testing.assert_close(network.embed(within.repeat(1, 3, 1, 1)), expected, atol=5e-4, rtol=0)
        assert not torch.allclose(network.embed(within.flip(0)), expected, atol=1e-3)


def test_the_embedding_is_dropped_out_only_in_training(network, images):
    within = within_of(network, images)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network.embedding.train()
        drawn = [network.embed(within) for _ in range(2)]
        network.embedding.eval()
    assert not torch.allclose(*drawn)
    assert torch.equal(network.embed(within), network.embed(within))


def test_a_structures_mean_ignores_what_lies_outside_it():
    generator = torch.Generator().manual_seed(2)
    probabilities = torch.zeros(1, 3, 16, 16)
    probabilities[0, 0, :8, 4:8] = 1.0
    maps = [torch.randn(1, 4, size, size, generator=generator) for size in (8, 4)]
    inside = (maps[0][0, :, :4, 2:4].mean(dim=(1, 2)), maps[1][0, :, :2, 1:2].mean(dim=(1, 2)))
    means = structure_means(probabilities, maps)[0]
    share = 8 * 4 / 256
    assert means[:, -1].tolist() == [share, 0.0, 0.0]
    torch.testing.assert_close(means[0, :-1] / share, torch.cat(inside))
    for values in maps:
        n = values.shape[-1]
        values[:, :, n // 2 :] += 100.0
        values[:, :, :, n // 2 :] -= 50.0
    torch.testing.assert_close(structure_means(probabilities, maps)[0], means)


def test_a_place_counts_by_the_share_of_the_structure_in_it():
    probabilities = torch.zeros(1, 1, 4, 4)
    probabilities[0, 0, :2, :2] = 1.0
    probabilities[0, 0, 2:, 2:] = 0.25
    maps = [torch.tensor([[[[8.0, 99.0], [99.0, 3.0]]]])]
    weighted, share = structure_means(probabilities, maps)[0, 0].tolist()
    assert weighted / share == pytest.approx((8.0 * 1 + 3.0 * 0.25) / 1.25)


def test_the_slices_of_a_study_count_by_how_much_of_the_structure_they_show(network):
    slices = torch.zeros(2, 3, 3, 25)
    for place, (value, share) in enumerate([(5.0, 0.3), (-1.0, 0.1), (77.0, 0.0)]):
        slices[:, place] = value * share
        slices[:, place, :, -1] = share
    means = network.embedding.within(slices)
    torch.testing.assert_close(means, torch.full((2, 3, 24), (5.0 * 0.3 - 1.0 * 0.1) / 0.4), rtol=1e-3, atol=0)


def test_a_structure_that_is_nowhere_gives_finite_values_and_gradients(network):
    probabilities = torch.zeros(6, 3, 32, 32)
    probabilities[:, 0, 8:24, 8:24] = 1.0
    maps = [torch.randn(6, 8, 4, 4, generator=torch.Generator().manual_seed(3)).requires_grad_(), torch.ones(6, 16, 2, 2)]
    within = structure_means(probabilities, maps).unflatten(0, (2, 3))
    means = network.embedding.within(within)
    assert not means[:, 1:].any()
    assert means[:, 0].all()
    logits = network.embed(within)
    logits.sum().backward()
    assert torch.isfinite(logits).all()
    assert torch.isfinite(maps[0].grad).all()


def test_strange_images_cannot_push_the_embedding_without_bound(network):
    slices = torch.zeros(2, 3, 3, 25)
    slices[..., -1] = 1.0
    far, farther = (slices.clone() for _ in range(2))
    far[..., :-1], farther[..., :-1] = 1e3, 1e6
    with torch.inference_mode():
        assert torch.equal(network.embed(far), network.embed(farther))
        assert not torch.allclose(network.embed(far), network.embed(slices))


def test_no_gradient_flows_through_the_masks_that_say_where_to_look(images):
    with torch.random.fork_rng():
        torch.manual_seed(4)
        network = MultiTaskNetwork(CONFIGURATION).eval()
    _, within = network.segment(images.flatten(0, 1)[:, None])
    within.square().sum().backward()
    assert all(parameter.grad is None for parameter in network.decoder.parameters())
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in network.encoder.parameters())


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
