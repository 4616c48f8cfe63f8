"""Scenes to build in, and the reasons to skip where there are none."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from CardiacMTLScene.availability import scene_missing_reason


@pytest.fixture
def host() -> Iterator[Any]:
    """An empty standalone scene; the test is skipped where the MRML library is missing."""
    reason = scene_missing_reason()
    if reason is not None:
        pytest.skip(reason)
    with import_module("CardiacMTLScene.host").standalone_host() as made:
        yield made


@pytest.fixture
def drawing() -> None:
    """Skip, with the reason, where pictures cannot be drawn."""
    reason = scene_missing_reason() or import_module("CardiacMTLScene.gl").rendering_missing_reason()
    if reason is not None:
        pytest.skip(reason)
