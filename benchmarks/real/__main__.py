"""The benchmark of real models: ``python -m benchmarks.real [--write]``, from the repository's root.

Makes each subject, audits it and removes it again, both in processes of their own; prints what was found and what was
accused, with seconds and memory. Models whose packages are not at hand are left out; none without SmolLM2's.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.audits import audited
from benchmarks.processes import run
from benchmarks.real.cases import REAL, ROOT, Case, Outcome, cases


def main() -> int:
    """Audit, print, write; 1 where a stranger was accused, 2 where there is no model to audit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.real", description="Audit copies of real models.")
    parser.add_argument("--only", default="", metavar="WORDS", help="cases whose names contain these words")
    parser.add_argument("--write", action="store_true", help="write docs/real-models.md")
    options = parser.parse_args()
    wanted = [case for case in cases() if options.only in case.name]
    if not wanted:
        print("No real model is at hand: python -m tools.real_models --all fetches them.", file=sys.stderr)
        return 2
    outcomes = list(measured(wanted))
    from benchmarks.real.page import PAGE, accused, page  # only now: what it loads would count in every audit's memory

    text = page(outcomes)
    print(text)
    REAL.mkdir(parents=True, exist_ok=True)
    (REAL / "results.json").write_text(json.dumps([_plain(one) for one in outcomes], indent=1) + "\n", encoding="utf-8")
    if options.write:
        PAGE.write_text(text, encoding="utf-8")
    return int(any(accused(one) for one in outcomes))


def measured(wanted: list[Case]) -> Iterator[Outcome]:
    """Audit the cases; each subject is made once, for all cases in a row that have it, and does not stay."""
    for name in dict.fromkeys((case.name, case.subject) for case in wanted):
        alike = [case for case in wanted if (case.name, case.subject) == name]
        with tempfile.TemporaryDirectory(prefix="real-models-") as folder:
            subject = alike[0].subject or Path(folder) / "subject"
            if alike[0].subject is None:
                run([sys.executable, "-m", "benchmarks.real.subjects", alike[0].name, subject])
            for case in alike:
                yield _audited(case, subject, Path(folder))


def _audited(case: Case, subject: Path, folder: Path) -> Outcome:
    audit = audited(subject, case.reference, folder)
    component = max(audit.report["components"], key=lambda one: one["parameters"])
    said = f"{component['relation']}, {audit.cost.seconds:.0f} s, {audit.cost.peak / 1e6:.0f} MB"
    print(f"{case.name} beside {Path(case.reference).name}: {said}", file=sys.stderr, flush=True)
    return Outcome(case, component, audit.statistics(case.name), audit.cost)


def _plain(outcome: Outcome) -> dict[str, Any]:
    """What is kept of an outcome: no machine's paths."""
    reference = outcome.case.reference.replace(f"{ROOT}/", "")
    kept = {key: outcome.component[key] for key in ("relation", "reason", "r", "p_value", "searches")}
    return {
        "case": outcome.case.name,
        "is_copy": outcome.case.is_copy,
        "reference": reference,
        **kept,
        **asdict(outcome.cost),
    }


if __name__ == "__main__":
    sys.exit(main())
