"""Reading policies: strictly, and only if every case meets exactly one rule of every criterion."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from itertools import combinations, product
from math import prod
from typing import Any

from independence_audit.anatomy import Kind
from independence_audit.anatomy.tables import Table
from independence_audit.core.bounded import read_bounded
from independence_audit.core.toml import LARGEST, parse_toml
from independence_audit.errors import UsageError
from independence_audit.evidence.audit_report import Outcome, Severity
from independence_audit.policy.case import COUNTRY, OF_SUBMISSION, VOCABULARY, is_possible
from independence_audit.policy.criteria import NONE, OTHER, CriterionRules, Lead, Policy, Rule, Scope
from independence_audit.policy.messages import CHANGES, CRITERIA, HEADLINES

SUFFIX = ".toml"
MOST_CASES = 100_000
"""Combinations of words that are tried for a gap; the shipped policies have a thousand at most."""
MOST_RULES = 200
"""Rules of one criterion, and criteria of a policy; each is held against every other."""
WEIGHT = {
    Outcome.MET: (Severity.NONE,),
    Outcome.NOT_MET: (Severity.NOT_MET,),
    Outcome.REVIEW: (Severity.REMARK, Severity.REVIEW),
    Outcome.NOTHING_AGAINST: (Severity.NONE,),
    Outcome.MATERIAL_MISSING: (Severity.NONE, Severity.REMARK),
    Outcome.ON_DOCUMENTS: (Severity.NONE, Severity.REMARK),
}
"""Which severities fit an outcome."""
OPEN = (Outcome.MATERIAL_MISSING, Outcome.REVIEW)
"""Outcomes that can leave an audit inconclusive."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


def policy_names() -> list[str]:
    """The shipped policies."""
    found = resources.files("independence_audit.policy").joinpath("policies").iterdir()
    return sorted(file.name.removesuffix(SUFFIX) for file in found if file.name.endswith(SUFFIX))


def load_policy(name: str) -> Policy:
    """Read a shipped policy by its name, or one by its file.

    Raises:
        UsageError: There is no such policy, or its file contradicts itself.
    """
    if name in policy_names():
        return parse_policy(
            resources.files("independence_audit.policy").joinpath("policies", name + SUFFIX).read_bytes()
        )
    if not name.endswith(SUFFIX):
        known = ", ".join(policy_names())
        raise UsageError(f"There is no policy {name!r}.", f"Known policies: {known}; a policy's file ends in {SUFFIX}.")
    try:
        content = read_bounded(name, LARGEST)
    except OSError as error:
        raise UsageError(f"The policy {name} cannot be read: {error.strerror}.", "Check the path.") from error
    return parse_policy(content)


def parse_policy(content: bytes) -> Policy:
    """A policy from the bytes of its file.

    Raises:
        UsageError: The file is no TOML, has unknown keys or words, or gives a case no rule, or more than one.
    """
    try:
        return _policy(parse_toml(content), hashlib.sha256(content).hexdigest())
    except (ValueError, TypeError, RecursionError) as error:
        message = f"The policy cannot be used: {str(error).rstrip('.')}."
        raise UsageError(message, "See docs/policies.md for a policy's keys and words.") from error


def _policy(data: dict[str, Any], digest: str) -> Policy:
    table = Table("The policy", data)
    name, version, date = (table.take(key, str) for key in ("name", "version", "date"))
    optional = frozenset(Kind(kind) for kind in table.take_strings("optional_kinds", ()))
    headlines = _headlines(table.take("headlines", dict, {}))
    criteria = tuple(_criterion(entry) for entry in table.take("criterion", list))
    table.close()
    if not (name and version and _DATE.fullmatch(date)):
        raise ValueError("It needs a name, a version and a date as YYYY-MM-DD")
    _refuse_repeated(criterion.id for criterion in criteria)
    _refuse_many("the policy", criteria)
    if not criteria:
        raise ValueError("It has no criterion")
    return Policy(name, version, date, digest, optional, criteria, headlines)


def _headlines(data: Mapping[str, Any]) -> Mapping[Lead, str]:
    table = Table("[headlines]", data)
    found = {lead: table.take(lead.value, str, keys[0]) for lead, keys in HEADLINES.items()}
    table.close()
    return {lead: _known(key, HEADLINES[lead]) for lead, key in found.items()}


def _criterion(data: object) -> CriterionRules:
    table = Table("A criterion", _table(data))
    name = table.take("id", str)
    if not _ID.fullmatch(name):
        raise ValueError(f"{name!r} is no id of a criterion: small letters, digits and underscores")
    scope = Scope(table.take("scope", str, Scope.COMPONENT.value))
    kinds = frozenset(Kind(kind) for kind in table.take_strings("kinds", list(Kind)))
    quote, source = (table.take(key, str, "") or None for key in ("quote", "source"))
    entries = table.take("rule", list)
    table.close()
    if (quote is None) != (source is None):
        raise ValueError(f"The criterion {name!r} has a quote without a source, or a source without a quote")
    rules = tuple(_rule(name, scope, entry) for entry in entries)
    _check_rules(name, rules, kinds)
    return CriterionRules(name, scope, rules, kinds, quote, source)


