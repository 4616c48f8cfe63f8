"""Writes the list of all files that Slicer installs into CardiacMTL/CMakeLists.txt; a test compares the two."""

from __future__ import annotations

import re
from pathlib import Path

MODULE = Path(__file__).resolve().parents[2] / "CardiacMTL"
NOT_SHIPPED = {"CMakeLists.txt", "py.typed", "__pycache__", ".DS_Store"}


def shipped_files(module: Path = MODULE) -> list[str]:
    """All files below the module's folder that Slicer needs, relative to it, in a stable order."""
    files = (path.relative_to(module) for path in module.rglob("*") if path.is_file())
    return sorted(path.as_posix() for path in files if not NOT_SHIPPED.intersection(path.parts))


def with_lists(cmake: str, files: list[str]) -> str:
    """The text of a module's CMake file with `files` as its lists of scripts and of resources."""
    scripts = [name for name in files if name.endswith(".py")]
    for name, listed in (("SCRIPTS", scripts), ("RESOURCES", [name for name in files if name not in scripts])):
        body = "".join(f"  {file}\n" for file in listed)
        cmake, count = re.subn(rf"(set\(MODULE_PYTHON_{name}\n)[^)]*\)", rf"\g<1>{body}  )", cmake)
        if count != 1:
            raise ValueError(f"CMakeLists.txt sets MODULE_PYTHON_{name} {count} times; expected once; mend it by hand")
    return cmake


if __name__ == "__main__":
    path = MODULE / "CMakeLists.txt"
    path.write_text(with_lists(path.read_text(encoding="utf-8"), shipped_files()), encoding="utf-8", newline="\n")
