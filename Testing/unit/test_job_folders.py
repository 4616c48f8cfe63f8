import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from CardiacMTLLib.analysis import Analysis, QualityFlag
from CardiacMTLLib.errors import InputError, OutputError
from CardiacMTLLib.geometry import AxisOrder, Geometry
from CardiacMTLLib.job.folder import JOB_VERSION, Job, read_job, write_job
from CardiacMTLLib.job.result import RESULT_VERSION, read_result, write_result
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.slices import SliceSelection
from CardiacMTLLib.phantom import SHORT_AXIS_DIRECTION
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.report.record import record_text, result_record
from CardiacMTLLib.source import DicomSource
from CardiacMTLLib.volume import CineStudy, Patient, Sex, StoredGrid
from Testing.unit.analyses import analysis_of, study_like
from Testing.unit.hearts import ED_HEART, ES_HEART, study_of
from Testing.unit.oracle import ORACLE_GRID, oracle_model, painted_frames

torch.set_num_threads(1)


def same(one, other):
    """Whether two values, arrays anywhere within them, are equal and of the same types."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return isinstance(other, dict) and list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if hasattr(one, "__dataclass_fields__"):
        return type(one) is type(other) and all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return type(one) is type(other) and one == other


def left_handed_study():
    geometry = Geometry((7, 5, 3), (1.25, 1.5, 9.6), SHORT_AXIS_DIRECTION, (-60.5, 1 / 3, 1e-7))
    order = AxisOrder((2, 0, 1), (True, False, True))
    frames = np.random.default_rng(1).normal(size=(4, 3, 5, 7)).astype(np.float32)
    return CineStudy(
        frames,
        geometry,
        StoredGrid(order.inverse.geometry(geometry), order, 35.5, 0.1),
        (0.0, 0.1, 0.2, 1 / 3),
        2,
        None,
        Patient(174.5, None, Sex.FEMALE, 61.0),
        ("eine Warnung \u00e4\u00f6",),
        frame_numbers=(2, 5, 9, 16),
    )


def test_a_job_comes_back_as_it_was_but_for_the_names_of_the_files_behind_it(tmp_path):
    plain = left_handed_study()
    study = replace(plain, source=DicomSource("1.2", "3.4", (), Path("a patient's folder")))
    job = Job(study, "acdc-joint", "cuda", True, SliceSelection(frozenset({0, 2}), frozenset()))
    write_job(job, tmp_path / "job")
    back = read_job(tmp_path / "job")
    assert same(back, replace(job, study=plain))
    assert "patient's" not in (tmp_path / "job" / "job.json").read_text(encoding="utf-8")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["frames.npy", "job", "job.json"]


def test_a_job_of_defaults_and_of_voxels_in_any_order_comes_back(tmp_path):
    frames = np.asfortranarray(np.arange(120, dtype=">i2").reshape(2, 3, 4, 5))[:, ::-1]
    job = Job(study_of(frames, (1.0, 1.0, 9.0)))
    write_job(job, tmp_path / "job")
    back = read_job(tmp_path / "job")
    assert np.array_equal(back.study.frames, frames)
    assert (back.model, back.device, back.whole_cycle, back.left_out) == (None, "auto", False, SliceSelection())


TRUTH = np.stack([ED_HEART.mask(ORACLE_GRID), ES_HEART.mask(ORACLE_GRID)])


@pytest.fixture(scope="module")
def whole_analysis():
    frames = painted_frames(TRUTH, ORACLE_GRID.spacing_xyz_mm)
    study = study_of(frames, ORACLE_GRID.spacing_xyz_mm, ed_frame=0, es_frame=1)
    left_out = SliceSelection(frozenset({7}), frozenset())
    return analyse(study, oracle_model(), device="cpu", whole_cycle=True, left_out=left_out)


ANALYSES = {
    "one phase": lambda: analysis_of(study_like(n_frames=1)),
    "a cycle with flags": lambda: replace(
        analysis_of(cine=True, flags=(QualityFlag("a", "b", "c"),)), predicted_dice={"LV_ED": 1 / 3}, scope_score=0.25
    ),
}


@pytest.mark.parametrize("make", ANALYSES.values(), ids=ANALYSES)
def test_an_analysis_comes_back_with_every_field_as_it_was(make, tmp_path):
    check_round_trip(make(), tmp_path)


def test_an_analysis_of_the_pipeline_comes_back_with_every_field_as_it_was(whole_analysis, tmp_path):
    for name in ("cine_masks", "segments", "curves"):
        assert getattr(whole_analysis, name) is not None
    assert whole_analysis.diagnosis.explanation is not None
    check_round_trip(whole_analysis, tmp_path)


def check_round_trip(analysis, tmp_path):
    write_result(analysis, tmp_path / "result")
    back = read_result(tmp_path / "result", analysis.study)
    assert back.study is analysis.study
    for field in fields(Analysis):
        if field.name != "study":
            assert same(getattr(back, field.name), getattr(analysis, field.name)), field.name
    assert (tmp_path / "result" / "result.json").read_text(encoding="utf-8") == json.dumps(
        json.loads(record_text(result_record(analysis))), ensure_ascii=False, indent=1
    ) + "\n"
    assert [path.name for path in tmp_path.iterdir()] == ["result"]


def job_folder(tmp_path):
    write_job(Job(study_like()), tmp_path / "job")
    return tmp_path / "job"


def change(path, **values):
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


DAMAGE = {
    "no folder": (lambda f: f.rename(f.with_name("elsewhere")), r"job/job.json cannot be read \(No such file"),
    "no record": (lambda f: (f / "job.json").unlink(), "No such file"),
    "an empty record": (lambda f: (f / "job.json").write_text(""), "cannot be read"),
    "deep nesting": (lambda f: (f / "job.json").write_text("[" * 100_000), "cannot be read"),
    "other bytes": (lambda f: (f / "job.json").write_bytes(b"\xff\xfe"), "cannot be read"),
    "a list": (lambda f: (f / "job.json").write_text("[]"), "has version None"),
    "a later version": (lambda f: change(f / "job.json", version=JOB_VERSION + 1), "has version 2; expected 1"),
    "a version that is no number": (lambda f: change(f / "job.json", version=True), "has version True"),
    "an unknown key": (lambda f: change(f / "job.json", colour="red"), "unknown keys"),
    "no study": (lambda f: change(f / "job.json", study=None), "cannot be rebuilt"),
    "a device that is no text": (lambda f: change(f / "job.json", device=3), "device is 3; expected str"),
    "no voxels": (lambda f: (f / "frames.npy").unlink(), "has no study"),
    "half the voxels": (lambda f: (f / "frames.npy").write_bytes((f / "frames.npy").read_bytes()[:-9]), "cannot be read"),
    "empty voxels": (lambda f: (f / "frames.npy").write_bytes(b""), "cannot be read"),
    "a pickle": (lambda f: np.save(f / "frames.npy", np.array([{}]), allow_pickle=True), "cannot be read"),
    "voxels of another shape": (lambda f: np.save(f / "frames.npy", np.zeros((2, 3))), "frames have shape"),
}


@pytest.mark.parametrize(("damage", "words"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_job_is_refused_in_one_line(damage, words, tmp_path):
    folder = job_folder(tmp_path)
    damage(folder)
    with pytest.raises(InputError, match=words) as caught:
        read_job(folder)
    assert "\n" not in str(caught.value)


def test_a_result_of_another_study_version_or_kind_is_refused(tmp_path):
    folder = tmp_path / "result"
    write_result(analysis_of(), folder)
    with pytest.raises(InputError, match="masks of shape"):
        read_result(folder, study_like(size_xyz=(8, 8, 2)))
    change(folder / "analysis.json", version=RESULT_VERSION + 1)
    with pytest.raises(InputError, match="has version 2"):
        read_result(folder, study_like())


def test_cycle_masks_of_another_number_of_frames_are_refused(tmp_path):
    write_result(analysis_of(cine=True), tmp_path / "result")
    with pytest.raises(InputError, match="masks of shape"):
        read_result(tmp_path / "result", study_like(n_frames=3))


def test_a_folder_that_is_there_already_is_not_touched(tmp_path):
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "kept").write_text("x")
    with pytest.raises(OutputError, match="is there already"):
        write_job(Job(study_like()), tmp_path / "job")
    assert [path.name for path in tmp_path.rglob("*")] == ["job", "kept"]


def test_what_an_earlier_writer_left_behind_is_cleared_away(tmp_path):
    (tmp_path / "job.partial").mkdir()
    (tmp_path / "job.partial" / "old.npy").write_text("x")
    folder = job_folder(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["frames.npy", "job.json"]
    assert not (tmp_path / "job.partial").exists()


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path, monkeypatch):
    def pieces(path, array):
        path.write_bytes(b"half")
        yield
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("CardiacMTLLib.job.folder.array_pieces", pieces)
    with pytest.raises(OutputError, match=r"cannot be written \(No space left on device\)"):
        write_job(Job(study_like()), tmp_path / "job")
    assert list(tmp_path.iterdir()) == []


def test_masks_keep_the_library_s_coding(tmp_path):
    analysis = analysis_of()
    write_result(analysis, tmp_path / "result")
    stored = np.load(tmp_path / "result" / "masks.ED.npy")
    assert stored.shape == analysis.study.geometry.shape_zyx
    assert set(np.unique(stored)) == {int(label) for label in Label}
    assert np.array_equal(stored, analysis.masks[Phase.ED])
