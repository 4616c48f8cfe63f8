"""CMake configures and installs the extension as Slicer's build does; the stand-in for Slicer records what it is given."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest

from Testing.packaging.list_shipped_files import shipped_files, with_lists

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "CardiacMTL"
STAND_IN = Path(__file__).resolve().parent / "slicer_stand_in"
MODULES_FOLDER = "lib/Slicer-5.12/qt-scripted-modules"


@dataclass(frozen=True, slots=True)
class Build:
    """A configured build folder, and what came of installing it."""

    folder: Path
    installed: Path

    def recorded(self, name: str) -> list[str]:
        """The values that the stand-in was given under this name."""
        return (self.folder / "recorded" / name).read_text(encoding="utf-8").splitlines()


def cmake(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the CMake of the tests' environment, else that of the machine."""
    program = shutil.which("cmake", path=sysconfig.get_path("scripts")) or shutil.which("cmake")
    assert program, "CMake is missing; install the extra `test`, or CMake itself"
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def configure(source: Path, build: Path) -> subprocess.CompletedProcess[str]:
    """Configure an extension against the stand-in; neither a compiler nor make is needed."""
    tools = ("-G", "Unix Makefiles", f"-DCMAKE_MAKE_PROGRAM={sys.executable}")
    stand_in = (f"-DSlicer_DIR={STAND_IN}", f"-DCMAKE_TOOLCHAIN_FILE={STAND_IN / 'no_compiler.cmake'}")
    return cmake("-S", source, "-B", build, *tools, *stand_in)


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """This checkout, configured and installed."""
    folder = tmp_path_factory.mktemp("slicer")
    configured = configure(ROOT, folder / "build")
    assert configured.returncode == 0, configured.stderr
    assert configured.stderr == ""
    installed = cmake("--install", folder / "build", "--prefix", folder / "installed")
    assert installed.returncode == 0, installed.stderr
    return Build(folder / "build", folder / "installed" / MODULES_FOLDER)


def small_extension(folder: Path, module: str) -> Path:
    """An extension whose only CMake file holds `module`."""
    folder.mkdir()
    head = "cmake_minimum_required(VERSION 3.20)\nproject(Small)\nfind_package(Slicer REQUIRED)\ninclude(${Slicer_USE_FILE})\n"
    (folder / "CMakeLists.txt").write_text(head + module, encoding="utf-8")
    return folder


def test_every_shipped_file_is_listed_exactly_once(build: Build) -> None:
    listed = build.recorded("scripts") + build.recorded("resources")
    assert sorted(listed) == shipped_files(), "run python Testing/packaging/list_shipped_files.py"


def test_scripts_are_python_files_and_resources_are_not(build: Build) -> None:
    assert {Path(name).suffix for name in build.recorded("scripts")} == {".py"}
    assert ".py" not in {Path(name).suffix for name in build.recorded("resources")}


def test_slicer_installs_the_shipped_files_at_their_places_and_nothing_else(build: Build) -> None:
    found = {path.relative_to(build.installed).as_posix() for path in build.installed.rglob("*") if path.is_file()}
    assert found == set(shipped_files())
    assert all((build.installed / name).read_bytes() == (MODULE / name).read_bytes() for name in found)


def test_models_and_terminology_are_found_where_slicer_installs_them(build: Build, tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(build.installed)!r})\n"
        "from CardiacMTLLib.commands import verify_models\n"
        "from CardiacMTLLib.resources import terminology_file\n"
        "print(terminology_file(), verify_models(), sep='\\n')"
    )
    environment = {**os.environ, "CARDIACMTL_MODELS": str(tmp_path / "no-imported-models")}
    command = (sys.executable, "-I", "-B", "-c", code)
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    terminology, *models = done.stdout.splitlines()
    assert Path(terminology).is_relative_to(build.installed)
    assert len(models) == len(list((MODULE / "Resources" / "Models").iterdir()))
    assert all(line.endswith("intact") for line in models)


def test_the_extension_builds_one_module_of_its_own_name(build: Build) -> None:
    assert build.recorded("name") == build.recorded("modules") == ["CardiacMTL"]


def test_the_modules_self_test_and_slicers_generic_tests_are_registered(build: Build) -> None:
    assert build.recorded("unit_tests") == ["CardiacMTL.py"]
    assert build.recorded("generic_tests") == ["TRUE"]


def test_the_package_is_made_after_the_configuration(build: Build) -> None:
    assert build.recorded("steps") == ["config", "package"]


def test_only_the_module_itself_stands_directly_in_its_folder() -> None:
    assert {name for name in shipped_files() if "/" not in name and name.endswith(".py")} <= {"CardiacMTL.py"}


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("slicerMacroBuildScriptedModule(NAME Small SCRIPTS missing.py)", "no file missing.py"),
        ("slicerMacroBuildScriptedModule(NAME Small SOURCES CMakeLists.txt)", "unknown arguments"),
        ("slicerMacroBuildScriptedModule(SCRIPTS CMakeLists.txt)", "no NAME"),
    ],
)
def test_the_stand_in_refuses_what_slicer_refuses(tmp_path: Path, module: str, message: str) -> None:
    done = configure(small_extension(tmp_path / "small", module), tmp_path / "build")
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())


def test_lists_that_were_written_anew_name_new_files_and_no_others() -> None:
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    changed = with_lists(text, ["New/a.py", "Resources/b.png"])
    assert "set(MODULE_PYTHON_SCRIPTS\n  New/a.py\n  )" in changed
    assert "set(MODULE_PYTHON_RESOURCES\n  Resources/b.png\n  )" in changed
    assert with_lists(changed, shipped_files()) == with_lists(text, shipped_files())


def test_lists_cannot_be_written_where_there_is_no_place_for_them() -> None:
    with pytest.raises(ValueError, match="SCRIPTS 0 times"):
        with_lists("set(MODULE_NAME CardiacMTL)\n", [])
