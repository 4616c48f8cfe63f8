"""The embedding's start learns what the standing encoder shows, and changes nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from CardiacMTLLib.labels import STRUCTURES, Group
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining import embedding_stage
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.embedding_stage import slice_views, start_embedding
from CardiacMTLTraining.slices import SlicePool
from Testing.acdc_folder import discs_case

CHANNELS = (4, 8, 8)
CONFIG = TrainingConfiguration(
    network=NetworkConfiguration(
        window_size=32,
        window_spacing_mm=5.0,
        channels=CHANNELS,
        embedding_size=16,
        embedding_dropout=0.0,
        locator_size=32,
        locator_channels=(4, 8),
    ),
    embedding_views=3,
    embedding_steps=120,
)
N_CHANNELS = sum(CHANNELS[-2:])
SHARE = 0.2
CASES = [discs_case(f"patient{number:03d}", group) for number, group in enumerate(Group, start=1)]


@pytest.fixture
def network() -> MultiTaskNetwork:
    torch.manual_seed(0)
    return MultiTaskNetwork(CONFIG.network).eval()


def telling_views() -> dict[str, list[Tensor]]:
    """Views whose largest channel within every structure is the group; the structures cover a fifth of each slice."""
    generator = torch.Generator().manual_seed(1)
    views = {}
    for number, case in enumerate(CASES):
        within = torch.zeros(N_CHANNELS)
        within[number] = 3.0
        views[case.name] = []
        for _ in range(CONFIG.embedding_views):
            seen = within + 0.2 * torch.randn(2, 3, len(STRUCTURES), N_CHANNELS, generator=generator)
            views[case.name].append(torch.cat((seen, torch.ones_like(seen[..., :1])), dim=-1) * SHARE)
    return views


def test_groups_that_the_maps_tell_apart_are_learned(network: MultiTaskNetwork) -> None:
    views = telling_views()
    started = start_embedding(network, views, CASES, CONFIG)
    with torch.no_grad():
        found = [int(started.embed(views[case.name][0]).argmax()) for case in CASES]
    assert found == list(range(len(Group)))


def test_the_inputs_are_standardised_over_all_views_of_the_training_patients(network: MultiTaskNetwork) -> None:
    views = telling_views()
    started = start_embedding(network, views, CASES, replace(CONFIG, embedding_steps=1)).embedding
    everything = torch.stack([started.within(view) for of_case in views.values() for view in of_case])
    assert everything.shape == (len(CASES) * CONFIG.embedding_views, 2, len(STRUCTURES), N_CHANNELS)
    torch.testing.assert_close(started.mean, everything.mean(dim=0))
    torch.testing.assert_close(started.sd, everything.std(dim=0))


def test_only_the_embedding_and_its_branch_change_and_only_in_the_copy(network: MultiTaskNetwork) -> None:
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    started = start_embedding(network, telling_views(), CASES, replace(CONFIG, embedding_steps=3))
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    changed = {key.split(".")[0] for key, tensor in started.state_dict().items() if not torch.equal(tensor, before[key])}
    assert changed == {"embedding", "auxiliary"}


def test_the_start_is_the_same_each_time(network: MultiTaskNetwork) -> None:
    config = replace(CONFIG, embedding_steps=5)
    first, second = (start_embedding(network, telling_views(), CASES, config) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), second.state_dict().values(), strict=True))


def test_cases_without_a_diagnosis_teach_nothing_but_the_spread_of_the_inputs(
    network: MultiTaskNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, embedding_steps=5)
    views = telling_views()
    standardise = embedding_stage._standardise
    monkeypatch.setattr(embedding_stage, "_standardise", lambda embedding, views, _: standardise(embedding, views, CASES))
    unknown = replace(CASES[0], group=None)
    with_unknown = start_embedding(network, views, [unknown, *CASES[1:]], config)
    without = start_embedding(network, views, CASES[1:], config)
    pairs = zip(with_unknown.state_dict().values(), without.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_the_first_view_is_the_study_unchanged_and_the_others_differ(network: MultiTaskNetwork) -> None:
    pool = SlicePool(CASES, CONFIG.network.window_size, CONFIG.network.window_spacing_mm)
    fabric = Fabric(accelerator="cpu", devices=1)
    views = slice_views(fabric, network, pool, CASES, CONFIG)
    plain = pool.study(CASES[0].name, None, torch.Generator()).images
    with torch.no_grad():
        expected = network.segment(plain)[1].unflatten(0, (2, -1))
    shown = views[CASES[0].name]
    assert len(shown) == CONFIG.embedding_views
    torch.testing.assert_close(shown[0], expected)
    assert not torch.allclose(shown[1], expected)
