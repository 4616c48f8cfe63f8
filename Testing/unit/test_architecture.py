"""The design's rules about files: who imports whom, what is light to import, what every file must have."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
SLICER_SIDE = ROOT / "CardiacMTL"
PACKAGES = {
    "CardiacMTLLib": SLICER_SIDE / "CardiacMTLLib",
    "CardiacMTLScene": SLICER_SIDE / "CardiacMTLScene",
    "CardiacMTLPanel": SLICER_SIDE / "CardiacMTLPanel",
    "CardiacMTLTraining": ROOT / "CardiacMTLTraining",
}
CLI = PACKAGES["CardiacMTLLib"] / "cli.py"
TORCH_ROOMS = ("CardiacMTLLib.network", "CardiacMTLLib.inference", "CardiacMTLLib.pipeline", "CardiacMTLTraining")

FORBIDDEN = {
    "CardiacMTLLib": {"slicer", "vtk", "vtkmodules", "qt", "ctk", "CardiacMTLScene", "CardiacMTLPanel", "CardiacMTLTraining"},
    "CardiacMTLScene": {"qt", "ctk", "torch", "CardiacMTLPanel", "CardiacMTLTraining"},
    "CardiacMTLPanel": {"torch", "CardiacMTLTraining"},
    "CardiacMTLTraining": {"slicer", "vtk", "vtkmodules", "qt", "ctk", "CardiacMTLScene", "CardiacMTLPanel"},
}


class Import(NamedTuple):
    """One import statement: the module it names, and whether it runs when its file is imported."""

    module: str
    at_import: bool


def imports_of(source: str) -> Iterator[Import]:
    """Every absolute import of a file, those in functions and under `if TYPE_CHECKING` included."""

    def walk(node: ast.AST, at_import: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, at_import) for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module and not child.level:
                yield Import(child.module, at_import)
            elif isinstance(child, ast.Call) and dynamic_import(child):
                yield Import(dynamic_import(child), at_import)
            yield from walk(child, at_import and not runs_later(child))

    return walk(ast.parse(source), at_import=True)


def dynamic_import(call: ast.Call) -> str:
    """The module that `import_module("...")` or `__import__("...")` names, else an empty string."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    first = call.args[0] if call.args else None
    named = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return first.value if named and name in {"import_module", "__import__"} else ""


def runs_later(node: ast.AST) -> bool:
    """Whether what stands inside `node` does not run when the file is imported."""
    type_checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    return type_checking or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


def forbidden_imports(package: str, source: str, *, may_compose: bool = False) -> set[str]:
    """Imports that the rules forbid; the composing file may import the scene package, but only inside a function."""
    found = set()
    for module, at_import in imports_of(source):
        top = module.split(".")[0]
        composes = may_compose and top == "CardiacMTLScene" and not at_import
        if top in FORBIDDEN[package] and not composes:
            found.add(module)
    return found


def sources(*packages: str) -> list[Path]:
    """All Python files of the packages, in a stable order."""
    return sorted(path for package in packages for path in PACKAGES[package].rglob("*.py"))


