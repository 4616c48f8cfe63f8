"""Each line of the Extension Index's checklist that can be checked without its servers."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "CardiacMTL"
ENTRY = ROOT / "Resources" / f"{NAME}.json"
S4EXT = ROOT / f"{NAME}.s4ext"
ICON = ROOT / "Resources" / f"{NAME}.png"
MODULE_ICON = ROOT / NAME / "Resources" / "Icons" / f"{NAME}.png"
SCREENSHOTS = ROOT / "Resources" / "Screenshots"

SCHEMA = (
    r"https://raw\.githubusercontent\.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1\.0\.[12]\.json#"
)
"""Versions that Slicer's main branch holds and that know `tier`."""

ENTRY_KEYS = {"$schema", "build_dependencies", "build_subdirectory", "category", "scm_revision", "scm_url", "tier"}
TIERS = {1, 3, 5}
"""All that schema 1.0.1 allows: experimental, kept up by the community, by Slicer's core developers."""

S4EXT_OF_CMAKE = {
    "homepage": "EXTENSION_HOMEPAGE",
    "category": "EXTENSION_CATEGORY",
    "contributors": "EXTENSION_CONTRIBUTORS",
    "description": "EXTENSION_DESCRIPTION",
    "iconurl": "EXTENSION_ICONURL",
    "screenshoturls": "EXTENSION_SCREENSHOTURLS",
    "depends": "EXTENSION_DEPENDS",
}
S4EXT_KEYS = {*S4EXT_OF_CMAKE, "scm", "scmurl", "scmrevision", "build_subdirectory", "status", "enabled"}

MOST_CHECKOUT_MB = 100
MOST_PICTURES_KB = 300


def entry() -> dict[str, object]:
    """The entry that the Extension Index takes."""
    return dict(json.loads(ENTRY.read_text(encoding="utf-8")))


