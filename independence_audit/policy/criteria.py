"""A policy: criteria with the public words they rest on, and rules from evidence to an outcome for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from independence_audit.anatomy import Kind
from independence_audit.evidence.audit_report import Outcome, Severity

NONE = "none"
"""Where there is nothing to speak of: no match, no declaration, no training evidence."""
OTHER = "other"
"""Every country that a criterion does not name, and the unknown one."""


class Lead(StrEnum):
    """What a report comes to, as far as its headline is the policy's own."""

    NOT_MET = "not_met"
    REVIEW = "review"
    MET = "met"
    """All that weights and exhibits can decide is met."""
    ALLOWED = "allowed"
    """Something is shared with a reference, and nothing speaks against it."""
    CLEAN = "clean"
    """Nothing was found."""


class Scope(StrEnum):
    """What a criterion is judged for."""

    COMPONENT = "component"
    """Once for each component."""
    SUBMISSION = "submission"
    """Once, and never by weights."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a case comes to, if every condition holds; a rule without conditions takes what is left."""

    conditions: Mapping[str, frozenset[str]]
    """Allowed words by condition."""
    outcome: Outcome
    severity: Severity
    message: str
    """A message key; its data are those of :func:`independence_audit.policy.judge.data_of`."""
    would_change: tuple[str, ...]
    """Message keys."""
    undecided: bool = False
    """Whether a component that meets it leaves the audit inconclusive."""

    def meets(self, words: Mapping[str, str]) -> bool:
        """Whether every condition of the rule holds."""
        return all(words.get(name) in allowed for name, allowed in self.conditions.items())


@dataclass(frozen=True, slots=True)
class CriterionRules:
    """One criterion: exactly one rule for every case."""

    id: str
    scope: Scope
    rules: tuple[Rule, ...]
    """The one without conditions, if there is one, comes last."""
    kinds: frozenset[Kind]
    """Which components it is judged for."""
    quote: str | None
    """The public words it rests on."""
    source: str | None
    """Who said them, where and when."""

    def rule_for(self, words: Mapping[str, str]) -> Rule:
        """The rule that a case meets; a country that no rule names is another one."""
        country = words.get("countries")
        named = {word for rule in self.rules for word in rule.conditions.get("countries", ())}
        if country not in {None, NONE, *named}:
            words = {**words, "countries": OTHER}
        return next(rule for rule in self.rules if rule.meets(words))


@dataclass(frozen=True, slots=True)
class Policy:
    """Dated and versioned criteria. Evidence never depends on them."""

    name: str
    version: str
    date: str
    """When its words were said or agreed on, as YYYY-MM-DD."""
    digest: str
    """SHA-256 of the policy file."""
    optional_kinds: frozenset[Kind]
    """Components that may go untested; any other leaves the audit inconclusive."""
    criteria: tuple[CriterionRules, ...]
    headlines: Mapping[Lead, str]
    """The message that leads the report, for everything that it can come to."""
