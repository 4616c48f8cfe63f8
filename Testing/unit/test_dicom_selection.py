"""Which series are the short-axis cine, and what is said of the others."""

import re
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from CardiacMTLLib.errors import InputError, UsageError
from CardiacMTLLib.labels import Group
from CardiacMTLLib.phantom import SHORT_AXIS_DIRECTION, PhantomGrid, anatomy_of, make_phantom, write_phantom
from CardiacMTLLib.reading import read_study
from Testing.dicom_fixtures import localisers, long_axis, phantom, uid, write_classic

TRUTH = phantom().study


def retagged(series: int, **elements: object):
    """A change that makes images those of another series, with further elements."""

    def change(data: Dataset, t: int, z: int) -> Dataset:
        data.SeriesNumber, data.SeriesInstanceUID = series, uid("series", series)
        data.SOPInstanceUID = uid("image", series, t, z)
        for keyword, value in elements.items():
            setattr(data, keyword, value)
        return data

    return change


def transverse(data: Dataset, t: int, z: int) -> Dataset:
    """Slices square to the body's long axis."""
    data.ImageOrientationPatient, data.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-100.0, -100.0, 10.0 * z]
    return data


def not_a_cine(folder: Path) -> str:
    """What a study out of scope says that it found instead of a short-axis cine."""
    reason = read_study(folder).out_of_scope
    found = re.fullmatch(r"no short-axis cine is among the images \((.*)\): the study is out of scope", reason)
    return found[1]


def only(change, wanted):
    return lambda data, t, z: change(data, t, z) if wanted(t, z) else None


@pytest.mark.robustness(10)
def test_a_whole_study_gives_its_short_axis_cine_and_names_all_else(tmp_path: Path) -> None:
    localisers(tmp_path / "a", 1)
    write_classic(tmp_path / "b", "Siemens")
    long_axis(tmp_path / "c", 30)
    long_axis(tmp_path / "c", 41)
    still = only(retagged(50, InversionTime=300.0), lambda t, z: t == 0)
    write_classic(tmp_path / "d", change=still)
    study = read_study(tmp_path)
    assert (study.frames == TRUTH.frames).all()
    assert "Left out as long-axis views and other orientations: series 1, 30, 41 (19 images)." in study.warnings
    late = "Left out as images after an inversion pulse, such as late enhancement or T1 mapping: series 50 (5 images)."
    assert late in study.warnings
    assert len(study.warnings) == 2


OTHER_CONTENT = {
    "phase image": ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "flow or phase images"),
    "velocity map": ({"ImageType": ["ORIGINAL", "PRIMARY", "VELOCITY MAP", "P", "PCA"]}, "flow or phase images"),
    "magnitude of flow": ({"SequenceName": "*fl2d1_v150in", "EchoTime": 2.8}, "flow or phase images"),
    "magnitude of flow, Philips": ({"ImageType": ["ORIGINAL", "PRIMARY", "M_PCA", "M", "PCA"]}, "flow or phase images"),
    "flow by name": ({"SeriesDescription": "QFlow_aorta"}, "flow or phase images"),
    "inversion": ({"ScanningSequence": ["IR", "GR"]}, "images after an inversion pulse"),
    "localiser": ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localisers"),
    "reformatted": ({"ImageType": ["DERIVED", "SECONDARY", "MPR"]}, "computed images"),
    "map": ({"ImageType": ["DERIVED", "PRIMARY", "T1 MAP"]}, "computed images"),
    "tagging": ({"SeriesDescription": "cine_tagging_sa"}, "tagged images"),
    "perfusion by name": ({"SeriesDescription": "sa_perf_rest"}, "perfusion images"),
}


@pytest.mark.parametrize(("elements", "kind"), OTHER_CONTENT.values(), ids=OTHER_CONTENT.keys())
def test_other_content_in_the_same_planes_is_left_out_and_named(elements: dict[str, object], kind: str, tmp_path: Path) -> None:
    write_classic(tmp_path / "cine", "Siemens")
    write_classic(tmp_path / "other", change=retagged(90, **elements))
    study = read_study(tmp_path)
    assert {frame.series_uid for phase in study.source.frames for frame in phase}.isdisjoint({uid("series", 90)})
    assert any(warning.startswith(f"Left out as {kind}") and "series 90 (40 images)" in warning for warning in study.warnings)


