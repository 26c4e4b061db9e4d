"""Rebuilds the example checkpoints: ``python -m examples.training.train [--only CASE]``, from the repository's root."""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from . import hyperclovax, seeds, solar

CASES = {"hyperclovax_case": hyperclovax.build, "solar_case": solar.build, "seeds_case": seeds.build}
PROCESSES = 2


def main() -> None:
    """Train the cases that are asked for, side by side, and write them beside this folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=CASES, help="train this case only")
    only = parser.parse_args().only
    with ProcessPoolExecutor(PROCESSES, multiprocessing.get_context("spawn"), make_deterministic) as pool:
        for line in pool.map(_build, [only] if only else CASES):
            print(line)


def make_deterministic() -> None:
    """One thread: sums over several would round otherwise, and small products do not gain from them."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    # Costs much, and no operation here reads such memory. A property of the module, which its types do not show.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def _build(case: str) -> str:
    start = time.monotonic()
    CASES[case](Path(__file__).parents[1] / case)
    return f"{case}: {time.monotonic() - start:.0f} s"


if __name__ == "__main__":
    main()
