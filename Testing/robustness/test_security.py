"""What an attacker could try: code in data, weights that were exchanged, a network nobody asked for, files left for others."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from CardiacMTLLib.errors import ModelError
from CardiacMTLLib.network import store, weights
from CardiacMTLLib.outputs import RECORD_FILE, REPORT_FILE
from Testing.robustness.test_support import SECRETS, hostile_study
from Testing.unit.tiny_model import write_tiny_model

ROOT = Path(__file__).resolve().parents[2]
RUN_TIME = ROOT / "CardiacMTL"

FORBIDDEN_MODULES = {
    *("pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "dbm", "jsonpickle", "yaml"),
    *("ftplib", "telnetlib", "xmlrpc", "http", "urllib.request", "requests"),
    "pydicom.fileset",
}
"""What makes objects or code of data, what fetches from the network, and what follows paths that stand in a DICOMDIR."""

FORBIDDEN_CALLS = {"eval", "exec", "torch.load", "torch.jit.load", "torch.hub.load", "os.system", "os.popen", "tempfile.mktemp"}


class Finding(NamedTuple):
    """A forbidden thing and its line."""

    what: str
    line: int


def findings(source: str) -> list[Finding]:
    """Forbidden imports and calls of a file."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            names = []
        found += [Finding(name, node.lineno) for name in names if {name, name.split(".")[0]} & FORBIDDEN_MODULES]
        if isinstance(node, ast.Call):
            found += [Finding(what, node.lineno) for what in forbidden_call(node)]
    return found


def forbidden_call(call: ast.Call) -> list[str]:
    name = ast.unparse(call.func)
    given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
    found = [name] if name in FORBIDDEN_CALLS else []
    if name in {"np.load", "numpy.load"} and given.get("allow_pickle") != "False":
        found.append(name)
    if given.get("allow_pickle") == "True" or given.get("shell") == "True":
        found.append(f"{name} with {given}")
    if name.endswith((".extractall", ".extract")):
        found.append(name)
    if name in {"import_module", "importlib.import_module", "__import__"}:
        module = ast.unparse(call.args[0]).strip("'\"")
        found += [module] if module.split(".")[0] in FORBIDDEN_MODULES else []
    return found


@pytest.mark.robustness(31)
def test_nothing_at_run_time_makes_code_or_objects_of_data() -> None:
    sources = sorted(RUN_TIME.rglob("*.py"))
    assert len(sources) > 100
    found = {path.relative_to(ROOT).as_posix(): findings(path.read_text(encoding="utf-8")) for path in sources}
    assert {path: each for path, each in found.items() if each} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import urllib.request",
        "from urllib import request",
        "def f():\n    import yaml",
        "import http.client as c",
        "torch.load(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "np.save(path, array, allow_pickle=True)",
        "eval(text)",
        "exec(text)",
        "subprocess.run(command, shell=True)",
        "opened.extractall(folder)",
        "importlib.import_module('marshal')",
    ],
)
def test_the_search_finds_what_is_forbidden(source: str) -> None:
    assert findings(source)


@pytest.mark.parametrize("source", ["np.load(path, allow_pickle=False)", "from urllib.parse import quote", "network.eval()"])
def test_the_search_lets_pass_what_is_allowed(source: str) -> None:
    assert findings(source) == []


@pytest.mark.robustness(30)
def test_weights_are_not_parsed_before_their_checksum_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = write_tiny_model(tmp_path / "tiny")
    whole = entry.weights.read_bytes()
    parsed: list[bytes] = []
    monkeypatch.setattr(weights, "load", lambda content: parsed.append(content) or {})
    entry.weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(ModelError, match="has SHA-256"):
        weights.load_entry(entry)
    assert parsed == []


@pytest.mark.robustness(30)
def test_the_bytes_that_were_checked_are_the_bytes_that_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = write_tiny_model(tmp_path / "tiny")
    whole, exchanged = entry.weights.read_bytes(), []
    checksum = store.hashlib.sha256

    def exchange(content: bytes) -> object:
        exchanged.append(entry.weights.write_bytes(b"another file"))
        return checksum(content)

    monkeypatch.setattr(store.hashlib, "sha256", exchange)
    parse = weights.load
    monkeypatch.setattr(weights, "load", lambda content: parse(content) if content == whole else pytest.fail("exchanged"))
    weights.load_entry(entry)
    assert exchanged


def without_network() -> list[str]:
    """The words that start a command in a network of its own, with nothing in it; empty where that is not allowed."""
    unshare = shutil.which("unshare")
    if unshare is None or os.geteuid() or subprocess.run([unshare, "-n", "true"], capture_output=True, check=False).returncode:
        return []
    return [unshare, "-n"]


@pytest.mark.robustness(35, 37)
@pytest.mark.skipif(os.name == "nt", reason="modes of files are those of POSIX")
def test_the_main_job_runs_without_a_network_and_leaves_nothing_for_others(tmp_path: Path) -> None:
    study = hostile_study(tmp_path)
    temporary, record, out = tmp_path / "tmp", tmp_path / "record.json", tmp_path / "made" / "out"
    home = tmp_path / "home"
    for folder in (temporary, home, out.parent):
        folder.mkdir()
    elsewhere = {"MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
    environment = {key: value for key, value in os.environ.items() if key not in elsewhere} | {
        "PYTHONPATH": f"{RUN_TIME}{os.pathsep}{ROOT}",
        "TMPDIR": str(temporary),
        "HOME": str(home),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "Testing.robustness.blocked_job", *map(str, (record, temporary, study, out))]
    done = subprocess.run(
        [*without_network(), *command], env=environment, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(record.read_text(encoding="utf-8"))
    assert told["sockets"] == []
    assert {(out / name).exists() for name in (RECORD_FILE, REPORT_FILE)} == {True}
    assert told["seen"], "temporary places were not seen"
    assert {name: oct(mode) for name, mode in told["seen"].items() if mode & 0o077} == {}
    assert not [secret for secret in SECRETS if secret in "".join(told["seen"])]
    assert list(temporary.iterdir()) == []
    assert [path for path in home.rglob("*") if path.is_file() and not path.name.startswith("fontlist-")] == []
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []
