"""A stage that was killed and started again ends with the very weights of one that ran through."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.configuration import NetworkConfiguration
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining import joint_stage
from CardiacMTLTraining.augment import AugmentationConfiguration
from CardiacMTLTraining.averaging import WeightAverage
from CardiacMTLTraining.checkpoint import TrainingState, polynomial_rate
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.early_stop import Plateau
from CardiacMTLTraining.joint_stage import auxiliary_logits, train_joint
from CardiacMTLTraining.segmentation_stage import train_locator, train_segmentation
from CardiacMTLTraining.slices import LocatorPool, SlicePool
from Testing.acdc_folder import discs_case

CONFIG = TrainingConfiguration(
    network=NetworkConfiguration(
        window_size=32,
        window_spacing_mm=5.0,
        channels=(4, 8, 8),
        embedding_size=4,
        locator_size=32,
        locator_spacing_mm=6.0,
        locator_channels=(4, 8),
    ),
    early_window=16,
    locator_steps=6,
    segmentation_steps=6,
    batch_size=3,
    joint_epochs=3,
    studies_per_step=2,
    save_every=2,
)
CASES = [discs_case(f"patient{number:03d}", group) for number, group in enumerate(Group, start=1)]
STAGES = ("locator", "segmentation", "joint")
DRAWS_OF_FIVE_STEPS = {"locator": 5, "segmentation": 5, "joint": len(CASES) + 5 * CONFIG.studies_per_step}


class InterruptedTrainingError(Exception):
    """What a killed process leaves behind, without killing one."""


@dataclass(frozen=True)
class Interruption:
    """Lets a pool give its first `draws` batches, and then stops the training."""

    draws: int

    def into(self, pool: Any, method: str) -> None:
        original: Callable[..., Any] = getattr(pool, method)
        left = iter(range(self.draws))

        def draw(*arguments: Any, **options: Any) -> Any:
            if next(left, None) is None:
                raise InterruptedTrainingError
            return original(*arguments, **options)

        setattr(pool, method, draw)


@pytest.fixture
def fabric() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def new_network(seed: int) -> MultiTaskNetwork:
    torch.manual_seed(seed)
    network = MultiTaskNetwork(CONFIG.network)
    network.use_channels_last()
    return network


def run(
    stage: str, fabric: Fabric, checkpoint: Path, seed: int = 0, interruption: Interruption | None = None
) -> MultiTaskNetwork:
    """One stage from a network of `seed`, whose weights a checkpoint overrules."""
    network = new_network(seed)
    shape = CONFIG.network
    if stage == "locator":
        locator_pool = LocatorPool(CASES, shape.locator_size, shape.locator_spacing_mm)
        if interruption:
            interruption.into(locator_pool, "draw")
        return train_locator(fabric, network, locator_pool, CONFIG, checkpoint)
    pool = SlicePool(CASES, shape.window_size, shape.window_spacing_mm)
    if interruption:
        interruption.into(pool, "draw" if stage == "segmentation" else "study")
    if stage == "segmentation":
        return train_segmentation(fabric, network, pool, CONFIG, checkpoint)
    return train_joint(fabric, network.eval(), pool, CASES, CONFIG, checkpoint)


def different(a: nn.Module, b: nn.Module) -> list[str]:
    """Names of the tensors that are not bit for bit the same."""
    return [key for key, value in a.state_dict().items() if not torch.equal(value, b.state_dict()[key])]


@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupted_stage_goes_on_to_the_very_weights_of_an_uninterrupted_one(
    stage: str, fabric: Fabric, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    whole = run(stage, fabric, tmp_path / "whole" / "stage.ckpt")
    with pytest.raises(InterruptedTrainingError):
        run(stage, fabric, tmp_path / "halves" / "stage.ckpt", interruption=Interruption(DRAWS_OF_FIVE_STEPS[stage]))
    torch.rand(100)
    halves = run(stage, fabric, tmp_path / "halves" / "stage.ckpt", seed=99)
    assert "stage: going on from step 4" in caplog.text
    assert different(whole, halves) == []


@pytest.mark.parametrize("stage", STAGES)
def test_a_finished_stage_is_not_trained_again(stage: str, fabric: Fabric, tmp_path: Path) -> None:
    finished = run(stage, fabric, tmp_path / "stage.ckpt")
    draws = len(CASES) if stage == "joint" else 0
    again = run(stage, fabric, tmp_path / "stage.ckpt", seed=99, interruption=Interruption(draws))
    assert different(finished, again) == []


@pytest.mark.parametrize(
    ("stage", "trained"),
    [
        ("locator", {"locator_encoder", "locator_decoder"}),
        ("segmentation", {"encoder", "decoder"}),
        ("joint", {"encoder", "decoder", "embedding", "auxiliary", "head_indexed", "head_unindexed"}),
    ],
)
def test_a_stage_changes_its_own_parts_and_no_others(stage: str, trained: set[str], fabric: Fabric, tmp_path: Path) -> None:
    before = new_network(0)
    after = run(stage, fabric, tmp_path / "stage.ckpt")
    assert {key.split(".")[0] for key in different(before, after)} == trained


def test_the_joint_stage_keeps_batchnorms_statistics_and_the_network_it_starts_from(fabric: Fabric, tmp_path: Path) -> None:
    start = new_network(0).eval()
    pool = SlicePool(CASES, CONFIG.network.window_size, CONFIG.network.window_spacing_mm)
    joint = train_joint(fabric, start, pool, CASES, CONFIG, tmp_path / "joint.ckpt")
    assert different(start, new_network(0)) == []
    changed = different(start, joint)
    assert not [key for key in changed if "running_" in key or "num_batches" in key]
    assert "encoder.levels.0.0.weight" in changed


def test_segmentation_gathers_batchnorms_statistics_in_the_average(fabric: Fabric, tmp_path: Path) -> None:
    changed = different(new_network(0), run("segmentation", fabric, tmp_path / "stage.ckpt"))
    assert "encoder.levels.0.1.running_var" in changed


def test_the_network_that_is_returned_is_ready_for_inference(fabric: Fabric, tmp_path: Path) -> None:
    network = run("joint", fabric, tmp_path / "stage.ckpt")
    assert not any(module.training for module in network.modules())
    pool = SlicePool(CASES, CONFIG.network.window_size, CONFIG.network.window_spacing_mm)
    logits = auxiliary_logits(network, pool, CASES[0])
    assert len(logits) == 5
    assert logits == auxiliary_logits(network, pool, CASES[0])


def test_the_joint_stage_looks_at_no_case_but_its_own(fabric: Fabric, tmp_path: Path) -> None:
    pool = SlicePool(CASES, CONFIG.network.window_size, CONFIG.network.window_spacing_mm)
    names: set[str] = set()
    original = pool.study

    def study(name: str, *arguments: Any) -> Any:
        names.add(name)
        return original(name, *arguments)

    pool.study = study  # type: ignore[method-assign]
    kept = CASES[:4]
    network = train_joint(fabric, new_network(0).eval(), pool, kept, CONFIG, tmp_path / "joint.ckpt")
    assert names == {case.name for case in kept}
    lv_edv = network.head_unindexed.feature_mean[0]
    true_ml = sum(float((case.masks[0] == 3).sum()) * 0.04 for case in kept) / len(kept)
    assert float(lv_edv) == pytest.approx(true_ml, rel=0.06)


def test_features_that_are_learned_are_of_true_size_under_every_zoom(
    fabric: Fabric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(CONFIG, joint_epochs=6, augmentation=AugmentationConfiguration(scale=1.3, elastic_probability=0.0))
    case = replace(CASES[0], scale=replace(CASES[0].scale, height_cm=None))
    pool = SlicePool([case], config.network.window_size, config.network.window_spacing_mm)
    zooms: list[float] = []
    volumes_ml: list[float] = []
    study, features = pool.study, joint_stage.clinical_features

    def spying_study(*arguments: Any) -> Any:
        batch = study(*arguments)
        zooms.append(float(batch.zoom[0]))
        return batch

    def spying_features(*arguments: Any) -> Any:
        values = features(*arguments)
        volumes_ml.append(float(values[0]))
        return values

    monkeypatch.setattr(pool, "study", spying_study)
    monkeypatch.setattr(joint_stage, "clinical_features", spying_features)
    train_joint(fabric, new_network(0).eval(), pool, [case, replace(case)], config, tmp_path / "joint.ckpt")
    assert max(zooms) / min(zooms) > 1.3
    assert volumes_ml == pytest.approx([float((case.masks[0] == 3).sum()) * 0.04] * len(volumes_ml), rel=0.12)


def test_cases_without_a_group_or_a_body_size_are_trained_on_for_their_masks(fabric: Fabric, tmp_path: Path) -> None:
    unknown = [replace(case, group=None, scale=replace(case.scale, weight_kg=None)) for case in CASES]
    pool = SlicePool(unknown, CONFIG.network.window_size, CONFIG.network.window_spacing_mm)
    network = train_joint(fabric, new_network(0).eval(), pool, unknown, CONFIG, tmp_path / "joint.ckpt")
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
    assert "decoder.out.weight" in different(new_network(0), network)


def test_a_killed_save_leaves_the_old_checkpoint(fabric: Fabric, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = nn.Linear(3, 2)
    state = TrainingState(network, WeightAverage(network, 0.9), torch.optim.AdamW(network.parameters()), Plateau(0), 7)
    path = tmp_path / "stage.ckpt"
    state.save(fabric, path)
    before = path.read_bytes()

    def save_half(target: Path, state: object) -> None:
        Path(target).write_bytes(b"half")
        raise InterruptedTrainingError

    monkeypatch.setattr(fabric, "save", save_half)
    with pytest.raises(InterruptedTrainingError):
        state.save(fabric, path)
    assert path.read_bytes() == before
    state.step = 0
    state.resume(fabric, path)
    assert state.step == 7


def test_the_rate_warms_up_to_each_groups_peak_and_decays_to_nothing() -> None:
    weights = [nn.Parameter(torch.zeros(1)) for _ in range(2)]
    optimizer = torch.optim.AdamW([{"params": [w], "peak": peak} for w, peak in zip(weights, (0.1, 0.01), strict=True)])
    rates = []
    for step in range(1000):
        polynomial_rate(optimizer, step, 1000, warm_up=10)
        rates.append(optimizer.param_groups[0]["lr"])
        assert optimizer.param_groups[1]["lr"] == pytest.approx(rates[-1] / 10)
    assert rates[0] == pytest.approx(0.01)
    assert max(rates) == rates[9] == pytest.approx(0.1, rel=0.01)
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert 0 < rates[-1] < 0.001


def test_the_average_forgets_the_start_and_follows_with_its_decay() -> None:
    network = nn.BatchNorm1d(1)
    average = WeightAverage(network, 0.5)
    seen = []
    with torch.no_grad():
        for value in range(1, 31):
            network.weight.fill_(value)
            network.running_var.fill_(value)
            network.num_batches_tracked.fill_(value)
            average.update(network)
            seen.append(average.network.weight.item())
    assert seen[0] == pytest.approx(0.1 * 1 + 0.9 * 1)
    assert seen[-1] == pytest.approx(29.0, abs=1e-3)
    assert average.network.running_var.item() == pytest.approx(seen[-1])
    assert average.network.num_batches_tracked.item() == 30
    assert not average.network.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_the_average_of_a_network_that_stands_still_is_that_network() -> None:
    network = new_network(3)
    average = WeightAverage(network, 0.99)
    for _ in range(3):
        average.update(network)
    assert different(network, average.network) == []
