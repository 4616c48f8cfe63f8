"""What *Install PyTorch* and the installation on demand do where packages are broken, too old, declined, or cannot exist."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
pytest.importorskip("slicer", reason="needs slicer-core", exc_type=ImportError)

from Testing.module.given import given_cine
from Testing.module.reading import MODULE, text
from Testing.module.torch_version import version_of_torch

DECLINED = RuntimeError("User declined package installation")
OFFLINE = subprocess.CalledProcessError(1, ["/secret/PythonSlicer", "-m", "pip", "install"])
REINSTALL = [{"uninstall": True}, {"askConfirmation": False, "torchVersionRequirement": ">=2.11"}]


@pytest.fixture
def panel(open_module: Any, slicer_host: Any) -> Any:
    made = open_module(MODULE)
    made.click("advancedSection")
    slicer_host.requests.torch.clear()
    return made


@pytest.fixture
def outside_testing(slicer_host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dialogs are shown, as to a user."""
    monkeypatch.setattr(slicer_host.application, "testing", False)


def installed(panel: Any) -> str:
    panel.click("installTorchButton")
    return text(panel, "statusLabel")


def without_torchs_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An emptied folder is found first, and is a namespace; pip still knows the version of what was in it."""
    (tmp_path / "torch").mkdir()
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a script of a POSIX shell")
@pytest.mark.robustness(38)
def test_a_torch_that_cannot_be_loaded_is_installed_again_when_the_user_agrees(
    panel: Any, slicer_host: Any, outside_testing: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import qt

    broken = tmp_path / "PythonSlicer"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert installed(panel).startswith("Error: PyTorch is installed but cannot be loaded")
    assert slicer_host.requests.torch == []
    slicer_host.dialogs.answers.append(qt.QMessageBox.Ok)
    assert installed(panel).startswith("Error: PyTorch 2.11 or newer could not be installed, or cannot be loaded")
    assert "Remove it and install it again?" in slicer_host.dialogs.asked[-1].text
    assert slicer_host.requests.torch == REINSTALL


def test_a_torch_whose_files_are_gone_counts_as_missing(panel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from CardiacMTLPanel.python_environment import PYTORCH, missing_packages

    assert missing_packages() == ()
    without_torchs_files(tmp_path, monkeypatch)
    assert PYTORCH in missing_packages()


def test_a_torch_that_is_too_old_counts_as_missing_and_is_replaced(
    panel: Any, slicer_host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    version_of_torch(monkeypatch, "2.10.0+cpu")
    panel.choose("cineSelector", given_cine().browser)
    panel.click("runButton")
    assert "not installed in Slicer: PyTorch 2.11 or newer" in text(panel, "statusLabel")
    installed(panel)
    assert slicer_host.requests.torch == [{"askConfirmation": True, "torchVersionRequirement": ">=2.11"}]


@pytest.mark.parametrize(("error", "why"), [(DECLINED, "User declined package installation"), (OFFLINE, "pip failed")])
def test_declining_and_being_offline_are_told_in_one_line_and_are_no_fault_of_ours(
    panel: Any, slicer_host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, why: str
) -> None:
    monkeypatch.setattr(slicer_host.requests, "pip_fails", error)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-package>=1\n", encoding="utf-8")
    panel.module_widget.installation._requirements = requirements
    said = installed(panel)
    assert said.startswith(f"Error: no-such-package could not be installed ({why}); expected your consent and a network;")
    assert "secret" not in said


def test_a_package_that_dicom_or_sending_needs_is_asked_for_in_the_same_words(
    panel: Any, slicer_host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from CardiacMTLLib.errors import MissingPackageError
    from CardiacMTLPanel.exporting import PACKAGES, install_for

    monkeypatch.setattr(slicer_host.requests, "pip_fails", OFFLINE)
    for purpose in PACKAGES:
        (tmp_path / f"requirements-{purpose}.txt").write_text("no-such-package\n", encoding="utf-8")
        monkeypatch.setitem(PACKAGES, purpose, ("no_such_package",))
    for purpose in ("dicom", "pacs"):
        with pytest.raises(MissingPackageError, match=r"^no-such-package could not be installed \(pip failed\)"):
            install_for(purpose, tmp_path)
    install_for("report", tmp_path)


@pytest.mark.parametrize(("machine", "told"), [("x86_64", True), ("arm64", False)])
def test_on_a_mac_for_which_torch_is_not_built_the_panel_says_so(
    open_module: Any, slicer_host: Any, monkeypatch: pytest.MonkeyPatch, machine: str, told: bool
) -> None:
    version_of_torch(monkeypatch, None)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: machine)
    panel = open_module(MODULE)
    slicer_host.requests.torch.clear()
    assert ("does not exist for a Slicer that is built for Macs with Intel" in text(panel, "setupLabel")) == told
    assert panel.module_widget.ui.setupButton.isVisible() != told
    panel.choose("cineSelector", given_cine().browser)
    panel.click("runButton")
    assert ("Macs with Intel processors" in text(panel, "statusLabel")) == told
    panel.click("advancedSection")
    assert ("Macs with Intel processors" in installed(panel)) == told
    assert (slicer_host.requests.torch == []) == told
