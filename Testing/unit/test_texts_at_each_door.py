"""What the library says is right at every door: only the shell's own texts name the shell's options."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from CardiacMTLLib.analysis import QualityFlag
from CardiacMTLLib.cli import build_parser
from CardiacMTLLib.outputs import OutputFiles
from CardiacMTLLib.report.summary import FLAG_OPTIONS, run_summary
from Testing.unit.analyses import analysis_of

MODULE = Path(__file__).resolve().parents[2] / "CardiacMTL"
SHELL_TERMS = re.compile(r"(?<![\w-])--[a-z]|`cardiacmtl ")
"""An option, or a command, of the shell."""

SEEN_IN_THE_PANEL = (
    *("CardiacMTL.py", "CardiacMTLPanel/**/*.py", "CardiacMTLScene/**/*.py", "CardiacMTLLib/conclude.py"),
    *("CardiacMTLLib/recompute.py", "CardiacMTLLib/pipeline.py", "CardiacMTLLib/volume.py", "CardiacMTLLib/geometry.py"),
    *("CardiacMTLLib/diagnosis/**/*.py", "CardiacMTLLib/inference/**/*.py", "CardiacMTLLib/measure/**/*.py"),
    *("CardiacMTLLib/network/**/*.py", "CardiacMTLLib/preprocess/**/*.py", "CardiacMTLLib/job/**/*.py"),
)
"""Whose texts come up in the panel or in a result, of which report and panel are made."""


def texts_of(path: Path) -> Iterator[str]:
    """The string constants of a module, but for docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


@pytest.mark.parametrize("pattern", SEEN_IN_THE_PANEL)
def test_no_text_that_the_panel_or_a_report_may_show_names_an_option_or_a_command_of_the_shell(pattern: str) -> None:
    paths = sorted(MODULE.glob(pattern))
    assert paths
    found = [(path.name, text) for path in paths for text in texts_of(path) if SHELL_TERMS.search(text)]
    assert found == []


def test_the_shell_adds_its_options_to_the_hint_of_a_flag() -> None:
    flag = QualityFlag("no_body_size", "height and weight are not known", "Give height and weight and run the study again.")
    analysis = replace(analysis_of(), flags=(flag,))
    said = run_summary(analysis, OutputFiles(Path("out"), (), ()))
    assert "  Give height and weight and run the study again (--height-cm, --weight-kg).\n" in said


def test_the_options_that_the_shell_adds_are_those_of_its_command_run() -> None:
    commands = next(each for each in build_parser()._actions if isinstance(each, argparse._SubParsersAction))
    known = set(commands.choices["run"]._option_string_actions)
    assert {option.split()[0] for options in FLAG_OPTIONS.values() for option in options} <= known


def test_every_flag_whose_hint_the_shell_completes_is_one_that_can_be_raised() -> None:
    texts = [text for path in MODULE.glob("CardiacMTLLib/**/*.py") if path.name != "summary.py" for text in texts_of(path)]
    for code in FLAG_OPTIONS:
        assert code in texts or f"_{code.split('_', 1)[1]}" in texts, code
