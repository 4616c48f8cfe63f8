"""Losses: small where all is right, finite where there is nothing, and with a gradient that leads the right way."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from CardiacMTLTraining.losses import heart_loss, mask_loss
from Testing.acdc_folder import discs_case

LABELS = torch.from_numpy(discs_case().masks[0]).long()
HEART = (LABELS > 0).float()


def mask_logits(labels: Tensor, certainty: float) -> Tensor:
    return F.one_hot(labels, 4).movedim(-1, 1).float() * certainty


@pytest.mark.parametrize("labels", [LABELS, torch.zeros_like(LABELS)])
def test_perfect_masks_cost_next_to_nothing(labels: Tensor) -> None:
    assert 0 <= mask_loss(mask_logits(labels, 40.0), labels) < 1e-3


@pytest.mark.parametrize("heart", [HEART, torch.zeros_like(HEART)])
def test_a_perfect_heart_costs_next_to_nothing(heart: Tensor) -> None:
    assert 0 <= heart_loss((heart - 0.5) * 80, heart) < 1e-3


def test_the_worse_the_masks_the_higher_the_loss() -> None:
    shifted = [mask_logits(LABELS.roll(by, dims=-1), 8.0) for by in (0, 2, 6, 20)]
    losses = [float(mask_loss(logits, LABELS)) for logits in shifted]
    assert losses == sorted(losses)
    assert losses[0] < 0.02
    assert losses[1] > 0.2
    hearts = [float(heart_loss((HEART.roll(by, dims=-1) - 0.5) * 8, HEART)) for by in (0, 2, 6, 20)]
    assert hearts == sorted(hearts)


def test_every_structure_counts_alike_in_the_overlap() -> None:
    without_each = [float(mask_loss(mask_logits(LABELS * (label != LABELS), 40.0), LABELS)) for label in (1, 2, 3)]
    cross_entropies = [float(F.cross_entropy(mask_logits(LABELS * (label != LABELS), 40.0), LABELS)) for label in (1, 2, 3)]
    overlaps = [loss - entropy for loss, entropy in zip(without_each, cross_entropies, strict=True)]
    assert overlaps == pytest.approx([1 / 3] * 3, abs=0.01)


@pytest.mark.parametrize(
    ("loss", "target", "shape"),
    [
        (mask_loss, LABELS, (3, 4, 88, 96)),
        (mask_loss, torch.zeros_like(LABELS), (3, 4, 88, 96)),
        (heart_loss, HEART, (3, 88, 96)),
        (heart_loss, torch.zeros_like(HEART), (3, 88, 96)),
    ],
)
def test_the_gradient_flows_and_leads_to_a_lower_loss(
    loss: Callable[[Tensor, Tensor], Tensor], target: Tensor, shape: tuple[int, ...]
) -> None:
    logits = torch.randn(shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    before = loss(logits, target)
    before.backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad.flatten(1).abs().amax(dim=1) > 0).all()
    assert loss((logits - 1000 * logits.grad).detach(), target) < before


def test_half_precision_logits_are_summed_in_single_precision() -> None:
    single = mask_loss(mask_logits(LABELS, 4.0), LABELS)
    half = mask_loss(mask_logits(LABELS, 4.0).bfloat16(), LABELS)
    assert half.dtype == torch.float32
    assert float(half) == pytest.approx(float(single), abs=1e-4)
