"""What a panel needs is found again in a scene that was saved and loaded, and can be computed anew from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.measure.segments import measure_segments
from CardiacMTLLib.network.heads import load_heads
from CardiacMTLLib.recompute import recompute
from CardiacMTLLib.report.record import result_record
from CardiacMTLLib.volume import Patient, Sex
from Testing.scene.nodes import table_rows
from Testing.scene.studies import make_analysis, withheld_diagnosis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

import slicer

from CardiacMTLScene.build import SceneNodes, SceneOptions, build_scene
from CardiacMTLScene.cine_input import cine_input
from CardiacMTLScene.packing import packed, unpacked
from CardiacMTLScene.results import StoredResults, nodes_of_results, results_in, results_of_run, studies_in, update_results
from CardiacMTLScene.save import load_scene
from Testing.scene.given import file_sequence, stored_in

HEADS = load_heads()
NAME = "Cardiac MR"


def real_analysis() -> Analysis:
    """An analysis that the shipped model could have given, with everything that an analysis may hold."""
    made = make_analysis(diagnosis=replace(withheld_diagnosis(), auxiliary_logits=(0.5, -0.25, 0.0, 1.0, -1.5)))
    study = replace(
        made.study,
        patient=Patient(180.0, 80.0, Sex.FEMALE, 61.0),
        warnings=("mended \u201cthis\u201d",),
        frame_numbers=(3, 4, 9, 16),
    )
    made = replace(
        made,
        study=study,
        model=HEADS.identity,
        segments=measure_segments(made.masks, study.geometry),
        predicted_dice={"LV_ED": 0.9},
        scope_score=0.8,
        seconds={"measure": 0.5},
    )
    changed = recompute(made, {Phase.ED: np.where(made.masks[Phase.ED] == 3, 2, made.masks[Phase.ED])}, HEADS)
    return recompute(changed, made.masks, HEADS)


ORIGINAL = real_analysis()


def build(host: Any, analysis: Analysis = ORIGINAL, name: str = NAME) -> SceneNodes:
    return build_scene(analysis, host.scene, host.terminologies, SceneOptions(name))


def found(host: Any, name: str = NAME) -> StoredResults:
    results = results_in(host.scene, name)
    assert results is not None
    return results


def saved_and_loaded(host: Any, folder: Path, clear: bool = True) -> None:
    assert host.scene.WriteToMRB(str(folder / "s.mrb"), None, slicer.vtkMRMLMessageCollection())
    if clear:
        load_scene(host.scene, folder / "s.mrb")
    else:
        assert host.scene.ReadFromMRB(str(folder / "s.mrb"), False, slicer.vtkMRMLMessageCollection())


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, arrays and dataclasses included."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other)
    if is_dataclass(one) and not isinstance(one, type):
        return type(one) is type(other) and all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return bool(one == other)


def lost(one: Any, other: Any, but: tuple[str, ...] = ()) -> list[str]:
    return [f.name for f in fields(one) if f.name not in but and not same(getattr(one, f.name), getattr(other, f.name))]


@pytest.mark.parametrize("trip", ["at once", "saved and loaded"])
def test_the_whole_analysis_but_its_voxels_is_found_again(host: Any, tmp_path: Path, trip: str) -> None:
    build(host)
    if trip == "saved and loaded":
        saved_and_loaded(host, tmp_path)
    results = found(host)
    assert lost(ORIGINAL, results.analysis, ("study",)) == []
    assert lost(ORIGINAL.study, results.analysis.study, ("frames",)) == []
    assert results.analysis.study.frames.shape == ORIGINAL.study.frames.shape
    assert results.record == json.loads(json.dumps(result_record(ORIGINAL)))
    assert (results.corrected, results.corrected_record) == (None, None)
    assert results.latest is results.analysis


@pytest.mark.parametrize("trip", ["at once", "saved and loaded", "read into a scene that holds the same"])
def test_every_node_is_found_again(host: Any, tmp_path: Path, trip: str) -> None:
    made = build(host)
    if trip != "at once":
        saved_and_loaded(host, tmp_path, clear=trip == "saved and loaded")
    nodes = found(host).nodes
    present = {host.scene.GetNthNode(number).GetID() for number in range(host.scene.GetNumberOfNodes())}
    assert made.cine is not None
    assert made.cine_masks is not None
    assert made.curves is not None
    for kept, old in (
        *((nodes.volumes[phase], made.volumes[phase]) for phase in Phase),
        *((nodes.segmentations[phase], made.segmentations[phase]) for phase in Phase),
        *((getattr(nodes.cine, f.name), getattr(made.cine, f.name)) for f in fields(made.cine)),
        *((getattr(nodes.cine_masks, f.name), getattr(made.cine_masks, f.name)) for f in fields(made.cine_masks)),
        *((getattr(nodes.curves, f.name), getattr(made.curves, f.name)) for f in fields(made.curves)),
        *((getattr(nodes, name), getattr(made, name)) for name in ("measurements", "diagnosis", "results")),
    ):
        assert kept.GetID() in present
        assert kept.GetClassName() == old.GetClassName()
        assert kept.GetName() == old.GetName()
        if trip == "read into a scene that holds the same":
            assert kept.GetID() != old.GetID()


def test_results_of_a_given_cine_find_that_cine_again(host: Any, tmp_path: Path) -> None:
    analysis = stored_in(ORIGINAL)
    sequence, _ = file_sequence(host, analysis)
    build_scene(analysis, host.scene, host.terminologies, cine=cine_input(sequence))
    saved_and_loaded(host, tmp_path)
    nodes = found(host).nodes
    assert nodes.cine is not None
    assert nodes.cine.sequence.GetName() == "input cine"
    assert nodes.cine.browser.GetProxyNode(nodes.cine.sequence) is nodes.cine.shown


def test_a_rerun_after_loading_replaces_what_was_loaded(host: Any, tmp_path: Path) -> None:
    build(host)
    before = (
        host.scene.GetNumberOfNodesByClass("vtkMRMLDisplayableNode"),
        host.scene.GetNumberOfNodesByClass("vtkMRMLTableNode"),
    )
    saved_and_loaded(host, tmp_path)
    build(host)
    after = host.scene.GetNumberOfNodesByClass("vtkMRMLDisplayableNode"), host.scene.GetNumberOfNodesByClass("vtkMRMLTableNode")
    assert after == before


def test_a_rerun_replaces_what_was_read_into_a_scene_of_the_same_node_ids(host: Any, tmp_path: Path) -> None:
    build(host)
    before = host.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode")
    saved_and_loaded(host, tmp_path, clear=False)
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 2 * before
    build(host)
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == before


def test_computing_anew_from_a_loaded_scene_gives_what_it_gives_at_once(host: Any, tmp_path: Path) -> None:
    build(host)
    saved_and_loaded(host, tmp_path)
    larger = {
        Phase.ED: np.where(ORIGINAL.masks[Phase.ED] == Label.MYOCARDIUM, Label.LV, ORIGINAL.masks[Phase.ED]).astype(np.uint8)
    }
    assert lost(recompute(ORIGINAL, larger, HEADS), recompute(found(host).analysis, larger, HEADS), ("study",)) == []
    assert lost(ORIGINAL, recompute(found(host).analysis, ORIGINAL.masks, HEADS), ("study",)) == []


@pytest.mark.parametrize("trip", ["at once", "saved and loaded"])
def test_a_correction_stands_beside_the_original(host: Any, tmp_path: Path, trip: str) -> None:
    build(host)
    smaller = np.where(ORIGINAL.masks[Phase.ED] == Label.LV, Label.MYOCARDIUM, ORIGINAL.masks[Phase.ED]).astype(np.uint8)
    smaller[4] = ORIGINAL.masks[Phase.ED][4]
    corrected = recompute(found(host).analysis, {Phase.ED: smaller}, HEADS)
    returned = update_results(found(host), corrected)
    if trip == "saved and loaded":
        saved_and_loaded(host, tmp_path)
    results = found(host)
    assert results.corrected is not None
    assert lost(corrected, results.corrected, ("study",)) == []
    assert lost(ORIGINAL, results.analysis, ("study",)) == []
    assert results.latest is results.corrected
    assert results.corrected_record == returned.corrected_record == json.loads(json.dumps(result_record(corrected, ORIGINAL)))
    columns, rows = table_rows(results.nodes.measurements)
    assert columns == ["Name", "Value", "Unit", "Note", "Original"]
    assert [row[0] for row in rows] == list(corrected.measurements)
    for row, after, before in zip(rows, corrected.measurements.values(), ORIGINAL.measurements.values(), strict=True):
        assert row[1] == ("" if after.value is None else f"{after.value:.4g}")
        assert row[4] == (f"undefined: {before.reason}" if before.value is None else f"{before.value:.4g}").replace('"', "'")
    by_name = {row[0]: row for row in rows}
    assert float(by_name["lv_edv_ml"][1]) < float(by_name["lv_edv_ml"][4])
    assert by_name["lv_esv_ml"][1] == by_name["lv_esv_ml"][4]


def test_the_diagnosis_before_and_after_stand_side_by_side(host: Any) -> None:
    build(host)
    original = found(host).analysis
    label_row = ("Label", "withheld")
    for diagnosis in (replace(withheld_diagnosis(), probabilities=None, reason="the mask is empty"), withheld_diagnosis()):
        update_results(found(host), replace(original, diagnosis=diagnosis))
        columns, rows = table_rows(found(host).nodes.diagnosis)
        assert columns[-1] == "Original"
        assert rows[5][:2] == list(label_row)
        assert rows[5][3] == diagnosis.reason
        if original.diagnosis.probabilities is not None:
            assert [float(row[4]) for row in rows[:5]] == pytest.approx(
                list(original.diagnosis.probabilities.values()), abs=1e-3
            )
        expected = original.diagnosis.label.full_name if original.diagnosis.label else f"withheld: {original.diagnosis.reason}"
        assert rows[5][4] == expected
        assert [row[4] for row in rows[6:]] == ["", ""]


def test_a_second_correction_replaces_the_first_and_never_the_original(host: Any) -> None:
    build(host)
    nodes = host.scene.GetNumberOfNodes()
    for number in range(3):
        changed = ORIGINAL.masks[Phase.ES].copy()
        changed[: number + 3] = 0
        update_results(found(host), recompute(found(host).analysis, {Phase.ES: changed}, HEADS))
        assert lost(ORIGINAL, found(host).analysis, ("study",)) == []
        assert found(host).latest.masks[Phase.ES][: number + 3].max() == 0
    _, rows = table_rows(found(host).nodes.measurements)
    assert {row[0]: row[4] for row in rows}["lv_esv_ml"] == f"{ORIGINAL.measurements['lv_esv_ml'].value:.4g}"
    assert host.scene.GetNumberOfNodes() == nodes


def test_tables_that_the_user_removed_stay_away(host: Any) -> None:
    made = build(host)
    host.scene.RemoveNode(made.measurements)
    host.scene.RemoveNode(made.diagnosis)
    host.scene.RemoveNode(made.segmentations[Phase.ES])
    assert made.curves is not None
    host.scene.RemoveNode(made.curves.chart)
    results = found(host)
    assert (results.nodes.measurements, results.nodes.diagnosis) == (None, None)
    assert list(results.nodes.segmentations) == [Phase.ED]
    assert results.nodes.curves is not None
    assert results.nodes.curves.chart is None
    assert update_results(results, ORIGINAL).corrected is ORIGINAL


def test_a_correction_of_results_that_are_gone_is_an_error(host: Any) -> None:
    build(host)
    results = found(host)
    host.scene.RemoveNode(results.nodes.results)
    with pytest.raises(InputError, match="not in the scene any more"):
        update_results(results, ORIGINAL)


def test_each_study_has_results_of_its_own(host: Any) -> None:
    assert studies_in(host.scene) == ()
    assert results_in(host.scene, NAME) is None
    build(host, name="first")
    build(host, name="second")
    build(host, name="first")
    assert sorted(studies_in(host.scene)) == ["first", "second"]
    assert results_in(host.scene, "third") is None
    assert found(host, "first").nodes.results is not found(host, "second").nodes.results


def test_a_copy_of_the_results_is_not_taken_for_them(host: Any) -> None:
    made = build(host)
    copy = host.scene.AddNode(slicer.vtkMRMLTextNode())
    copy.Copy(made.results)
    assert found(host).nodes.results is made.results


def test_the_stored_text_names_no_file_and_holds_no_image(host: Any) -> None:
    text = build(host).results.GetText()
    content = json.loads(text)
    assert "source" not in content["study"]
    assert "frames" not in content["study"]
    assert set(content["arrays"]) == {"analysis.masks.ED", "analysis.masks.ES", "analysis.cine_masks"}
    assert len(text) < 100_000


def damaged(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def apply(text: str) -> str:
        content = json.loads(text)
        change(content)
        return json.dumps(content)

    return apply


MASK = "analysis.masks.ED"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: "", "cannot be read"),
        (lambda text: text[:-100], "cannot be read"),
        (lambda text: "[" * 100_000, "cannot be read"),
        (lambda text: "[]", "version None"),
        (damaged(lambda c: c.update(version=99)), "version 99; expected 2"),
        (damaged(lambda c: c.pop("arrays")), "cannot be read"),
        (damaged(lambda c: c["arrays"].pop(MASK)), "cannot be read"),
        (damaged(lambda c: c["arrays"][MASK].update(dtype="O")), "does not belong there"),
        (damaged(lambda c: c["arrays"][MASK].update(shape=[10**6, 10**6])), "does not belong there"),
        (damaged(lambda c: c["arrays"][MASK].update(shape=[1, 2, 3])), "does not lie in an array of shape"),
        (damaged(lambda c: c["arrays"][MASK].update(box=[[0, 1], [0, 1]])), "does not lie in an array of shape"),
        (damaged(lambda c: c["arrays"][MASK].update(box=[[0, 1], [0, 2], [0, 3]])), "bytes; expected 6"),
        (damaged(lambda c: c["arrays"][MASK].update(zlib="QUJD")), "compressed array is damaged"),
        (damaged(lambda c: c["arrays"][MASK].update(zlib="%")), "cannot be read"),
        (damaged(lambda c: c["analysis"].update(unknown=1)), "unknown"),
        (damaged(lambda c: c["study"]["geometry"].update(size_xyz=[1, 2])), "cannot be read"),
        (damaged(lambda c: c.update(frame_count=2)), "cannot be read .*the study has 2 frames"),
    ],
)
def test_damaged_results_are_refused_in_one_line(host: Any, damage: Callable[[str], str], words: str) -> None:
    made = build(host)
    made.results.SetText(damage(made.results.GetText()))
    with pytest.raises(InputError, match=words) as error:
        results_in(host.scene, NAME)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "array",
    [np.arange(24, dtype=np.uint8).reshape(2, 3, 4)[:, ::-1], np.array([np.nan, -0.0, 1e300]), np.zeros((0, 3)), np.array(7)],
)
def test_arrays_come_back_bit_for_bit_and_can_be_written_to(array: Any) -> None:
    back = unpacked(json.loads(json.dumps(packed({"it": array}))))["it"]
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == np.ascontiguousarray(array).tobytes()
    assert back.flags.writeable


def test_what_a_run_returns_is_what_the_scene_keeps(host: Any) -> None:
    analysis = make_analysis()
    nodes = build_scene(analysis, host.scene, host.terminologies, SceneOptions("kept"))
    fresh, kept = results_of_run("kept", analysis, nodes), results_in(host.scene, "kept")
    assert kept is not None
    assert json.loads(json.dumps(fresh.record)) == kept.record
    assert fresh.analysis.measurements == kept.analysis.measurements
    assert np.array_equal(fresh.analysis.study.frames, kept.analysis.study.frames)
    assert fresh.nodes.results is kept.nodes.results
    assert nodes_of_results(host.scene, "kept") == kept.nodes
    assert nodes_of_results(host.scene, "other") is None
