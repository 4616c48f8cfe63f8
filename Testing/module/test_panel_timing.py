"""The figures that the benchmark of the panel writes into its page."""

from __future__ import annotations

from pathlib import Path

import pytest

from Testing.benchmark.panel_run import BEGIN, END, table_of, with_figures

PAGE = Path(__file__).resolve().parents[2] / "docs" / "panel-timing.md"

FOUND = {
    "runs": [{"study": "a cine", "to_result_s": 12.34, "late_p99_ms": 9.6, "late_max_ms": 80.2, "busy_max_ms": 55.0}],
    "cancel_s": {"the network": 0.31},
    "met": True,
    "machine": "a machine",
    "load_average_before": 0.1,
    "commit": "abc",
}


def test_the_page_has_a_place_for_figures_and_keeps_all_else() -> None:
    page = PAGE.read_text(encoding="utf-8")
    renewed = with_figures(page, "\n".join(table_of(FOUND)))
    assert "| a cine | 12.3 s | 10 ms | 80 ms | 55 ms |" in renewed
    assert "the network 0.31 s. Both aims are met." in renewed
    assert renewed.split(BEGIN)[0] == page.split(BEGIN)[0]
    assert renewed.split(END)[1] == page.split(END)[1]
    assert with_figures(renewed, "x") == with_figures(page, "x")


def test_an_aim_that_is_missed_is_said() -> None:
    assert "An aim is missed." in "\n".join(table_of(FOUND | {"met": False, "load_average_before": None}))


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for figures"):
        with_figures("# A page\n", "x")
