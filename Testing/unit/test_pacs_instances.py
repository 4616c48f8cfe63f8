"""Which files are sent, and which are refused before anything is."""

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.pacs.instances import Instance, find_instances, read_instance
from Testing.dicom_fixtures import write
from Testing.unit.pacs_nodes import dicom_file

DIRECTORY = "1.2.840.10008.1.3.10"


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_a_file_says_what_it_is_and_how_it_is_encoded(tmp_path, syntax):
    path = dicom_file(tmp_path / "a", syntax=syntax)
    instance = read_instance(path)
    assert instance == Instance(str(path), MRImageStorage, instance.sop_instance_uid, syntax)


def test_a_uid_as_some_scanners_write_it_passes_without_a_word(tmp_path):
    path = dicom_file(tmp_path / "a")
    old = read_instance(path).sop_instance_uid
    odd = "1.2.03." + "4" * (len(old) - 7)
    path.write_bytes(path.read_bytes().replace(old.encode(), odd.encode()))
    assert read_instance(path).sop_instance_uid == odd


def test_all_dicom_below_a_folder_is_found_in_order_and_other_files_are_counted(tmp_path):
    inner = tmp_path / "case" / "dicom"
    paths = [dicom_file(inner / name) for name in ("b.dcm", "a")]
    dicom_file(tmp_path / "DICOMDIR", sop_class=DIRECTORY)
    (tmp_path / "result.json").write_text("{}", encoding="utf-8")
    (tmp_path / "empty").touch()
    found = find_instances([tmp_path, paths[0]])
    assert [instance.path for instance in found.instances] == [str(paths[1]), str(paths[0])]
    assert found.left_out == 3


def test_two_files_with_one_uid_are_refused_for_one_of_them_would_be_lost(tmp_path):
    path = dicom_file(tmp_path / "a")
    (tmp_path / "b").write_bytes(path.read_bytes())
    with pytest.raises(InputError, match=r"/a and .*/b have the same SOP Instance UID"):
        find_instances([tmp_path])


def test_a_folder_without_dicom_is_refused(tmp_path):
    (tmp_path / "result.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"no DICOM file was found \(1 other files\)"):
        find_instances([tmp_path])


def test_a_path_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match="absent is not there"):
        find_instances([tmp_path / "absent"])
    with pytest.raises(InputError, match="absent cannot be read"):
        read_instance(tmp_path / "absent")


def test_a_file_given_by_name_must_be_dicom(tmp_path):
    (tmp_path / "result.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match=r"result\.json is not a DICOM file, or damaged"):
        find_instances([tmp_path / "result.json"])


@pytest.mark.parametrize("n_bytes", [1, 100, 129, 205, 300])
def test_a_file_that_ends_early_is_refused_before_anything_is_sent(tmp_path, n_bytes):
    path = dicom_file(tmp_path / "a")
    path.write_bytes(path.read_bytes()[:-n_bytes])
    with pytest.raises(InputError, match="damaged"):
        find_instances([tmp_path])


def test_a_file_without_content_is_refused(tmp_path):
    with pytest.raises(InputError, match="damaged"):
        read_instance(write(Dataset(), tmp_path / "a"))


def test_a_file_whose_meta_information_speaks_of_another_instance_is_refused(tmp_path):
    path = dicom_file(tmp_path / "a")
    uid = read_instance(path).sop_instance_uid.encode()
    path.write_bytes(path.read_bytes().replace(uid, uid[:-1] + (b"1" if uid[-1:] == b"0" else b"0"), 1))
    with pytest.raises(InputError, match="states one SOP instance and holds another"):
        find_instances([path])


def test_a_file_that_ends_with_a_sequence_of_open_length_is_taken(tmp_path):
    data = Dataset()
    data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, "1.2.3"
    data.ContentSequence = [Dataset()]
    data["ContentSequence"].is_undefined_length = True
    assert read_instance(write(data, tmp_path / "a")).sop_instance_uid == "1.2.3"


def test_a_file_in_a_folder_that_cannot_be_opened_is_named(tmp_path, monkeypatch):
    path = dicom_file(tmp_path / "a")

    def refuse(self, *arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(InputError, match=r"a cannot be read \(Permission denied\)"):
        find_instances([path.parent])
