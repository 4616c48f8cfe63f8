"""Figures of made-up outcomes with known answers, and how they are written and read."""

from __future__ import annotations

import json

import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Group
from CardiacMTLTraining.evaluation.intervals import exact_interval
from CardiacMTLTraining.stress.page import markdown_page, terminal_table, verdict
from CardiacMTLTraining.stress.record import PLAIN, Outcome, StressRecord
from CardiacMTLTraining.stress.summary import summarise_stress

SURE = Outcome(0.9, Group.DCM, Group.DCM, None)
WITHHELD = Outcome(0.9, Group.DCM, None, "not sure enough")
OTHER = Outcome(0.9, Group.HCM, Group.HCM, None)
UNDEFINED = Outcome(0.0, None, None, "no heart")


def records_of(*pairs: tuple[Outcome, Outcome], change: str = "noise", name: str = "p") -> list[StressRecord]:
    return [StressRecord(f"{name}{i}", 0, "s", {PLAIN: plain, change: made}) for i, (plain, made) in enumerate(pairs)]


def summary_of(*pairs: tuple[Outcome, Outcome], change: str = "noise"):
    (only,) = summarise_stress(records_of(*pairs, change=change))
    return only


def outcome(mean_dice: float | None) -> Outcome:
    return Outcome(mean_dice, Group.DCM, Group.DCM, None)


def test_the_fall_is_the_mean_of_the_patients_falls_with_a_paired_interval():
    summary = summary_of(*[(outcome(0.8 + i / 100), outcome(0.79 + i / 100)) for i in range(10)])
    assert (summary.dice.n, summary.dice.plain, summary.dice.changed) == pytest.approx((10, 0.845, 0.835))
    assert summary.dice.fall == pytest.approx(0.01)
    assert summary.dice.interval_95 == pytest.approx((0.01, 0.01)), "all patients fall alike: nothing is left to chance"


def test_labels_that_change_go_or_come_are_altered_and_groups_whether_or_not_a_label_is_given():
    pairs = [(SURE, SURE), (SURE, WITHHELD), (WITHHELD, SURE), (SURE, OTHER), (SURE, UNDEFINED), (WITHHELD, UNDEFINED)]
    summary = summary_of(*pairs)
    assert (summary.labels.count, summary.groups.count, summary.labels.n) == (4, 3, 6)
    assert summary.labels.interval_95 == exact_interval(4, 6)
    assert summary.labels.share == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("change", "fall", "met"),
    [("noise", 0.019, True), ("noise", 0.021, False), ("slice_distance", 0.039, True), ("slice_distance", 0.041, False)],
)
def test_each_change_has_its_own_limit_of_the_fall(change, fall, met):
    summary = summary_of((outcome(0.9), outcome(0.9 - fall)), change=change)
    assert (summary.dice_is_met, summary.labels_are_met, summary.is_met) == (met, True, met)


@pytest.mark.parametrize(("n_altered", "met"), [(1, True), (2, False)])
def test_one_label_in_twenty_may_be_altered(n_altered, met):
    pairs = [(SURE, OTHER)] * n_altered + [(SURE, SURE)] * (20 - n_altered)
    assert (summary_of(*pairs).labels_are_met, summary_of(*pairs).is_met) == (met, met)


def test_patients_without_expert_masks_count_for_labels_only():
    summary = summary_of((outcome(None), outcome(None)), (outcome(0.9), outcome(0.8)))
    assert (summary.dice.n, summary.labels.n) == (1, 2)
    without = summary_of((outcome(None), outcome(None)))
    assert (without.dice, without.is_met) == (None, False)
    assert "undefined" in terminal_table([without])
    assert "undefined" in markdown_page([without])


def test_a_change_that_was_not_made_of_every_patient_is_left_out():
    records = records_of((SURE, SURE)) + records_of((SURE, SURE), change="contrast", name="q")
    assert summarise_stress(records) == ()
    assert summarise_stress([]) == ()


def test_tables_show_the_figures_and_what_is_met():
    pairs = [(outcome(0.9), outcome(0.85))] * 4
    table, page = terminal_table([summary_of(*pairs)]), markdown_page([summary_of(*pairs)])
    assert "noise             0.900   0.850 +0.0500 (+0.0500 to +0.0500)  0.02      0/4      0/4 NO" in table.splitlines()
    assert len(table.splitlines()[0]) == len(table.splitlines()[1]) + len("met") - len("NO")
    cells = "| noise of 8 % of the 99th percentile | 4 | 0.900 | 0.850 | +0.050 (+0.050 to +0.050) | 0.02 | "
    assert f"{cells}0, 0.0 % (0.0 to 60.2) | 0, 0.0 % (0.0 to 60.2) | no |" in page
    assert verdict([summary_of(*pairs)]).startswith("0 of 1 changes stay within the limits")


def test_the_record_for_machines_is_plain_json():
    values = json.loads(json.dumps(summary_of((SURE, SURE)).to_json(), allow_nan=False))
    assert values["dice"]["fall"] == 0
    assert (values["max_fall"], values["max_labels_changed"], values["is_met"]) == (0.02, 0.05, True)


def test_outcomes_are_kept_on_disk_without_loss(tmp_path):
    record = StressRecord("p1", 2, "abc", {PLAIN: SURE, "noise": UNDEFINED, "contrast": WITHHELD})
    record.save(tmp_path)
    assert StressRecord.load(tmp_path, "p1", 2, "abc") == record
    assert [path.name for path in tmp_path.iterdir()] == ["p1.json"]


@pytest.mark.parametrize(("name", "fold", "source"), [("p2", 2, "abc"), ("p1", 1, "abc"), ("p1", 2, "other")])
def test_outcomes_of_another_patient_fold_or_network_are_none(tmp_path, name, fold, source):
    StressRecord("p1", 2, "abc", {PLAIN: SURE}).save(tmp_path)
    assert StressRecord.load(tmp_path, name, fold, source).outcomes == {}


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 1}'])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "p1.json").write_text(text)
    with pytest.raises(InputError, match=r"p1\.json cannot be read"):
        StressRecord.load(tmp_path, "p1", 2, "abc")
