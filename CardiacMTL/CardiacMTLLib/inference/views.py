"""The network's say over several views of the same slices, the quarter turns of their plane: averaged, and compared.

The mean of the views is a better mask than any of them, and how far they agree tells how good it is. The views of a turned
image are those of the image itself, so an image that is turned by 90 degrees gives the same result, turned.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from CardiacMTLLib.network.model import MultiTaskNetwork

VIEWS = (0, 1, 2, 3)
"""Quarter turns of the plane; the network is trained under all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class ViewedSlices:
    """What the network says of n slices.

    `probabilities` (n, label, y, x), the mean over the views; `views` (view, n, y, x) the most likely label in each view;
    `within` what the encoder sees within the structures in each view (`MultiTaskNetwork.segment`).
    """

    probabilities: Tensor
    views: Tensor
    within: tuple[Tensor, ...]


def segment_views(images: Tensor, network: MultiTaskNetwork) -> ViewedSlices:
    """(n, 1, y, x) normalised square windows -> what the network makes of them in all `VIEWS`."""
    total: Tensor | None = None
    labels, within = [], []
    for turns in VIEWS:
        logits, seen_within = network.segment(torch.rot90(images, turns, (2, 3)))
        found = torch.rot90(torch.softmax(logits.float(), dim=1), -turns, (2, 3))
        labels.append(_most_likely(found).to(torch.uint8))
        total = found if total is None else total + found
        within.append(seen_within)
    assert total is not None  # noqa: S101 - there is at least one view
    return ViewedSlices(total / len(VIEWS), torch.stack(labels), tuple(within))


def agreement(viewed: ViewedSlices, phases: Sequence[Phase]) -> dict[str, float]:
    """How far the views of `phases` (one after the other) agree with their mean, by structure and phase such as `LV_ED`.

    The mean over the views of the Dice overlap between a view's mask and that of the mean probabilities, over all slices of
    the phase; 0 where neither finds the structure.
    """
    consensus = _most_likely(viewed.probabilities).unflatten(0, (len(phases), -1))
    views = viewed.views.unflatten(1, (len(phases), -1))
    result: dict[str, float] = {}
    for structure in STRUCTURES:
        for index, phase in enumerate(phases):
            whole = consensus[index] == structure
            parts = views[:, index] == structure
            overlap = (parts & whole).flatten(1).sum(dim=1).float()
            sizes = parts.flatten(1).sum(dim=1) + whole.sum()
            result[f"{structure.name}_{phase}"] = float((2 * overlap / sizes.clamp_min(1)).mean())
    return result


def confidence(viewed: ViewedSlices, phases: Sequence[Phase]) -> dict[Phase, float]:
    """Mean largest probability of the samples that are taken for heart, by phase (one after the other); 0 where none is."""
    result: dict[Phase, float] = {}
    largest, labels = viewed.probabilities.max(dim=1)
    for phase, sure, label in zip(
        phases, largest.unflatten(0, (len(phases), -1)), labels.unflatten(0, (len(phases), -1)), strict=True
    ):
        heart = sure[label != Label.BACKGROUND]
        result[phase] = float(heart.mean()) if len(heart) else 0.0
    return result


def _most_likely(probabilities: Tensor) -> Tensor:
    """(n, label, y, x) -> (n, y, x) labels; on a CPU `argmax` over the labels takes eight times as long as `max`."""
    labels: Tensor = probabilities.max(dim=1).indices
    return labels
