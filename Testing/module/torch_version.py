"""Another version of PyTorch, or none, as pip's records say it in the host."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import pytest

from Testing.host.slicer_side import fakes


def version_of_torch(monkeypatch: pytest.MonkeyPatch, installed: str | None) -> None:
    """Let `slicer.packaging` find this version of torch; None where pip knows of none."""

    def known(name: str) -> str:
        if name != "torch":
            return version(name)
        if installed is None:
            raise PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(fakes, "version", known)
