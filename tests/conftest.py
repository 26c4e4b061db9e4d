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
