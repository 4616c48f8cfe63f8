import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from CardiacMTLLib.analysis import Analysis, QualityFlag
from CardiacMTLLib.errors import InputError, ModelError, UsageError
from CardiacMTLLib.inference.mask_quality import MaskQuality, QualityLine
from CardiacMTLLib.labels import STRUCTURE_PHASES, Label, Phase
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.network.heads import heads_of, load_heads
from CardiacMTLLib.network.store import DEFAULT_MODEL
from CardiacMTLLib.network.weights import LoadedModel, load_entry
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.recompute import recompute
from Testing.unit.hearts import ED_HEART, ES_HEART, HalfEllipsoidHeart, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames
from Testing.unit.test_job_folders import same
from Testing.unit.tiny_model import seal, write_tiny_model

torch.set_num_threads(1)
ROOT = Path(__file__).resolve().parents[2]
SPACING = ORACLE_GRID.spacing_xyz_mm
TRUTH = np.stack([ED_HEART.mask(ORACLE_GRID), ES_HEART.mask(ORACLE_GRID)])
LARGER = HalfEllipsoidHeart(26.0, 72.0, 8.5).mask(ORACLE_GRID)
"""ED with a wider cavity."""


def model_with_lines(limit=0.0):
    """The oracle with a predicted Dice of 0.9 for all it sees."""
    model = oracle_model()
    quality = MaskQuality({key: QualityLine(0.9, 0.0, limit) for key in STRUCTURE_PHASES})
    calibration = replace(model.manifest.calibration, mask_quality=quality)
    return LoadedModel(model.network, replace(model.manifest, calibration=calibration))


MODEL = model_with_lines()


def run(truth=TRUTH, model=MODEL, whole_cycle=False, **options):
    study = study_of(painted_frames(truth, SPACING), SPACING, ed_frame=0, es_frame=1)
    return analyse(study, model, device="cpu", whole_cycle=whole_cycle, **options)


@pytest.fixture(scope="module")
def original():
    return run(whole_cycle=True)


def codes(analysis):
    return [flag.code for flag in analysis.flags]


def equal(one, other, but=()):
    return [f.name for f in fields(Analysis) if f.name not in but and not same(getattr(one, f.name), getattr(other, f.name))]


def test_masks_that_were_not_changed_give_the_analysis(original):
    assert equal(recompute(original, original.masks, MODEL), original) == []
    assert equal(recompute(original, {}, MODEL), original) == []


def test_corrected_masks_give_the_numbers_that_a_run_with_these_masks_gives(original):
    corrected = {Phase.ED: LARGER, Phase.ES: TRUTH[1]}
    found, expected = recompute(original, corrected, MODEL), run(np.stack([LARGER, TRUTH[1]]), whole_cycle=True)
    assert found.measurements["lv_edv_ml"].value > original.measurements["lv_edv_ml"].value
    rates = [name for name in expected.measurements if "_rate_" in name]
    assert {name: m for name, m in found.measurements.items() if name not in rates} == {
        name: m for name, m in expected.measurements.items() if name not in rates
    }
    assert found.segments == expected.segments
    assert same(found.masks, dict(corrected))
    assert found.diagnosis.contributions == expected.diagnosis.contributions


