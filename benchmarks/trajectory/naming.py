"""``python -m benchmarks.trajectory.naming``: honest runs under names that people give checkpoints.

No naming may make an honest training contradict itself; given one by one, it passes as well. Each run is trained once
and audited under eleven schemes twice; a minute a run on one core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.trajectory.runs import HONEST, Run, train
from independence_audit.pipeline.trajectory import trajectory

SCHEMES = {
    "a release beside its steps": ["A2-init", *(f"A2-step{20 * number}" for number in range(1, 8)), "A2"],
    "letters": list("abcdefghi"),
    "tokens": ["0B", "100B", "300B", "500B", "700B", "900B", "1T", "1.2T", "1.5T"],
    "epochs and steps": [f"epoch={number}-step={300 * number}" for number in range(9)],
    "days": [f"2026-01-{number:02}" for number in range(3, 12)],
    "versions": [f"v1.{number}" for number in range(9)],
    "Korean": ["초기", *(f"{number}000스텝" for number in range(1, 8)), "최종"],
    "a run's number": [f"run7/iter_{100 * number:07}" for number in range(9)],
    "two phases": [*(f"stage1-step{number}000" for number in range(6)), *(f"stage2-step{n}00" for n in range(1, 4))],
    "hashes": ["9b0d22", "a3f9c1", "4e5f6a", "07ee31", "1234567", "ffab12", "00c0de", "beef01", "5a5a5a"],
    "a last one without a number": [*(f"checkpoint-{100 * number}" for number in range(8)), "checkpoint-last"],
}
HEAD = "| trajectory | named | conclusion | contradictions | right |\n|---|---|---|---|---|"
FEW = (0, 7, 8, 10, 13, 16)
"""Numbers of the runs: usual ones, one whose draw is lost, convolutions, a tower, a perceptron."""


def main() -> int:
    """Print the table, and return 1 where a line is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="all honest runs of the benchmark, not six of them")
    options = parser.parse_args()
    torch.set_num_threads(1)
    wrong = 0
    print(HEAD)
    for number in range(len(HONEST)) if options.all else FEW:
        with tempfile.TemporaryDirectory() as scratch:
            for line, right in _lines(HONEST[number], Path(scratch)):
                print(line, flush=True)
                wrong += not right
    print(f"\n{wrong} wrong")
    return min(wrong, 1)


def _lines(run: Run, folder: Path) -> Iterator[tuple[str, bool]]:
    saved = train(run, folder / "trained")
    for number, (scheme, names) in enumerate(SCHEMES.items()):
        given = _named(saved, names, folder / str(number))
        for how, places in (("one by one", given), ("as a folder", [str(Path(given[0]).parent)])):
            for component in trajectory(places).training.components:
                keys = sorted({finding.message.key for finding in component.findings if finding.contradicts})
                passes = component.conclusion == "initialised_and_trained" or how == "as a folder"
                right = not keys and passes
                said = f"{run.name}, {component.component} | {scheme}, {how} | {component.conclusion}"
                yield f"| {said} | {', '.join(keys) or 'none'} | {'yes' if right else 'NO'} |", right


def _named(saved: Sequence[Path], names: Sequence[str], folder: Path) -> list[str]:
    """Links to checkpoints under other names."""
    for name, place in zip(names, saved, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(place)
    return [str(folder / name) for name in names]


if __name__ == "__main__":
    sys.exit(main())
