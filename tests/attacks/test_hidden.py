"""A stolen component is found wherever it is hidden, or the audit is inconclusive; an innocent one is never accused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from independence_audit.errors import AuditError
from independence_audit.evidence.audit_report import AuditReport, Severity
from independence_audit.pipeline.audit import audit
from independence_audit.pipeline.incomplete import FINDING, INCONCLUSIVE, exit_code
from independence_audit.pipeline.settings import AuditSettings
from independence_audit.policy.case import Known
from independence_audit.policy.judge import judge
from independence_audit.policy.policy_file import load_policy
from independence_audit.report.text import render
from tests.attacks.hiding import INNOCENT, REFERENCE, Hiding, decoder, hidings, own

POLICIES = ("evidence-only", "kai-stage1", "strict-from-scratch", "control-and-licence")
WAYS = hidings()
REFUSED = 4
"""Nothing was audited, and the program says so."""
FIRST_SCREEN = 45
"""Lines of text before the tables."""

Answer = tuple[str, int, AuditReport | None]


def _answers(folder: Path) -> Iterator[Answer]:
    """What every mode and policy says of a submission: what was asked, the exit status, and the report."""
    for full in (False, True):
        mode = "full" if full else "sampled"
        try:
            report = audit(str(folder), [str(REFERENCE)], AuditSettings(full=full))
        except AuditError as error:
            yield mode, error.exit_code, None
            continue
        for policy in POLICIES:
            known = Known(report.subject.verified, report.submission.team, report.declaration, report.training)
            opinion = judge(load_policy(policy), report.components, report.references, known)
            judged = replace(report, opinion=opinion)
            yield f"{mode}, {policy}", exit_code(judged, Severity.NOT_MET), judged


def test_there_are_many_ways() -> None:
    """At least sixty, each with a name of its own."""
    assert len({way.name for way in WAYS}) == len(WAYS) >= 60


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_stolen_is_found_or_said_not_to_have_been_looked_at(way: Hiding, tmp_path: Path) -> None:
    """Never exit 0; where the audit is inconclusive, its first screen says what and how much was not judged."""
    way.write(tmp_path / "submission", own(), decoder(REFERENCE))
    for asked, status, report in _answers(tmp_path / "submission"):
        assert status in {FINDING, INCONCLUSIVE, REFUSED}, asked
        if status == INCONCLUSIVE and report is not None:
            assert _says_how_much(report), asked


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_innocent_is_not_accused(way: Hiding, tmp_path: Path) -> None:
    """The same places hold an independent model's weights: nothing is found in them."""
    way.write(tmp_path / "submission", own(), decoder(INNOCENT))
    for asked, status, _ in _answers(tmp_path / "submission"):
        assert status != FINDING, asked


def _says_how_much(report: AuditReport) -> bool:
    """Whether the first screen names what was not judged, and a share or a size of it."""
    screen = " ".join(" ".join(render(report).splitlines()[:FIRST_SCREEN]).split())
    named = [
        *report.opinion.undecided,
        *(file.name for file in report.subject.accounts if file.account == "not_judged"),
    ]
    return any(name in screen for name in named) and any(unit in screen for unit in ("%", "bytes", "iB"))
