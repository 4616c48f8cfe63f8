"""The loop of a stage: when it ends, what it leaves behind, and that no two steps see the same random numbers."""

from __future__ import annotations

import logging
import struct
import threading
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from lightning_fabric import Fabric
from tensorboardX.proto.event_pb2 import Event
from torch import Tensor, nn

from CardiacMTLTraining.checkpoint import seed_step
from CardiacMTLTraining.devices import open_fabric
from CardiacMTLTraining.early_stop import Plateau
from CardiacMTLTraining.loop import Schedule, _average_over_processes, run_stage

N_STEPS = 40


@pytest.fixture
def fabric(tmp_path: Path) -> Fabric:
    return open_fabric(tmp_path / "curves", accelerator="cpu", precision="32-true")


def run(
    fabric: Fabric, checkpoint: Path, loss_at: Callable[[int], float], *, patience: int = 0, n_steps: int = N_STEPS
) -> tuple[nn.Linear, list[int]]:
    """A stage of a network of one weight whose loss is what `loss_at` says; the result and the steps that were taken."""
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    optimizer = torch.optim.AdamW([{"params": list(network.parameters()), "peak": 0.01}])
    steps: list[int] = []

    def backward(step: int, generator: torch.Generator) -> dict[str, Tensor]:
        steps.append(step)
        network(torch.randn(4, 1, generator=generator)).square().mean().backward()
        return {"first": torch.tensor(0.75 * loss_at(step)), "second": torch.tensor(0.25 * loss_at(step))}

    schedule = Schedule(n_steps, seed=1, warm_up=1, averaging=0.5, patience=patience, save_every=5, log_every=10)
    return run_stage(fabric, network, optimizer, schedule, backward, checkpoint), steps


def curves(folder: Path) -> dict[str, dict[int, float]]:
    """The curves that TensorBoard will show: tag -> step -> value."""
    found: dict[str, dict[int, float]] = {}
    for path in sorted(folder.glob("events.*")):
        for event in _events(path.read_bytes()):
            for value in event.summary.value:
                found.setdefault(value.tag, {})[event.step] = value.simple_value
    return found


def _events(stream: bytes) -> Iterator[Any]:
    """The records of an event file: length, its checksum, the event, its checksum."""
    place = 0
    while place < len(stream):
        (length,) = struct.unpack_from("<Q", stream, place)
        yield Event.FromString(stream[place + 12 : place + 12 + length])
        place += length + 16


