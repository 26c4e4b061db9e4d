"""What auditing known pairs came to, as a page: false accusations and misses first, then a row for each pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from scipy.stats import beta

from benchmarks.figures import as_markdown
from benchmarks.pairs import Failure, Result, Truth
from independence_audit.core.version import __version__
from independence_audit.evidence.audit_report import AuditReport
from independence_audit.evidence.measurement import ComponentEvidence
from independence_audit.evidence.relation import STRENGTH
from independence_audit.pipeline.incomplete import FINDING, INCONCLUSIVE
from independence_audit.report.numbers import NONE, coefficient, p_value, percent, size

CONFIDENCE = 0.95
HEAD = ["subject", "reference", "truth", "provenance", "agrees", "exit", "strongest", "r", "p", "components", "read"]


class Agreement(StrEnum):
    """How a result stands to what is known."""

    AGREES = "yes"
    ACCUSED = "no: false accusation"
    MISSED = "no: missed"
    UNDECIDED = "inconclusive"
    FAILED = "not audited"


def agreement(result: Result) -> Agreement:
    """Whether an audit says what is known; an inconclusive one is neither right nor wrong."""
    if isinstance(result.outcome, Failure):
        return Agreement.FAILED
    if result.exit_code == INCONCLUSIVE:
        return Agreement.UNDECIDED
    if (result.exit_code == FINDING) == (result.pair.truth is not Truth.INDEPENDENT):
        return Agreement.AGREES
    return Agreement.ACCUSED if result.pair.truth is Truth.INDEPENDENT else Agreement.MISSED


def highest_rate(events: int, trials: int) -> float:
    """The one-sided upper bound on a rate (Clopper and Pearson, 1934); 1 where there were no trials.

    Args:
        events: How often it happened.
        trials: How often it could have.
    """
    return 1.0 if events == trials else float(beta.ppf(CONFIDENCE, events + 1, trials - events))


def page(results: Sequence[Result]) -> str:
    """The page, in Markdown."""
    parts = [
        "# Known pairs",
        f"independence-audit {__version__}, sampled, {len(results)} pairs.",
        *summary(results),
        as_markdown(totals(results)),
        as_markdown([HEAD, *(row(result) for result in results)]),
    ]
    return "\n\n".join(parts) + "\n"


def summary(results: Sequence[Result]) -> list[str]:
    """The two figures that matter, each with what it is out of."""
    found = _counts(results)
    independent = found[Truth.INDEPENDENT]
    accused = independent[Agreement.ACCUSED]
    decided = accused + independent[Agreement.AGREES]
    related = found[Truth.SHARES_WEIGHTS] + found[Truth.SHARES_DRAW]
    audited = related[Agreement.MISSED] + related[Agreement.UNDECIDED] + related[Agreement.AGREES]
    bound = percent(highest_rate(accused, decided))
    accusations = (
        f"**False accusations: {accused}** of {decided} independent pairs that were decided; "
        f"with {CONFIDENCE:.0%} confidence the rate is at most {bound} (Clopper-Pearson)."
    )
    misses = (
        f"**Misses: {related[Agreement.MISSED]}** of {audited} pairs that share weights or a draw and were audited; "
        f"{related[Agreement.UNDECIDED]} others of them were inconclusive."
    )
    return [accusations, misses]


def totals(results: Sequence[Result]) -> list[list[str]]:
    """A row for each truth: how many results stand how to it."""
    found = _counts(results)
    body = [[truth.value, *(str(found[truth][each]) for each in Agreement)] for truth in Truth]
    return [["truth", *Agreement], *body]


def _counts(results: Sequence[Result]) -> dict[Truth, Counter[Agreement]]:
    return {truth: Counter(agreement(one) for one in results if one.pair.truth is truth) for truth in Truth}


def row(result: Result) -> list[str]:
    """A pair's row; where it could not be audited, the reason stands in place of the components."""
    pair, outcome = result.pair, result.outcome
    known = [pair.subject, pair.reference, pair.truth, pair.provenance, agreement(result), str(result.exit_code)]
    figures = [NONE, NONE, NONE, outcome.reason, NONE] if isinstance(outcome, Failure) else _figures(outcome)
    return [cell.replace("\n", " ").replace("|", "\\|") for cell in (*known, *figures)]


def _figures(report: AuditReport) -> list[str]:
    strongest = max(report.components, key=lambda one: (STRENGTH[one.relation], one.parameters))
    r, p = _measured(strongest)
    components = ", ".join(f"{one.name}: {one.relation}" for one in report.components)
    total = sum(file.size for file in report.subject.files)
    read = f"{size(report.subject.read_bytes)} of the subject's {size(total)}"
    return [strongest.relation, coefficient(r), p_value(p), components, read]


def _measured(component: ComponentEvidence) -> tuple[float | None, float | None]:
    """A component's r and p against its reference, or where nothing is shared against the nearest one."""
    if component.reference is None and component.runners_up:
        return component.runners_up[0].r, component.runners_up[0].p_value
    return component.r, component.p_value
