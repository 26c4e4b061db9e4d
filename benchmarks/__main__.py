"""Measures speed and memory: ``python -m benchmarks``, from the repository's root.

Writes a pair of large related checkpoints, runs the naive script, ``cat`` and ``audit compare`` on them, prints what
they took beside what was promised, and clears up. A second pair, four times as large, is for peak memory only.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from benchmarks.figures import as_text, conditions, reach_table, run_table, write_page
from benchmarks.processes import RunError, run
from benchmarks.speed import Memory, measure_memory, measure_speed

GIB = 1 << 30
LARGER = 4
SPARE = 1.1
"""Room that a pair needs, relative to its nominal size: layers are whole."""


def main() -> int:
    """Measure, print and clear up; 1 where a run failed, whatever was measured."""
    options = parse()
    signal.signal(signal.SIGTERM, stop)
    try:
        with pair(options.dir, options.size) as folder:
            speed = measure_speed(folder, say)
        memory = None if options.no_large else measure_larger(options.dir, LARGER * options.size)
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the checkpoints are removed.", file=sys.stderr)
        return 130
    tables = as_text(run_table(speed, memory)), as_text(reach_table(speed, memory))
    print(conditions(speed), *tables, sep="\n\n")
    if options.write:
        write_page(speed, memory)
    return 0


def parse() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure speed and memory.")
    parser.add_argument("--dir", type=Path, help="where the checkpoints are written for a while (default: as TMPDIR)")
    parser.add_argument("--size", type=float, default=2.0, metavar="GIB", help="of one checkpoint (default: 2)")
    parser.add_argument("--no-large", action="store_true", help="leave out the pair four times as large")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/performance.md")
    return parser.parse_args()


def stop(*_: object) -> NoReturn:
    """End as Ctrl-C does, so that the checkpoints are removed."""
    raise KeyboardInterrupt


def say(what: str) -> None:
    """Tell what is being done."""
    print(f"{what} ...", file=sys.stderr, flush=True)


@contextmanager
def pair(parent: Path | None, size: float) -> Iterator[Path]:
    """A folder with two related checkpoints of ``size`` GiB, removed afterwards whatever happens.

    Raises:
        RunError: They do not fit on the disk, or could not be written.
    """
    check_room(parent, size)
    with tempfile.TemporaryDirectory(prefix="independence-audit-", dir=parent) as folder:
        say(f"writing two checkpoints of {size:g} GiB to {folder}")
        run([sys.executable, "-m", "benchmarks.checkpoints", folder, str(size)])
        yield Path(folder)


def check_room(parent: Path | None, size: float) -> None:
    """Make sure that a pair fits on the disk.

    Raises:
        RunError: It does not.
    """
    where = parent or Path(tempfile.gettempdir())
    needed, free = 2 * size * SPARE, shutil.disk_usage(where).free / GIB
    if free < needed:
        raise RunError(f"Two checkpoints of {size:g} GiB need {needed:.0f} GiB in {where}; {free:.0f} are free.")


def measure_larger(parent: Path | None, size: float) -> Memory | None:
    """Peak memory on a larger pair; None, and a word about it, where that does not fit on the disk."""
    try:
        check_room(parent, size)
    except RunError as error:
        say(f"{error} Memory on the larger pair is not measured")
        return None
    with pair(parent, size) as folder:
        return measure_memory(folder, say)


if __name__ == "__main__":
    sys.exit(main())
