"""One audit of two folders as users make it, in a process of its own; what its report says, and what it cost.

As in ``benchmarks.processes`` nothing here loads a library that would count in the audit's memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import Cost, RunError, run
from benchmarks.speed import program


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit said and took."""

    report: dict[str, Any]
    cost: Cost

    def statistics(self, pair: str) -> list[dict[str, Any]]:
        """The aligned statistic of every tensor that was compared in its place: pair, name, role and z."""
        return [
            {"pair": pair, "name": one["name"], "role": one["role"], "z": one["z"]}
            for one in self.report["tensors"]
            if one["z"] is not None
        ]


def audited(subject: Path, reference: str | Path, folder: Path) -> Audited:
    """Audit a folder beside a reference, without a network; the report and an empty library lie in a folder.

    Raises:
        RunError: There is no report.
    """
    target = folder / "report.json"
    target.unlink(missing_ok=True)
    command = [*program(), "compare", subject, "--ref", reference, "--offline", "--quiet", "-o", f"json={target}"]
    cost = run([*command, "--library", folder / "library"], status=None)
    if not target.is_file():
        raise RunError(f"{subject.name} could not be audited beside {Path(reference).name}.")
    return Audited(json.loads(target.read_text(encoding="utf-8")), cost)