def test_what_only_the_network_can_say_stays_and_a_flag_says_so(original):
    found = recompute(original, {Phase.ED: LARGER}, MODEL)
    assert found.diagnosis.auxiliary_logits == original.diagnosis.auxiliary_logits
    assert found.curves == original.curves
    assert found.cine_masks is original.cine_masks
    assert (found.scope_score, found.seconds, found.model) == (original.scope_score, original.seconds, original.model)
    assert set(found.predicted_dice) == {"LV_ES", "RV_ES", "MYOCARDIUM_ES"}
    assert codes(found) == ["corrected_ed"]
    assert "What the network itself sees" in found.flags[0].check
    assert recompute(found, {Phase.ES: TRUTH[1] // 3 * 3}, MODEL).predicted_dice is None


def test_the_original_is_left_as_it_was_and_so_is_the_mask_that_was_given(original):
    before = {phase: mask.copy() for phase, mask in original.masks.items()}
    mask = LARGER.astype(np.int16)
    recompute(original, {Phase.ED: mask}, MODEL)
    assert same(dict(original.masks), before)
    assert (mask == LARGER).all()


def test_a_correction_of_the_correction_keeps_the_note_of_the_first(original):
    once = recompute(original, {Phase.ED: LARGER}, MODEL)
    twice = recompute(once, {Phase.ES: np.where(TRUTH[1] == Label.RV, 0, TRUTH[1])}, MODEL)
    assert codes(twice)[:2] == ["empty_es", "corrected_ed"]
    assert codes(twice)[-1] == "corrected_es"
    again = recompute(twice, {Phase.ED: TRUTH[0]}, MODEL)
    assert codes(again).count("corrected_ed") == 1


def test_flags_follow_the_masks_and_those_from_elsewhere_stay(original):
    elsewhere = QualityFlag("gpu_out_of_memory", "a", "b")
    of_es = QualityFlag("cut_es", "the ES mask is cut", "look")
    flagged = replace(original, flags=(elsewhere, of_es))
    only_ed = recompute(flagged, {Phase.ED: LARGER}, MODEL)
    assert set(codes(only_ed)) == {"gpu_out_of_memory", "cut_es", "corrected_ed"}
    assert only_ed.diagnosis.reason == "the ES mask is cut"
    both = recompute(flagged, {Phase.ED: LARGER, Phase.ES: TRUTH[1] // 3 * 3}, MODEL)
    assert "cut_es" not in codes(both)
    assert "empty_es" in codes(both)
    mended = recompute(both, {Phase.ES: TRUTH[1]}, MODEL)
    assert "empty_es" not in codes(mended)
    assert mended.diagnosis.label is not None


def test_a_low_quality_of_the_network_s_mask_no_longer_counts_once_it_was_corrected():
    model = model_with_lines(limit=0.95)
    unsure = run(model=model)
    assert codes(unsure) == ["low_mask_quality_ed", "low_mask_quality_es"]
    assert codes(recompute(unsure, {Phase.ED: LARGER}, model)) == ["low_mask_quality_es", "corrected_ed"]


def test_slices_are_taken_out_and_in_again_from_the_analysis_that_had_them(original):
    selection = SliceSelection(frozenset({6}), frozenset())
    found = recompute(original, {}, MODEL, selection)
    assert equal(found, run(whole_cycle=True, left_out=selection), but={"seconds", "study", "cine_masks"}) == []
    assert codes(found) == ["slices_left_out_ed"]
    assert equal(recompute(original, {}, MODEL, SliceSelection()), original) == []
    assert codes(recompute(found, {}, MODEL)) == ["slices_left_out_ed"]
    with pytest.raises(UsageError, match="to be left out"):
        recompute(original, {}, MODEL, SliceSelection(frozenset({8}), frozenset()))


def test_a_study_out_of_scope_stays_without_numbers(original):
    empty = run(np.zeros_like(TRUTH))
    assert codes(empty) == ["out_of_scope"]
    found = recompute(empty, {Phase.ED: LARGER}, MODEL)
    assert codes(found) == ["out_of_scope", "corrected_ed"]
    assert (found.masks[Phase.ED] == LARGER).all()
    assert found.measurements == empty.measurements
    assert found.diagnosis == empty.diagnosis


def test_a_single_phase_is_measured_but_not_diagnosed():
    study = study_of(painted_frames(TRUTH[:1], SPACING), SPACING, ed_frame=0)
    found = recompute(analyse(study, MODEL, device="cpu"), {Phase.ED: LARGER}, MODEL)
    assert found.measurements["lv_edv_ml"].value is not None
    assert "the ES frame is not known" in found.diagnosis.reason
    with pytest.raises(InputError, match="got a mask of ES, which the result lacks"):
        recompute(found, {Phase.ES: LARGER}, MODEL)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (LARGER[1:], r"has shape \(7, 50, 56\); expected that of the study, \(8, 50, 56\)"),
        (LARGER + 1, r"has values \[4\]; expected \[0, 1, 2, 3\]"),
        (LARGER * 0.5, r"has values \[0.5, 1.5\]"),
        (LARGER.astype(np.int8) - 1, r"has values \[-1\]"),
    ],
)
def test_a_mask_that_cannot_be_is_refused(original, mask, words):
    with pytest.raises(InputError, match=words):
        recompute(original, {Phase.ED: mask}, MODEL)


def test_another_model_is_refused(original):
    other = LoadedModel(MODEL.network, replace(MODEL.manifest, weights_sha256="1" * 64))
    with pytest.raises(ModelError, match="the result is from model oracle 0; got oracle 0 with other weights"):
        recompute(original, {}, other)


def test_the_heads_alone_give_the_diagnosis_that_the_loaded_model_gives(tmp_path):
    entry = write_tiny_model(tmp_path / "tiny")
    heads, whole = heads_of(entry), load_entry(entry)
    assert heads.identity == whole.identity
    for indexed in (True, False):
        one, other = heads.head(indexed=indexed), whole.head(indexed=indexed)
        assert one.temperature == other.temperature
        for name in ("mean", "sd", "weight", "bias"):
            assert same(getattr(one, name), getattr(other, name)), name
    assert load_heads().identity.name == DEFAULT_MODEL


WITHOUT_TORCH = """
import sys, numpy as np
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ImportError("torch is blocked")
sys.meta_path.insert(0, Blocker())
from dataclasses import replace
from CardiacMTLLib.job.client import JobClient
from CardiacMTLLib.job.result import read_result, write_result
from CardiacMTLLib.labels import Phase
from CardiacMTLLib.network.heads import load_heads
from CardiacMTLLib.recompute import recompute
from Testing.unit.analyses import analysis_of
heads = load_heads()
analysis = replace(analysis_of(), model=heads.identity)
from pathlib import Path
write_result(analysis, Path(sys.argv[1]) / "result")
back = read_result(Path(sys.argv[1]) / "result", analysis.study)
found = recompute(back, {Phase.ED: np.roll(back.masks[Phase.ED], 1, axis=2), Phase.ES: back.masks[Phase.ES]}, heads)
print(found.diagnosis.label, sum(found.diagnosis.probabilities.values()) > 0.999, "torch" in sys.modules)
"""


def test_recomputing_and_reading_results_needs_no_torch(tmp_path):
    paths = f"import sys; sys.path[:0] = [{str(ROOT / 'CardiacMTL')!r}, {str(ROOT)!r}]\n"
    done = subprocess.run(
        [sys.executable, "-c", paths + WITHOUT_TORCH, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1:] == ["True", "False"]


def test_heads_that_do_not_fit_are_refused(tmp_path):
    changes = {
        "has no diagnosis heads": lambda t: t.pop("head_indexed.feature_sd"),
        "feature_mean of a diagnosis head": lambda t: t.update({"head_unindexed.feature_mean": np.zeros(3, np.float32)}),
        "linear.bias of a diagnosis head": lambda t: t["head_indexed.linear.bias"].__setitem__(0, np.nan),
        "feature_sd of a diagnosis head": lambda t: t["head_unindexed.feature_sd"].__setitem__(0, 0.0),
    }
    for number, (words, change) in enumerate(changes.items()):
        entry = write_tiny_model(tmp_path / f"tiny{number}")
        tensors = load_file(entry.weights)
        change(tensors)
        save_file(tensors, entry.weights)
        with pytest.raises(ModelError, match="has SHA-256"):
            heads_of(entry)
        seal(entry)
        with pytest.raises(ModelError, match=words):
            heads_of(entry)


@pytest.mark.parametrize("content", [b"<html></html>", b""])
def test_heads_of_a_foreign_file_are_refused(content, tmp_path):
    entry = write_tiny_model(tmp_path / "tiny")
    entry.weights.write_bytes(content)
    seal(entry)
    with pytest.raises(ModelError, match="has no diagnosis heads"):
        heads_of(entry)
