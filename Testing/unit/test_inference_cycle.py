from dataclasses import replace

import numpy as np
import pytest
import torch

from CardiacMTLLib.inference.cycle import MIN_SMOOTHED_FRAMES, segment_cycle
from CardiacMTLLib.inference.find import find_heart
from CardiacMTLLib.inference.segment import segment_phases
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.phases import find_phases
from CardiacMTLLib.network.folding import folded
from CardiacMTLLib.network.weights import load_model
from CardiacMTLLib.preprocess.resample import Window, centre_of
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.reading.acdc import read_acdc_case
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)
CPU = torch.device("cpu")
MODEL = oracle_model()
SPACING = ORACLE_GRID.spacing_xyz_mm
WINDOW = Window(centre_of(ORACLE_GRID), 48, 4.0)
SMALL, LARGE = ES_HEART.mask(ORACLE_GRID), ED_HEART.mask(ORACLE_GRID)


def masks_of(truth):
    return segment_cycle(study_of(painted_frames(truth, SPACING), SPACING), WINDOW, MODEL.network, CPU)


def test_frames_keep_their_order():
    truth = np.stack([LARGE] * 6 + [SMALL] * 8)
    assert (masks_of(truth) == truth).all()


@pytest.mark.parametrize("odd", [0, 1, 6, 12])
def test_a_structure_that_one_frame_alone_lacks_is_lent_by_its_neighbours_also_over_the_end_of_the_cycle(odd):
    truth = np.stack([LARGE] * 13)
    truth[odd][truth[odd] == Label.RV] = Label.BACKGROUND
    study = study_of(painted_frames(truth, SPACING), SPACING)
    alone = segment_phases(study, {Phase.ED: odd}, WINDOW, MODEL.network, CPU).masks[Phase.ED]
    lent = segment_cycle(study, WINDOW, HalfSure.of(MODEL.network), CPU)
    assert not (alone == Label.RV).any()
    assert (lent == LARGE).all()


def test_in_a_cycle_of_few_frames_each_stands_alone():
    truth = np.stack([LARGE, SMALL] * (MIN_SMOOTHED_FRAMES // 2 - 1) + [LARGE])
    assert (masks_of(truth) == truth).all()


def test_ed_and_es_stand_in_the_cycle_with_the_very_masks_they_have_alone():
    truth = np.stack([SMALL, LARGE] * 7)
    study = study_of(painted_frames(truth, SPACING), SPACING, ed_frame=1, es_frame=0)
    found = find_heart(study, MODEL.network, CPU, whole_cycle=True)
    alone = find_heart(study, MODEL.network, CPU)
    assert alone.cine is None
    for phase, frame in ((Phase.ED, 1), (Phase.ES, 0)):
        assert (found.cine[frame] == alone.phases.masks[phase]).all()
        assert (found.phases.masks[phase] == truth[frame]).all()


class HalfSure(type(MODEL.network)):
    """The oracle, but where it finds no heart at all it is hardly surer of that than of an RV."""

    @classmethod
    def of(cls, network):
        made = cls(network.configuration).eval()
        made.load_state_dict(network.state_dict())
        return made

    def segment(self, images):
        logits, within = super().segment(images)
        background = logits[:, Label.BACKGROUND] > 0
        logits[:, Label.RV] = torch.where(background, logits[:, Label.BACKGROUND] - 0.1, logits[:, Label.RV])
        return logits, within


@pytest.fixture(scope="module")
def patient(data_root):
    return data_root / "acdc" / "patient090"


@pytest.fixture(scope="module")
def found(patient):
    study = replace(read_study(patient, whole_cycle=True), ed_frame=None, es_frame=None)
    return study, find_heart(study, load_model().network, CPU, whole_cycle=True)


def test_ed_and_es_of_a_real_cine_are_found_within_one_phase_of_the_experts(found, patient):
    _, heart = found
    cfg = dict(line.split(": ") for line in (patient / "Info.cfg").read_text().splitlines())
    for phase in Phase:
        distance = (heart.frames[phase] + 1 - int(cfg[phase])) % 12
        assert min(distance, 12 - distance) <= 1


def test_the_cycle_of_a_real_cine_is_smoother_than_its_frames_alone(found):
    study, heart = found
    network = load_model().network
    window = heart.window
    alone = np.stack([segment_phases(study, {Phase.ED: f}, window, network, CPU).masks[Phase.ED] for f in range(12)])
    assert roughness(heart.cine) < roughness(alone)
    assert find_phases(volumes(alone)) is not None


def test_folding_leaves_the_masks_of_real_phases_as_they_are(patient):
    study = read_acdc_case(patient).study
    network = load_model().network
    centre = find_heart(study, network, CPU).window
    plain, fast = (segment_phases(study, {Phase.ED: 0, Phase.ES: 1}, centre, n, CPU) for n in (network, folded(network)))
    for phase in Phase:
        assert (plain.masks[phase] != fast.masks[phase]).sum() <= 2
        assert plain.confidence[phase] == pytest.approx(fast.confidence[phase], abs=1e-4)
    np.testing.assert_allclose(plain.auxiliary_logits, fast.auxiliary_logits, atol=1e-3)
    assert plain.agreement == pytest.approx(fast.agreement, abs=1e-3)


def volumes(cine):
    return (cine == Label.LV).sum(axis=(1, 2, 3)).tolist()


def roughness(cine):
    """Root mean square of the LV curve's fourth differences, as a share of its range."""
    curve = np.array(volumes(cine), dtype=float)
    fourth = sum(weight * np.roll(curve, step) for step, weight in zip(range(-2, 3), (1, -4, 6, -4, 1), strict=True))
    return float(np.sqrt((fourth**2).mean()) / np.ptp(curve))
