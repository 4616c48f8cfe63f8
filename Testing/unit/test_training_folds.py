"""Who is kept out, and who is trained with whom."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.reading.acdc_info import INFO_NAME, read_info
from CardiacMTLTraining.cache import CachedCase
from CardiacMTLTraining.folds import TWINS, HoldOut, check_groups, stratified_folds
from Testing.acdc_folder import discs_case

CASE = discs_case()
ORDER = (Group.DCM, Group.HCM, Group.MINF, Group.NOR, Group.RV)
NAMES = [f"patient{number:03d}" for number in range(1, 101) if number != 55]
CASES = [replace(CASE, name=name, group=ORDER[(int(name[-3:]) - 1) // 20]) for name in NAMES]
KEPT_OUT = ["003", "008", "013", "018", "023", "028", "033", "038", "043", "048"]
KEPT_OUT += ["053", "058", "063", "068", "073", "078", "083", "088", "093", "098"]


def counts(cases: list[CachedCase], folds: dict[str, int], group: Group) -> list[int]:
    """Patients of a group in each fold, twins counted as one."""
    found = Counter(folds[case.name] for case in cases if case.group is group and case.name not in TWINS)
    return [found[fold] for fold in sorted(set(folds.values()))]


@given(n_folds=st.integers(2, 7), seed=st.integers(0, 2**32 - 1))
def test_every_case_lies_in_one_fold_groups_are_spread_evenly_and_twins_stay_together(n_folds: int, seed: int) -> None:
    folds = stratified_folds(CASES, n_folds, seed)
    assert sorted(folds) == sorted(NAMES)
    assert set(folds.values()) == set(range(n_folds))
    for group in Group:
        found = counts(CASES, folds, group)
        assert max(found) - min(found) <= 1
    assert folds["patient074"] == folds["patient076"]
    sizes = Counter(folds.values())
    assert max(sizes.values()) - min(sizes.values()) <= 2


def test_the_folds_of_the_training_patients_are_even_when_a_fifth_is_kept_out() -> None:
    cases = [case for case in CASES if not HoldOut(3, 5).keeps_out(case.name)]
    folds = stratified_folds(cases, 3, 1)
    assert len(folds) == 79
    for group in Group:
        found = Counter(folds[case.name] for case in cases if case.group is group)
        assert max(found.values()) - min(found.values()) <= 1


def test_folds_depend_on_the_seed_alone() -> None:
    assert stratified_folds(CASES, 3, 5) == stratified_folds(CASES, 3, 5)
    assert stratified_folds(CASES, 3, 5) != stratified_folds(CASES, 3, 6)


def test_a_twin_without_the_other_and_cases_of_no_known_group_have_a_fold_too() -> None:
    cases = [replace(CASE, name="patient076"), replace(CASE, name="stranger", group=None)]
    folds = stratified_folds(cases, 2, 0)
    assert set(folds) == {"patient076", "stranger"}
    assert set(folds.values()) <= {0, 1}


def test_the_rule_3_of_5_keeps_out_twenty_known_patients() -> None:
    rule = HoldOut.parse("3/5")
    assert [name for name in NAMES if rule.keeps_out(name)] == [f"patient{number}" for number in KEPT_OUT]
    assert Counter(case.group for case in CASES if rule.keeps_out(case.name)) == dict.fromkeys(Group, 4)


def test_the_rule_3_of_5_keeps_out_four_real_patients_of_each_group(data_root: Path) -> None:
    rule = HoldOut.parse("3/5")
    folders = [path for path in sorted((data_root / "acdc").glob("patient*")) if rule.keeps_out(path.name)]
    assert [path.name[-3:] for path in folders] == KEPT_OUT
    assert Counter(read_info(path / INFO_NAME).group for path in folders) == dict.fromkeys(Group, 4)


@pytest.mark.parametrize("divisor", range(2, 12))
def test_no_rule_keeps_out_one_twin_and_trains_on_the_other(divisor: int) -> None:
    for remainder in range(divisor):
        rule = HoldOut(remainder, divisor)
        assert rule.keeps_out("patient074") == rule.keeps_out("patient076")


@pytest.mark.parametrize("divisor", range(2, 8))
def test_the_rules_of_one_divisor_share_all_patients_out(divisor: int) -> None:
    for name in NAMES:
        assert sum(HoldOut(remainder, divisor).keeps_out(name) for remainder in range(divisor)) == 1


def test_a_name_without_a_number_is_never_kept_out() -> None:
    assert not any(HoldOut(remainder, 2).keeps_out("volunteer") for remainder in (0, 1))
    assert HoldOut(1, 2).keeps_out("site2-007")


def test_a_rule_is_written_as_it_is_read() -> None:
    assert str(HoldOut.parse("3/5")) == "3/5"
    assert HoldOut.parse("0/2") == HoldOut(0, 2)


@pytest.mark.parametrize("text", ["", "3", "3/", "/5", "5/5", "7/5", "0/0", "-1/5", "3/5/7", "a/b", "3 / 5", "1.5/5"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected REMAINDER/DIVISOR such as 3/5"):
        HoldOut.parse(text)


def test_patients_of_all_five_groups_can_be_trained_on() -> None:
    check_groups([replace(CASE, group=group) for group in (*Group, None)])


@pytest.mark.parametrize("missing", [*([group] for group in Group), [Group.MINF, Group.RV]])
def test_groups_that_no_patient_has_are_named_before_anything_is_trained(missing: list[Group]) -> None:
    cases = [replace(CASE, group=group) for group in (*Group, None) if group not in missing]
    with pytest.raises(InputError, match=rf"^the patients \({len(cases)}\) lack {', '.join(missing)}; expected .* all five"):
        check_groups(cases, "the patients")
