"""The wheel holds all that the software needs, and works where nothing of the checkout can be seen."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import CardiacMTLLib
from CardiacMTLLib.errors import CardiacMTLError
from CardiacMTLLib.resources import models_dir, terminology_file

ROOT = Path(__file__).resolve().parents[2]
SLICER_SIDE = ROOT / "CardiacMTL"
RESOURCES = SLICER_SIDE / "Resources"
NOT_SHIPPED = {"__pycache__", ".DS_Store"}


def files_below(folder: Path) -> list[Path]:
    """All files of a folder that belong to the project."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not NOT_SHIPPED.intersection(path.parts))


def run(*command: str | Path, cwd: Path) -> str:
    """Output of a command that must succeed; it sees no path of this checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--wheel-dir", folder)
    run(sys.executable, "-m", "pip", "wheel", *options, ROOT, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def clean_environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the programs of a new virtual environment: the wheel's files, and the packages that it depends on.

    The dependencies are lent by the environment of the tests, whose own .pth files (the editable install among them) are
    not read by the new one.
    """
    folder = tmp_path_factory.mktemp("clean") / "environment"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    programs = Path(sysconfig.get_path("scripts", "venv", {"base": str(folder), "platbase": str(folder)}))
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = (sys.executable, "-m", "pip", "--python", programs / Path(sys.executable).name, "--disable-pip-version-check")
    run(*pip, "install", "--no-deps", "--no-index", "--ignore-installed", wheel, cwd=folder.parent)
    return programs


def test_the_wheel_holds_every_file_of_the_packages_and_their_resources(wheel: Path) -> None:
    expected = {
        path.relative_to(base).as_posix()
        for base, package in ((SLICER_SIDE, "CardiacMTLLib"), (SLICER_SIDE, "CardiacMTLScene"), (ROOT, "CardiacMTLTraining"))
        for path in files_below(base / package)
    }
    for kind in ("Models", "Terminology"):
        expected |= {
            f"CardiacMTLLib/Resources/{path.relative_to(RESOURCES).as_posix()}" for path in files_below(RESOURCES / kind)
        }
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == expected


def test_every_model_comes_with_weights_manifest_card_and_licence() -> None:
    models = [folder for folder in (RESOURCES / "Models").iterdir() if folder.is_dir()]
    assert models
    for folder in models:
        assert {"weights.safetensors", "manifest.json", "card.md", "LICENSE.txt"} <= {path.name for path in folder.iterdir()}


def test_the_wheel_carries_version_and_both_licences(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (archive.read(name).decode() for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        licences = [archive.read(name).decode() for name in archive.namelist() if ".dist-info/licenses/" in name]
    assert f"\nVersion: {CardiacMTLLib.__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0 AND CC-BY-NC-SA-4.0\n" in metadata
    for title in ("Apache License", "Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International"):
        assert [text for text in licences if title in text]


def test_the_installed_packages_are_not_those_of_the_checkout(clean_environment: Path, tmp_path: Path) -> None:
    names = ("CardiacMTLLib", "CardiacMTLScene", "CardiacMTLTraining")
    code = f"import sys, {', '.join(names)}\nfor name in {names!r}: print(sys.modules[name].__file__)"
    python = clean_environment / Path(sys.executable).name
    found = run(python, "-c", code, cwd=tmp_path).split()
    assert [Path(name).is_relative_to(clean_environment.parent) for name in found] == [True] * 3


def test_the_installed_commands_explain_themselves(clean_environment: Path, tmp_path: Path) -> None:
    for name in ("cardiacmtl", "cardiacmtl-train"):
        assert "usage:" in run(clean_environment / name, "--help", cwd=tmp_path)


def test_the_installed_models_are_whole(clean_environment: Path, tmp_path: Path) -> None:
    assert "intact" in run(clean_environment / "cardiacmtl", "models", "verify", cwd=tmp_path)


def test_the_installed_terminology_is_found(clean_environment: Path, tmp_path: Path) -> None:
    code = "from CardiacMTLLib.resources import terminology_file; print(terminology_file().read_text(encoding='utf-8'))"
    text = run(clean_environment / Path(sys.executable).name, "-c", code, cwd=tmp_path)
    assert text.strip() == (RESOURCES / "Terminology" / "CardiacMTL.term.json").read_text(encoding="utf-8").strip()


def test_resources_are_found_beside_the_package_in_a_checkout() -> None:
    assert models_dir() == RESOURCES / "Models"
    assert terminology_file().parent == RESOURCES / "Terminology"


def test_resources_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(CardiacMTLError, match=r"Models is missing .* install CardiacMTL again"):
        models_dir(tmp_path / "CardiacMTLLib")
