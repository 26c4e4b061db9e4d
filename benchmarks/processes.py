"""Runs a program as a process of its own and tells what it cost.

The measuring process must stay small: a child begins with its parent's pages, and Linux counts them in the child's
peak. So nothing here, nor what imports it, loads a library; checkpoints are written by a process of their own too.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
RSS_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts a process's peak memory."""


class RunError(Exception):
    """A run failed, so that its figures would mean nothing."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took."""

    seconds: float
    """From its start to its end, by the clock."""
    busy: float
    """Seconds of processor time, in all threads, the system's share included."""
    peak: int
    """Most bytes resident in memory at once."""


def run(command: Sequence[str | Path], status: int | None = 0, output: Path | None = None) -> Cost:
    """Run a program from the repository's root and wait for its end.

    Args:
        command: The program and its arguments.
        status: The exit status it must end with; None where any that is no signal will do.
        output: Where its standard output goes; nowhere by default.

    Raises:
        RunError: It ended with another status.
    """
    with (output or Path(os.devnull)).open("wb") as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors, cwd=ROOT)
        try:
            _, ended, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            process.wait()
            raise
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(ended)
        if process.returncode < 0 or status not in {None, process.returncode}:
            errors.seek(0)
            told = errors.read().decode("utf-8", "replace").strip()
            raise RunError(f"{' '.join(map(str, command))} ended with status {process.returncode}.\n{told}")
    return Cost(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * RSS_UNIT)


def typical(costs: Sequence[Cost]) -> Cost:
    """The median times of some runs, and the highest peak."""
    return Cost(
        median(cost.seconds for cost in costs), median(cost.busy for cost in costs), max(cost.peak for cost in costs)
    )
