"""A study as a `.mrb` scene bundle on disk, and back."""

from __future__ import annotations

import logging
import shutil
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import slicer

from CardiacMTLLib.analysis import Analysis
from CardiacMTLLib.errors import InputError, OutputError
from CardiacMTLLib.quiet import quiet_stderr
from CardiacMTLScene.build import SceneOptions, build_scene
from CardiacMTLScene.host import standalone_host

_log = logging.getLogger(__name__)


def save_scene(analysis: Analysis, path_mrb: Path, options: SceneOptions | None = None) -> None:
    """Write `analysis` as a scene that Slicer opens by double click; the bundle names no patient.

    It is written beside `path_mrb` first, with all temporary files, and moved there when whole. Raises `OutputError` where the
    folder cannot be written or Slicer reports a failure, and what `build_scene` raises; an older file is then still there.
    """
    try:
        with TemporaryDirectory(dir=path_mrb.parent, prefix=".cardiacmtl-") as name, standalone_host(Path(name)) as host:
            unfinished = Path(name) / "scene.mrb"
            build_scene(analysis, host.scene, host.terminologies, options)
            _write(host.scene, unfinished, path_mrb)
            unfinished.replace(path_mrb)
    except OSError as error:
        raise OutputError(f"{path_mrb} could not be written ({error.strerror}); choose another output folder") from error


def load_scene(scene: Any, path_mrb: Path) -> None:
    """Replace what is in the vtkMRMLScene `scene` by a bundle; raises `InputError` where it cannot be read."""
    messages = slicer.vtkMRMLMessageCollection()
    with chdir(Path.cwd()):  # MRML leaves the process in its own temporary folder, which it removes, where reading fails
        read = path_mrb.is_file() and scene.ReadFromMRB(str(path_mrb), True, messages)
    if not read:
        raise InputError(f"{path_mrb} is not a readable scene; expected a .mrb bundle{_words(messages)}; check the file")


def _write(scene: Any, path: Path, wanted: Path) -> None:
    messages = slicer.vtkMRMLMessageCollection()
    with quiet_stderr():
        written = scene.WriteToMRB(str(path), None, messages)
    if not written or not path.is_file():
        _log.debug("the scene was not written%s", _words(messages))
        free_mb = shutil.disk_usage(path.parent).free // 2**20
        raise OutputError(
            f"the scene {wanted} could not be written ({free_mb} MB are free there); expected a writable folder with room; "
            "make room or choose another one"
        )


def _words(messages: Any) -> str:
    text = " ".join(messages.GetAllMessagesAsString().split())
    return f" ({text})" if text else ""
