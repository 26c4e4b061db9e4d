"""The sentences that a policy may name: each can be said, and each thing that a report comes to has one."""

from __future__ import annotations

import pytest

from independence_audit.policy.criteria import Lead
from independence_audit.policy.messages import CHANGES, CRITERIA, HEADLINES
from independence_audit.policy.policy_file import load_policy, policy_names
from independence_audit.report.languages import LANGUAGES
from independence_audit.report.wording import catalogue


def test_a_report_can_come_to_nothing_without_a_sentence() -> None:
    """Each lead has a headline of its own, and no two leads share one."""
    assert set(HEADLINES) == set(Lead)
    every = [key for keys in HEADLINES.values() for key in keys]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_sentence_can_be_said(lang: str) -> None:
    """In every language."""
    named = {*CRITERIA, *CHANGES, *(key for keys in HEADLINES.values() for key in keys)}
    assert named - set(catalogue(lang)) == set()


def test_shipped_policies_keep_to_them() -> None:
    """As everybody's own have to."""
    rules = [rule for name in policy_names() for one in load_policy(name).criteria for rule in one.rules]
    assert {rule.message for rule in rules} <= CRITERIA
    assert {key for rule in rules for key in rule.would_change} <= CHANGES
