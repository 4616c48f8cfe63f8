"""The two Sunnybrook studies: what is read, and how the masks agree with the experts' contours.

Data and contours: P. Radau et al., "Evaluation Framework for Algorithms Segmenting Short Axis Cardiac MRI", MIDAS Journal 2009.
The network never saw them.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.labels import Label, Phase
from CardiacMTLLib.network.weights import load_model
from CardiacMTLLib.pipeline import analyse
from CardiacMTLLib.reading import read_study
from CardiacMTLLib.volume import CineStudy


@dataclass(frozen=True)
class Known:
    """What the files of a study hold, and in which frames (from 0) the experts drew ED and ES."""

    n_slices: int
    spacing_xyz_mm: tuple[float, float, float]
    heart_rate_bpm: float
    n_times: int
    ed_frame: int
    es_frame: int


STUDIES = {
    "SCD0000101": Known(12, (1.367188, 1.367188, 10.0), 79.0, 140, 18, 7),
    "SCD0000301": Known(10, (1.2891, 1.2891, 8.0), 65.0, 20, 19, 6),
}
N_PHASES = 20


@pytest.fixture(scope="session")
def scd_root(data_root: Path) -> Path:
    root = data_root / "scd"
    if not root.is_dir():
        pytest.skip("real DICOM data not found: set CARDIACMTL_DATA to the folder that holds scd/")
    return root


@cache
def study_at(path: Path) -> CineStudy:
    return read_study(path)


def instances(study: CineStudy) -> dict[int, tuple[int, int]]:
    """Phase and slice of each image by its number in the series, which is also the name of its file."""
    assert study.source is not None
    return {int(frame.file.stem): (t, z) for t, phase in enumerate(study.source.frames) for z, frame in enumerate(phase)}


def contours(root: Path, name: str, kind: str) -> dict[int, np.ndarray]:
    """Points (x, y) in pixels of each drawn contour, by number of the image; `kind` is i (endocardium) or o (epicardium)."""
    folder = root / "contours" / name / f"{kind}-contours"
    return {int(re.search(r"IM-0001-(\d+)", path.name)[1]): np.loadtxt(path) for path in sorted(folder.iterdir())}


def filled(points: np.ndarray, shape_yx: tuple[int, int]) -> np.ndarray:
    """Pixels whose centre lies within a closed contour, by the even-odd rule."""
    y, x = np.mgrid[: shape_yx[0], : shape_yx[1]]
    inside = np.zeros(shape_yx, dtype=bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return inside


@pytest.mark.parametrize("name", STUDIES)
def test_all_slices_and_phases_of_a_scanner_study_are_read(name: str, scd_root: Path) -> None:
    study, known = study_at(scd_root / name), STUDIES[name]
    assert study.frames.shape == (N_PHASES, known.n_slices, 256, 256)
    assert study.geometry.spacing_xyz_mm == pytest.approx(known.spacing_xyz_mm, abs=1e-4)
    assert study.patient.heart_rate_bpm == known.heart_rate_bpm
    assert study.frame_times_ms is not None
    assert study.warnings == ()
    assert len(instances(study)) == N_PHASES * known.n_slices


@pytest.mark.parametrize("name", STUDIES)
def test_the_slice_axis_is_that_of_the_acquisition_where_orientations_nearly_tie(name: str, scd_root: Path) -> None:
    study = study_at(scd_root / name)
    normal = study.geometry.direction_matrix[:, 2]
    assert abs(abs(normal[0]) - abs(normal[1])) < 0.04
    assert normal @ [-0.6, 0.6, 0.5] > 0.9
    assert not study.geometry.is_left_handed
    corner = study.geometry.index_to_lps @ [0, 0, study.geometry.size_xyz[2] - 1, 1]
    assert np.isfinite(corner).all()


@pytest.mark.parametrize("name", STUDIES)
def test_the_experts_frames_of_all_slices_are_one_phase_each(name: str, scd_root: Path) -> None:
    study, known = study_at(scd_root / name), STUDIES[name]
    where = instances(study)
    drawn = {where[number][0] for number in contours(scd_root, name, "i")}
    assert drawn == {known.ed_frame, known.es_frame}


def test_a_square_contour_is_filled_with_the_pixels_within() -> None:
    square = filled(np.array([[1.5, 0.5], [4.5, 0.5], [4.5, 2.5], [1.5, 2.5]]), (5, 6))
    assert square.sum() == 6
    assert square[1:3, 2:5].all()


@cache
def analysis_of(path: Path) -> Analysis:
    return analyse(study_at(path), load_model(), device="cpu", whole_cycle=True)


def apart(frame: int, other: int) -> int:
    """Frames between two phases of the circle that a heart beat is."""
    return min((frame - other) % N_PHASES, (other - frame) % N_PHASES)


def dice_by_phase(root: Path, name: str, kind: str, labels: set[Label]) -> dict[Phase, float]:
    """Dice of all drawn slices of a phase together."""
    analysis, known = analysis_of(root / name), STUDIES[name]
    assert analysis.cine_masks is not None
    where = instances(analysis.study)
    result = {}
    for phase, frame in ((Phase.ED, known.ed_frame), (Phase.ES, known.es_frame)):
        in_file = analysis.study.in_file_axes(np.isin(analysis.cine_masks[frame], list(labels)).astype(np.uint8))
        reverse = analysis.study.stored.order.flips[2]
        both, sizes = 0, 0
        for number, points in contours(root, name, kind).items():
            t, z = where[number]
            if t != frame:
                continue
            truth = filled(points, in_file.shape[1:])
            mask = in_file[len(in_file) - 1 - z if reverse else z] > 0
            both, sizes = both + int((truth & mask).sum()), sizes + int(truth.sum() + mask.sum())
        if sizes:
            result[phase] = 2 * both / sizes
    return result


LEAST_ENDOCARDIAL = {"SCD0000101": 0.88, "SCD0000301": 0.93}
"""Least Dice of the cavity at ED and ES, so that nothing gets worse unseen; the aim has a test of its own."""

MISSED = pytest.mark.xfail(reason="at ES (0.893) the most basal slice that the expert drew is taken for atrium", strict=True)


@pytest.mark.parametrize("name", [pytest.param("SCD0000101", marks=MISSED), "SCD0000301"])
def test_cavities_reach_the_aim(name: str, scd_root: Path) -> None:
    assert min(dice_by_phase(scd_root, name, "i", {Label.LV}).values()) > 0.90


@pytest.mark.parametrize("name", STUDIES)
def test_cavities_agree_with_the_experts_contours(name: str, scd_root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endo = dice_by_phase(scd_root, name, "i", {Label.LV})
    epi = dice_by_phase(scd_root, name, "o", {Label.LV, Label.MYOCARDIUM})
    with capsys.disabled():
        figures = [f"endocardium {phase} {value:.3f}" for phase, value in endo.items()]
        figures += [f"epicardium {phase} {value:.3f}" for phase, value in epi.items()]
        print(f"\n{name}, Dice: {', '.join(figures)}")  # noqa: T201 - the figures are what this test is for
    assert min(endo.values()) > LEAST_ENDOCARDIAL[name]
    assert min(epi.values()) > 0.93


@pytest.mark.parametrize("name", STUDIES)
def test_phases_are_found_near_those_that_the_experts_drew(
    name: str, scd_root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames, known = analysis_of(scd_root / name).frames, STUDIES[name]
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what this test is for
            f"\n{name}: ED {frames[Phase.ED] + 1}, drawn {known.ed_frame + 1}; "
            f"ES {frames[Phase.ES] + 1}, drawn {known.es_frame + 1} of {N_PHASES}"
        )
    assert apart(frames[Phase.ED], known.ed_frame) <= 1
    assert apart(frames[Phase.ES], known.es_frame) <= 1
