"""Several views of the same slices: each is turned back before it is averaged, and they are compared with their mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from CardiacMTLLib.inference.views import VIEWS, ViewedSlices, agreement, confidence, segment_views
from CardiacMTLLib.labels import STRUCTURES, Label, Phase
from CardiacMTLLib.network.model import MultiTaskNetwork
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLLib.preprocess.windows import normalised_windows
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of
from Testing.unit.oracle import CONFIGURATION, ORACLE_GRID, oracle_model, painted_frames

SPACING = ORACLE_GRID.spacing_xyz_mm
BOTH = tuple(Phase)


def heart_windows() -> Tensor:
    """(2 * z, 1, y, x) painted slices at ED, then at ES; the RV lies to one side, so no turn of them is like another."""
    masks = np.stack([heart.mask(ORACLE_GRID) for heart in (ED_HEART, ES_HEART)])
    study = study_of(painted_frames(masks, SPACING), SPACING)
    window = Window(centre_of(ORACLE_GRID), CONFIGURATION.window_size, CONFIGURATION.window_spacing_mm)
    return torch.from_numpy(normalised_windows(study, [0, 1], window)).flatten(0, 1)[:, None]


class FirstCornerNetwork(MultiTaskNetwork):
    """Takes the first quarter of whatever it is shown for LV, so that each view names another corner of the image."""

    def segment(self, images: Tensor) -> tuple[Tensor, Tensor]:
        n, _, height, width = images.shape
        logits = torch.zeros(n, len(Label), height, width)
        logits[:, Label.BACKGROUND] = 20.0
        logits[:, Label.LV, : height // 2, : width // 2] = 40.0
        return logits, images.mean(dim=(2, 3))[..., None].expand(n, 3, 5)


def viewed_of(labels: Tensor, views: Tensor, sure: float = 1.0) -> ViewedSlices:
    """Mean probabilities that say `labels` (n, y, x) with a chance of `sure`, and the labels of each view."""
    chances = torch.nn.functional.one_hot(labels.long(), len(Label)).movedim(-1, 1).float()
    return ViewedSlices(chances * sure + (1 - chances) * (1 - sure) / 3, views, ())


def test_no_two_views_are_alike_and_one_is_the_image_itself() -> None:
    picture = torch.arange(9.0).view(1, 1, 3, 3)
    seen = [torch.rot90(picture, turns, (2, 3)) for turns in VIEWS]
    assert len({tuple(view.flatten().tolist()) for view in seen}) == len(VIEWS)
    assert any(torch.equal(view, picture) for view in seen)


def test_the_views_of_a_network_that_knows_the_answer_agree_fully_and_in_the_images_frame() -> None:
    network, images = oracle_model().network, heart_windows()
    viewed = segment_views(images, network)
    direct = torch.softmax(network.segment(images)[0], dim=1)
    assert all((direct.argmax(dim=1) == structure).any() for structure in STRUCTURES)
    torch.testing.assert_close(viewed.probabilities, direct)
    assert torch.equal(viewed.views, direct.argmax(dim=1).to(torch.uint8).expand(len(VIEWS), -1, -1, -1))
    assert agreement(viewed, BOTH) == {f"{structure.name}_{phase}": 1.0 for structure in STRUCTURES for phase in Phase}
    assert min(confidence(viewed, BOTH).values()) > 0.999


def test_each_view_is_turned_back_to_where_the_network_saw_it() -> None:
    viewed = segment_views(torch.zeros(2, 1, 8, 8), FirstCornerNetwork(CONFIGURATION))
    for turns, labels in zip(VIEWS, viewed.views, strict=True):
        places = torch.arange(64).view(8, 8)
        first_corner = torch.rot90(places, turns, (0, 1))[:4, :4]
        wanted = torch.isin(places, first_corner.reshape(-1))
        assert torch.equal(labels == Label.LV, wanted.expand(2, 8, 8))
    corners = {tuple(map(tuple, (labels[0] == Label.LV).nonzero().tolist())) for labels in viewed.views}
    assert len(corners) == len(VIEWS)


def test_a_turned_image_gives_the_same_answer_turned() -> None:
    torch.manual_seed(3)
    network, images = MultiTaskNetwork(CONFIGURATION).eval(), heart_windows()
    with torch.inference_mode():
        plain, turned = (segment_views(seen, network) for seen in (images, torch.rot90(images, 1, (2, 3))))
    assert float(plain.probabilities.std()) > 0.01
    torch.testing.assert_close(torch.rot90(turned.probabilities, -1, (2, 3)), plain.probabilities)
    torch.testing.assert_close(torch.stack(turned.within).mean(dim=0), torch.stack(plain.within).mean(dim=0))


def test_the_mean_of_views_that_contradict_each_other_is_unsure_and_they_do_not_agree() -> None:
    viewed = segment_views(torch.zeros(2, 1, 8, 8), FirstCornerNetwork(CONFIGURATION))
    expected = torch.stack([labels == Label.LV for labels in viewed.views]).float().mean(dim=0)
    torch.testing.assert_close(viewed.probabilities[:, Label.LV], expected, atol=1e-6, rtol=0)
    assert agreement(viewed, (Phase.ED,))["LV_ED"] < 0.8
    torch.testing.assert_close(viewed.probabilities.sum(dim=1), torch.ones(2, 8, 8))


def test_what_the_encoder_saw_is_kept_view_by_view() -> None:
    images = torch.randn(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    viewed = segment_views(images, FirstCornerNetwork(CONFIGURATION))
    assert [tuple(within.shape) for within in viewed.within] == [(3, 3, 5)] * len(VIEWS)
    for within in viewed.within:
        torch.testing.assert_close(within, images.mean(dim=(2, 3))[..., None].expand(3, 3, 5))


def test_looking_leaves_the_images_as_they_were() -> None:
    images = heart_windows()
    before = images.clone()
    segment_views(images, oracle_model().network)
    assert torch.equal(images, before)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        pytest.param([4, 4, 4, 4], 1.0, id="all views find the mean's mask"),
        pytest.param([4, 4, 4, 0], 0.75, id="one view finds nothing"),
        pytest.param([2, 2, 4, 4], (2 * 2 / 3 + 2) / 4, id="two views find its half"),
        pytest.param([8, 8, 8, 8], 2 / 3, id="all find twice as much"),
        pytest.param([0, 0, 0, 0], 0.0, id="only the mean finds it"),
    ],
)
def test_agreement_is_the_mean_dice_of_a_view_with_the_mean(sizes: list[int], expected: float) -> None:
    consensus = torch.zeros(1, 4, 4, dtype=torch.uint8)
    consensus.view(-1)[:4] = Label.RV
    views = torch.zeros(4, 1, 4, 4, dtype=torch.uint8)
    for view, size in zip(views, sizes, strict=True):
        view.view(-1)[:size] = Label.RV
    found = agreement(viewed_of(consensus, views), (Phase.ES,))
    assert found == {"LV_ES": 0.0, "RV_ES": pytest.approx(expected), "MYOCARDIUM_ES": 0.0}


def test_phases_are_judged_each_on_its_own_slices() -> None:
    labels = torch.zeros(4, 4, 4, dtype=torch.uint8)
    labels[:, :2] = Label.LV
    views = labels.expand(4, -1, -1, -1).clone()
    views[:, 2:] = Label.BACKGROUND
    found = agreement(viewed_of(labels, views), BOTH)
    assert (found["LV_ED"], found["LV_ES"]) == (1.0, 0.0)


def test_confidence_is_that_inside_the_heart_alone_and_of_each_phase() -> None:
    labels = torch.zeros(2, 4, 4, dtype=torch.uint8)
    labels[:, :2] = Label.MYOCARDIUM
    sure, unsure = (viewed_of(labels, labels[None], chance).probabilities for chance in (0.9, 0.6))
    probabilities = torch.stack((sure[0], unsure[1]))
    probabilities[:, :, 2:] = viewed_of(labels, labels[None], 1.0).probabilities[:, :, 2:]
    found = confidence(ViewedSlices(probabilities, labels[None], ()), BOTH)
    assert found == {Phase.ED: pytest.approx(0.9), Phase.ES: pytest.approx(0.6)}
