"""The list of inputs and faults: every row has a test, no test names a row that is not there, and the page says what came."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from Testing.robustness.page import PAGE, PARTS, Collector, fuzz_table, page, result, table, words
from Testing.robustness.rows import ROWS

pytest_plugins = ["pytester"]

TESTING = Path(__file__).resolve().parents[1]


@cache
def marked_rows() -> dict[str, set[str]]:
    """Rows by the files whose tests carry them, read from the sources: also of tests that cannot be imported here."""
    found: dict[str, set[str]] = {}
    texts = ((path, path.read_text(encoding="utf-8")) for path in TESTING.rglob("test_*.py"))
    for path, text in texts:
        for node in ast.walk(ast.parse(text)) if "mark.robustness(" in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "robustness":
                for argument in node.args:
                    found.setdefault(str(ast.literal_eval(argument)), set()).add(path.name)
    return found


def test_every_row_has_a_test() -> None:
    assert [row for row in ROWS if row not in marked_rows()] == []


def test_no_test_names_a_row_that_is_not_there() -> None:
    assert {row: files for row, files in marked_rows().items() if row not in ROWS} == {}


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([], "**no test**"),
        (["passed", "failed", "skipped"], "**failed**"),
        (["passed", "not run", "skipped"], "**not run**"),
        (["skipped", "skipped"], "skipped"),
        (["passed", "skipped"], "passed, in part skipped"),
        (["passed"], "passed"),
    ],
)
def test_a_row_is_as_bad_as_its_worst_test(outcomes: list[str], expected: str) -> None:
    assert result(outcomes) == expected


def test_the_table_has_a_line_a_row_with_tests_in_words() -> None:
    lines = table({"3b": {"Testing/unit/test_x.py::test_it_holds": "passed"}}).splitlines()
    assert len(lines) == 2 + len(ROWS)
    (line,) = (each for each in lines if each.startswith("| 3b |"))
    assert line.endswith("| `test_x.py`: it holds | passed |")
    assert lines[2].endswith("| - | **no test** |")


def test_a_picture_of_a_part_is_found_from_the_part_and_from_the_page() -> None:
    for text, folder in ((page({}), PAGE.parent), ((PARTS / "batch.md").read_text(encoding="utf-8"), PARTS)):
        (link,) = re.findall(r"!\[.*\]\((.*)\)", text)
        assert (folder / link).is_file()


def test_the_names_of_tests_in_classes_are_words_too() -> None:
    assert words("TestClass::test_a_thing") == "a thing"


def test_the_collector_runs_marked_tests_only_and_keeps_the_worst_outcome(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.robustness(1, "3b")
        @pytest.mark.parametrize("good", [True, False, True])
        def test_shown(good):
            assert good

        @pytest.mark.robustness(2)
        def test_elsewhere():
            pytest.skip("not here")

        def test_other():
            raise AssertionError
        """
    )
    collector = Collector()
    pytester.makeini("[pytest]\nmarkers = robustness(row): as in the project")
    run = pytester.inline_run(plugins=[collector])
    run.assertoutcome(passed=2, failed=1, skipped=1)
    name = "test_the_collector_runs_marked_tests_only_and_keeps_the_worst_outcome.py"
    assert collector.tests == {
        "1": {f"{name}::test_shown": "failed"},
        "3b": {f"{name}::test_shown": "failed"},
        "2": {f"{name}::test_elsewhere": "skipped"},
    }


def test_a_test_that_was_collected_and_never_run_has_not_passed(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def interrupted():
            raise KeyboardInterrupt

        @pytest.mark.robustness(1)
        def test_first():
            pass

        @pytest.mark.robustness(1)
        def test_second(interrupted):
            pass

        @pytest.mark.robustness(2)
        def test_third():
            pass
        """
    )
    collector = Collector()
    pytester.makeini("[pytest]\nmarkers = robustness(row): as in the project")
    pytester.inline_run(plugins=[collector], no_reraise_ctrlc=True)
    assert [sorted(tests.values()) for tests in collector.tests.values()] == [["not run", "passed"], ["not run"]]


def test_the_table_of_fuzzing_counts_findings() -> None:
    record = {"outcomes": {"refused": 5, "right result": 3, "wrong result": 2}, "commit": "abc", "command": "fuzz"}
    assert fuzz_table({"nifti": record}).splitlines()[-1] == "| nifti | 10 | 5 | 3 | 2 | abc, `fuzz` |"
