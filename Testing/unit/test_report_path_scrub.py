"""Messages in reports name no folder: those of a computer tell who uses it, and often whom it is about."""

import pytest

from CardiacMTLLib.report.path_scrub import without_folders


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/data/x.nii.gz is not an image; expected NIfTI", "x.nii.gz is not an image; expected NIfTI"),
        ("/data/Doe, Jane/1950-01-31 (O'Neill)/x.nii is cut", "x.nii is cut"),
        ("cannot import 'a' from 'b' (/data/jane doe/b.py)", "cannot import 'a' from 'b' (b.py)"),
        (r"C:\Data\Jane Doe\x.nii is cut", "x.nii is cut"),
        (r"\\server\share\Doe^Jane\x.nii is cut", "x.nii is cut"),
        ("~/Doe/x.nii: ED in /b/y.nii is none", "x.nii: ED in y.nii is none"),
        ("'/tmp/Doe/x' is a folder", "'x' is a folder"),
        ("EDV 75 mL/m², and/or 1/2; doi 10.1186/s12968", "EDV 75 mL/m², and/or 1/2; doi 10.1186/s12968"),
        ("", ""),
    ],
)
def test_absolute_paths_are_cut_down_to_the_last_name(text, expected):
    assert without_folders(text) == expected
