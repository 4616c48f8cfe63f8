"""Fixtures that several rooms' unit tests share."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import SimpleITK as sitk

from CardiacMTLLib.labels import Group
from CardiacMTLLib.network.store import DEFAULT_MODEL
from CardiacMTLLib.phantom import PhantomGrid, anatomy_of, make_phantom, write_phantom
from Testing.unit.command_line import Engine


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder for temporary files, of this process and of its workers, one thread each; a test leaves nothing there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    """What stands in for model and network in runs of this process."""
    engine = Engine()
    monkeypatch.setattr("CardiacMTLLib.pipeline.analyse", engine.analyse)
    monkeypatch.setattr("CardiacMTLLib.network.weights.load_model", engine.load_model)
    return engine


@pytest.fixture
def no_slicer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slicer's library is missing, whatever is installed."""
    monkeypatch.setitem(sys.modules, "slicer", None)


@pytest.fixture(scope="session")
def cine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 4D file of five frames."""
    grid = PhantomGrid(size_xyz=(64, 64, 6), spacing_xyz_mm=(4.0, 4.0, 18.0))
    path = tmp_path_factory.mktemp("study") / "cine.nii.gz"
    write_phantom(make_phantom(anatomy_of(Group.NOR), grid, n_frames=5), path)
    return path


@pytest.fixture(scope="session")
def phases(cine: Path) -> list[Path]:
    """Two 3D files cut from the cine."""
    image = sitk.ReadImage(str(cine))
    paths = [cine.parent / name for name in ("ed.nii.gz", "es.nii.gz")]
    for index, path in enumerate(paths):
        sitk.WriteImage(image[:, :, :, index], str(path))
    return paths


@pytest.fixture
def untrained_model(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of models that holds a default one of the right shape, with random weights."""
    from Testing.unit.tiny_model import write_untrained_model  # noqa: PLC0415 - loads torch

    root = tmp_path_factory.mktemp("models")
    monkeypatch.setattr("CardiacMTLLib.network.store.models_dir", lambda: root)
    return write_untrained_model(root / DEFAULT_MODEL).folder


@pytest.fixture(scope="session")
def finished_workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands of `cardiacmtl-train` leave; it takes a minute to make. A test leaves it as it was.

    Where tests run in several processes, one that finds it made by another takes a copy: each has a folder of its own.
    """
    from Testing.unit.training_workshop import as_in_training, set_up_workshop  # noqa: PLC0415 - loads the training package

    root = tmp_path_factory.mktemp("workshop")
    process = os.environ.get("PYTEST_XDIST_WORKER")
    given = tmp_path_factory.getbasetemp().parent / "given-workshop"
    if process and given.exists():
        shutil.copytree(given, root, dirs_exist_ok=True)
        return root
    with as_in_training():
        set_up_workshop(root)
    if process:
        partial = shutil.copytree(root, given.with_name(f"partial-workshop-{process}"))
        try:
            partial.rename(given)
        except OSError:  # another process was as quick
            shutil.rmtree(partial)
    return root


@pytest.fixture(scope="module")
def workshop(finished_workshop: Path) -> Iterator[Path]:
    """The finished workshop, while PyTorch is as it was when it was set up."""
    from Testing.unit.training_workshop import as_in_training  # noqa: PLC0415 - as above

    with as_in_training():
        yield finished_workshop