def _rule(criterion: str, scope: Scope, data: object) -> Rule:
    table = Table(f"A rule of {criterion!r}", _table(data))
    outcome, severity = _outcome(criterion, table.take("outcome", str)), Severity(table.take("severity", str))
    message = _known(table.take("message", str), CRITERIA)
    changes = tuple(_known(key, CHANGES) for key in table.take_strings("would_change", ()))
    undecided = table.take("undecided", bool, default=False)
    allowed = OF_SUBMISSION if scope == Scope.SUBMISSION else tuple(VOCABULARY)
    conditions = {
        name: _words(criterion, name, words)
        for name in allowed
        if (words := table.take_strings(name, ())) or name in _table(data)
    }
    table.close()
    if severity not in WEIGHT[outcome]:
        raise ValueError(
            f"A rule of {criterion!r} gives {outcome} the severity {severity}, which contradict each other"
        )
    if undecided and (outcome not in OPEN or scope != Scope.COMPONENT):
        raise ValueError(f"A rule of {criterion!r} is undecided, which only a component's {' or '.join(OPEN)} can be")
    return Rule(conditions, outcome, severity, message, changes, undecided)


def _outcome(criterion: str, word: str) -> Outcome:
    """The outcome of a rule.

    Raises:
        ValueError: There is no such outcome, or it is the one that three have replaced.
    """
    if word == Outcome.NOT_ASSESSED:
        options = f"{Outcome.NOTHING_AGAINST}, {Outcome.MATERIAL_MISSING} or {Outcome.ON_DOCUMENTS}"
        raise ValueError(f"A rule of {criterion!r} has the outcome {word}, in whose place it has to say {options}")
    return Outcome(word)


def _words(criterion: str, condition: str, words: Sequence[str]) -> frozenset[str]:
    known = VOCABULARY[condition]
    unknown = [word for word in words if not (_is_country(word) if known is None else word in known)]
    if unknown:
        raise ValueError(f"A rule of {criterion!r} has the unknown word {unknown[0]!r} in {condition}")
    if not words:
        raise ValueError(f"A rule of {criterion!r} has no word in {condition}, so that no case can meet it")
    return frozenset(words)


def _is_country(word: str) -> bool:
    return word in {OTHER, NONE} or COUNTRY.fullmatch(word) is not None


def _check_rules(criterion: str, rules: Sequence[Rule], kinds: frozenset[Kind]) -> None:
    """Refuse rules that contradict each other or leave a case open.

    Raises:
        ValueError: A case meets two rules, or none.
    """
    _refuse_many(repr(criterion), rules)
    rest = [rule for rule in rules if not rule.conditions]
    if rest and (len(rest) > 1 or rules[-1] is not rest[0]):
        raise ValueError(
            f"{criterion!r} has a rule without conditions that is not its last, so that others never apply"
        )
    for one, other in combinations([rule for rule in rules if rule.conditions], 2):
        if _overlap(one, other):
            raise ValueError(f"Two rules of {criterion!r} contradict each other: {_shown(one)} and {_shown(other)}")
    if rest:
        return
    spaces = _spaces(rules, kinds)
    if prod(map(len, spaces.values())) > MOST_CASES:
        raise ValueError(f"{criterion!r} names so many words that it needs a last rule without conditions")
    for words in product(*spaces.values()):
        case = dict(zip(spaces, words, strict=True))
        if is_possible(case) and not any(rule.meets(case) for rule in rules):
            shown = ", ".join(f"{name} {word!r}" for name, word in case.items()) or "every case"
            raise ValueError(f"{criterion!r} has no rule for {shown}")


def _overlap(one: Rule, other: Rule) -> bool:
    shared = one.conditions.keys() & other.conditions.keys()
    return all(one.conditions[name] & other.conditions[name] for name in shared)


def _spaces(rules: Sequence[Rule], kinds: frozenset[Kind]) -> dict[str, list[str]]:
    """Every word that each condition which the rules name can have."""
    named = {name: [rule.conditions[name] for rule in rules if name in rule.conditions] for name in VOCABULARY}
    spaces = {name: VOCABULARY[name] or frozenset({OTHER, NONE}).union(*sets) for name, sets in named.items() if sets}
    if "kinds" in spaces:
        spaces["kinds"] = frozenset(kind.value for kind in kinds)
    return {name: sorted(words) for name, words in spaces.items()}


def _shown(rule: Rule) -> str:
    return "; ".join(f"{name} {', '.join(sorted(words))}" for name, words in rule.conditions.items())


def _table(data: object) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise TypeError("A criterion or rule is not a table")
    return data


def _known(key: str, keys: Iterable[str]) -> str:
    if key not in keys:
        raise ValueError(f"It uses the message {key!r}, for which there is no sentence")
    return key


def _refuse_many(whose: str, entries: Sequence[object]) -> None:
    if len(entries) > MOST_RULES:
        raise ValueError(f"There are over {MOST_RULES} entries in {whose}")


def _refuse_repeated(names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"Two criteria have the id {twice[0]!r}")