@pytest.mark.parametrize(
    ("creator", "group", "offset"), [("GEMS_ACQU_01", 0x19, 0xCC), ("Philips Imaging DD 001", 0x2001, 0x1A)]
)
def test_a_private_velocity_means_flow(creator: str, group: int, offset: int, tmp_path: Path) -> None:
    def velocity(data: Dataset, t: int, z: int) -> Dataset:
        block = data.private_block(group, creator, create=True)
        block.add_new(offset, "SS" if group == 0x19 else "FL", 150)
        return data

    assert not_a_cine(write_classic(tmp_path, change=velocity)) == "flow or phase images: series 7 (40 images)"


def test_ordinary_names_of_cine_series_leave_nothing_out(tmp_path: Path) -> None:
    named = retagged(7, SeriesDescription="Cine FIESTA SA late local shim flow comp T2/T1", ProtocolName="tfl_stage_grid2d")
    assert read_study(write_classic(tmp_path, change=named)).warnings == ()


def test_images_of_several_heart_beats_are_no_cine(tmp_path: Path) -> None:
    def perfusion(data: Dataset, t: int, z: int) -> Dataset:
        data.TriggerTime, data.AcquisitionTime = 120.0, f"1200{t:02d}.000000"
        return data

    beats = "frames of several heart beats, such as perfusion or real-time images: series 7 (40 images)"
    assert not_a_cine(write_classic(tmp_path / "time of day", change=perfusion)) == beats

    def seconds_long(data: Dataset, t: int, z: int) -> Dataset:
        data.TriggerTime = 1500.0 * t
        return data

    assert not_a_cine(write_classic(tmp_path / "trigger", change=seconds_long)) == beats


def test_images_with_several_echo_times_are_no_cine(tmp_path: Path) -> None:
    def echoes(data: Dataset, t: int, z: int) -> Dataset:
        data.EchoTime = 2.0 + 2 * t
        return data

    assert not_a_cine(write_classic(tmp_path, change=echoes)) == "images with several echo times: series 7 (40 images)"


@pytest.fixture
def two_cines(tmp_path: Path) -> Path:
    """Series 7 with five slices, series 9 with four of the same slices."""
    write_classic(tmp_path / "one")
    write_classic(tmp_path / "two", change=only(retagged(9), lambda t, z: z < 4))
    return tmp_path


def test_of_two_cines_the_more_complete_one_is_taken_with_a_note(two_cines: Path) -> None:
    study = read_study(two_cines)
    assert study.geometry.size_xyz[2] == 5
    (note,) = study.warnings
    assert note == (
        "Of several short-axis cines the most complete, series 7 (40 images), was used; series 9 (32 images) with 4 slices of "
        "8 phases was left out (series 9 can be asked for)."
    )


@pytest.mark.parametrize("name", ["9", uid("series", 9)])
def test_a_series_can_be_chosen_by_number_or_uid(name: str, two_cines: Path) -> None:
    study = read_study(two_cines, series=name)
    assert study.geometry.size_xyz[2] == 4
    assert study.warnings == ("Left out, as another series was asked for: series 7 (40 images).",)


def test_a_series_that_is_not_there_is_refused_with_those_that_are(two_cines: Path) -> None:
    with pytest.raises(InputError, match="series 8 is not among the images that can be read; expected one of 7, 9;"):
        read_study(two_cines, series="8")


def test_a_chosen_series_of_another_kind_is_read_with_a_warning(tmp_path: Path) -> None:
    write_classic(tmp_path / "one")
    long_axis(tmp_path / "two", 30)
    study = read_study(tmp_path, series="30")
    assert study.frames.shape[:2] == (8, 1)
    assert "looks like no short-axis cine but like long-axis views" in study.warnings[0]


def test_a_series_is_refused_where_the_input_is_no_dicom(tmp_path: Path) -> None:
    write_phantom(phantom(), tmp_path / "cine.nii.gz")
    with pytest.raises(UsageError, match=r"got --series 3, but .* is not DICOM"):
        read_study(tmp_path / "cine.nii.gz", series="3")


