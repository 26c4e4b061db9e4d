"""The benchmark of families: ``python -m benchmarks.families [--only WORDS] [--write]``, from the repository's root.

Trains what is missing, audits strangers of one config and copies, each in a process of its own, and prints what was
found, who was accused, and what every test showed between strangers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.audits import audited
from benchmarks.families.cases import Case, Outcome, cases
from benchmarks.families.designs import DESIGNS, Design
from benchmarks.families.members import ROOT, STORE

PAGE = ROOT / "docs" / "families.md"


def main() -> int:
    """Train, audit, print, write; 1 where a stranger was accused, 2 where no family bears such a name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.families", description="Audit strangers of one config.")
    parser.add_argument("--only", default="", metavar="WORDS", help="families whose names contain these words")
    parser.add_argument("--processes", type=int, default=1, help="trainings side by side (default: 1)")
    parser.add_argument("--write", action="store_true", help="write docs/families.md")
    options = parser.parse_args()
    designs = [design for design in DESIGNS if options.only in design.name]
    if not designs:
        print(f"No family has {options.only!r} in its name.", file=sys.stderr)
        return 2
    # A process of its own: what training loads would count in every audit's memory.
    trainer = [sys.executable, "-m", "benchmarks.families.train", "--only", options.only]
    subprocess.run([*trainer, "--processes", str(options.processes)], check=True, cwd=ROOT, stdout=sys.stderr)
    outcomes = measured(designs)
    from benchmarks.families.page import accused, page
    from benchmarks.families.unit_tests import extremes

    units = extremes([one.case for one in outcomes if not one.case.is_copy])
    text = page(outcomes, units)
    print(text)
    record = {"outcomes": [_plain(one) for one in outcomes], "units": [asdict(one) for one in units]}
    (STORE / "results.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    return int(any(accused(one) for one in outcomes))


def measured(designs: list[Design]) -> list[Outcome]:
    """Audit all cases of some designs; the report of each is kept beside the models."""
    with tempfile.TemporaryDirectory(prefix="families-") as folder:
        return [_audited(case, Path(folder)) for design in designs for case in cases(design)]


def _audited(case: Case, folder: Path) -> Outcome:
    audit = audited(case.subject.folder, case.reference.folder, folder)
    kept = STORE / "reports" / f"{case.subject.name}__{case.reference.name}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").replace(kept)
    sizes = [(one["parameters"], not one["role"].startswith("generic:")) for one in audit.report["tensors"]]
    placed = sum(size for size, known in sizes if known) / sum(size for size, _ in sizes)
    components = audit.report["components"]
    said = ", ".join(f"{one['name']} {one['relation']}" for one in components)
    print(f"{case.name}: {said}, {audit.cost.seconds:.1f} s", file=sys.stderr, flush=True)
    return Outcome(case, components, placed, audit.statistics(case.name), audit.cost)


def _plain(outcome: Outcome) -> dict[str, Any]:
    """What is kept of an outcome beside its report."""
    return {
        "case": outcome.case.name,
        "group": outcome.case.group,
        "is_copy": outcome.case.is_copy,
        "relations": {one["name"]: one["relation"] for one in outcome.components},
        "placed": outcome.placed,
        **asdict(outcome.cost),
    }


if __name__ == "__main__":
    sys.exit(main())