def module_name(path: Path) -> str:
    """Dotted name of a file's module."""
    base = ROOT if path.is_relative_to(PACKAGES["CardiacMTLTraining"]) else SLICER_SIDE
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a new interpreter that sees the packages of this checkout."""
    paths = f"import sys; sys.path[:0] = [{str(SLICER_SIDE)!r}, {str(ROOT)!r}]\n"
    return subprocess.run([sys.executable, "-W", "ignore", "-c", paths + code], capture_output=True, text=True, check=False)


def without(*modules: str) -> str:
    """Code that makes the import of these modules fail, as on a machine where they are not installed."""
    return f"""
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {set(modules)!r}:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Blocker())
"""


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_imports_what_lies_above_it(package: str) -> None:
    found = {
        str(path.relative_to(ROOT)): modules
        for path in sources(package)
        if (modules := forbidden_imports(package, path.read_text(encoding="utf-8"), may_compose=path == CLI))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "import slicer",
        "import vtk.util",
        "def f():\n    from CardiacMTLScene import build",
        "from CardiacMTLTraining.losses import loss",
        "if True:\n    import qt",
        "from importlib import import_module\nimport_module('slicer.util')",
    ],
)
def test_an_import_against_the_direction_is_found(source: str) -> None:
    assert forbidden_imports("CardiacMTLLib", source)


def test_only_the_command_line_may_import_the_scene_and_only_inside_a_function() -> None:
    lazy = "def main():\n    from CardiacMTLScene.build import build"
    eager = "from CardiacMTLScene.build import build"

    assert not forbidden_imports("CardiacMTLLib", lazy, may_compose=True)
    assert forbidden_imports("CardiacMTLLib", lazy)
    assert forbidden_imports("CardiacMTLLib", eager, may_compose=True)


def test_torch_is_imported_at_file_scope_only_where_networks_live() -> None:
    found = [
        module_name(path)
        for path in sources(*PACKAGES)
        if not module_name(path).startswith(TORCH_ROOMS)
        and any(
            module.split(".")[0] in {"torch", "safetensors"} and at_import
            for module, at_import in imports_of(path.read_text(encoding="utf-8"))
        )
    ]
    assert found == []


def test_the_library_imports_in_an_interpreter_without_slicer_vtk_and_qt() -> None:
    names = [module_name(path) for path in sources("CardiacMTLLib")]
    blocked = without(*FORBIDDEN["CardiacMTLLib"])
    done = run_python(f"{blocked}\nimport importlib\nfor name in {names!r}:\n    importlib.import_module(name)")
    assert done.returncode == 0, done.stderr


def test_all_but_network_and_inference_imports_without_torch() -> None:
    names = [name for path in sources("CardiacMTLLib") if not (name := module_name(path)).startswith(TORCH_ROOMS)]
    blocked = without("torch", "safetensors")
    done = run_python(f"{blocked}\nimport importlib\nfor name in {names!r}:\n    importlib.import_module(name)")
    assert done.returncode == 0, done.stderr


def test_a_blocked_module_cannot_be_imported() -> None:
    done = run_python(without("json") + "import json")
    assert "json is blocked" in done.stderr


@pytest.mark.parametrize("module", ["CardiacMTLLib.cli", "CardiacMTLTraining.cli"])
def test_help_needs_neither_torch_nor_an_optional_package(module: str) -> None:
    blocked = without("torch", "safetensors", "slicer", "vtk", "jinja2", "PIL", "pynetdicom", "lightning_fabric", "sklearn")
    done = run_python(f"{blocked}\nfrom {module} import main\nmain(['--help'])")
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout


@pytest.mark.parametrize("path", sources(*PACKAGES), ids=module_name)
def test_every_file_says_in_its_first_line_what_it_owns(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert docstring.splitlines()[0].strip()


def test_every_folder_of_a_package_is_a_package() -> None:
    folders = {path.parent for path in sources(*PACKAGES)}
    assert [folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


def test_scene_code_calls_slicer_util_by_its_full_name() -> None:
    util = pytest.importorskip("slicer.util", exc_type=ImportError)
    copied = {
        name for name in vars(util) if not name.startswith("_") and getattr(vars(util)[name], "__module__", "") == "slicer.util"
    }
    found = {
        f"{path.name}: slicer.{name}"
        for path in sources("CardiacMTLScene", "CardiacMTLPanel")
        for name in slicer_attributes(path)
        if name in copied
    }
    assert copied
    assert found == set(), "slicer.util's functions are reachable as slicer.<name> in slicer-core, but not in the application"


def slicer_attributes(path: Path) -> set[str]:
    """Names that a file reads directly from the module `slicer`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "slicer"
    }


FOREIGN_TEXT = {
    "a folder of one person's machine": re.compile(r"(?<![\w.])/(?:home|Users|root|work|mnt)/\w|[A-Z]:\\Users"),
    "the mark of an unfinished merge": re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE),
    "a Windows line end": re.compile(r"\r"),
    "a space or tab at the end of a line": re.compile(r"[ \t]+$", re.MULTILINE),
    "a control character": re.compile(r"[\x00-\x08\x0b-\x1f]"),
    "a letter of another script": re.compile(r"[\u0250-\u036f\u0400-\u1fff\u2e80-\U0010ffff]"),
}
TEXT_ENDINGS = {".cfg", ".cmake", ".css", ".j2", ".json", ".md", ".py", ".s4ext", ".toml", ".txt", ".ui", ".yml"}
TEXT_FOLDERS = ("CardiacMTL", "CardiacMTLTraining", "Resources", "Testing", "docs", ".ci")


def project_texts() -> list[Path]:
    """All text files of the project, but for this one, which names what it forbids, and the licence."""
    top = [path for path in ROOT.iterdir() if path.is_file()]
    below = [path for folder in TEXT_FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = [path for path in top + below if path.suffix in TEXT_ENDINGS or path.name in {"Makefile", "run", ".gitignore"}]
    return sorted(path for path in texts if path != Path(__file__).resolve())


def foreign_text(text: str, *, any_script: bool = False) -> list[str]:
    """What a file's text holds that does not belong into the project; tests of names may use any script."""
    found = [what for what, pattern in FOREIGN_TEXT.items() if pattern.search(text)]
    return [what for what in found if not (any_script and what == "a letter of another script")]


def test_no_file_holds_text_of_a_foreign_kind() -> None:
    found = {
        str(path.relative_to(ROOT)): kinds
        for path in project_texts()
        if (kinds := foreign_text(path.read_text("utf-8"), any_script="Testing" in path.parts))
    }
    assert len(project_texts()) > 20
    assert found == {}


@pytest.mark.parametrize(
    "text",
    ["open('/home/someone/x')", "<<<<<<< ours\n", "one\r\n", "one \ntwo", "C:\\Users\\someone", "\u0441ode", "\x1b[0m"],
)
def test_foreign_text_is_found(text: str) -> None:
    assert foreign_text(text)


@pytest.mark.parametrize(
    "text", ["a/home/page", "EF 50\u201360 %, 5\u00b0, \u03c3 \u2264 2 \u00d7 3\n", "====\n", "../shared/data"]
)
def test_ordinary_text_is_not_foreign(text: str) -> None:
    assert not foreign_text(text)