def test_a_later_cine_wins_where_both_are_complete(tmp_path: Path) -> None:
    write_classic(tmp_path / "one")
    write_classic(tmp_path / "two", change=retagged(9))
    study = read_study(tmp_path)
    assert study.source.frames[0][0].series_uid == uid("series", 9)


def test_cines_of_two_studies_are_refused_until_a_series_is_named(tmp_path: Path) -> None:
    write_classic(tmp_path / "one")
    write_classic(tmp_path / "two", change=retagged(9, StudyInstanceUID=uid("another study")))
    with pytest.raises(InputError, match="short-axis cines of 2 studies are there"):
        read_study(tmp_path)
    assert read_study(tmp_path, series="9").source.study_uid == uid("another study")


def test_a_slice_acquired_twice_is_used_once(tmp_path: Path) -> None:
    write_classic(tmp_path / "one", "Siemens")
    write_classic(tmp_path / "again", "Siemens", change=only(retagged(60), lambda t, z: z == 1))
    study = read_study(tmp_path)
    used = {frame.series_uid for phase in study.source.frames for frame in phase}
    assert study.geometry.size_xyz[2] == 5
    assert uid("series", 60) in used
    assert uid("series", 26) not in used
    assert "series 26 (8 images) with 1 slice of 8 phases was left out" in study.warnings[0]


def test_parts_of_a_stack_in_several_series_are_joined(tmp_path: Path) -> None:
    write_classic(tmp_path / "base", change=only(retagged(7), lambda t, z: z < 3))
    write_classic(tmp_path / "apex", change=only(retagged(9), lambda t, z: z == 3))
    write_classic(tmp_path / "more", change=only(retagged(8), lambda t, z: z == 4))
    study = read_study(tmp_path)
    assert (study.frames == TRUTH.frames).all()
    assert study.warnings == ()


def test_series_that_interleave_are_joined(tmp_path: Path) -> None:
    write_classic(tmp_path / "even", change=only(retagged(7), lambda t, z: z % 2 == 0))
    write_classic(tmp_path / "odd", change=only(retagged(9), lambda t, z: z % 2 == 1))
    study = read_study(tmp_path)
    assert (study.frames == TRUTH.frames).all()
    assert study.warnings == ()


def test_a_stack_that_is_alone_and_turned_is_read_with_a_warning_and_its_content_will_decide(tmp_path: Path) -> None:
    study = read_study(write_classic(tmp_path, change=transverse))
    assert study.frames.shape[:2] == (8, 5)
    assert study.out_of_scope is None
    assert study.warnings[0].startswith("The only images that can be read lie 59 degrees off the usual short axis")


@pytest.mark.robustness(18)
def test_a_study_without_a_short_axis_cine_is_out_of_scope_with_what_was_found(tmp_path: Path) -> None:
    localisers(tmp_path)
    long_axis(tmp_path)
    assert not_a_cine(tmp_path) == "long-axis views and other orientations: series 1, 30 (11 images)"
    study = read_study(tmp_path)
    assert study.frames.shape[:2] == (8, 1)
    assert "one slice of series 30 (8 images) is shown, and nothing is measured" in study.warnings[0]


def test_of_images_that_are_no_cine_anatomy_is_shown_rather_than_flow(tmp_path: Path) -> None:
    write_classic(tmp_path / "flow", change=retagged(90, ImageType=["ORIGINAL", "PRIMARY", "P"]))
    study = read_study(long_axis(tmp_path))
    assert {frame.series_uid for phase in study.source.frames for frame in phase} == {uid("series", 30)}


def test_two_studies_without_a_short_axis_cine_are_refused(tmp_path: Path) -> None:
    long_axis(tmp_path)
    write_classic(tmp_path, change=retagged(90, StudyInstanceUID=uid("another study"), ImageType=["ORIGINAL", "PRIMARY", "P"]))
    with pytest.raises(InputError, match="no short-axis cine was found in several studies"):
        read_study(tmp_path)


