"""``python -m benchmarks.trajectory``: trains honest runs, fakes others from them, audits all, and prints the table.

Twenty-five trainings of a few seconds each and twenty-one fakes of three sets of runs; four minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from benchmarks.trajectory.fakes import FAKES, Fake, Runs, read, write
from benchmarks.trajectory.runs import HONEST, train
from independence_audit.evidence.training_evidence import ComponentTraining
from independence_audit.pipeline.trajectory import TrajectorySettings, trajectory

SETS = ((3, 7, 8), (2, 4, 8), (0, 1, 8))
"""Numbers of the runs that the fakes are made of: an own one, another's of the same architecture, a tower's."""
STEP = "step-([0-9]+)"
"""The fakes' steps are declared; of guessed ones an order finding is a remark."""
HEAD = "| trajectory | conclusion | contradictions | right |\n|---|---|---|---|"


def main() -> int:
    """Print the table, and return how many lines are wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, help="keep the trained runs in this folder, and use those that are there")
    options = parser.parse_args()
    torch.set_num_threads(1)
    wrong = 0
    print(HEAD)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        for line, right in (*_honest(folder), *_faked(folder)):
            print(line, flush=True)
            wrong += not right
    print(f"\n{wrong} wrong")
    return min(wrong, 1)


def _honest(folder: Path) -> Iterator[tuple[str, bool]]:
    for number, run in enumerate(HONEST):
        place = _place(folder, number)
        if not (place / "step-160").exists():
            train(run, place)
        for component in trajectory([str(place)]).training.components:
            keys = _contradictions(component)
            right = not keys and component.conclusion == "initialised_and_trained"
            yield _line(f"honest: {run.name}, {component.component}", component, keys, right=right), right


def _faked(folder: Path) -> Iterator[tuple[str, bool]]:
    for numbers in SETS:
        runs = Runs(*(read(_saved(_place(folder, number))) for number in numbers))
        for fake in FAKES:
            with tempfile.TemporaryDirectory() as scratch:
                place = write(fake.make(runs), Path(scratch) / "run")
                training = trajectory([str(place)], TrajectorySettings(step_regex=STEP)).training
            [component] = [each for each in training.components if each.component == fake.component]
            keys = _contradictions(component)
            right = _is_exposed(fake, component, keys)
            yield _line(f"fake: {fake.name}", component, keys, right=right), right


def _is_exposed(fake: Fake, component: ComponentTraining, keys: Sequence[str]) -> bool:
    return bool(fake.findings & set(keys)) and component.conclusion in fake.conclusions


def _contradictions(component: ComponentTraining) -> list[str]:
    return sorted({finding.message.key for finding in component.findings if finding.contradicts})


def _line(name: str, component: ComponentTraining, keys: Sequence[str], *, right: bool) -> str:
    found = ", ".join(key.partition(".")[2] for key in keys) or "none"
    return f"| {name} | {component.conclusion} | {found} | {'yes' if right else 'NO'} |"


def _place(folder: Path, number: int) -> Path:
    return folder / f"{number:02d}"


def _saved(place: Path) -> list[Path]:
    return sorted(place.iterdir(), key=lambda each: int(each.name.partition("-")[2]))


if __name__ == "__main__":
    sys.exit(main())
