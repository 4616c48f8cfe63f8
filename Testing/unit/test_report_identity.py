"""A report names the patient when that is asked for, from the headers of the images, and never otherwise."""

import warnings
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from CardiacMTLLib.errors import InputError
from CardiacMTLLib.report.context import ReportContext
from CardiacMTLLib.report.html import render_report
from CardiacMTLLib.report.identity import PatientIdentity, read_identity
from CardiacMTLLib.report.templating import css_string
from CardiacMTLLib.source import DicomSource, SourceFrame
from Testing.dicom_fixtures import uid, write
from Testing.unit.analyses import analysis_of
from Testing.unit.full_report import JANE, NOTHING
from Testing.unit.html_page import Page


def source_of(folder, **elements):
    """A study of one image whose header has `elements`."""
    data = Dataset()
    data.SOPInstanceUID = uid("image")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of values that break the standard
        for keyword, value in elements.items():
            setattr(data, keyword, value)
        write(data, folder / "image")
    frame = SourceFrame("1.2", "1.3", "1.4", None, Path("image"))
    return DicomSource("1.5", "1.6", ((frame,),), folder)


def page(identity):
    return render_report(analysis_of(), sheet=NOTHING, view=NOTHING, context=ReportContext(identity=identity))


def test_the_headers_say_who_the_patient_is(tmp_path):
    source = source_of(
        tmp_path,
        PatientName="Doe^Jane^Q",
        PatientID=" 4711 ",
        PatientBirthDate="19500131",
        StudyDate="20260203",
        AccessionNumber="A 99",
    )

    assert read_identity(source) == PatientIdentity("Doe, Jane Q", "4711", "1950-01-31", "2026-02-03", "A 99")


@pytest.mark.parametrize(
    ("stored", "charset", "shown"),
    [
        ("Müller^Hans", "ISO_IR 100", "Müller, Hans"),
        ("Yamada^Tarou=山田^太郎", "ISO_IR 192", "Yamada, Tarou"),
        ("=山田^太郎", "ISO_IR 192", "山田, 太郎"),
        ("Doe", "ISO_IR 6", "Doe"),
        ("^^^", "ISO_IR 6", None),
    ],
)
def test_names_are_written_as_they_are_read(tmp_path, stored, charset, shown):
    assert read_identity(source_of(tmp_path, SpecificCharacterSet=charset, PatientName=stored)).name == shown


def test_what_the_headers_do_not_say_is_left_out(tmp_path):
    identity = read_identity(source_of(tmp_path, PatientID="", StudyDate="1999.12.31", PatientBirthDate="unknown"))

    assert identity == PatientIdentity(None, None, "unknown", "1999-12-31", None)
    assert identity.entries == (("Date of birth", "unknown"), ("Study date", "1999-12-31"))


def test_a_study_from_another_format_names_nobody():
    assert read_identity(None).entries == ()
    assert "The input names no patient." in Page(page(read_identity(None))).text


def test_images_that_are_gone_are_an_error_without_their_path(tmp_path):
    source = source_of(tmp_path)
    (tmp_path / "image").unlink()

    with pytest.raises(InputError, match="cannot be read any more; expected them where they were") as caught:
        read_identity(source)
    assert str(tmp_path) not in str(caught.value)


def test_the_report_names_the_patient_on_its_first_page_and_below_each_printed_one():
    html = page(JANE)
    text = Page(html).text

    for title, value in JANE.entries:
        assert f"{title} {value}" in text
    assert text.index("Doe, Jane") < text.index("Pattern most like")
    assert f"@bottom-left {{ content: {css_string('Doe, Jane; 4711; 1950-01-31')}; }}" in html


def test_the_report_names_nobody_unless_asked():
    text = Page(page(None)).text

    assert not any(title in text for title, _ in JANE.entries)
    assert "names no patient" not in text


@pytest.mark.parametrize("name", ['</style><script>alert("x")</script>', "\\000022;} body { display: none", 'a"; } @import "x'])
def test_a_hostile_name_stays_a_text_on_page_and_in_style(name):
    html = page(PatientIdentity(name, name, name, name, name))
    read = Page(html)

    assert read.scripts == read.loads == []
    assert " ".join(name.split()) in read.text
    assert name not in " ".join(read.styles)


def test_control_characters_of_a_header_do_not_reach_the_page(tmp_path):
    identity = read_identity(source_of(tmp_path, PatientName="Doe\x07^Ja\u202ene", SpecificCharacterSet="ISO_IR 192"))

    assert identity.name is not None
    assert identity.name.isprintable()
