"""What the module installs on demand is what the package's extras ask for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
RESOURCES = ROOT / "CardiacMTL" / "Resources"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


@pytest.mark.parametrize("purpose", ["report", "dicom", "pacs"])
def test_lower_bounds_are_those_of_the_extra(purpose: str) -> None:
    text = (RESOURCES / f"requirements-{purpose}.txt").read_text(encoding="utf-8")
    wanted = {str(Requirement(line)) for line in text.splitlines() if line and not line.startswith("#")}
    assert wanted
    assert wanted <= {str(Requirement(line)) for line in EXTRAS[purpose]}


def test_what_slicer_brings_itself_is_never_asked_for() -> None:
    asked = " ".join(path.read_text(encoding="utf-8") for path in RESOURCES.glob("requirements*.txt")).splitlines()
    names = {Requirement(line).name.lower() for line in asked if line.strip() and not line.lstrip().startswith("#")}
    assert not names & {"numpy", "pillow", "pydicom", "scipy", "simpleitk", "torch"}