def test_a_plateau_ends_a_stage_early_and_the_log_says_so(
    fabric: Fabric, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    _, steps = run(fabric, tmp_path / "masks.ckpt", lambda _: 2.0, patience=7)
    assert steps == list(range(8))
    assert "masks step 8 of 40: first 1.500 second 0.500 (plateau)" in caplog.text
    assert "masks ended early after 8 steps" in caplog.text


def test_a_stage_that_ended_early_is_finished(fabric: Fabric, tmp_path: Path) -> None:
    first, _ = run(fabric, tmp_path / "masks.ckpt", lambda _: 2.0, patience=7)
    again, steps = run(fabric, tmp_path / "masks.ckpt", lambda _: 2.0, patience=7)
    assert steps == []
    assert torch.equal(first.weight, again.weight)


@pytest.mark.parametrize(
    ("loss_at", "patience"), [(lambda _: 2.0, 0), (lambda step: 3.0 - 0.07 * step, 7)], ids=["no patience", "falling loss"]
)
def test_a_stage_runs_to_its_end_where_nobody_asked_to_stop_or_the_loss_falls(
    fabric: Fabric, tmp_path: Path, caplog: pytest.LogCaptureFixture, loss_at: Callable[[int], float], patience: int
) -> None:
    caplog.set_level(logging.INFO)
    _, steps = run(fabric, tmp_path / "masks.ckpt", loss_at, patience=patience)
    assert steps == list(range(N_STEPS))
    assert "ended early" not in caplog.text


def test_a_resumed_stage_has_waited_as_long_as_one_that_ran_through(fabric: Fabric, tmp_path: Path) -> None:
    def killed_in_step_6(step: int) -> float:
        if step == 6:
            raise InterruptedError
        return 2.0

    with pytest.raises(InterruptedError):
        run(fabric, tmp_path / "masks.ckpt", killed_in_step_6, patience=7)
    _, steps = run(fabric, tmp_path / "masks.ckpt", lambda _: 2.0, patience=7)
    assert steps == [5, 6, 7]


def test_curves_hold_each_loss_and_the_rate_under_the_name_of_the_stage(fabric: Fabric, tmp_path: Path) -> None:
    run(fabric, tmp_path / "masks.ckpt", lambda step: 4.0 * step)
    fabric.logger.finalize("success")
    found = curves(tmp_path / "curves")
    assert set(found) == {"masks/first", "masks/second", "masks/rate"}
    assert found["masks/first"] == {step: pytest.approx(3.0 * (step - 1)) for step in (10, 20, 30, 40)}
    assert found["masks/second"] == {step: pytest.approx(step - 1) for step in (10, 20, 30, 40)}
    rates = list(found["masks/rate"].values())
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == pytest.approx(0.01 * (1 - 9 / N_STEPS) ** 0.9)


def test_the_smoothed_loss_forgives_noise_and_not_a_loss_that_stands_still() -> None:
    generator = torch.Generator().manual_seed(0)
    falling, standing = Plateau(patience=60), Plateau(patience=60)
    noise = (0.2 * torch.randn(600, generator=generator)).tolist()
    assert not any(falling.reached(10 - 0.01 * step + noise[step]) for step in range(600))
    assert any(standing.reached(10 + noise[step]) for step in range(600))


def test_every_step_of_every_stage_and_process_has_its_own_numbers_and_always_the_same() -> None:
    cases = list(product((1, 2), ("locator", "segmentation", "joint"), (0, 1, 1000), (0, 1)))

    def numbers(case: tuple[int, str, int, int]) -> tuple[float, ...]:
        return tuple(torch.rand(3, generator=seed_step(*case)).tolist())

    def dropouts(case: tuple[int, str, int, int]) -> tuple[float, ...]:
        seed_step(*case)
        return tuple(torch.rand(3).tolist())

    with torch.random.fork_rng():
        for draw in (numbers, dropouts):
            drawn = [draw(case) for case in cases]
            assert len(set(drawn)) == len(cases)
            assert [draw(case) for case in reversed(cases)] == drawn[::-1]


class PairedProcesses:
    """Stands in for Fabric in two threads that play two processes: what they reduce is the mean of both."""

    world_size = 2

    def __init__(self, meeting: threading.Barrier, handed_in: list[Tensor], rank: int) -> None:
        self._meeting, self._handed_in, self._rank = meeting, handed_in, rank

    def all_reduce(self, values: Tensor, reduce_op: str) -> Tensor:
        assert reduce_op == "mean"
        self._handed_in[self._rank] = values
        self._meeting.wait(timeout=20)
        mean = torch.stack(self._handed_in).mean(dim=0)
        self._meeting.wait(timeout=20)
        return mean


def averaged(gradients: list[list[float | None]]) -> list[list[float | None]]:
    """What becomes of each process's gradients; those of parameter i have i + 1 equal entries."""
    meeting, handed_in = threading.Barrier(2), [torch.empty(0)] * 2
    processes = []
    for of_process in gradients:
        parameters = [nn.Parameter(torch.zeros(size)) for size in range(1, len(of_process) + 1)]
        for parameter, gradient in zip(parameters, of_process, strict=True):
            parameter.grad = None if gradient is None else torch.full_like(parameter, gradient)
        processes.append(parameters)
    threads = [
        threading.Thread(
            target=_average_over_processes, args=(cast("Fabric", PairedProcesses(meeting, handed_in, rank)), parameters)
        )
        for rank, parameters in enumerate(processes)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for parameter in (parameter for parameters in processes for parameter in parameters):
        assert parameter.grad is None or (parameter.grad.shape == parameter.shape and len(parameter.grad.unique()) == 1)
    return [[None if p.grad is None else float(p.grad[0]) for p in parameters] for parameters in processes]


def test_processes_that_trained_different_heads_agree_on_the_gradients_of_both() -> None:
    """As where one process drew a study with a body size, the other one without."""
    found = averaged([[1.0, 6.0, None, None], [3.0, None, -2.0, None]])
    assert found == [[2.0, 3.0, -1.0, None]] * 2


def test_averaged_gradients_lie_in_memory_as_their_weights_do() -> None:
    """The fused optimiser on a CPU pairs weights and gradients by their place in memory."""
    meeting, handed_in = threading.Barrier(1), [torch.empty(0)]
    weight = nn.Parameter(torch.zeros(3, 4, 2, 2).contiguous(memory_format=torch.channels_last))
    gradient = torch.arange(48.0).view(3, 4, 2, 2)
    weight.grad = gradient.contiguous(memory_format=torch.channels_last)
    _average_over_processes(cast("Fabric", PairedProcesses(meeting, handed_in, 0)), [weight])
    assert weight.grad is not None
    assert weight.grad.stride() == weight.stride()
    assert torch.equal(weight.grad, gradient)
