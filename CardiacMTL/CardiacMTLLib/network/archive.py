"""Models from elsewhere: a model archive is checked, imported whole or not at all, and removed again."""

from __future__ import annotations

import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from CardiacMTLLib.errors import ModelError, OutputError
from CardiacMTLLib.network.store import (
    CARD_NAME,
    MANIFEST_NAME,
    WEIGHTS_NAME,
    ModelEntry,
    available_models,
    imported_models_dir,
)

LICENSE_NAME = "LICENSE.txt"

MAX_BYTES = {WEIGHTS_NAME: 500_000_000, MANIFEST_NAME: 5_000_000, CARD_NAME: 1_000_000, LICENSE_NAME: 1_000_000}
"""The files of a model archive, and how large each may be: far more than a model needs, far less than fills a disk."""

_NEEDED = {WEIGHTS_NAME, MANIFEST_NAME, CARD_NAME}

_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")
_CHUNK = 1 << 20
_REMEDY = "expected a model archive (a zip of the model's files); ask for it again where it came from"


def import_model(archive: Path) -> ModelEntry:
    """Import the model in `archive` into the user's folder of models, after its manifest and its weights were checked.

    The archive is a zip of weights.safetensors, manifest.json, card.md and, where it is there, LICENSE.txt, or of one folder
    that holds them. Needs torch, which knows the shapes that the manifest's network has. Raises `ModelError` for anything that
    is no such archive or no model of this software version, and where a model of its name is there already; `OutputError`
    where it cannot be written. Then all models are as they were.
    """
    from CardiacMTLLib.network.weights import load_entry  # noqa: PLC0415 - torch is slow to import

    with _staging() as staging:
        try:
            _extract(archive, staging)
            name = _free_name(ModelEntry(archive.name, staging, shipped=False).manifest().name)
            load_entry(ModelEntry(name, staging, shipped=False))
        except ModelError as error:
            raise ModelError(str(error).replace(f"{staging}", f"{archive}")) from error
        target = imported_models_dir() / name
        staging.rename(target)
    return ModelEntry(name, target, shipped=False)


def remove_model(name: str) -> None:
    """Remove an imported model; raises `ModelError` for one that is not there or came with the software, or `OutputError`."""
    entries = [entry for entry in available_models() if entry.name == name]
    if not entries:
        known = [entry.name for entry in available_models() if not entry.shipped]
        raise ModelError(f"there is no model {name!r}; expected one of the imported ones, {known}; choose one of them")
    if entries[0].shipped:
        raise ModelError(f"model {name} came with the software; expected an imported one; only those can be removed")
    with _staging() as staging:
        entries[0].folder.rename(staging / name)


def _free_name(name: str) -> str:
    """`name`, if a model may be called so and none is; raises `ModelError`."""
    if not _NAME.fullmatch(name):
        raise ModelError(f"the model is called {name!r:.80}; expected up to 64 of a-z, 0-9, '.', '_' and '-'; ask its makers")
    taken = {entry.name: entry for entry in available_models()}.get(name)
    if taken is not None:
        remedy = "it came with the software and stays" if taken.shipped else "remove the imported one first (docs/models.md)"
        raise ModelError(f"there is a model {name} already; expected another name; {remedy}")
    return name


@contextmanager
def _staging() -> Iterator[Path]:
    """A hidden folder among the imported models that is gone in the end; raises `OutputError` for failures of the disk."""
    root = imported_models_dir()
    try:
        root.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".import-", dir=root))
        try:
            staging.chmod(0o755)
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        raise OutputError(
            f"the models in {root} cannot be changed ({error.strerror or error}); expected a writable folder with free space; "
            "choose another one by CARDIACMTL_MODELS or make room"
        ) from error


def _extract(archive: Path, folder: Path) -> None:
    """Write the files of `archive` into `folder`, under their own names whatever the archive calls them."""
    try:
        stream = archive.open("rb")
    except OSError as error:
        raise ModelError(f"{archive} cannot be read ({error.strerror}); expected a model archive; check the name") from error
    try:
        with stream, zipfile.ZipFile(stream) as opened:
            for name, member in _members(archive, opened).items():
                _copy(archive, opened, member, folder / name, MAX_BYTES[name])
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error) as error:
        raise ModelError(f"{archive} is damaged or no zip file ({error}); {_REMEDY}") from error


def _members(archive: Path, opened: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The archive's members by the names of a model's files; raises `ModelError` unless it holds these and no others."""
    found: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for member in opened.infolist():
        path = PurePosixPath(member.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename:
            raise ModelError(f"{archive} holds {member.filename!r:.80}, which leads out of it; {_REMEDY}")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise ModelError(f"{archive} holds {member.filename!r:.80}, which is a link; {_REMEDY}")
        if member.is_dir() and len(path.parts) == 1:
            folders.add(path)
            continue
        if path.name not in MAX_BYTES or path.name in found or len(path.parts) > 2:
            raise ModelError(f"{archive} holds {member.filename!r:.80} beside or twice among {list(MAX_BYTES)}; {_REMEDY}")
        if member.file_size > MAX_BYTES[path.name]:
            raise ModelError(
                f"{archive}: {path.name} unpacks to {member.file_size / 1e6:.0f} MB; expected {MAX_BYTES[path.name] / 1e6:.0f} "
                f"at most; {_REMEDY}"
            )
        found[path.name] = member
        folders.add(path.parent)
    if not set(found) >= _NEEDED or len(folders) != 1:
        raise ModelError(
            f"{archive} holds {sorted(found)} in {len(folders)} folders; expected {sorted(_NEEDED)} in one; {_REMEDY}"
        )
    return found


def _copy(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, limit: int) -> None:
    """Unpack one member, and no more than `limit` bytes, whatever its header said."""
    with opened.open(member) as source, target.open("wb") as sink:
        written = 0
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > limit:
                raise ModelError(f"{archive}: {target.name} unpacks to more than {limit / 1e6:.0f} MB; {_REMEDY}")
            sink.write(chunk)
