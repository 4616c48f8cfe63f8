"""A result that was kept in the scene gets its images back for a report."""

from typing import Any

import numpy as np
import pytest

from CardiacMTLLib.labels import Phase
from CardiacMTLLib.outputs import write_outputs
from CardiacMTLLib.report.context import ReportContext
from Testing.scene.studies import make_analysis

pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

from CardiacMTLScene.build import SceneOptions, build_scene
from CardiacMTLScene.report_images import with_images
from CardiacMTLScene.results import StoredResults, results_in


def stored(host: Any, **options: Any) -> tuple[Any, StoredResults]:
    analysis = make_analysis(**options)
    build_scene(analysis, host.scene, host.terminologies, SceneOptions("study"))
    results = results_in(host.scene, "study")
    assert results is not None
    return analysis, results


def test_the_images_of_both_phases_are_those_that_were_analysed(host: Any) -> None:
    analysis, results = stored(host)
    found = with_images(results.analysis, results.nodes)

    assert not results.analysis.study.frames.any()
    for frame in analysis.frames.values():
        assert np.array_equal(found.study.frames[frame], analysis.study.frames[frame])
    assert (found.study.geometry, found.measurements) == (results.analysis.study.geometry, results.analysis.measurements)


def test_a_report_from_the_scene_shows_the_slices_or_says_why_not(host: Any, tmp_path: Any) -> None:
    _, results = stored(host)
    context = ReportContext(original=results.analysis)
    shown = write_outputs(with_images(results.analysis, results.nodes), tmp_path / "shown", context=context)
    bare = write_outputs(results.analysis, tmp_path / "bare")

    assert "overlay.png" in shown.names
    assert "overlay.png is left out: the images are not at hand" in bare.notes
    assert "the images are not at hand" in (tmp_path / "bare/report.html").read_text(encoding="utf-8")


def test_without_a_volume_or_with_another_size_nothing_is_filled_in(host: Any) -> None:
    _, results = stored(host)
    node = results.nodes.volumes[Phase.ED]
    node.GetImageData().SetDimensions(1, 1, 1)
    node.GetImageData().AllocateScalars(node.GetImageData().GetScalarType(), 1)
    assert with_images(results.analysis, results.nodes) is results.analysis
    host.scene.RemoveNode(node)
    assert with_images(results.analysis, results.nodes) is results.analysis
