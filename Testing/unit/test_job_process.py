"""The runner with processes of a few lines: what they write comes whole, and none outlives its job."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from CardiacMTLLib.errors import JobError
from CardiacMTLLib.job import client as client_module
from CardiacMTLLib.job.client import JobClient, JobEnd, JobListener, run_job
from CardiacMTLLib.job.folder import Job
from CardiacMTLLib.job.process import SubprocessRunner, end_tree, worker_command
from Testing.unit.analyses import study_like
from Testing.waiting import wait_until

STUDY = study_like()

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a POSIX shell")


def program(tmp_path, text):
    """A stand-in for the Python of a worker: a program that runs the lines of `text` whatever it is given."""
    script = tmp_path / "stand_in.py"
    script.write_text(text, encoding="utf-8")
    launcher = tmp_path / "python stand-in"
    launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "$@"\n', encoding="utf-8")
    launcher.chmod(0o755)
    return launcher


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


STUBBORN = """
import json, os, subprocess, sys, time
os.setpgid(0, 0)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
sys.stdout.write('{"event": "sta')
sys.stdout.flush()
time.sleep(0.05)
print('rted", "pid": %d}' % os.getpid())
print(json.dumps({"event": "note", "text": str(child.pid)}), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="asks /proc which processes live")
def test_a_worker_that_does_not_listen_ends_within_two_seconds_of_the_cancel_and_its_child_with_it(temporary, tmp_path):
    runner, notes, outcomes = SubprocessRunner(), [], []
    listener = JobListener(note=notes.append, finished=outcomes.append)
    client = JobClient(Job(STUDY), runner, listener, program(tmp_path, STUBBORN))
    client.start()
    wait_until(lambda: runner.poll() and notes)
    child = int(notes[0])
    assert is_alive(child)
    cancelled = time.monotonic()
    client.cancel()
    runner.run(client.tick)
    assert time.monotonic() - cancelled < 2
    assert outcomes[0].end is JobEnd.CANCELLED
    wait_until(lambda: not is_alive(child), 2)


def test_a_launcher_that_stands_before_the_worker_makes_no_difference(temporary, tmp_path):
    script = tmp_path / "stubborn.py"
    script.write_text(STUBBORN, encoding="utf-8")
    launcher = tmp_path / "launcher"
    launcher.write_text(f'#!/bin/sh\n"{sys.executable}" "{script}" "$@"\necho after\n', encoding="utf-8")
    launcher.chmod(0o755)
    runner, notes, outcomes = SubprocessRunner(), [], []
    client = JobClient(Job(STUDY), runner, JobListener(note=notes.append, finished=outcomes.append), launcher)
    client.start()
    wait_until(lambda: runner.poll() and notes)
    client.cancel()
    runner.run(client.tick)
    assert outcomes[0].end is JobEnd.CANCELLED
    wait_until(lambda: not is_alive(int(notes[0])), 2)


def test_all_that_a_process_wrote_comes_before_its_end(temporary, tmp_path):
    lines = 'import sys; sys.stdin.read()\nfor i in range(5000): print(\'{"event": "note", "text": "%d"}\' % i)\nsys.exit(7)'
    runner, notes, outcomes = SubprocessRunner(), [], []
    client = JobClient(Job(STUDY), runner, JobListener(note=notes.append, finished=outcomes.append), program(tmp_path, lines))
    client.start()
    runner.close_stdin()
    runner.run(client.tick)
    assert notes == [str(number) for number in range(5000)]
    assert "with exit status 7" in outcomes[0].text
    runner.close_stdin()
    runner.kill()
    assert runner.poll() is False


def test_waiting_for_a_job_raises_the_worker_s_line(temporary, tmp_path):
    text = """print('{"event": "error", "text": "there is no model; install one"}')"""
    outcomes = []
    with pytest.raises(JobError, match=r"^there is no model; install one$"):
        run_job(Job(STUDY), program(tmp_path, text), JobListener(finished=outcomes.append))
    assert outcomes[0].end is JobEnd.FAILED


def test_a_python_that_is_not_there_is_a_failure_not_a_traceback(temporary, tmp_path):
    with pytest.raises(JobError, match="could not be started"):
        run_job(Job(STUDY), tmp_path / "absent")


def test_the_interrupt_key_ends_the_worker_too(temporary, tmp_path):
    pids = []

    def interrupt(text):
        pids.append(int(text))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(Job(STUDY), program(tmp_path, STUBBORN), JobListener(note=interrupt))
    wait_until(lambda: not is_alive(pids[0]), 2)


def test_ending_a_process_that_is_gone_or_leads_no_group_harms_nobody():
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    process = subprocess.Popen(command)
    end_tree(process.pid)
    assert process.wait(10) == -signal.SIGKILL
    end_tree(process.pid)


def test_a_process_that_leads_its_group_already_may_say_so_again():
    code = "from CardiacMTLLib.job.process import lead_own_group as f; import os; f(); f(); print(os.getpgrp() == os.getpid())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(Path(client_module.__file__).parents[2])},
    )
    assert done.stdout.strip() == "True"


def test_the_command_names_the_script_that_lies_beside_this_library():
    command = worker_command("/opt/Slicer/bin/PythonSlicer", Path("a job"), Path("result"))
    assert (command[0], command[2:]) == ("/opt/Slicer/bin/PythonSlicer", ["a job", "result"])
    assert Path(command[1]).is_file()
