"""Sets the project up and runs its jobs, with Python's standard library alone: `python make.py demo`, `python make.py test`.

Everything is installed into `.venv` beside this file; a second run finds it there and starts at once.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "cardiacmtl-setup.json"
DEMO_RESULTS = ROOT / "demo-results"
SUPPORTED = ((3, 11), (3, 12), (3, 13))

TORCH_REQUIREMENT = os.environ.get("TORCH_REQUIREMENT", "torch==2.13.0")
"""What pip is asked for before all else. A build for the CPU is enough for every job here, and pip takes it where it is
offered; an index that serves only CUDA builds works too, with a longer download. The environment variable of the same name
may hold another version and further options of pip."""

DEMO_EXTRAS = frozenset({"scene", "report"})
TEST_EXTRAS = DEMO_EXTRAS | {"cluster", "dicom", "pacs", "train", "test"}

GRAPHICS_PACKAGES = ("libx11-6", "libegl1", "libgl1-mesa-dri")
"""Debian and Ubuntu packages with which VTK draws without a screen: it aborts without libX11, and without an EGL driver."""

QT_LIBRARIES = ("libdbus-1-3", "libegl1", "libfontconfig1", "libgl1", "libglib2.0-0", "libxkbcommon0")
QT_PACKAGES = (*QT_LIBRARIES, "fonts-dejavu-core")
"""Debian and Ubuntu packages with which the tests of the module's panel open Qt's widgets without a screen and draw letters."""

DICOM_TOOLS = ("dciodvfy", "dcentvfy", "dsrdump", "storescp", "Orthanc")
DICOM_PACKAGES = ("dicom3tools", "dcmtk", "orthanc")
"""Programs, and the Debian and Ubuntu packages that bring them: tests judge DICOM files by some and send them to others."""


def main() -> int:
    """Run one job; the exit status is 0 when it succeeded."""
    parser = argparse.ArgumentParser(prog="make.py", description="Set CardiacMTL up and run one of its jobs.")
    jobs = parser.add_subparsers(dest="job", required=True, metavar="JOB")
    for name, (_, summary) in JOBS.items():
        jobs.add_parser(name, help=summary)
    arguments = parser.parse_args()
    if sys.version_info[:2] not in SUPPORTED:
        return run_with_supported_python(arguments.job)
    JOBS[arguments.job][0]()
    return 0


def run_with_supported_python(job: str) -> int:
    """Hand the job to a supported Python on the PATH, for this one is too old or too new."""
    for major, minor in reversed(SUPPORTED):
        python = shutil.which(f"python{major}.{minor}")
        if python and subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0:
            say(f"Python {sys.version.split()[0]} is not supported; going on with {python}")
            return subprocess.run([python, __file__, job], check=False).returncode
    sys.exit(
        f"make.py: this is Python {sys.version.split()[0]}; expected 3.11, 3.12 or 3.13; install one and run it with make.py"
    )


def demo() -> None:
    """Run the main job on the built-in phantom study."""
    set_up(DEMO_EXTRAS)
    step("segment, measure and diagnose the built-in phantom study", venv_program("cardiacmtl"), "demo", "--out", DEMO_RESULTS)


def test() -> None:
    """Run the style checks, the type check and all tests; stop at the first that fails."""
    lint()
    step(
        "run all tests, with branch coverage, a process for each core",
        *(venv_program("python"), "-m", "pytest", "--numprocesses=auto", "--dist=loadfile", "--durations=15"),
        *("--cov", "--cov-branch", "--cov-report=term"),
    )
    say("all checks and tests passed")


def lint() -> None:
    """Run the style checks and the type check."""
    set_up(TEST_EXTRAS)
    python = venv_program("python")
    step("check the code's style", python, "-m", "ruff", "check", ".")
    step("check the code's format", python, "-m", "ruff", "format", "--check", ".")
    step("check types", python, "-m", "mypy")


def clean() -> None:
    """Remove all that these jobs have made."""
    made = (
        VENV,
        DEMO_RESULTS,
        ROOT / "build",
        ROOT / "dist",
        ROOT / ".hypothesis",
        *ROOT.glob(".*_cache"),
        *ROOT.glob(".coverage*"),
    )
    for path in made:
        if path.exists():
            say(f"remove {path}")
            shutil.rmtree(path) if path.is_dir() else path.unlink()


JOBS = {
    "demo": (demo, "set up what the demo needs and run it on the built-in phantom study"),
    "test": (test, "set up what the tests need and run style checks, type check and tests"),
    "lint": (lint, "set up what the tests need and run style checks and type check only"),
    "clean": (clean, "remove .venv, results of the demo and caches"),
}


def set_up(extras: frozenset[str]) -> None:
    """Bring `.venv` to the state that pyproject.toml and `extras` ask for, and the machine's graphics libraries with it."""
    if not venv_is_usable():
        create_venv()
    wanted = {"pyproject": hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(), "root": str(ROOT)}
    stamp = json.loads(STAMP.read_text(encoding="utf-8")) if STAMP.exists() else {}
    installed = frozenset(stamp.pop("extras", ()))
    if stamp == wanted and extras <= installed:
        say("packages in .venv are up to date")
    else:
        install_packages(extras | installed)
        STAMP.write_text(json.dumps({**wanted, "extras": sorted(extras | installed)}), encoding="utf-8")
    ensure_drawing()
    if "test" in extras:
        ensure_widgets()
        ensure_dicom_tools()


