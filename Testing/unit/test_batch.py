"""A batch: all studies below a folder, good ones written, bad ones named; what is refused; tables, pace and command."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from CardiacMTLLib.batch import FAILURES_FILE, RESULTS_FILE, BatchSettings, BatchSummary, Workforce, find_cases, run_batch
from CardiacMTLLib.batch.child import crash_text, limited_environment
from CardiacMTLLib.batch.command import lines_now_and_then
from CardiacMTLLib.batch.finished import finished_record, publish_case
from CardiacMTLLib.batch.local import done_here
from CardiacMTLLib.batch.pace import Pace, duration_text
from CardiacMTLLib.batch.protocol import Answer, Lines, Orders, answer_of, line_of, orders_of, task_of
from CardiacMTLLib.batch.run import _cohort_notes as cohort_notes
from CardiacMTLLib.batch.state import STATE_FOLDER, BatchState, Plan, batch_state
from CardiacMTLLib.batch.tables import RESULTS_COLUMNS, Table
from CardiacMTLLib.batch.task import End, Outcome, Task
from CardiacMTLLib.batch.worker_main import Means, do, prepare
from CardiacMTLLib.cli import main
from CardiacMTLLib.conclude import conclude
from CardiacMTLLib.errors import InputError, ModelError, OutputError, UsageError
from CardiacMTLLib.network.heads import load_heads
from Testing.robustness.batches import rows, write_study
from Testing.unit.analyses import analysis_of

ORDERS = Orders(BatchSettings(device="cpu", scene=False), "")
MEANS = Means(lambda study: conclude(study, None, load_heads()))


def done_in_this_process(tasks, orders, workforce):
    """As `done_here`, by the code of the worker, but without a process and without a network."""
    for task in tasks:
        Path(task.work).mkdir()
        answer = do(task, orders, MEANS)
        yield None
        yield Outcome(task.name, End(answer.word), answer.text)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("CardiacMTLLib.batch.run.done_here", done_in_this_process)
    monkeypatch.setattr("CardiacMTLLib.outputs.draw_contact_sheet", lambda _analysis, path: path.touch())
    monkeypatch.setattr("CardiacMTLLib.outputs.write_report", lambda _analysis, path, **_: path.touch())
    monkeypatch.setattr("CardiacMTLLib.outputs.draw_bullseye", lambda _analysis, path: path.touch())
    monkeypatch.setattr("CardiacMTLLib.batch.run._cohort_notes", lambda out: ("no page",))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "studies"
    for name in ("a", "b"):
        write_study(folder / name / "cine.nii.gz")
    (folder / "=bad.nii.gz").write_bytes(b"no image")
    return folder


def test_good_cases_are_written_and_bad_ones_named(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = run_batch(root, out)
    assert summary.done == ("a_cine", "b_cine")
    assert list(summary.failed) == ["=bad"]
    assert [row["case"] for row in rows(out / RESULTS_FILE)] == ["a_cine", "b_cine"]
    assert "out of scope" in rows(out / RESULTS_FILE)[0]["reason"]
    assert {"lv_edv_ml", "lv_ef_percent", "flags"} <= set(rows(out / RESULTS_FILE)[0])
    (failure,) = rows(out / FAILURES_FILE)
    assert failure["case"] == "'=bad"
    assert failure["error"] == summary.failed["=bad"]
    assert (out / "a_cine" / "result.json").is_file()
    assert not (out / "=bad").exists()


def test_the_header_is_the_same_whatever_the_cases_hold(root: Path, tmp_path: Path) -> None:
    (root / "a" / "cine.nii.gz").unlink()
    (root / "b" / "cine.nii.gz").unlink()
    header = f"{','.join(RESULTS_COLUMNS)}\n"
    assert run_batch(root, tmp_path / "nothing").done == ()
    assert (tmp_path / "nothing" / RESULTS_FILE).read_text(encoding="utf-8") == header
    write_study(root / "a" / "cine.nii.gz")
    assert run_batch(root, tmp_path / "out").done == ("a_cine",)
    assert (tmp_path / "out" / RESULTS_FILE).read_text(encoding="utf-8").startswith(header)
    (root / "=bad.nii.gz").unlink()
    (tmp_path / "out" / RESULTS_FILE).write_text("case,label,flags\na_cine,,out_of_scope\n", encoding="utf-8")
    run_batch(root, tmp_path / "out", resume=True)
    assert (tmp_path / "out" / RESULTS_FILE).read_text(encoding="utf-8").startswith(header)


def test_the_columns_are_those_that_the_page_about_batches_names() -> None:
    page = (Path(__file__).parents[2] / "docs" / "batch.md").read_text(encoding="utf-8")
    block = page.partition("## Columns of results.csv")[2].split("```")[1]
    assert tuple(block.replace(",", " ").split()) == RESULTS_COLUMNS


def test_going_on_does_what_is_new_and_keeps_the_rest(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_batch(root, out, resume=True)
    before = (out / "a_cine" / "result.json").stat().st_ino
    write_study(root / "a" / "another.nii.gz")
    write_study(root / "=bad.nii.gz")
    again = run_batch(root, out, resume=True)
    assert again.done == ("a_another", "a_cine", "b_cine")
    assert list(again.failed) == ["=bad"]
    assert [row["case"] for row in rows(out / RESULTS_FILE)] == list(again.done)
    retried = run_batch(root, out, resume=True, retry_failed=True)
    assert retried.done == ("=bad", "a_another", "a_cine", "b_cine")
    assert retried.failed == {}
    assert rows(out / FAILURES_FILE) == []
    assert (out / "a_cine" / "result.json").stat().st_ino == before


def test_results_stay_in_the_table_when_their_study_has_gone(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_batch(root, out)
    (root / "a" / "cine.nii.gz").unlink()
    (root / "=bad.nii.gz").unlink()
    assert run_batch(root, out, resume=True).done == ("b_cine", "a_cine")
    again = run_batch(root, out, resume=True, retry_failed=True)
    assert "does not exist" in again.failed["=bad"]


def test_a_folder_without_studies_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no study"):
        run_batch(tmp_path / "empty", tmp_path / "some" / "out")
    assert list(tmp_path.iterdir()) == []


def test_results_of_another_batch_are_not_gone_on_with_unasked(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run_batch(root, out)
    with pytest.raises(UsageError, match="holds a batch already; expected --resume"):
        run_batch(root, out)
    for settings, words in (
        (BatchSettings(slice_spacing_mm=8.0), "--slice-spacing-mm None, and this one has 8.0"),
        (BatchSettings(whole_cycle=True), "--whole-cycle False, and this one has True"),
    ):
        with pytest.raises(UsageError, match=words):
            run_batch(root, out, settings, resume=True)
    with pytest.raises(UsageError, match="holds a batch with studies"):
        run_batch(root / "a", out, resume=True)


def test_a_folder_that_stands_where_a_result_will_is_left_alone(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "b_cine").mkdir(parents=True)
    (out / "b_cine" / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="b_cine is there already, and is not of this batch"):
        run_batch(root, out)
    assert [path.name for path in out.iterdir()] == ["b_cine"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: BatchSettings(slice_spacing_mm=-1.0), "slice spacing is -1.0"),
        (lambda: Workforce(0), "--workers is 0; expected 1 or more"),
        (lambda: Workforce(time_limit_s=0), "--time-limit-s is 0; expected a time above zero"),
        (lambda: Workforce(2, scheduler="tcp://host:8786"), "got --workers together with --scheduler"),
        (lambda: run_batch(Path("x"), Path("y"), retry_failed=True), "got --retry-failed without --resume"),
        (lambda: run_batch(Path("x"), Path("x")), "results would stand among the studies"),
    ],
)
def test_options_that_contradict_are_refused(make, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make()


def test_an_output_that_cannot_be_written_ends_the_batch_and_is_no_case_s_fault(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    def full(*_: object, **__: object) -> None:
        raise OutputError(f"results cannot be written to {out} (No space left on device)")

    with monkeypatch.context() as patched:
        patched.setattr("CardiacMTLLib.batch.worker_main.publish_case", full)
        with pytest.raises(OutputError, match=r"No space left on device.*; go on with --resume"):
            run_batch(root, out)
    assert [row["case"] for row in rows(out / FAILURES_FILE)] in ([], ["'=bad"])
    assert run_batch(root, out, resume=True).done == ("a_cine", "b_cine")


def test_a_result_that_did_not_arrive_is_a_failure(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("CardiacMTLLib.batch.worker_main.publish_case", lambda *_, **__: None)
    summary = run_batch(root, tmp_path / "out")
    assert "the result is not there though the worker wrote it" in summary.failed["a_cine"]


def test_a_case_that_somebody_else_finished_meanwhile_stays_theirs(tmp_path: Path) -> None:
    work, target = tmp_path / "work", tmp_path / "case"
    work.mkdir()
    publish_case(analysis_of(), target, work)
    first = (target / "result.json").stat().st_ino
    publish_case(analysis_of(), target, work)
    assert (target / "result.json").stat().st_ino == first
    assert list(work.iterdir()) == []
    (target / "result.json").write_text("{", encoding="utf-8")
    assert finished_record(target) is None
    with pytest.raises(OutputError, match=r"results cannot be written to .*case"):
        publish_case(analysis_of(), target, work)
    assert list(work.iterdir()) == []


def test_a_failure_line_that_was_cut_off_counts_as_none_and_spoils_no_other(tmp_path: Path) -> None:
    with batch_state(tmp_path / "out", resume=False) as state:
        state.begin(Plan({}, {}))
        state.add_failure("a", "first\nline")
        path = tmp_path / "out" / STATE_FOLDER / "failures.jsonl"
        path.write_bytes(path.read_bytes() + b'["b", "cut of')
        state.add_failure("c", "\udcff")
        assert state.failures() == {"a": "first\nline", "c": "\udcff"}
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("text", "words"), [("{", "damaged"), ("[]", "damaged"), ('{"version": 9}', "has version 9; expected 1")]
)
def test_a_plan_that_cannot_be_read_is_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / STATE_FOLDER).mkdir()
    (tmp_path / STATE_FOLDER / "batch.json").write_text(text, encoding="utf-8")
    with pytest.raises(OutputError, match=words):
        BatchState(tmp_path).plan()


def test_a_full_disk_is_told_when_a_failure_cannot_be_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with batch_state(tmp_path / "out", resume=False) as state:
        monkeypatch.setattr("os.write", lambda _descriptor, data: len(data) - 1)
        with pytest.raises(OutputError, match="No space left on device"):
            state.add_failure("a", "text")


def test_a_table_keeps_the_order_of_cases_and_its_columns(tmp_path: Path) -> None:
    now = [0.0]
    table = Table(tmp_path / "t.csv", ("a", "b", "c"), ("case", "y", "z", "x"), clock=lambda: now[0])
    table.put("c", {"x": 1, "y": "=cmd()"})
    table.write()
    table.put("a", {"y": "line\nend", "z": None})
    table.write()
    assert rows(tmp_path / "t.csv") == [
        {"case": "a", "y": "line\nend", "z": "", "x": ""},
        {"case": "c", "y": "'=cmd()", "z": "", "x": "1"},
    ]
    table.put("b", {"z": "\udcff"})
    table.write(now=True)
    assert rows(tmp_path / "t.csv")[1]["z"] == "\\udcff"


def test_a_table_that_takes_long_to_write_is_written_less_often(tmp_path: Path) -> None:
    times = iter([0.0, 0.0, 1.0, 10.0, 30.0, 30.1])
    table = Table(tmp_path / "t.csv", ("a", "b"), ("case",), clock=lambda: next(times))
    table.put("a", {})
    table.write()
    table.put("b", {})
    table.write()
    assert len(rows(tmp_path / "t.csv")) == 1
    table.write()
    assert len(rows(tmp_path / "t.csv")) == 2


def test_pace_tells_rate_and_remaining_time() -> None:
    now = [0.0]
    pace = Pace(100, 10, 1, clock=lambda: now[0])
    assert pace.text() == "10 of 100 done, 1 failed"
    for _ in range(8):
        now[0] += 30
        pace.count(failed=False)
    pace.count(failed=True)
    assert pace.text() == "18 of 100 done, 2 failed, 2.2 a minute, 36 min left"
    assert pace.fraction == 0.2
    now[0] += 86400
    assert "left" in pace.text()
    assert "an hour" in pace.text()


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (99, "99 s"), (100, "2 min"), (7500, "2 h 5 min"), (200000, "2 d 8 h")]
)
def test_times_are_told_in_units_that_matter(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_messages_survive_the_way_to_the_worker_and_back() -> None:
    task = Task("n", "/\u540d \udcff", "/t", "/w", ("a\nb",))
    assert task_of(line_of(task)) == task
    assert orders_of(line_of(ORDERS)) == ORDERS
    assert answer_of(line_of(Answer("done", "x", 3, internal=True))) == Answer("done", "x", 3, internal=True)
    lines, text = Lines(), line_of(task) + line_of(task)
    assert [line for byte in text for line in lines.feed(bytes([byte]))] == [line_of(task)[:-1]] * 2


def test_another_model_under_the_same_name_is_refused() -> None:
    with pytest.raises(ModelError, match="is another model here"):
        prepare(Orders(BatchSettings(device="cpu"), "0" * 64))


def test_a_crash_is_told_by_signal_or_status() -> None:
    assert "(SIGSEGV)" in crash_text(-11)
    assert "(SIGKILL, often for want of memory)" in crash_text(-9)
    assert "(signal 99)" in crash_text(-99)
    assert "(exit status 7)" in crash_text(7)


def test_threads_are_limited_unless_the_user_said_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    found = limited_environment(3)
    assert (found["OMP_NUM_THREADS"], found["MKL_NUM_THREADS"]) == ("5", "5")
    monkeypatch.setenv("MKL_NUM_THREADS", "4")
    assert limited_environment(3)["MKL_NUM_THREADS"] == "4"
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert limited_environment(3)["OMP_NUM_THREADS"] == "3"


def test_no_tasks_need_no_worker() -> None:
    assert list(done_here([], ORDERS, Workforce(python="no python"))) == []


def test_the_command_ends_with_status_1_where_a_case_failed_and_0_where_none_did(root: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    assert main(["batch", str(root), "--out", str(out)]) == 1
    told = capsys.readouterr()
    assert told.out.splitlines()[0] == "2 cases done, 1 case failed"
    assert "Note: no page" in told.out
    assert told.err.startswith("=bad failed: ")
    (root / "=bad.nii.gz").unlink()
    assert main(["batch", str(root), "--out", str(tmp_path / "other")]) == 0
    assert main(["batch", str(root), "--out", str(out)]) == 2
    assert "expected --resume" in capsys.readouterr().err


def test_where_nobody_watches_progress_is_a_line_every_minute() -> None:
    now, lines = [0.0], []
    progress = lines_now_and_then(lines.append, clock=lambda: now[0])
    for seconds in (1, 59, 61, 100, 130):
        now[0] = seconds
        progress("text", seconds / 200)
    assert lines == [" 30 %  text", " 65 %  text"]


def test_the_cohort_page_is_left_out_with_a_note_where_its_packages_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "CardiacMTLLib.report.cohort", None)
    assert "left out" in cohort_notes(tmp_path)[0]


def test_a_summary_is_plain_values(root: Path, tmp_path: Path) -> None:
    summary = run_batch(root, tmp_path / "out")
    assert isinstance(summary, BatchSummary)
    assert json.loads(json.dumps([summary.done, summary.failed, summary.notes]))[2] == ["no page"]
    assert [case.name for case in find_cases(root)] == ["=bad", "a_cine", "b_cine"]
