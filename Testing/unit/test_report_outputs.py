import errno
import json
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import matplotlib.backends.backend_agg  # noqa: F401 - whole, before a test takes Pillow away
import pytest
import SimpleITK as sitk

from CardiacMTLLib.errors import CardiacMTLError, MissingPackageError, OutputError
from CardiacMTLLib.outputs import RESULT_FILES, write_outputs
from CardiacMTLLib.report.publish import check_output_folder, published
from CardiacMTLLib.report.record import result_record
from Testing.unit.analyses import analysis_of, study_like

ANALYSIS = analysis_of(cine=True)


def write_scene(analysis, path):
    path.write_bytes(b"scene")


def draw_view(analysis, path):
    path.write_bytes(b"\x89PNG")


def no_slicer(analysis, path):
    raise MissingPackageError("slicer-core is not installed; install slicer-core")


def everything_below(folder):
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def test_a_run_writes_all_files_under_their_names(tmp_path):
    files = write_outputs(ANALYSIS, tmp_path / "out", scene_writer=write_scene, view_renderer=draw_view)

    assert files.names == RESULT_FILES
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(RESULT_FILES)
    assert files.notes == ()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_record_on_disk_is_the_record(tmp_path):
    write_outputs(ANALYSIS, tmp_path / "out")

    assert json.loads((tmp_path / "out/result.json").read_text(encoding="utf-8")) == result_record(ANALYSIS)


def test_masks_have_the_frames_they_are_named_after(tmp_path):
    write_outputs(ANALYSIS, tmp_path / "out")
    sizes = {
        name: sitk.ReadImage(str(tmp_path / "out" / f"segmentation_{name}.nii.gz")).GetSize() for name in ("ed", "es", "cine")
    }

    assert sizes == {"ed": (72, 64, 5), "es": (72, 64, 5), "cine": (72, 64, 5, 2)}


