"""What a trajectory costs: ``python -m benchmarks.trajectory.cost [--checkpoints 20] [--size 2]``.

Writes llama-named checkpoints of some GiB each as sparse files: their sampled rows hold the values of a training that
is made up in numpy, everything else is a hole. Programs run on them as processes of their own: one that samples one
checkpoint and does nothing else, the same for all of them in one process, ``audit trajectory``, and that on half as
many. Then all is removed; on the disk lie some 11 MB a checkpoint for a while.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.checkpoints import layers_for, shapes
from benchmarks.processes import Cost, run, typical
from independence_audit.fingerprint import Sampler

MOST_MEMORY = 600e6
MOST_READ = 1.2
"""Bytes of memory, and times the bytes and the processor time of as many single reads, that are promised."""
ROUNDS = 3
AUDIT = "from independence_audit.cli.entry import main; raise SystemExit(main())"
READS = """
import sys
from independence_audit.fingerprint import Sampler, read_model
from independence_audit.core.progress import NoProgress
from independence_audit.pipeline.settings import AuditSettings
total = 0
for name in sys.argv[1:]:
    model = read_model(name, AuditSettings().sampler, NoProgress())
    total += model.fingerprint.read_bytes
    model.close()
print(total)
"""


class Training:
    """The sampled rows of every tensor, from an initial draw on, in bfloat16."""

    def __init__(self, size: float) -> None:
        self._random = np.random.default_rng(7)
        self._sampler = Sampler()
        self.shapes = dict(shapes(layers_for(size)))
        self._values = {name: self._drawn(shape) for name, shape in self.shapes.items()}
        self._offsets: dict[str, int] = {}
        self._header = self._head()

    def _drawn(self, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) == 1:
            return np.ones((1, *shape), dtype=np.float32)
        rows, columns = shape
        plan = self._sampler.plan(rows, columns, 1)
        return self._random.normal(0.0, 0.02, (len(plan.rows), plan.stop - plan.start)).astype(np.float32)

    def step(self) -> None:
        """Train on: decay, and a change along directions that the rows share."""
        for name, values in self._values.items():
            rows, columns = values.shape
            if rows == 1:
                self._values[name] = values + self._random.normal(0.0, 0.02, values.shape).astype(np.float32)
                continue
            update = self._random.normal(size=(rows, 4)) @ self._random.normal(size=(4, columns))
            self._values[name] = (0.99 * values + 0.003 * update).astype(np.float32)

    def _head(self) -> bytes:
        entries, offset = {}, 0
        for name, shape in self.shapes.items():
            length = 2 * int(np.prod(shape))
            entries[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + length]}
            self._offsets[name] = offset
            offset += length
        text = json.dumps(entries).encode()
        self._size = offset
        return struct.pack("<Q", len(text)) + text

    def write(self, folder: Path) -> Path:
        """Write the checkpoint as it is now; the file."""
        folder.mkdir(parents=True)
        file = folder / "model.safetensors"
        with file.open("wb") as target:
            target.write(self._header)
            target.truncate(len(self._header) + self._size)
            for name, shape in self.shapes.items():
                self._write_tensor(target.fileno(), name, shape)
        return file

    def _write_tensor(self, descriptor: int, name: str, shape: tuple[int, ...]) -> None:
        bits = self._values[name].view(np.uint32)
        stored = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
        start = len(self._header) + self._offsets[name]
        if len(shape) == 1:
            os.pwrite(descriptor, stored.tobytes(), start)
            return
        rows, columns = shape
        plan = self._sampler.plan(rows, columns, 1)
        for row, values in zip(plan.rows.tolist(), stored, strict=True):
            os.pwrite(descriptor, values.tobytes(), start + 2 * (row * columns + plan.start))


def main() -> int:
    """Measure, print and clear up; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=int, default=20)
    parser.add_argument("--size", type=float, default=2.0, metavar="GIB", help="of one checkpoint")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        names = _write(folder, options.checkpoints, options.size)
        facts = Path(names[0]).stat()
        size, held = facts.st_size, facts.st_blocks * 512
        print(f"{len(names)} checkpoints of {size / 1e9:.2f} GB, {held / 1e6:.0f} MB each on the disk")
        single = _measured([sys.executable, "-c", READS, names[-1]])
        reads = _measured([sys.executable, "-c", READS, *names])
        report = f"json={folder / 'whole.json'}"
        whole = _measured([sys.executable, "-c", AUDIT, "trajectory", "-q", "-o", report, *names])
        half = _measured([sys.executable, "-c", AUDIT, "trajectory", "-q", *names[: len(names) // 2]])
        run([sys.executable, "-c", READS, *names], output=folder / "bytes")
        ratio = _read_bytes(folder / "whole.json") / int((folder / "bytes").read_text())
    print("\n| program | seconds | processor seconds | peak MB |\n|---|---:|---:|---:|")
    for name, cost in (
        ("one single read", single),
        (f"{len(names)} reads in one process", reads),
        (f"audit trajectory, {len(names)}", whole),
        (f"audit trajectory, {len(names) // 2}", half),
    ):
        print(f"| {name} | {cost.seconds:.2f} | {cost.busy:.2f} | {cost.peak / 1e6:.0f} |")
    times = whole.busy / (len(names) * single.busy)
    print(f"\nbytes read, to those of as many single reads: {ratio:.2f}, at most {MOST_READ}")
    print(f"processor time, to that of as many single reads: {times:.2f}, at most {MOST_READ}")
    print(f"the same, where one process makes all reads and starts once: {whole.busy / reads.busy:.2f}")
    print(f"peak: {whole.peak / 1e6:.0f} MB, at most {MOST_MEMORY / 1e6:.0f} MB")
    return int(max(ratio, times) > MOST_READ or whole.peak > MOST_MEMORY)


def _read_bytes(report: Path) -> int:
    """Bytes of weights that a trajectory read."""
    trajectory = json.loads(report.read_text(encoding="utf-8"))["training"]["trajectory"]
    return sum(int(each["read_bytes"]) for each in trajectory["checkpoints"])


def _write(folder: Path, count: int, size: float) -> list[str]:
    training, names = Training(size), []
    for number in range(count):
        names.append(str(training.write(folder / f"step-{number * 100}")))
        training.step()
    return names


def _measured(command: list[str]) -> Cost:
    return typical([run(command) for _ in range(ROUNDS)])


if __name__ == "__main__":
    sys.exit(main())