def test_a_frame_of_reference_that_differs_in_every_image_is_no_obstacle(tmp_path: Path) -> None:
    def scrambled(data: Dataset, t: int, z: int) -> Dataset:
        data.FrameOfReferenceUID = uid("scrambled", t, z)
        return data

    study = read_study(write_classic(tmp_path, change=scrambled))
    assert study.frames.shape == TRUTH.frames.shape
    assert study.source.frame_of_reference_uid == ""


def test_series_with_other_frames_of_reference_are_not_joined(tmp_path: Path) -> None:
    write_classic(tmp_path / "one", change=only(retagged(7), lambda t, z: z < 3))
    write_classic(tmp_path / "two", change=only(retagged(9, FrameOfReferenceUID=uid("moved")), lambda t, z: z >= 3))
    assert read_study(tmp_path).geometry.size_xyz[2] == 3


@pytest.mark.robustness(10)
def test_slices_of_another_matrix_are_left_out_and_named(tmp_path: Path) -> None:
    def another_matrix(data: Dataset, t: int, z: int) -> Dataset:
        if z == 4:
            pixels = data.pixel_array[:-4].copy()
            data.Rows = pixels.shape[0]
            data.PixelData = pixels.tobytes()
        return data

    from pydicom.uid import ExplicitVRLittleEndian  # noqa: PLC0415 - only here

    def with_syntax(data: Dataset, t: int, z: int) -> Dataset:
        data.file_meta = Dataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        return another_matrix(data, t, z)

    study = read_study(write_classic(tmp_path, change=with_syntax))
    assert study.geometry.size_xyz[2] == 4
    assert study.warnings[0].endswith("with 1 slice of 8 phases was left out (its matrix is 44 x 32, not 44 x 36).")


@pytest.mark.robustness(10)
def test_a_slice_turned_against_the_others_is_left_out_and_named(tmp_path: Path) -> None:
    def turned(data: Dataset, t: int, z: int) -> Dataset:
        if z == 0:
            data.ImageOrientationPatient = [*data.ImageOrientationPatient[3:], *(-v for v in data.ImageOrientationPatient[:3])]
        return data

    study = read_study(write_classic(tmp_path, change=turned))
    assert study.geometry.size_xyz[2] == 4
    assert study.warnings[0].endswith("was left out (its orientation is another).")


@pytest.mark.parametrize(
    ("elements", "difference"),
    [({"PixelSpacing": [5.5, 4.5]}, "its pixel spacing is another"), ({}, "it lies elsewhere")],
    ids=["spacing", "place"],
)
def test_what_keeps_two_stacks_of_one_series_apart_is_named(
    elements: dict[str, object], difference: str, tmp_path: Path
) -> None:
    def other(data: Dataset, t: int, z: int) -> Dataset:
        if z == 4:
            moved = [float(value) for value in data.ImagePositionPatient]
            data.ImagePositionPatient = [moved[0] + 25, moved[1] + 25, moved[2]]
            for keyword, value in elements.items():
                setattr(data, keyword, value)
        return data

    assert read_study(write_classic(tmp_path, change=other)).warnings[0].endswith(f"was left out ({difference}).")


NEAR_TIES = {
    "row nearly along two axes": (0.7071, 0.7071, 0.0),
    "row along no axis": (0.577, 0.577, -0.577),
}


@pytest.mark.parametrize("row", NEAR_TIES.values(), ids=NEAR_TIES.keys())
def test_orientations_that_nearly_tie_between_axes_keep_their_slice_axis(
    row: tuple[float, float, float], tmp_path: Path
) -> None:
    import numpy as np  # noqa: PLC0415 - only here

    normal = np.array(SHORT_AXIS_DIRECTION).reshape(3, 3)[:, 2]
    x = np.array(row) - (np.array(row) @ normal) * normal
    x /= np.linalg.norm(x)
    direction = tuple(np.column_stack([x, np.cross(normal, x), normal]).ravel().tolist())
    grid = PhantomGrid(size_xyz=(40, 32, 4), spacing_xyz_mm=(5.0, 5.5, 22.0), direction=direction)
    truth = make_phantom(anatomy_of(Group.NOR), grid, n_frames=3).study
    study = read_study(write_classic(tmp_path, study=truth))
    assert (study.frames == truth.frames).all()
    assert study.geometry.matches(truth.geometry, tolerance_mm=2e-3)
