"""What all tests share: hypothesis profiles, the example models, and real networks with known lineage."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the program does, before anything imports numpy

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# Shared machines are slow at random: no deadline anywhere. Continuous integration draws the same examples every time,
# so that a failure is about the change; developers draw new ones.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    """One flag for everything that is stored as it once came out and was looked at."""
    parser.addoption("--update-goldens", action="store_true", help="store what comes out now; look at it, then commit")


@pytest.fixture(scope="session")
def update_goldens(request: pytest.FixtureRequest) -> bool:
    """Whether stored expectations are written anew."""
    return bool(request.config.getoption("--update-goldens"))


@pytest.fixture(scope="session")
def examples() -> Path:
    """The folder of the example models."""
    return ROOT / "examples"


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """The folder of real networks with known lineage; they lie beside the checkout where there are any."""
    folder = ROOT.parent / "shared" / "cases"
    if not folder.is_dir():
        pytest.skip("no real networks at ../shared/cases")
    return folder
