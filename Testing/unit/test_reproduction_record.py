"""Records and configurations: what comes back, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLTraining.reproduction.arms import Arm
from CardiacMTLTraining.reproduction.configuration import ReproductionConfiguration
from CardiacMTLTraining.reproduction.record import RunRecord, check_records, load_records
from Testing.unit.reproduction_records import record

MADE = record(Arm.JOINT, 2, 1, {"p0": "01", "p1": "00"})


def test_a_record_comes_back_as_it_was_made_with_four_digits(tmp_path: Path) -> None:
    long = replace(MADE, cpu_seconds=1.23456789)
    long.save(tmp_path)
    assert load_records(tmp_path) == [replace(long, cpu_seconds=1.2346)]
    assert [path.name for path in tmp_path.iterdir()] == ["joint-seed2-fold1.json"]


def test_records_come_in_the_order_of_seed_fold_and_arm(tmp_path: Path) -> None:
    for made in (MADE, record(Arm.ALONE, 2, 1, {"p0": "0"}), record(Arm.JOINT, 10, 0, {"p0": "0"})):
        made.save(tmp_path)
    found = [made.key.file_name for made in load_records(tmp_path)]
    assert found == ["alone-seed2-fold1.json", "joint-seed2-fold1.json", "joint-seed10-fold0.json"]


def test_half_a_record_of_a_killed_process_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / ".joint-seed2-fold1.json.part").write_text('{"format": "card', encoding="utf-8")
    assert load_records(tmp_path) == []
    assert load_records(tmp_path / "absent") == []


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": "else"}, "is else 1; expected cardiacmtl-reproduction-run 1"),
        ({"arm": "both"}, "cannot be read"),
        ({"patients": [{}]}, "cannot be read"),
        ({"more": 1}, "cannot be read"),
        ({"fold": 3}, "expected its own name"),
        ({"configuration": {"version": 1, "speed": 3}}, r"unknown keys \['speed'\]"),
    ],
)
def test_a_record_that_is_not_one_is_refused_in_one_line(tmp_path: Path, change: dict[str, Any], match: str) -> None:
    MADE.save(tmp_path)
    path = tmp_path / MADE.key.file_name
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(InputError, match=match) as caught:
        RunRecord.load(path)
    assert "\n" not in str(caught.value)


def test_records_of_another_configuration_or_other_data_are_refused_by_what_differs() -> None:
    check_records([MADE], MADE.configuration, MADE.data_sha256)
    with pytest.raises(InputError, match=r"joint-seed2-fold1\.json was made with another configuration \(other epochs\)"):
        check_records([MADE], replace(MADE.configuration, epochs=7), MADE.data_sha256)
    with pytest.raises(InputError, match="was made on data of SHA-256 dddddddddddd; expected eeeeeeeeeeee"):
        check_records([MADE], MADE.configuration, "e" * 64)


def test_a_configuration_is_read_as_it_was_written(tmp_path: Path) -> None:
    config = ReproductionConfiguration(window_size=64, channels=(4, 8), zoom=1.0)
    path = tmp_path / "choices.json"
    path.write_text(json.dumps(config.to_json()), encoding="utf-8")
    assert ReproductionConfiguration.load(path) == config
    path.write_text('{"version": 1, "epochs": 5}', encoding="utf-8")
    assert ReproductionConfiguration.load(path) == ReproductionConfiguration(epochs=5)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "cannot be read"),
        ("[]", "has version None"),
        ('{"version": 9}', "has version 9; expected 1"),
        ('{"version": 1, "epoch": 5}', r"unknown keys \['epoch'\]"),
        ('{"version": 1, "epochs": "many"}', "expected a whole number; correct the value"),
        ('{"version": 1, "epochs": 0}', "epochs is 0; expected at least 1"),
        ('{"version": 1, "window_size": 100}', "window_size is 100; expected a multiple of 16"),
        ('{"version": 1, "channels": []}', "window_size is 96; expected a multiple of 1 for 0 levels"),
        ('{"version": 1, "precision": "int8"}', "precision is 'int8'"),
    ],
)
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "choices.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=match):
        ReproductionConfiguration.load(path)
