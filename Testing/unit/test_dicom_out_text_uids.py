"""Texts that fit every character set, UIDs that follow from the content, attributes that are copied as they stand."""

import re
import warnings

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from CardiacMTLLib.report.dicom.ascii_text import ascii_text
from CardiacMTLLib.report.dicom.patient_study import copy_patient, copy_study
from CardiacMTLLib.report.dicom.uids import stable_uid
from CardiacMTLLib.report.dicom.write import write_dicom
from Testing.unit.dicom_out import analysis_from, source_of


@given(st.lists(st.text(max_size=5), min_size=1, max_size=4))
def test_uids_are_valid_and_repeat(parts):
    uid = stable_uid(*parts)
    assert pydicom.uid.UID(uid).is_valid
    assert re.fullmatch(r"2\.25\.[1-9]\d{0,38}", uid)
    assert uid == stable_uid(*parts)


@given(st.lists(st.text(max_size=3), min_size=1, max_size=3), st.lists(st.text(max_size=3), min_size=1, max_size=3))
def test_other_parts_give_another_uid_however_they_are_split(one, other):
    assert (stable_uid(*one) == stable_uid(*other)) == (one == other)


@given(st.text())
def test_texts_become_ascii(text):
    assert ascii_text(text).isascii()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain text, 5 %", "plain text, 5 %"),
        ("3–4 mL/m², 30°, ±2", "3-4 mL/m2, 30 degrees, +/-2"),  # noqa: RUF001 - a dash as sentences have it
        ("é ≤ ≥ 2 × 3 σ", "e <= >= 2 x 3 sigma"),  # noqa: RUF001 - signs as sentences have them
        ("心", "?"),
    ],
)
def test_signs_are_spelled_out(text, plain):
    assert ascii_text(text) == plain


def test_values_are_copied_as_they_stand_even_where_they_are_invalid():
    source, target = Dataset(), Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source.PatientBirthDate, source.StudyDate, source.StudyDescription = "00000000", "20120000", ""
        copy_patient(source, target)
        copy_study(source, target)
    assert (target.PatientBirthDate, target.StudyDate, target.StudyDescription) == ("00000000", "20120000", "")
    assert target.PatientID == ""


def test_what_the_source_lacks_does_not_stay_in_the_target():
    target = Dataset()
    target.StudyDescription, target.AccessionNumber = "another", "another"
    copy_study(Dataset(), target)
    assert "StudyDescription" not in target
    assert target.AccessionNumber == ""


@pytest.mark.parametrize(
    ("character_set", "name"),
    [("ISO_IR 100", "Müller^Änne"), ("ISO_IR 192", "王^小东=王^小东"), (["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎")],
)
def test_names_of_any_character_set_arrive(tmp_path, character_set, name):
    def named(data, t, z):
        data.SpecificCharacterSet, data.PatientName = character_set, name
        return data

    files = write_dicom(analysis_from(source_of(tmp_path / "source", "GE", named)), tmp_path / "out")
    for path in files.paths:
        data = pydicom.dcmread(path)
        assert data.SpecificCharacterSet == character_set
        assert str(data.PatientName) == name
