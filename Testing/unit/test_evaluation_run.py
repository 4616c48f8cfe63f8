"""Patients of a folder through a predictor: phantoms, and a predictor that gives the true masks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.diagnosis.diagnosis import Diagnosis
from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.manifest import Calibration, Provenance
from CardiacMTLLib.reading.acdc import AcdcCase, read_acdc_case
from CardiacMTLTraining.evaluation.checksum import checksum_of_all, source_sha256
from CardiacMTLTraining.evaluation.command import evaluate_model
from CardiacMTLTraining.evaluation.origin import Kind, checked_kind
from CardiacMTLTraining.evaluation.run import evaluate
from CardiacMTLTraining.folds import HoldOut
from CardiacMTLTraining.sources.acdc import read_case
from Testing.acdc_folder import masks_of, write_acdc_folder
from Testing.unit.analyses import CERTAIN, analysis_of
from Testing.unit.oracle import CONFIGURATION
from Testing.unit.tiny_model import random_network, write_model

NAMES = ("patient006", "patient007", "patient009")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_acdc_folder(tmp_path / "data", *NAMES)


def oracle(case: AcdcCase) -> Analysis:
    """The true masks of a dilated heart, whoever is looked at, and always the same diagnosis."""
    return analysis_of(case.study, masks=masks_of(Group.DCM), diagnosis=CERTAIN)


def remove_masks(folder: Path) -> None:
    for path in folder.glob("*_gt.nii.gz"):
        path.unlink()


def remove_group(folder: Path) -> None:
    info = folder / "Info.cfg"
    lines = [line for line in info.read_text(encoding="utf-8").splitlines() if not line.startswith("Group")]
    info.write_text("\n".join(lines), encoding="utf-8")


def test_every_chosen_patient_is_judged(data: Path) -> None:
    found = evaluate(data, oracle, lambda name: name != "patient007")
    assert [case.name for case in found.figures] == ["patient006", "patient009"]
    dilated, hypertrophic = found.figures
    assert dilated.mean_dice == 1.0
    assert (hypertrophic.mean_dice or 1.0) < 0.9
    assert (dilated.group, dilated.label) == (Group.DCM, Group.DCM)
    assert found.failed == {}


def test_one_that_fails_is_named_without_the_path_and_the_others_go_on(data: Path) -> None:
    next((data / "patient006").glob("*_frame01.nii.gz")).unlink()
    found = evaluate(data, oracle)
    assert [case.name for case in found.figures] == ["patient007", "patient009"]
    assert list(found.failed) == ["patient006"]
    assert str(data) not in found.failed["patient006"]


def test_masks_or_group_may_be_missing(data: Path) -> None:
    remove_masks(data / "patient006")
    remove_group(data / "patient007")
    without_masks, without_group, whole = evaluate(data, oracle).figures
    assert (without_masks.mean_dice, without_masks.group) == (None, Group.DCM)
    assert (without_group.mean_dice, without_group.group) == (1.0, None)
    assert whole.group is Group.HCM


def test_a_folder_without_any_truth_is_refused(data: Path) -> None:
    for name in NAMES:
        remove_masks(data / name)
        remove_group(data / name)
    with pytest.raises(InputError, match="neither expert masks nor groups"):
        evaluate(data, oracle)


def test_a_folder_without_patients_is_refused(data: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no patient to evaluate"):
        evaluate(tmp_path / "empty", oracle)
    with pytest.raises(InputError, match="--only"):
        evaluate(data, oracle, lambda name: False)


def test_where_all_fail_the_first_reason_is_told(data: Path) -> None:
    def refuse(case: AcdcCase) -> Analysis:
        raise InputError("not today")

    with pytest.raises(InputError, match=r"none of 3 .* not today"):
        evaluate(data, refuse)


def test_a_patient_of_the_training_is_known_by_its_checksum(data: Path) -> None:
    trained = read_case(data / "patient007").source_sha256()
    shutil.move(data / "patient006", data / "renamed")
    found = evaluate(data, oracle, trained_on={trained})
    assert (found.trained_on, found.kind) == (("patient007",), Kind.IN_SAMPLE)
    assert evaluate(data, oracle, kind=Kind.HELD_OUT).trained_on == ()
    with pytest.raises(UsageError, match="patient007"):
        evaluate(data, oracle, kind=Kind.HELD_OUT, trained_on={trained})


def test_all_patients_of_the_training_are_counted_and_none_is_analysed_behind_the_first(data: Path) -> None:
    trained = {read_case(data / name).source_sha256() for name in ("patient006", "patient009")}

    def never(case: AcdcCase) -> Analysis:
        raise AssertionError

    with pytest.raises(UsageError, match="trained on 2 of the patients, such as patient006; expected none"):
        evaluate(data, never, kind=Kind.HELD_OUT, trained_on=trained)


def test_the_checksum_is_that_of_training_and_tells_contents_apart(data: Path) -> None:
    folder = data / "patient006"
    before = source_sha256(folder, read_acdc_case(folder))
    assert before == read_case(folder).source_sha256()
    remove_masks(folder)
    assert source_sha256(folder, read_acdc_case(folder)) != before
    assert checksum_of_all({"a": "1", "b": "2"}) == checksum_of_all({"b": "2", "a": "1"}) != checksum_of_all({"a": "1"})


def test_figures_of_trained_patients_are_never_called_held_out() -> None:
    assert checked_kind(Kind.NOT_STATED, ("patient007",)) is Kind.IN_SAMPLE
    assert checked_kind(Kind.IN_SAMPLE, ("patient007",)) is Kind.IN_SAMPLE
    assert checked_kind(Kind.HELD_OUT, ()) is Kind.HELD_OUT
    for kind in (Kind.HELD_OUT, Kind.OUT_OF_FOLD):
        with pytest.raises(UsageError, match="patient007"):
            checked_kind(kind, ("patient007",))


def test_a_kind_is_named_on_the_command_line_without_spaces() -> None:
    assert [kind.option for kind in Kind] == ["held-out", "out-of-fold", "in-sample", "not-stated"]
    assert all(Kind.of_option(kind.option) is kind for kind in Kind)


def test_the_command_evaluates_a_model_folder_into_a_folder_of_figures(data: Path, tmp_path: Path) -> None:
    network, out = random_network(CONFIGURATION, seed=0), tmp_path / "figures"
    model = write_model(tmp_path / "tiny", network, "1.0", Calibration(), Provenance()).folder
    text = evaluate_model(data, str(model), out, HoldOut(6, 10), Kind.HELD_OUT)
    assert "1 patients (held out)" in text
    record = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert (record["patients"], record["only"], record["model"]) == (["patient006"], "6/10", "tiny")
    assert record["command"] == "cardiacmtl-train evaluate --data data --model tiny --only 6/10 --kind held-out"
    assert len(record["weights"]) == len(record["data_sha256"]) == 64
    page = (out / "evaluation.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg") == 1
    assert str(tmp_path) not in page + (out / "summary.json").read_text(encoding="utf-8")


def test_an_undefined_diagnosis_keeps_its_reason(data: Path) -> None:
    def undecided(case: AcdcCase) -> Analysis:
        return analysis_of(case.study, masks=masks_of(Group.DCM), diagnosis=Diagnosis(None, None, "out of scope"))

    assert {case.reason for case in evaluate(data, undecided).figures} == {"out of scope"}
