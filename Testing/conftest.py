"""Fixtures that all tests share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure of a property, and every run tries the same cases: fuzzing at random is a job of its own.
settings.register_profile("any machine", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

REPOSITORY = Path(__file__).resolve().parent.parent

# Where tests run in several processes, each keeps to one core: threads that wait for one another cost more than they bring.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Models that somebody imported on this machine take no part in the tests.
os.environ["CARDIACMTL_MODELS"] = str(REPOSITORY / "no-imported-models")


@pytest.fixture(scope="session")
def data_root() -> Path:
    """Folder of the real studies; tests that need it are skipped where it is missing."""
    root = Path(os.environ.get("CARDIACMTL_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (root / "acdc").is_dir():
        pytest.skip("real data not found: set CARDIACMTL_DATA to the folder that holds acdc/")
    return root


@pytest.fixture(autouse=True)
def working_directory_stays() -> Iterator[None]:
    """Fails a test that leaves another working directory behind: all relative paths after it would change their meaning."""
    before = Path.cwd()
    yield
    try:
        after = Path.cwd()
    except FileNotFoundError:
        after = Path("a folder that is gone")
    os.chdir(before)
    assert after == before
