"""Every value of two real models: the same bytes whoever works them out, and after a kill."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples/seeds_case"

PROGRAM = """
import os, signal, sys
from pathlib import Path

from independence_audit.evidence.report_json import comparable
from independence_audit.lineage import exact
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.settings import AuditSettings

exact.WORTH_IT, exact.TASK, exact.CHUNK = 0, 1 << 13, 1 << 13  # many tasks of a small model
jobs, work, dies_after = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
examples = Path(sys.argv[4])
if dies_after:
    kept = exact._encode
    done = []

    def encode(sums):
        done.append(1)
        if len(done) > dies_after:
            os.kill(os.getpid(), signal.SIGKILL)
        return kept(sums)

    exact._encode = encode
report = audit(
    str(examples / "continued"),
    [str(examples / "base"), str(examples / "other_seed")],
    AuditSettings(full=True, jobs=jobs, work=work),
)
sys.stdout.write(comparable(report))
"""


def audited(jobs: int, work: str = "", dies_after: int = 0) -> tuple[int, bytes]:
    """The exit status and the comparable report of a full audit in a program of its own."""
    arguments = [sys.executable, "-c", PROGRAM, str(jobs), work, str(dies_after), str(EXAMPLES)]
    done = subprocess.run(arguments, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def undisturbed() -> bytes:
    """What one process makes of it."""
    status, report = audited(1)
    assert status == 0
    return report


@pytest.mark.parametrize("jobs", [2, 3])
def test_workers_change_no_byte(undisturbed: bytes, jobs: int) -> None:
    """Sums are added in the order of the tasks."""
    assert audited(jobs) == (0, undisturbed)


def test_an_audit_that_was_killed_goes_on(undisturbed: bytes, tmp_path: Path) -> None:
    """What was worked out is there, is not worked out again, and the end is equal to the byte."""
    status, _ = audited(2, str(tmp_path), dies_after=20)
    assert status < 0
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(kept) == 20
    assert audited(2, str(tmp_path)) == (0, undisturbed)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(list(tmp_path.iterdir())) > 20
