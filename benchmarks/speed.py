"""The runs that are timed: ``cat``, the naive script and both modes of the audit, on one pair of checkpoints."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import Cost, RunError, run, typical

ROUNDS = 3
FINDING = 1
"""The exit status of an audit that found something, as it must in this pair."""

PROGRAM = "from independence_audit.cli.entry import main; raise SystemExit(main())"
START = (
    "from independence_audit.cli.entry import main; main(['--version']); "
    "import independence_audit.cli.outputs, independence_audit.pipeline.audit, independence_audit.pipeline.incomplete"
)
"""The interpreter, and all that `audit compare` imports before it opens a file."""
NAIVE_START = "import numpy, torch, safetensors"

SAME_FIGURE = 1e-4
"""How far apart two correct ways to compute a Pearson correlation may come out."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Speed:
    """What the runs on one pair cost; all but the naive script's with the files in the page cache, medians of three."""

    pair: int
    """Bytes of both checkpoints together."""
    cat: Cost
    naive: Cost
    naive_start: Cost
    full: Cost
    sampled: Cost
    start: Cost


@dataclass(frozen=True, slots=True)
class Memory:
    """What one run of each mode cost on a larger pair."""

    pair: int
    full: Cost
    sampled: Cost


class Pair:
    """Two checkpoints in a folder, and the programs that read them."""

    def __init__(self, folder: Path) -> None:
        self._report, self._figures = folder / "report.json", folder / "naive.json"
        self._subject, self._reference = folder / "subject", folder / "reference"
        self._shards = [*sorted(self._subject.glob("*.safetensors")), *sorted(self._reference.glob("*.safetensors"))]
        self.size = sum(path.stat().st_size for path in self._shards)

    def cat(self) -> Cost:
        """Read every byte and do nothing with it."""
        return run(["cat", *self._shards])

    def naive(self) -> Cost:
        """Run the naive script."""
        script = Path(__file__).with_name("naive.py")
        return run([sys.executable, script, self._subject, self._reference], output=self._figures)

    def audit(self, *, full: bool) -> Cost:
        """Run ``audit compare`` and check that it found what is there.

        Raises:
            RunError: It failed, or found nothing.
        """
        self._report.unlink(missing_ok=True)
        arguments: list[str | Path] = [
            "compare",
            self._subject,
            "--ref",
            self._reference,
            "--quiet",
            "-o",
            f"json={self._report}",
        ]
        if full:
            arguments.append("--full")
        cost = run([*program(), *arguments], status=FINDING)
        report = json.loads(self._report.read_text(encoding="utf-8"))
        found = {component["name"]: component["relation"] for component in report["components"]}
        if set(found.values()) != {"related"} or report["settings"]["mode"] != ("full" if full else "sampled"):
            raise RunError(f"The audit said {found} in {report['settings']['mode']} mode; the pair is related.")
        return cost

    def check_figures(self) -> None:
        """Hold the last report against the naive script's figures.

        Raises:
            RunError: A tensor was not compared whole, or its correlation differs.
        """
        naive = json.loads(self._figures.read_text(encoding="utf-8"))
        exact = {tensor["name"]: tensor for tensor in json.loads(self._report.read_text(encoding="utf-8"))["tensors"]}
        wrong = [name for name, figures in naive.items() if not agree(figures, exact.get(name))]
        if wrong:
            raise RunError(f"The naive script and `audit compare --full` differ on {len(wrong)} tensors: {wrong[:3]}.")


def agree(naive: dict[str, float], exact: dict[str, Any] | None) -> bool:
    """Whether two programs found the same correlation and share of equal values."""
    return (
        exact is not None
        and exact["pearson"] is not None
        and abs(exact["pearson"] - naive["pearson"]) < SAME_FIGURE
        and abs(exact["identical_fraction"] - naive["equal"]) < SAME_FIGURE
    )


def program() -> list[str | Path]:
    """How the audit is started: as its users do where it is installed."""
    script = Path(sys.executable).with_name("audit")
    return [script] if script.exists() else [sys.executable, "-c", PROGRAM]


def measure_speed(folder: Path, say: Say) -> Speed:
    """Time everything on the pair in a folder."""
    pair = Pair(folder)
    say("the naive script (minutes)")
    pair.cat()
    naive = pair.naive()
    costs: dict[str, list[Cost]] = {name: [] for name in ("cat", "full", "sampled", "start", "naive_start")}
    for number in range(1, ROUNDS + 1):
        say(f"cat and both modes of the audit, round {number} of {ROUNDS}")
        pair.cat()
        costs["cat"].append(pair.cat())
        costs["sampled"].append(pair.audit(full=False))
        costs["full"].append(pair.audit(full=True))
        costs["start"].append(run([sys.executable, "-c", START]))
        costs["naive_start"].append(run([sys.executable, "-c", NAIVE_START]))
    pair.check_figures()
    return Speed(pair=pair.size, naive=naive, **{name: typical(own) for name, own in costs.items()})


def measure_memory(folder: Path, say: Say) -> Memory:
    """Run both modes once on the pair in a folder."""
    pair = Pair(folder)
    say("both modes of the audit on the larger pair")
    return Memory(pair.size, full=pair.audit(full=True), sampled=pair.audit(full=False))
