"""Work shared between processes comes back in its order, and so do its errors."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from independence_audit.errors import MissingError, ReadError
from independence_audit.lineage.workers import in_order

ALONE = """
import os, time
from independence_audit.errors import AuditError, ReadError
from independence_audit.lineage.workers import in_order

def begin():
    def work(task):
        if task == "fail":
            raise ReadError("gone", "look for it")
        time.sleep(0.05 * (task % 2))
        return task, os.getpid()
    return work

found = list(in_order(range(8), begin, 2))
assert [task for task, _ in found] == list(range(8)), found
processes = {process for _, process in found}
assert os.getpid() not in processes and len(processes) == 2, processes
try:
    list(in_order([0, "fail"], begin, 2))
except ReadError as error:
    assert (error.message, error.hint) == ("gone", "look for it")
else:
    raise SystemExit("no error")
"""


def test_two_processes_share_the_work_in_order() -> None:
    """A program without other threads forks two; results and errors arrive whole."""
    subprocess.run([sys.executable, "-c", ALONE], check=True)


@pytest.mark.parametrize("processes", [1, 2])
def test_order_is_kept_wherever_it_runs(processes: int) -> None:
    """With other threads about, as under a test runner, this process does everything."""
    assert list(in_order([3, 1, 2], lambda: lambda task: task * 10, processes)) == [30, 10, 20]


@pytest.mark.parametrize("error", [ReadError("a", "b"), MissingError("only a sentence")])
def test_errors_keep_their_hint_between_processes(error: ReadError) -> None:
    """What a worker raises is what the user reads."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
    assert (type(again), again.message, again.hint) == (type(error), error.message, error.hint)