def cmake_text() -> str:
    """The top CMake file."""
    return (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


def cmake_values() -> dict[str, str]:
    """The extension's metadata, each one quoted string on one line, as the index's own check reads it."""
    return dict(re.findall(r'^set\((EXTENSION_\w+) "([^"\n]*)"\)', cmake_text(), re.MULTILINE))


def s4ext() -> dict[str, str]:
    """Keyword and value of each line of the extension's description."""
    lines = S4EXT.read_text(encoding="utf-8").splitlines()
    pairs = [line.split(maxsplit=1) for line in lines if line.strip() and not line.startswith("#")]
    return {pair[0]: pair[1] if len(pair) > 1 else "" for pair in pairs}


def readme() -> str:
    """The text that the extension's home page shows."""
    return (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """What stands under a heading of the README, up to the next of its level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", readme(), re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no section {title!r}"
    return found[1]


def png_size(path: Path) -> tuple[int, int]:
    """Width and height that the header of a PNG file tells."""
    head = path.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n", f"{path.name} is not a PNG file"
    width, height = struct.unpack(">II", head[16:])
    return width, height


def file_behind(url: str) -> Path:
    """The file of this checkout that an address of the repository's raw files shows on the main branch."""
    base = cmake_values()["EXTENSION_HOMEPAGE"].replace("https://github.com/", "https://raw.githubusercontent.com/") + "/main/"
    assert url.startswith(base)
    return ROOT / url.removeprefix(base)


def test_the_entry_has_the_keys_and_types_of_the_indexs_schema_and_no_others() -> None:
    found = entry()
    assert found.keys() == ENTRY_KEYS
    assert re.fullmatch(SCHEMA, str(found["$schema"]))
    assert all(isinstance(found[key], str) for key in ENTRY_KEYS - {"build_dependencies", "tier"})
    assert found["tier"] in TIERS
    assert found["build_subdirectory"] == "."


def test_the_entry_says_what_the_build_says() -> None:
    found, values = entry(), cmake_values()
    assert found["category"] == values["EXTENSION_CATEGORY"] == "Cardiac"
    assert found["build_dependencies"] == values["EXTENSION_DEPENDS"].split() == ["PyTorch"]
    assert found["scm_url"] == values["EXTENSION_HOMEPAGE"] + ".git"
    assert found["scm_revision"] == s4ext()["scmrevision"] == "main"


@pytest.mark.parametrize(
    "path", [ENTRY, S4EXT, ROOT / "CMakeLists.txt", ROOT / NAME / "CMakeLists.txt"], ids=lambda path: path.name
)
def test_files_that_the_index_reads_have_unix_line_ends(path: Path) -> None:
    content = path.read_bytes()
    assert b"\r" not in content
    assert content.endswith(b"\n")


def test_project_entry_and_description_bear_the_extensions_name() -> None:
    assert re.findall(r"^project\(([^)\s]+)\)", cmake_text(), re.MULTILINE) == [ENTRY.stem]
    assert ENTRY.stem == S4EXT.stem == NAME


def test_the_repository_is_named_slicer_and_the_extensions_name() -> None:
    assert re.fullmatch(rf"https://github\.com/[\w-]+/Slicer{NAME}", cmake_values()["EXTENSION_HOMEPAGE"])


def test_the_metadata_is_whole_and_each_value_is_one_string() -> None:
    values = cmake_values()
    assert values.keys() == set(S4EXT_OF_CMAKE.values())
    assert all(values.values())
    assert len(re.findall(r"^set\(EXTENSION_", cmake_text(), re.MULTILINE)) == len(values)
    assert [name for name, value in values.items() if ";" in value] == [], "a semicolon splits a CMake string"


def test_the_extension_description_says_what_the_build_says() -> None:
    described, values = s4ext(), cmake_values()
    assert described.keys() == S4EXT_KEYS
    assert {key: described[key] for key in S4EXT_OF_CMAKE} == {key: values[name] for key, name in S4EXT_OF_CMAKE.items()}
    assert (described["scm"], described["scmurl"]) == ("git", values["EXTENSION_HOMEPAGE"] + ".git")
    assert (described["build_subdirectory"], described["enabled"]) == (".", "1")
    assert described["status"]


def test_icon_and_screenshots_are_png_files_of_this_repository() -> None:
    values = cmake_values()
    assert file_behind(values["EXTENSION_ICONURL"]) == ICON
    shown = [file_behind(url) for url in values["EXTENSION_SCREENSHOTURLS"].split()]
    assert sorted(shown) == sorted(SCREENSHOTS.iterdir())
    assert all(min(png_size(path)) >= 300 for path in shown)


def test_the_icons_have_the_size_that_the_extension_manager_shows() -> None:
    assert png_size(ICON) == png_size(MODULE_ICON) == (128, 128)


def test_icons_and_screenshots_are_small_files() -> None:
    sizes = [path.stat().st_size for path in (ICON, MODULE_ICON, *SCREENSHOTS.iterdir())]
    assert sum(sizes) < MOST_PICTURES_KB * 1000


def test_the_licence_stands_in_the_root_and_is_named_in_the_readme() -> None:
    assert "Apache License\n" in (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "[Apache License 2.0](LICENSE)" in section("Licence and citation")


def test_the_stricter_licence_of_the_weights_is_named_where_users_look_and_lies_beside_them() -> None:
    assert "CC BY-NC-SA 4.0" in cmake_values()["EXTENSION_DESCRIPTION"]
    assert "CC BY-NC-SA 4.0" in section("Licence and citation")
    models = list((ROOT / NAME / "Resources" / "Models").iterdir())
    assert models
    for model in models:
        assert "CC BY-NC-SA 4.0" in (model / "card.md").read_text(encoding="utf-8")
        text = (model / "LICENSE.txt").read_text(encoding="utf-8")
        assert text.startswith("Creative Commons Attribution-NonCommercial-ShareAlike 4.0 International\n")
        assert [number for number in range(1, 9) if f"Section {number} " not in text] == []
        assert text.rstrip().endswith("Creative Commons may be contacted at creativecommons.org.")


def test_the_repository_address_is_the_same_everywhere() -> None:
    home = cmake_values()["EXTENSION_HOMEPAGE"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert all(url.startswith(home) for url in project["urls"].values())
    folders = ("CardiacMTL", "CardiacMTLTraining", "Resources", "docs")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    texts = [
        path for path in (*ROOT.glob("*.*"), *files) if path.suffix in {".json", ".md", ".py", ".s4ext", ".toml", ".ui", ".j2"}
    ]
    found = {
        (path.name, address)
        for path in texts
        for address in re.findall(
            r"https://(?:raw\.githubusercontent|github)\.com/[\w-]+/SlicerCardiacMTL", path.read_text("utf-8")
        )
    }
    assert {name for name, _ in found} >= {ENTRY.name, S4EXT.name, "README.md", "pyproject.toml"}
    assert {address for _, address in found} <= {home, home.replace("github.com", "raw.githubusercontent.com")}


def test_a_clone_is_no_larger_than_the_index_allows() -> None:
    if not (ROOT / ".git").is_dir():
        pytest.skip("this is no clone")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [ROOT / name for name in listed if name] + [path for path in (ROOT / ".git").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files if path.is_file()) < MOST_CHECKOUT_MB * 1e6


def test_the_readme_begins_with_name_purpose_and_picture() -> None:
    title, purpose, *_ = [part for part in readme().split("\n\n") if part.strip()]
    assert title == f"# {NAME}"
    assert 1 <= purpose.count(". ") + 1 <= 3
    beginning = readme().split("\n## ", 1)[0]
    pictures = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", beginning)
    assert pictures
    assert all(words and png_size(ROOT / path) for words, path in pictures)


def test_the_readme_has_a_sentence_on_each_module() -> None:
    modules = re.findall(r"^add_subdirectory\((\w+)\)", cmake_text(), re.MULTILINE)
    assert modules == [NAME]
    assert "**Cardiac MR Segment & Diagnose**" in section("In 3D Slicer")


def test_the_readme_leads_from_sample_data_to_results_step_by_step() -> None:
    tutorial = section("In 3D Slicer").split("### Tutorial", 1)[1]
    assert re.findall(r"^(\d)\. ", tutorial, re.MULTILINE)[:4] == ["1", "2", "3", "4"]
    assert "Sample Data" in tutorial
    assert re.search(r"\[ACDC\]\(https://", tutorial), "where real studies come from"


def test_the_readme_says_how_to_cite_and_what_is_stored_where() -> None:
    assert section("Licence and citation").count("https://doi.org/") >= 2
    assert "pip cache purge" in section("What is stored where")
