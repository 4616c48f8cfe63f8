"""Two real studies: validators find nothing but what the source has, and masks come back bit by bit."""

import re

import numpy as np
import pydicom
import pytest

from CardiacMTLLib.labels import Phase
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.report.dicom.write import write_dicom
from Testing.unit.analyses import analysis_of
from Testing.unit.dicom_out import judged, mask_in, masks_of

BAD = ("Error", "Abort", "E:", "F:")
SUMMARY = "Error - Dicom dataset contains invalid data values for Value Representations"


@pytest.fixture(params=["SCD0000101", "SCD0000301"])
def written(request, data_root, tmp_path):
    folder = data_root / "scd" / request.param
    study = read_study(folder, ed_frame=0, es_frame=8)
    analysis = analysis_of(study, masks=masks_of(study))
    return analysis, write_dicom(analysis, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_the_only_errors_are_values_of_the_source_and_the_masks_are_whole(written):
    analysis, files = written
    source = analysis.study.source
    used = {frame for t in (0, 8) for frame in source.frames[t]}
    known = {source.study_uid, "00000000", *(f.sop_instance_uid for f in used), *(f.series_uid for f in used)}
    for path in files.paths:
        errors = [line for line in judged("dciodvfy", path) if line.startswith(BAD) and line != SUMMARY]
        assert {re.search(r"= <(.*?)>", line)[1] for line in errors} <= known
    images = [source.folder / frame.file for frame in source.frames[0][:2]]
    errors = [line for line in judged("dcentvfy", *files.paths, *images) if line.startswith(BAD)]
    assert [line for line in errors if not re.search("Leading zeroes|Birth Date", line)] == []
    for phase in Phase:
        path = files.folder / f"segmentation_{phase.lower()}.dcm"
        expected = analysis.study.in_file_axes(analysis.masks[phase])
        assert np.array_equal(mask_in(path, analysis.study.stored.geometry), expected)
    assert pydicom.dcmread(files.paths[-1]).PatientID == source.folder.name
