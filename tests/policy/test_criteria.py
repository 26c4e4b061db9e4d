"""A rule holds where all of its conditions do; a country that no rule names is another one."""

from __future__ import annotations

from independence_audit.anatomy import Kind
from independence_audit.evidence.audit_report import Outcome, Severity
from independence_audit.policy.criteria import NONE, OTHER, CriterionRules, Rule, Scope


def rule(message: str, **conditions: set[str]) -> Rule:
    """A rule by its conditions."""
    allowed = {name: frozenset(words) for name, words in conditions.items()}
    return Rule(allowed, Outcome.MET, Severity.NONE, message, ())


def criterion(*rules: Rule) -> CriterionRules:
    """A criterion of these rules."""
    return CriterionRules("origin", Scope.COMPONENT, rules, frozenset(Kind), None, None)


def test_a_rule_holds_where_all_of_its_conditions_do() -> None:
    """A word that is missing is none that is allowed; no condition at all takes everything."""
    both = rule("a", relations={"identical", "rounded"}, owners={"foreign"})
    assert both.meets({"relations": "rounded", "owners": "foreign"})
    assert not both.meets({"relations": "rounded", "owners": "own"})
    assert not both.meets({"relations": "rounded"})
    assert rule("rest").meets({})


def test_the_first_rule_that_holds_counts() -> None:
    """The one without conditions stands last."""
    rules = criterion(rule("found", relations={"identical"}), rule("rest"))
    assert rules.rule_for({"relations": "identical"}).message == "found"
    assert rules.rule_for({"relations": "unrelated"}).message == "rest"


def test_a_country_that_no_rule_names_is_another() -> None:
    """Only one that is named keeps its name, and nothing stays nothing."""
    rules = criterion(
        rule("own", countries={"KR"}), rule("abroad", countries={OTHER}), rule("nothing", countries={NONE})
    )
    assert rules.rule_for({"countries": "KR"}).message == "own"
    assert rules.rule_for({"countries": "FR"}).message == "abroad"
    assert rules.rule_for({"countries": NONE}).message == "nothing"
