"""Two processes that share each step on a CPU train what one process would on both their shares."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file
from torch import Tensor, nn

from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLTraining.cache import save_case, write_index
from CardiacMTLTraining.checkpoint import seed_step
from CardiacMTLTraining.configuration import TrainingConfiguration
from CardiacMTLTraining.loop import Schedule, run_stage
from CardiacMTLTraining.losses import heart_loss, mask_loss
from CardiacMTLTraining.segmentation_stage import _optimizer
from CardiacMTLTraining.slices import LocatorPool, SlicePool
from CardiacMTLTraining.train import NETWORK_NAME, RECORD_NAME, RunRecord, load_run
from Testing.acdc_folder import discs_case

ROOT = Path(__file__).resolve().parents[2]
CHOICES = {
    "version": 2,
    "network": {
        "window_size": 32,
        "window_spacing_mm": 5.0,
        "channels": [4, 8, 8],
        "embedding_size": 4,
        "locator_size": 32,
        "locator_spacing_mm": 6.0,
        "locator_channels": [4, 8],
    },
    "augmentation": {"scale": 1.05, "shift_mm": 6.0, "contrast": 1.0, "brightness": 0.0}
    | {f"{change}_probability": 0.0 for change in ("elastic", "gamma", "bias", "blur", "coarse", "noise")},
    "early_window": 32,
    "locator_steps": 6,
    "segmentation_steps": 300,
    "batch_size": 8,
    "learning_rate": 0.03,
    "averaging": 0.9,
    "embedding_views": 2,
    "embedding_steps": 5,
    "joint_epochs": 3,
    "studies_per_step": 2,
    "save_every": 3,
}
CASES = [discs_case(f"patient{number:03d}", group) for number, group in enumerate(Group, start=1)]
UNTRAINED, TRAINED, ALIKE = 1.5, 0.5, 0.1
"""Mask loss on the training cases: above the first before training, below the second after it, within the third of another."""


def training(root: Path, out: Path, devices: int) -> subprocess.Popen[bytes]:
    """`train` on the tiny cache in a process group of its own."""
    command = [sys.executable, "-m", "CardiacMTLTraining", "train", "--cache", root / "cache", "--out", out]
    command += ["--config", root / "choices.json", "--accelerator", "cpu", "--precision", "32-true", "--devices", str(devices)]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'CardiacMTL'}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    with (root / "log.txt").open("ab") as log:
        return subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log, start_new_session=True)


def finish(root: Path, out: Path, devices: int) -> Path:
    """Let `train` run to its end."""
    assert training(root, out, devices).wait(timeout=280) == 0, (root / "log.txt").read_text(encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """cache/ and choices.json, and what one process (one/) and two of them (two/) made of them."""
    root = tmp_path_factory.mktemp("processes")
    (root / "cache").mkdir()
    for case in CASES:
        save_case(case, root / "cache")
    write_index(root / "cache", {case.name: case.sha256() for case in CASES}, {})
    (root / "choices.json").write_text(json.dumps(CHOICES), encoding="utf-8")
    finish(root, root / "two", devices=2)
    finish(root, root / "one", devices=1)
    return root


def loss_on_the_training_cases(network: MultiTaskNetwork) -> float:
    pool = SlicePool(CASES, network.configuration.window_size, network.configuration.window_spacing_mm)
    batches = [pool.study(case.name, None, torch.Generator()) for case in CASES]
    with torch.inference_mode():
        return sum(float(mask_loss(network.segment(batch.images)[0], batch.labels)) for batch in batches) / len(batches)


def locator_of_one_process(config: TrainingConfiguration, folder: Path, shares: int) -> dict[str, Tensor]:
    """The locator's weights after its stage, where one process draws the shares of `shares` processes in each step."""
    shape = config.network
    torch.manual_seed(config.seed)
    network = MultiTaskNetwork(shape)
    network.use_channels_last()
    pool = LocatorPool(CASES, shape.locator_size, shape.locator_spacing_mm)

    def backward(step: int, _: torch.Generator) -> Mapping[str, Tensor]:
        total = torch.zeros(())
        for rank in range(shares):
            generator = seed_step(config.seed, "locator", step, rank)
            images, hearts = pool.draw(config.batch_size // shares, config.augmentation, generator)
            loss = heart_loss(network.locate(images), hearts) / shares
            loss.backward()
            total += loss.detach()
        return {"heart": total}

    parts = nn.ModuleList([network.locator_encoder, network.locator_decoder])
    fabric = Fabric(accelerator="cpu", devices=1)
    schedule = Schedule(config.locator_steps, config.seed, 100, config.averaging)
    run_stage(fabric, network.train(), _optimizer(parts, config), schedule, backward, folder / "locator.ckpt")
    return {key: value.detach() for key, value in network.named_parameters() if key.startswith("locator")}


def locator_of(run: Path) -> dict[str, Tensor]:
    state: dict[str, Tensor] = torch.load(run / "locator.ckpt", weights_only=True)["network"]
    return state


def largest_difference(trained: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> float:
    return max(float((trained[key] - value).abs().max()) for key, value in expected.items())


def test_two_processes_take_the_steps_that_one_would_on_both_their_shares(workshop: Path, tmp_path: Path) -> None:
    _, config, _ = load_run(workshop / "two")
    on_both_shares = locator_of_one_process(config, tmp_path / "both", shares=2)
    on_one = locator_of_one_process(config, tmp_path / "one", shares=1)
    assert largest_difference(locator_of(workshop / "two"), on_both_shares) < 1e-4
    assert largest_difference(locator_of(workshop / "one"), on_one) < 1e-4
    assert largest_difference(locator_of(workshop / "two"), on_one) > 1e-3


def test_both_runs_finish_and_learn_the_masks_alike(workshop: Path) -> None:
    (one, config, of_one), (two, _, of_two) = (load_run(workshop / name) for name in ("one", "two"))
    assert (of_one.world_size, of_two.world_size) == (1, 2)
    assert of_one.patients == of_two.patients == tuple(case.name for case in CASES)
    assert loss_on_the_training_cases(MultiTaskNetwork(config.network).eval()) > UNTRAINED
    losses = [loss_on_the_training_cases(network) for network in (one, two)]
    assert max(losses) < TRAINED
    assert abs(losses[0] - losses[1]) < ALIKE


def test_two_processes_that_were_killed_go_on_to_the_very_weights_of_two_that_were_not(workshop: Path) -> None:
    out = workshop / "killed"
    run = training(workshop, out, devices=2)
    deadline = time.monotonic() + 120
    while not (out / "segmentation.ckpt").exists() and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    assert (out / "segmentation.ckpt").exists()
    assert not (out / RECORD_NAME).exists()
    expected = load_file(workshop / "two" / NETWORK_NAME)
    found = load_file(finish(workshop, out, devices=2) / NETWORK_NAME)
    assert [key for key, value in expected.items() if not torch.equal(found[key], value)] == []


def test_two_processes_that_were_killed_between_stages_start_the_next_from_the_same_network(workshop: Path) -> None:
    out = workshop / "between"
    shutil.copytree(workshop / "two", out)
    for name in (RECORD_NAME, NETWORK_NAME, "joint.ckpt"):
        (out / name).unlink()
    expected = load_file(workshop / "two" / NETWORK_NAME)
    found = load_file(finish(workshop, out, devices=2) / NETWORK_NAME)
    assert [key for key, value in expected.items() if not torch.equal(found[key], value)] == []
    assert RunRecord.load(out).world_size == 2
