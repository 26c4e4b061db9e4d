"""A policy as data: rules from relations to outcomes, read from a dated file."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

from independence_audit.anatomy import Kind
from independence_audit.errors import UsageError
from independence_audit.evidence.relation import Relation
from independence_audit.evidence.report import Outcome, Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """What a component's relation comes to, and in which words."""

    relations: frozenset[Relation]
    outcome: Outcome
    severity: Severity
    message: str
    would_change: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules that are tried in order; every relation meets exactly one."""

    name: str
    version: str
    digest: str
    """SHA-256 of the policy file."""
    optional_kinds: frozenset[Kind]
    rules: tuple[Rule, ...]

    def rule_for(self, relation: Relation) -> Rule:
        """The rule that a relation meets."""
        return next(rule for rule in self.rules if relation in rule.relations)


def policy_names() -> list[str]:
    """The shipped policies."""
    files = resources.files("independence_audit.policy").joinpath("policies").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def load_policy(name: str) -> Policy:
    """Read a shipped policy.

    Raises:
        UsageError: There is no policy of that name, or its file contradicts itself.
    """
    if name not in policy_names():
        raise UsageError(f"There is no policy {name!r}.", f"Known policies: {', '.join(policy_names())}.")
    file = resources.files("independence_audit.policy").joinpath("policies", f"{name}.toml")
    return parse_policy(file.read_bytes())


def parse_policy(content: bytes) -> Policy:
    """A policy from the bytes of its file.

    Raises:
        UsageError: The file is not TOML, has unknown keys or values, or leaves a relation without exactly one rule.
    """
    try:
        data = tomllib.loads(content.decode())
        rules = tuple(_rule(entry) for entry in data.pop("rule", []))
        optional = frozenset(Kind(kind) for kind in data.pop("optional_kinds", []))
        policy = Policy(digest=hashlib.sha256(content).hexdigest(), optional_kinds=optional, rules=rules, **data)
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"The policy cannot be used: {error}.", "See docs/formats.md for a policy's keys.") from error
    met = [relation for rule in policy.rules for relation in rule.relations]
    if sorted(met) != sorted(Relation):
        raise UsageError(
            f"The policy {policy.name!r} does not give every relation exactly one rule.",
            f"Relations: {', '.join(Relation)}.",
        )
    return policy


def _rule(entry: Mapping[str, Any]) -> Rule:
    unknown = entry.keys() - {field.name for field in fields(Rule)}
    if unknown:
        raise ValueError(f"unknown key {min(unknown)!r} in a rule")
    return Rule(
        relations=frozenset(Relation(relation) for relation in entry["relations"]),
        outcome=Outcome(entry["outcome"]),
        severity=Severity(entry["severity"]),
        message=entry["message"],
        would_change=tuple(entry.get("would_change", ())),
    )
