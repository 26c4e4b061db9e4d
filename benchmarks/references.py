"""What another reference costs: ``python -m benchmarks.references``, a hundred fingerprints against one subject.

The references are fingerprint files, read from the disk as a library's are: half of them the benchmark's reference with
noise of their own (relatives of the subject), half with the columns of every sample in an order of their own (unrelated
to it, with the values of trained weights). What is timed is a whole run of ``audit compare`` with one reference and
with all of them, and in one process, apart from the searches for moved and disguised weights, the aligned comparison
alone.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean, median

from benchmarks.processes import Cost, RunError, run
from benchmarks.speed import FINDING, program

COUNT = 100
MOST = 0.02
"""What the marginal aligned comparison may cost of the whole run with one reference."""
ROUNDS = 3
OWN_NOISE = 0.1
"""Of a relative, relative to the spread of a row."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """Processor seconds of one further reference in one process, the subject having met one of its kind already."""

    reading: float
    """Reading its fingerprint from the disk."""
    unrelated: float
    """Comparing an unrelated model with the subject, in its place."""
    relative: float
    """Comparing a relative."""


@dataclass(frozen=True, slots=True)
class Marginal:
    """Processor seconds of a run with one reference, and what each further reference adds to it."""

    count: int
    first: float
    whole: float
    """The same in a whole run: reading, comparing, searching, ranking and reporting; half of them are relatives."""
    aligned: Aligned
    peak: int
    """Most bytes resident in the run with all references."""

    @property
    def rows(self) -> list[list[str]]:
        """A table."""
        shares = [["", "processor seconds", "share of the first", "promised"]]
        shares.append(["the first reference, the whole run", f"{self.first:.2f}", "", ""])
        most = f"at most {MOST:.0%}"
        shares.append(
            self._row("each further unrelated reference, aligned comparison alone", self.aligned.unrelated, most)
        )
        shares.append(self._row("each further relative, aligned comparison alone", self.aligned.relative, ""))
        shares.append(self._row("each further one, reading its fingerprint", self.aligned.reading, ""))
        shares.append(self._row("each further one, all searches and the report included", self.whole, ""))
        return shares

    def _row(self, what: str, seconds: float, promised: str) -> list[str]:
        return [what, f"{seconds:.3f}", f"{seconds / self.first:.1%}", promised]


def measure_marginal(pair: Path, count: int = COUNT) -> Marginal:
    """Make the references beside a pair of checkpoints, and time runs with one and with all of them.

    Raises:
        RunError: A run failed.
    """
    subject, source = pair / "subject", pair / "references" / "source.fp.safetensors"
    source.parent.mkdir()
    run([*program(), "fingerprint", pair / "reference", "-o", source])
    run([sys.executable, "-m", "benchmarks.references", "--make", source, "--count", str(count)])
    names = [reference_name(source, number) for number in range(count)]
    first = [compare(subject, names[:1]) for _ in range(ROUNDS)]
    every = compare(subject, names)
    alone = pair / "aligned.json"
    run(
        [sys.executable, "-m", "benchmarks.references", "--align", source, "--subject", subject, "--count", str(count)],
        output=alone,
    )
    one = median(cost.busy for cost in first)
    aligned = Aligned(**json.loads(alone.read_text(encoding="utf-8")))
    return Marginal(count, one, (every.busy - one) / (count - 1), aligned, every.peak)


def compare(subject: Path, references: Sequence[Path]) -> Cost:
    """Run the audit, which must find the first reference's weights in the subject."""
    named = [word for reference in references for word in ("--ref", reference)]
    return run([*program(), "compare", subject, *named], status=FINDING)


def reference_name(source: Path, number: int) -> Path:
    """Where a reference's fingerprint lies."""
    return source.with_name(f"reference_{number:03}.fp.safetensors")


def make_references(source: Path, count: int) -> None:
    """Write fingerprints of relatives and unrelated models of a fingerprint's model, in turn."""
    import numpy as np

    from independence_audit.checkpoint import open_checkpoint
    from independence_audit.fingerprint import Sample, read_fingerprint, write_fingerprint

    def relative(sample: Sample, generator: np.random.Generator) -> Sample:
        values = sample.values()
        noise = generator.standard_normal(values.shape, np.float32) * values.std(axis=1, keepdims=True)
        bits = (values + OWN_NOISE * noise).astype(np.float32).view(np.uint32)
        return replace(sample, raw=(bits >> 16).astype("<u2")[:, :, None].view(np.uint8))

    def unrelated(sample: Sample, generator: np.random.Generator) -> Sample:
        raw = sample.raw
        return sample if raw is None else replace(sample, raw=raw[:, generator.permutation(raw.shape[1])])

    made = read_fingerprint(open_checkpoint(source))
    for number in range(count):
        generator = np.random.default_rng(number)
        change = unrelated if number % 2 else relative
        samples = tuple(change(sample, generator) for sample in made.samples)
        own = replace(made, name=f"reference_{number:03}", samples=samples)
        write_fingerprint(own, reference_name(source, number))


def time_aligned(subject: Path, source: Path, count: int) -> Aligned:
    """Mean processor seconds of one reference as an audit of many compares it; the first of each kind is left out."""
    from independence_audit.checkpoint import open_checkpoint
    from independence_audit.core.progress import NoProgress
    from independence_audit.fingerprint import read_fingerprint, read_model
    from independence_audit.lineage.in_place import Comparer
    from independence_audit.pipeline.settings import AuditSettings

    mine = read_model(str(subject), AuditSettings().sampler, NoProgress())
    comparer = Comparer(mine.fingerprint, screening=True)
    reading: list[float] = []
    comparing: tuple[list[float], list[float]] = ([], [])
    for number in range(count):
        start = time.process_time()
        reference = read_fingerprint(open_checkpoint(reference_name(source, number)))
        read = time.process_time()
        comparer.compare(reference)
        reading.append(read - start)
        comparing[number % 2].append(time.process_time() - read)
    mine.close()
    relative, unrelated = (mean(each[1:]) for each in comparing)
    return Aligned(mean(reading[1:]), unrelated, relative)


def main() -> int:
    """Measure and print; or do one step of it, in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.references", description="Cost of another reference.")
    parser.add_argument("--dir", type=Path, help="where checkpoints are written for a while (default: as TMPDIR)")
    parser.add_argument("--size", type=float, default=2.0, metavar="GIB", help="of the subject (default: 2)")
    parser.add_argument("--count", type=int, default=COUNT, help="how many references (default: 100)")
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--align", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--subject", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        make_references(options.make, options.count)
        return 0
    if options.align:
        print(json.dumps(asdict(time_aligned(options.subject, options.align, options.count))))
        return 0
    from benchmarks.figures import as_text

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the program does: threads that wait would count as work
    try:
        with tempfile.TemporaryDirectory(prefix="independence-audit-", dir=options.dir) as folder:
            run([sys.executable, "-m", "benchmarks.checkpoints", folder, str(options.size)])
            print(as_text(measure_marginal(Path(folder), options.count).rows))
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
