import pytest
import torch
from torch.nn import functional as F

from CardiacMTLLib.network.blocks import Decoder, Encoder

torch.set_num_threads(1)


@pytest.mark.parametrize("patch_size", [1, 2, 4])
def test_logits_lie_on_the_grid_of_the_images_and_levels_halve_from_the_patches_on(patch_size):
    maps = Encoder((4, 6), patch_size)(torch.zeros(3, 1, 16, 8))
    assert [tuple(level.shape) for level in maps] == [
        (3, 4, 16 // patch_size, 8 // patch_size),
        (3, 6, 8 // patch_size, 4 // patch_size),
    ]
    assert Decoder((4, 6), 5, patch_size)(maps).shape == (3, 5, 16, 8)


def test_a_network_of_patches_tells_the_samples_of_one_patch_apart():
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(8, 1, 16, 16, generator=generator)
    labels = (images[:, 0] > 0).long()
    with torch.random.fork_rng():
        torch.manual_seed(1)
        encoder, decoder = Encoder((8, 16), 2), Decoder((8, 16), 2, 2)
    optimizer = torch.optim.AdamW([*encoder.parameters(), *decoder.parameters()], lr=1e-2)
    for _ in range(60):
        loss = F.cross_entropy(decoder(encoder(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.inference_mode():
        found = decoder(encoder(images)).argmax(dim=1)
    assert (found == labels).float().mean() > 0.95