def test_without_slicer_everything_but_scene_and_3d_view_is_written_and_the_notes_say_so(tmp_path):
    files = write_outputs(ANALYSIS, tmp_path / "out", scene_writer=no_slicer, view_renderer=no_slicer)

    assert set(RESULT_FILES) - set(files.names) == {"overlay_3d.png", "scene.mrb"}
    assert files.notes == (
        "overlay_3d.png is left out: slicer-core is not installed; install slicer-core",
        "scene.mrb is left out: slicer-core is not installed; install slicer-core",
    )
    assert "slicer-core is not installed" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("package", "missing"),
    [
        ("PIL", {"overlay.png", "bullseye.png", "curves.png"}),
        ("jinja2", {"report.html"}),
        ("matplotlib.figure", {"bullseye.png", "curves.png"}),
    ],
)
def test_without_a_report_package_the_rest_is_written(package, missing, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    for name in ("sheet_drawing", "tile", "bullseye_drawing", "curve_drawing"):
        monkeypatch.delitem(sys.modules, f"CardiacMTLLib.report.{name}", raising=False)
    files = write_outputs(ANALYSIS, tmp_path / "out", scene_writer=write_scene, view_renderer=draw_view)

    assert set(RESULT_FILES) - set(files.names) == missing
    assert len(files.notes) == len(missing)


def test_a_half_drawn_picture_is_not_left_behind(tmp_path):
    def breaks(analysis, path):
        path.write_bytes(b"half")
        raise CardiacMTLError("no surfaces")

    files = write_outputs(ANALYSIS, tmp_path / "out", view_renderer=breaks)

    assert "overlay_3d.png" not in files.names
    assert not (tmp_path / "out/overlay_3d.png").exists()


def test_a_phase_that_was_not_found_has_no_mask_file_and_a_note(tmp_path):
    files = write_outputs(analysis_of(study_like(n_frames=1)), tmp_path / "out")

    assert "segmentation_es.nii.gz" not in files.names
    assert "segmentation_es.nii.gz is left out: ES was not segmented" in files.notes


FAILURES = {
    "full disk": OSError(errno.ENOSPC, "No space left on device"),
    "a writer's own error": OutputError("scene could not be written"),
    "a defect": ZeroDivisionError("defect"),
    "interruption": KeyboardInterrupt(),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_leaves_nothing(failure, tmp_path):
    def fails(analysis, path):
        path.write_bytes(b"half")
        raise failure

    with pytest.raises(OutputError if isinstance(failure, OSError) else type(failure)):
        write_outputs(ANALYSIS, tmp_path / "made" / "by us" / "out", scene_writer=fails)

    assert everything_below(tmp_path) == {}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_leaves_earlier_results_as_they_were(failure, tmp_path):
    def fails(analysis, path):
        raise failure

    write_outputs(ANALYSIS, tmp_path / "out", scene_writer=write_scene)
    (tmp_path / "out/notes.txt").write_text("mine", encoding="utf-8")
    before = everything_below(tmp_path)

    with pytest.raises(OutputError if isinstance(failure, OSError) else type(failure)):
        write_outputs(replace(ANALYSIS, flags=()), tmp_path / "out", scene_writer=fails)

    assert everything_below(tmp_path) == before


def test_a_rerun_replaces_its_own_files_removes_stale_ones_and_keeps_foreign_ones(tmp_path):
    write_outputs(ANALYSIS, tmp_path / "out", scene_writer=write_scene, view_renderer=draw_view)
    (tmp_path / "out/notes.txt").write_text("mine", encoding="utf-8")
    (tmp_path / "out/folder").mkdir()
    files = write_outputs(analysis_of(study_like(n_frames=1)), tmp_path / "out", scene_writer=no_slicer)

    assert {path.name for path in (tmp_path / "out").iterdir()} == {*files.names, "notes.txt", "folder"}
    assert not {"scene.mrb", "overlay_3d.png", "segmentation_es.nii.gz", "segmentation_cine.nii.gz"} & set(files.names)
    assert json.loads((tmp_path / "out/result.json").read_text(encoding="utf-8"))["frames"]["es"] is None


def test_work_in_progress_is_private_and_neutrally_named(tmp_path):
    seen = []

    def look(analysis, path):
        staging = path.parent.parent
        seen.extend((staging.stat().st_mode & 0o777, "Jane" in str(staging.relative_to(tmp_path))))
        write_scene(analysis, path)

    write_outputs(ANALYSIS, tmp_path / "Jane Doe", scene_writer=look)

    assert seen == [0o700, False] if os.name == "posix" else seen[1:] == [False]


def test_the_output_folder_has_the_permissions_of_any_new_folder(tmp_path):
    (tmp_path / "any").mkdir()
    write_outputs(ANALYSIS, tmp_path / "out")

    assert (tmp_path / "out").stat().st_mode == (tmp_path / "any").stat().st_mode


def test_an_error_names_the_folder_that_the_user_gave(tmp_path):
    def fails(analysis, path):
        raise OutputError(f"{path} could not be written")

    with pytest.raises(OutputError) as caught:
        write_outputs(ANALYSIS, tmp_path / "out", scene_writer=fails)

    assert str(caught.value) == f"{tmp_path / 'out' / 'scene.mrb'} could not be written"


@pytest.mark.parametrize("name", ["out", "out/below"])
def test_a_file_in_the_place_of_the_folder_is_refused(name, tmp_path):
    (tmp_path / "out").write_text("mine", encoding="utf-8")

    for attempt in (check_output_folder, lambda out: write_outputs(ANALYSIS, out)):
        with pytest.raises(OutputError, match="is a file; expected an output folder"):
            attempt(tmp_path / name)
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


def test_paths_with_spaces_and_umlauts_work(tmp_path):
    out = tmp_path / "Ergebnisse für Müller & Söhne"

    assert write_outputs(ANALYSIS, out).folder == out
    assert (out / "result.json").is_file()


def test_a_move_that_fails_halfway_is_undone(tmp_path):
    out = tmp_path / "out"
    (out / "b").mkdir(parents=True)
    (out / "a").write_text("old", encoding="utf-8")
    before = everything_below(tmp_path)

    def publish_over_a_folder():
        with published(out, ["a"]) as folder:
            (folder / "a").write_text("new", encoding="utf-8")
            (folder / "b").write_text("collides with a folder", encoding="utf-8")

    with pytest.raises(OutputError):
        publish_over_a_folder()

    assert everything_below(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes, which POSIX has")
@pytest.mark.parametrize("room_bytes", [20_000, 60_000])
def test_a_disk_that_fills_up_ends_in_one_clear_error(room_bytes, tmp_path, capfd):
    import resource  # noqa: PLC0415 - POSIX only

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        with pytest.raises(OutputError) as caught:
            write_outputs(ANALYSIS, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert str(tmp_path / "out") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""
    assert everything_below(tmp_path) == {}


def test_extra_files_belong_to_the_run(tmp_path):
    def copy(path: Path) -> None:
        path.write_text("phantom", encoding="utf-8")

    files = write_outputs(ANALYSIS, tmp_path / "out", extras={"phantom.txt": copy})

    assert files.names[-1] == "phantom.txt"
    assert (tmp_path / "out/phantom.txt").read_text(encoding="utf-8") == "phantom"


@pytest.mark.parametrize("at_once", [False, True])
def test_scene_and_view_may_be_made_while_the_other_files_are_written(tmp_path, at_once):
    begun = {name: threading.Event() for name in ("view", "scene")}
    main = threading.current_thread()

    def view(analysis, path):
        begun["view"].set()
        assert (threading.current_thread() is main) != at_once
        draw_view(analysis, path)

    def scene(analysis, path):
        begun["scene"].set()
        no_slicer(analysis, path)

    files = write_outputs(ANALYSIS, tmp_path / "out", scene_writer=scene, view_renderer=view, at_once=at_once)

    assert all(event.is_set() for event in begun.values())
    assert "overlay_3d.png" in files.names
    assert files.notes == ("scene.mrb is left out: slicer-core is not installed; install slicer-core",)


def test_a_failure_beside_the_other_files_leaves_nothing_behind(tmp_path):
    def fails(analysis, path):
        raise OutputError("no room")

    with pytest.raises(OutputError, match="no room"):
        write_outputs(ANALYSIS, tmp_path / "out", scene_writer=write_scene, view_renderer=fails, at_once=True)
    assert list(tmp_path.iterdir()) == []
