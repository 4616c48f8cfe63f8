"""The benchmark's own code: windows, fits and the page; nothing is timed here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from Testing.benchmark.aims import aims
from Testing.benchmark.growth import fitted, fitted_above_floor
from Testing.benchmark.machine import spread
from Testing.benchmark.module_file import MODULE_FILE, top_imports
from Testing.benchmark.page import write_page
from Testing.benchmark.sliding import gaussian, predicted, starts


@pytest.mark.parametrize(("size", "expected"), [(224, [0]), (225, [0, 1]), (336, [0, 112]), (337, [0, 56, 113])])
def test_patches_step_at_most_half_a_patch_and_end_with_the_image(size: int, expected: list[int]) -> None:
    assert starts(size, 224) == expected


def test_weights_fall_from_the_middle_of_a_patch_and_are_nowhere_zero() -> None:
    weights = gaussian((16, 24))
    assert weights[8, 12] == 1
    assert math.isclose(float(weights[8, 15]), math.exp(-0.5), rel_tol=1e-6)
    assert weights.min() > 0


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("size", [(12, 20), (30, 41), (16, 16)])
def test_a_network_that_copies_gives_the_image_back_whatever_the_windows(size: tuple[int, int], mirrored: bool) -> None:
    image = torch.randn(*size)
    seen = predicted(image, lambda patch: torch.cat((patch, -patch), dim=1), (16, 16), 2, mirrored=mirrored)
    assert torch.allclose(seen, torch.stack((image, -image)), atol=1e-5)


@pytest.mark.parametrize("shape", [(4, 4), (2, 4, 4)])
def test_mirroring_looks_along_every_set_of_axes(shape: tuple[int, ...]) -> None:
    seen = []
    predicted(
        torch.arange(math.prod(shape)).float().reshape(shape),
        lambda patch: seen.append(patch) or patch,
        shape,
        1,
        mirrored=True,
    )
    assert len({tuple(patch.flatten().tolist()) for patch in seen}) == len(seen) == 2 ** len(shape)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_a_fit_finds_the_exponent_of_a_power_law_with_a_constant(exponent: float) -> None:
    sizes = [5, 10, 20, 30]
    growth = fitted(sizes, [3 + 0.2 * size**exponent for size in sizes])
    assert growth is not None
    assert growth.exponent == pytest.approx(exponent, abs=0.051)
    assert growth.super_linear == (exponent > 1.5)
    assert growth.at(sizes) == pytest.approx([3 + 0.2 * size**exponent for size in sizes], rel=0.02)


def test_a_cost_that_falls_has_no_growth_and_two_points_have_no_fit() -> None:
    falling = fitted([1, 2, 3], [3.0, 2.9, 2.8])
    assert falling is not None
    assert falling.exponent == 0
    assert fitted([1, 2], [1.0, 2.0]) is None


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_a_peak_grows_as_the_stage_does_that_outgrows_the_others(exponent: float) -> None:
    sizes = [1, 2, 4, 8, 12, 16]
    peaks = [max(600.0, 520 + 40 * size**exponent) for size in sizes]
    growth = fitted_above_floor(sizes, peaks)
    assert growth is not None
    assert growth.exponent == pytest.approx(exponent, abs=0.051)
    assert growth.super_linear == (exponent > 1)
    assert growth.at(sizes) == pytest.approx(peaks, rel=0.02)


def test_a_peak_that_stays_at_its_floor_does_not_grow_and_two_points_above_it_have_no_fit() -> None:
    flat = fitted_above_floor([1, 2, 3, 4], [600.0, 604.0, 602.0, 650.0])
    assert flat is not None
    assert flat.exponent == 0
    assert flat.at([5]) == pytest.approx([600.0])
    assert fitted_above_floor([1, 2, 3, 4], [600.0, 604.0, 700.0, 800.0]) is None


def test_noise_about_a_line_is_not_called_more_than_linear() -> None:
    growth = fitted([5, 10, 15, 20], [1.96, 2.46, 3.12, 3.84])
    assert growth is not None
    assert growth.exponent > 1.15
    assert not growth.super_linear


def test_module_imports_are_those_of_the_top_level_without_the_application_s_own() -> None:
    source = "import sys\nimport slicer.util\nfrom vtk import vtkObject\nfrom pathlib import Path\ndef f():\n    import torch\n"
    assert top_imports(source) == ["import sys", "from pathlib import Path"]
    assert not any("torch" in line for line in top_imports(MODULE_FILE.read_text(encoding="utf-8")))


def costs(cpu_s: float, peak_mb: float = 500.0) -> dict[str, Any]:
    return {"wall_s": spread([cpu_s / 2]), "cpu_s": spread([cpu_s]), "peak_mb": peak_mb, "passes": 1}


def curve(sizes: Sequence[int], exponent: float) -> dict[str, Any]:
    powers = [size**2 if size > 100 else size for size in sizes]
    values = [1 + 0.001 * power**exponent for power in powers]
    return {"sizes": sizes, "wall_s": values, "cpu_s": values, "peak_mb": values}


def everything() -> dict[str, Any]:
    """What a run through all parts finds, in round numbers: ours 100 GFLOP in 1 s, 80 % of it in convolutions."""
    ours = costs(1.0) | {"gflop": 100.0, "all_s": 2.0, "convolutions_s": 1.6}
    parts = {
        f"{name}_{kind}": spread([0.5]) for name in ("reading", "analysing", "network", "writing") for kind in ("s", "cpu_s")
    }
    job = costs(3.0) | {"parts": parts, "outside_s": spread([1.2]), "outside_cpu_s": spread([1.9])}
    study = {"ours": ours, "nnunet_2d": costs(7.0) | {"gflop": 500.0}}
    counts = {"sizes": [1, 2], "wall_s": [2.0, 1.0], "cpu_s": [2.0, 2.0], "peak_mb": [1.0, 1.0]}
    return {
        "networks": {
            "matrix_product": {"gflop_per_s": spread([250.0]), "gflop_per_cpu_s": spread([125.0])},
            "ED and ES": study,
            "30-phase cine": study,
        },
        "pipeline": {name: {"command_line": costs(9.0, 1300.0), "job": job} for name in ("ED and ES", "30-phase cine")},
        "scaling": {
            "phases": curve([6, 12, 18], 1.0),
            "slices": curve([5, 10, 20], 0.5),
            "matrix": curve([128, 256, 512, 1024], 1.5),
            "threads": counts,
            "workers": {"missing": "no such command"},
        },
        "training": {
            "window_96": {
                "loading_cpu_s": 0.02, "step_cpu_s": 0.4, "loader_samples_per_s": 800.0, "step_samples_per_s": 40.0,
                "share": 0.05, "met": True,
            }
        },
    }  # fmt: skip


def test_the_page_of_a_whole_run_has_every_table_and_picture(tmp_path: Path) -> None:
    stamp = {
        "command": "python -m Testing.benchmark", "commit": "abc", "date": "2026-01-01", "load_at_start": 0.1,
        "machine": {"processor": "P", "logical_cores": 2, "memory_gb": 8, "python": "3.12", "packages": {"torch": "2"}},
    }  # fmt: skip
    (tmp_path / "benchmark").mkdir()
    write_page({"format": 1, "parts": {name: stamp | {"found": found} for name, found in everything().items()}}, tmp_path)
    text = (tmp_path / "benchmark.md").read_text(encoding="utf-8")
    for line in (
        "| nnU-Net 2D | 3.50 (3.50-3.50) | 7.00 (7.00-7.00) | 7.0 | 500 | 500 | 57% |",
        "| peak memory of the largest process, ED and ES | at most 1229 MB | 1.3e+03 MB | **no** |",
        "| growth with phases, slices and matrix | nothing super-linear | matrix cpu_s, matrix peak_mb | **no** |",
        "| 96 | 0.020 | 0.400 | 800 | 40 | 5.0% |",
        "Workers of a batch, one thread each: not measured (no such command).",
    ):
        assert line in text
    assert "others used at the same time" not in text
    assert {path.name for path in (tmp_path / "benchmark").iterdir()} == {"networks.svg", "scaling.svg", "counts.svg"}


def test_aims_are_ratios_of_one_run() -> None:
    found = {aim.what: aim for aim in aims(everything())}
    by_start = {what.partition(":")[0]: aim for what, aim in found.items()}
    assert by_start["network, ED and ES"].found == "0.143"
    assert by_start["network, ED and ES"].met
    assert by_start["convolutions"].found == "0"
    assert by_start["outside the network, ED and ES"].found == "1.2 s"
    assert by_start["training's loader, share of a step"].met


def test_the_page_says_what_was_met_what_was_not_and_what_was_not_measured(tmp_path: Path) -> None:
    times = {"wall_s": spread([0.4]), "cpu_s": spread([0.1]), "peak_mb": 17.0, "passes": 1}
    part = {
        "command": "python -m Testing.benchmark", "commit": "abc", "date": "2026-01-01", "load_at_start": 9.0,
        "machine": {"processor": "P", "logical_cores": 2, "memory_gb": 8, "python": "3.12", "packages": {"torch": "2"}},
        "found": {"help": times, "module_import": times | {"imports_torch": True}},
    }  # fmt: skip
    (tmp_path / "benchmark").mkdir()
    write_page({"format": 1, "parts": {"startup": part}}, tmp_path)
    text = (tmp_path / "benchmark.md").read_text(encoding="utf-8")
    assert "| `cardiacmtl --help` | at most 0.3 s | 0.4 s | **no** |" in text
    assert "others used at the same time (load 9.0" in text
    met = {aim.what: aim.met for aim in aims({"startup": part["found"]})}
    assert met["the module's imports in Slicer (no torch)"] is False
    assert met["growth with phases, slices and matrix"] is None
