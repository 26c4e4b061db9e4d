"""Throws made-up files at every reader: ``python -m tests.fuzz --seconds 600``, the same in every run.

Each input is read in a process of its own limits: 500 MB on top of the program, and five seconds. Whatever comes back
but an AuditError is kept in ``build/fuzz`` with its traceback; ``--input FOLDER --target NAME`` reads it again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from threading import Lock, Thread

LONGEST = 5.0
"""Seconds of processor time that an input may take; of a clock it may take more where others need the machine."""
SILENT = 60.0
"""Seconds without a sign after which a reader waits for something that does not come."""
KEPT = Path("build/fuzz")
LIMITS = {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1", "HF_ENDPOINT": "http://127.0.0.1:9"}
"""Every arena of a thread would take addresses that no input asked for; and nothing is asked of a network."""
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class ScannedCheckpoint:
    """What came of the inputs so far."""

    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    slowest: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    peak: int = 0
    failures: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)


def main() -> int:
    """Run the fuzzers and print what they saw; 1 where a reader gave way."""
    options = _options()
    if options.input:
        import_module(options.module).TARGETS[options.target].read(options.input)
        return 0
    names = options.target or ",".join(import_module(options.module).TARGETS)
    seen = ScannedCheckpoint()
    end = time.monotonic() + options.seconds
    workers = [
        Thread(target=_drive, args=(options.module, names, options.seed + number, options.workers, end, seen))
        for number in range(options.workers)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    _print(seen)
    return 1 if seen.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--target", default="", help="one reader, or several with commas between")
    parser.add_argument("--module", default="tests.fuzz.targets", help="where the readers are described")
    parser.add_argument("--input", type=Path, help="read the input in this folder once, with --target")
    return parser.parse_args()


def _drive(  # noqa: PLR0917  what a worker is told
    module: str, names: str, first: int, step: int, end: float, seen: ScannedCheckpoint
) -> None:
    """Keep a worker busy; one that gave way is followed by another with other seeds."""
    while time.monotonic() < end:
        with tempfile.TemporaryDirectory(prefix="audit-fuzz-") as folder:
            arguments = [module, names, str(first), str(step), str(end - time.monotonic()), folder]
            own = {"AUDIT_CACHE": f"{folder}/cache", "AUDIT_LIBRARY": f"{folder}/library"}
            environment = os.environ | LIMITS | own
            with subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker", *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=environment,
            ) as worker:
                _follow(worker, seen)
        first += 1000 * step


def _follow(worker: subprocess.Popen[str], seen: ScannedCheckpoint) -> None:
    """Count what a worker reports, and stop it where it says nothing more."""
    now: dict[str, object] = {}
    stopped: list[str] = []
    watch = Thread(target=_watch, args=(worker, now, stopped), daemon=True)
    watch.start()
    said: list[str] = []
    Thread(target=lambda: said.extend(worker.stderr or ()), daemon=True).start()
    for line in worker.stdout or ():
        word, *rest = line.split(maxsplit=3)
        if word == "begin":
            now.update(target=rest[0], seed=rest[1], place=rest[2].strip(), since=time.monotonic(), used=_used(worker))
            continue
        if word not in {"read", "refused"}:
            continue
        target = str(now.pop("target"))
        with seen.lock:
            seen.outcomes[target][word] += 1
            seen.slowest[target] = max(seen.slowest[target], float(rest[0]))
            seen.peak = max(seen.peak, int(rest[1]))
    worker.wait()
    if worker.returncode:
        reason = stopped[0] if stopped else f"ended with {worker.returncode}"
        _keep(now, reason, "".join(said[-30:]), seen)


def _watch(worker: subprocess.Popen[str], now: dict[str, object], stopped: list[str]) -> None:
    while worker.poll() is None:
        time.sleep(0.2)
        if "target" not in now:
            continue
        waited = time.monotonic() - float(str(now["since"]))
        used = _used(worker) - float(str(now["used"]))
        if used > LONGEST or waited > SILENT:
            stopped.append(f"took over {LONGEST if used > LONGEST else SILENT:.0f} s")
            worker.kill()
            return


def _used(worker: subprocess.Popen[str]) -> float:
    """Seconds of processor time that a process has used."""
    try:
        fields = Path(f"/proc/{worker.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def _keep(now: dict[str, object], reason: str, said: str, seen: ScannedCheckpoint) -> None:
    """Keep the input that a reader gave way to."""
    target, number = str(now.get("target", "start")), str(now.get("seed", ""))
    place = KEPT / f"{target}-{number}-{len(seen.failures)}"
    shutil.rmtree(place, ignore_errors=True)
    source = Path(str(now.get("place", "")))
    if "place" in now and source.is_dir():
        shutil.copytree(source, place)
    else:
        place.mkdir(parents=True)
    (place / "stderr.txt").write_text(said, encoding="utf-8")
    traces = place / "traceback.txt"
    trace = traces.read_text(encoding="utf-8") if traces.exists() else said
    with seen.lock:
        seen.failures.append(f"{target} (seed {number}) {reason}: {place}\n{trace[-1500:]}")


def _print(seen: ScannedCheckpoint) -> None:
    print(f"{'reader':<16}{'inputs':>9}{'read':>9}{'refused':>9}{'slowest':>10}")  # noqa: T201
    total = 0
    for target, outcomes in seen.outcomes.items():
        count = sum(outcomes.values())
        total += count
        row = f"{target:<16}{count:>9}{outcomes['read']:>9}{outcomes['refused']:>9}{seen.slowest[target]:>8.2f} s"
        print(row)  # noqa: T201
    print(f"{total} inputs, {len(seen.failures)} failures, at most {seen.peak // 1000} MB of memory")  # noqa: T201
    for failure in seen.failures:
        print(f"\n{failure}")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
