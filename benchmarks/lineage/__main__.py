"""The lineage benchmark: ``python -m benchmarks.lineage [--write]``, from the repository's root.

Trains what is missing, makes every copy, asks every method, prints the tables and keeps all figures in
``build/lineage/results.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from benchmarks.lineage.after_alignment_null import look_null
from benchmarks.lineage.bases import BASES
from benchmarks.lineage.calibration import calibrations, distinct, layer_null, unit_null
from benchmarks.lineage.kin import train_kin
from benchmarks.lineage.measure import FULL, SCREENING, measure_cases, measure_pairs, measure_same_draw
from benchmarks.lineage.page import Results, figures, write_page
from benchmarks.lineage.real import measure_real
from benchmarks.lineage.train import PROCESSES, STORE, train_bases
from examples.training.train import make_deterministic


def main() -> int:
    """Train, measure, print; 1 where an unrelated model was accused."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lineage", description="Run the lineage benchmark.")
    parser.add_argument(
        "--processes", type=int, default=PROCESSES, help="trainings and audits side by side (default: 2)"
    )
    parser.add_argument("--no-training", action="store_true", help="measure what is trained already")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/benchmark.md")
    options = parser.parse_args()
    if not options.no_training:
        train_bases(BASES, options.processes)
        train_kin(processes=options.processes)
    make_deterministic()
    unrelated, statistics = measure_pairs(options.processes)
    results = Results(
        copies=measure_cases(options.processes),
        unrelated=unrelated,
        kin=measure_same_draw(),
        calibrations=calibrations(distinct(statistics)),
        layers=calibrations(layer_null()),
        units=unit_null(),
        looks=look_null(),
        real=measure_real(),
    )
    STORE.mkdir(parents=True, exist_ok=True)
    record = asdict(results) | {"statistics": statistics}
    (STORE / "results.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(figures(results))
    if options.write:
        write_page(results)
    accused = any(one.said[SCREENING] or one.said[FULL] for one in unrelated)
    return int(accused)


if __name__ == "__main__":
    sys.exit(main())