def venv_is_usable() -> bool:
    """Whether `.venv` has pip and was made by this minor version of Python."""
    code = "import pip, sys; print(*sys.version_info[:2])"
    python = venv_program("python")
    if not python.exists():
        return False
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return found.returncode == 0 and found.stdout.split() == [str(number) for number in sys.version_info[:2]]


def create_venv() -> None:
    """Make a new `.venv`, in place of one that cannot be used."""
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        if not may_install_debian_packages():
            sys.exit(
                f"make.py: this Python cannot make virtual environments; install {package} (as root: apt-get install {package})"
            )
        install_debian_packages((package,))
    step("create the virtual environment .venv", sys.executable, "-m", "venv", "--clear", VENV)


def install_packages(extras: frozenset[str]) -> None:
    """Install PyTorch where it is missing, then the project in place with its `extras`."""
    python = venv_program("python")
    pip: list[str | Path] = [python, "-m", "pip", "install", "--disable-pip-version-check"]
    if not sys.stdout.isatty():
        pip.append("--progress-bar=off")
    has_torch = "import importlib.util as u, sys; sys.exit(u.find_spec('torch') is None)"
    if subprocess.run([python, "-c", has_torch], check=False).returncode:
        step(f"install PyTorch ({TORCH_REQUIREMENT}; the largest download)", *pip, *shlex.split(TORCH_REQUIREMENT))
    names = ",".join(sorted(extras))
    step(f"install CardiacMTL in place, with what {names} need", *pip, "--editable", f"{ROOT}[{names}]")


def ensure_drawing() -> None:
    """See to it that 3D pictures can be drawn, or say that they are left out and what would bring them."""
    reason = drawing_missing_reason()
    if reason and may_install_debian_packages():
        install_debian_packages(GRAPHICS_PACKAGES)
        reason = drawing_missing_reason()
    if reason:
        say(reason)


def drawing_missing_reason() -> str:
    """Empty where VTK draws without a screen, otherwise one sentence that says why it does not."""
    code = "from CardiacMTLScene.gl import rendering_missing_reason as reason; print(reason() or '')"
    tried = subprocess.run([venv_program("python"), "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return tried.stdout.strip()


def ensure_widgets() -> None:
    """See to it that Qt's widgets can be imported for the panel's tests, or say that these are skipped and what would help."""
    code = "from PySide6 import QtWidgets, QtUiTools, QtTest"
    command: list[str | Path] = [venv_program("python"), "-c", code]
    if subprocess.run(command, capture_output=True, check=False).returncode and may_install_debian_packages():
        install_debian_packages(QT_PACKAGES)
    tried = subprocess.run(command, capture_output=True, text=True, check=False)
    if tried.returncode:
        reason = tried.stderr.strip().rsplit("\n", 1)[-1]
        say(f"tests of the panel are skipped: {reason}; on Debian or Ubuntu install {' '.join(QT_PACKAGES)}")


def ensure_dicom_tools() -> None:
    """See to it that DICOM files can be judged, or say that these tests are skipped and what would help."""
    missing = [tool for tool in DICOM_TOOLS if shutil.which(tool) is None]
    if missing and may_install_debian_packages():
        install_debian_packages(DICOM_PACKAGES)
        if "Orthanc" in missing:
            keep_quiet("orthanc")
    if not all(map(shutil.which, DICOM_TOOLS)):
        say(f"tests with DICOM validators or servers are skipped; on Debian or Ubuntu install {' '.join(DICOM_PACKAGES)}")


def may_install_debian_packages() -> bool:
    """Whether this is Debian, or a relative of it, and we are root."""
    return shutil.which("apt-get") is not None and hasattr(os, "geteuid") and os.geteuid() == 0


def install_debian_packages(packages: tuple[str, ...]) -> None:
    """Install Debian packages; a failure is left to whoever needs them."""
    say(f"install the Debian packages {' '.join(packages)}")
    environment = {**child_environment(), "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "-q", "update"], ["apt-get", "-q", "install", "-y", "--no-install-recommends", *packages]):
        subprocess.run(command, env=environment, check=False)


def keep_quiet(service: str) -> None:
    """See to it that a package that was installed for its program alone runs no service: neither now nor after a start."""
    if Path("/run/systemd/system").is_dir():
        command = ["systemctl", "disable", "--now", service]
        subprocess.run(command, check=False)


def venv_program(name: str) -> Path:
    """Path of a program in `.venv`."""
    return VENV / "Scripts" / f"{name}.exe" if os.name == "nt" else VENV / "bin" / name


def step(what: str, *command: str | Path) -> None:
    """Say what is done, do it, and end the job with one clear line when it fails."""
    say(what)
    status = subprocess.run(command, cwd=ROOT, env=child_environment(), check=False).returncode
    if status:
        sys.exit(f"make.py: failed (exit status {status}): {what}")


def child_environment() -> dict[str, str]:
    """The environment of child processes: output at once, and without colours where nobody looks at a terminal."""
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PYTHONHOME"}}
    environment["PYTHONUNBUFFERED"] = "1"
    if not sys.stdout.isatty():
        environment.pop("FORCE_COLOR", None)
        environment["NO_COLOR"] = "1"
    return environment


def say(what: str) -> None:
    """Print one line of progress at once."""
    print(f"==> {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
