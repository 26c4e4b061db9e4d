"""What all tests share: hypothesis profiles, the example models, and real networks with known lineage."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Generator
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the program does, before anything imports numpy

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

WHOLE_RUNS = (
    "attacks",
    "cli/test_cheap_refusals.py",
    "cli/test_clearing.py",
    "cli/test_environment.py",
    "cli/test_exhibit.py",
    "cli/test_extreme_scales.py",
    "cli/test_hidden.py",
    "cli/test_replay.py",
    "e2e",
    "fuzz",
    "lineage/test_screening.py",
    "pipeline/test_examples.py",
    "pipeline/test_minilm.py",
    "pipeline/test_real_networks.py",
    "report/test_accessibility.py",
    "report/test_browser.py",
    "report/test_examples.py",
    "report/test_first_screens.py",
    "report/test_formats.py",
    "report/test_korean.py",
    "report/test_pdf.py",
)
"""Tests of whole audits and whole reports, over and over: to trace them would double their time, and what they execute
the tests of the modules execute as well, which coverage is measured by."""
TRACED_PROGRAMS = "COVERAGE_PROCESS_CONFIG"
"""What makes the coverage tool trace a program that is started."""

# Shared machines are slow at random: no deadline anywhere. Continuous integration draws the same examples every time,
# so that a failure is about the change; developers draw new ones.
settings.register_profile("dev", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    """One flag for everything that is stored as it once came out and was looked at."""
    parser.addoption("--update-goldens", action="store_true", help="store what comes out now; look at it, then commit")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Leave whole runs untraced; the coverage tool's own marker does not reach the processes that share the tests."""
    if not any(item.path.is_relative_to(Path(__file__).parent / name) for name in WHOLE_RUNS):
        return (yield)
    traced, of_threads = sys.gettrace(), threading.gettrace()
    of_programs = os.environ.pop(TRACED_PROGRAMS, None)
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        if of_programs is not None:
            os.environ[TRACED_PROGRAMS] = of_programs
        sys.settrace(traced)
        threading.settrace(of_threads)


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
