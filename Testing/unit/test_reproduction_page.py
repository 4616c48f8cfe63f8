"""The page says what the numbers say, whichever way they point, and carries the figure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from CardiacMTLLib.errors import InputError
from CardiacMTLTraining.reproduction.analysis import Comparison, compare
from CardiacMTLTraining.reproduction.convergence import compare_convergence
from CardiacMTLTraining.reproduction.page import write_page
from CardiacMTLTraining.reproduction.verdict import convergence_verdict, error_verdict
from Testing.unit.reproduction_records import experiment

BAD, GOOD = [["001"] * 3 + ["000"] * 17], [["011"] * 18 + ["000"] * 2]


def comparison(low: float, high: float) -> Comparison:
    found = compare(experiment(BAD, GOOD, patients=10))
    return replace(found, difference=(low + high) / 2, difference_interval=(low, high))


@pytest.mark.parametrize(
    ("interval", "said", "size"),
    [
        ((-0.15, -0.02), "joint training lowered it here (-8.5 points", "lies within"),
        ((0.02, 0.15), "joint training raised it here (+8.5 points", "lies outside"),
        ((-0.04, 0.06), "neither confirmed nor refuted", "lies outside"),
        ((-0.12, 0.06), "neither confirmed nor refuted", "lies within"),
    ],
)
def test_the_verdict_follows_the_interval(interval: tuple[float, float], said: str, size: str) -> None:
    verdict = error_verdict(comparison(*interval))
    assert said in verdict
    assert f"The paper's difference of -10 points {size} this interval" in verdict


def test_the_verdict_on_epochs_follows_the_interval_too() -> None:
    fast, slow = [["011"] * 20], [["001"] * 20]
    assert "came there sooner" in convergence_verdict(compare_convergence(experiment(slow, fast, patients=10)))
    assert "came there later" in convergence_verdict(compare_convergence(experiment(fast, slow, patients=10)))
    assert "no difference is shown" in convergence_verdict(compare_convergence(experiment(fast, fast, patients=10)))
    never = [["000"] * 20]
    assert "no run got there" in convergence_verdict(compare_convergence(experiment(never, never, patients=10)))


def test_page_and_figure_are_written_from_records_alone(tmp_path: Path) -> None:
    path = write_page(experiment(BAD, GOOD, patients=10), tmp_path)
    text = path.read_text(encoding="utf-8")
    figure = tmp_path / "reproduction" / "learning-curves.png"
    assert path == tmp_path / "reproduction.md"
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert "(reproduction/learning-curves.png)" in text
    assert "**85 %**" in text
    assert "**10 %**" in text
    assert "16 of 50, 32 %" in text
    assert "11 of 50, 22 %" in text
    assert "LV 0.900, RV 0.800, MYOCARDIUM undefined" in text
    assert "| learning_rate | " in text
    assert "`abc`" in text
    assert "d" * 64 in text
    assert "nan" not in text.lower()
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} == {"reproduction.md", "learning-curves.png"}


def test_the_same_records_give_the_same_page_and_figure(tmp_path: Path) -> None:
    contents = []
    for name in ("first", "second"):
        write_page(experiment(BAD, GOOD, patients=10), tmp_path / name)
        contents.append([path.read_bytes() for path in sorted((tmp_path / name).rglob("*")) if path.is_file()])
    assert contents[0] == contents[1]


def test_an_unfinished_experiment_has_no_page(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no seed is complete"):
        write_page(experiment(BAD, GOOD, patients=10)[:-1], tmp_path)
    assert list(tmp_path.iterdir()) == []
