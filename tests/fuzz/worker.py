"""One process that throws made-up files at readers until its time is up, or something gives way."""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from independence_audit.errors import AuditError
from tests.fuzz.target import Files, Target

ROOM = 500_000_000
"""Bytes of addresses that reading an input may take on top of what the program has."""
BATCH = 20
"""Inputs of one target before the next has its turn."""
SETTLING = 60.0
"""Seconds, at most, before the first input counts."""
GAVE_WAY = 9


def main(arguments: Sequence[str]) -> None:
    """Read what the driver asks for: a module's targets, the first seed, their step, seconds, and a folder."""
    module, names, first, step, seconds, place = arguments
    targets = import_module(module).TARGETS
    end = time.monotonic() + float(seconds)
    folder = Path(place)
    _warm_up(folder, {name: targets[name] for name in names.split(",")})
    _limit_memory()
    number = int(first)
    while True:
        for name in names.split(","):
            _batch(name, targets[name], number, folder, end)
            if time.monotonic() > end:
                return
        number += int(step)


def _warm_up(folder: Path, targets: Mapping[str, Target]) -> None:
    """Load what readers load when they are first used: it belongs to the program, not to an input."""
    warnings.simplefilter("ignore")
    for name, target in targets.items():
        _batch(name, target, 0, folder, time.monotonic() + SETTLING, count=2)


def _limit_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _batch(  # noqa: PLR0917  what a batch is
    name: str, target: Target, number: int, folder: Path, end: float, count: int = BATCH
) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.files)
    def once(files: Files) -> None:
        if time.monotonic() < end:
            _read(f"{name} {number}", target, files, folder)

    once()


def _read(what: str, target: Target, files: Files, folder: Path) -> None:
    """Read one input, and tell the driver how it went; whatever is no AuditError ends the process."""
    place = Path(tempfile.mkdtemp(dir=folder))
    for name, content in files.items():
        (place / name).write_bytes(content)
    print(f"begin {what} {place}", flush=True)  # noqa: T201  the driver reads it
    began = time.process_time()
    outcome = "read"
    try:
        target.read(place)
    except AuditError:
        outcome = "refused"
    except BaseException:  # noqa: BLE001  that is what is looked for
        (place / "traceback.txt").write_text(traceback.format_exc(), encoding="utf-8")
        sys.stdout.flush()
        os._exit(GAVE_WAY)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{outcome} {time.process_time() - began:.3f} {peak}", flush=True)  # noqa: T201  likewise
    shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
