"""A policy is read strictly: what contradicts itself, or cannot be worded, never passes silently."""

from __future__ import annotations

from pathlib import Path

import pytest

from independence_audit.errors import UsageError
from independence_audit.policy.policy_file import load_policy, parse_policy, policy_names
from tests.policy.policy_files import CRITERION, TOP, rule


def test_shipped_policies_can_be_read() -> None:
    """Every shipped policy gives every relation one rule."""
    assert "evidence-only" in policy_names()
    for name in policy_names():
        assert load_policy(name).name == name


def test_unknown_policy_names_the_known() -> None:
    """The way out stands in the hint."""
    with pytest.raises(UsageError) as caught:
        load_policy("strictest")
    assert "evidence-only" in caught.value.hint


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not toml = = =", ""),
        (TOP, "criterion"),
        (TOP + "criterion = []", "no criterion"),
        (TOP + "unheard = 1\n" + CRITERION + rule(), "unheard"),
        (TOP + CRITERION + 'colour = "red"\n' + rule(), "colour"),
        (TOP + CRITERION + rule() + 'colour = "red"\n', "colour"),
        (TOP + CRITERION + rule(relations=["identical"]), "no rule for"),
        (TOP + CRITERION + rule(relations=["cloned"]), "cloned"),
        (TOP + CRITERION + rule(relations=[]), "no word"),
        (TOP + CRITERION + rule(countries=["Korea"]) + rule(), "Korea"),
        (TOP + CRITERION + rule() * 2, "not its last"),
        (TOP + CRITERION + rule() + rule(relations=["identical"]), "not its last"),
        (
            TOP
            + CRITERION
            + rule(relations=["identical", "rounded"])
            + rule("not_met", "not_met", owners=["foreign"])
            + rule(),
            "contradict",
        ),
        (TOP + CRITERION + rule("met", "not_met"), "contradict"),
        (TOP + CRITERION + rule("review", "none"), "contradict"),
        (TOP + CRITERION + rule(message="criterion.invented"), "no sentence"),
        (TOP + CRITERION + rule() + 'would_change = ["change.everything"]\n', "no sentence"),
        (TOP + CRITERION + 'quote = "Words"\n' + rule(), "without a source"),
        (TOP + CRITERION + rule() + CRITERION + rule(), "Two criteria"),
        (TOP + CRITERION + 'scope = "submission"\n' + rule(relations=["identical"]) + rule(), "relations"),
        (TOP.replace("2026-01-01", "soon") + CRITERION + rule(), "date"),
        (TOP.replace('"1"', "1") + CRITERION + rule(), "version"),
        (TOP + 'optional_kinds = ["engine"]\n' + CRITERION + rule(), "engine"),
        (TOP + '[headlines]\nnot_met = "headline.guilty"\n' + CRITERION + rule(), "no sentence"),
        (TOP + CRITERION.replace('"a"', '"A b"') + rule(), "id"),
    ],
)
def test_contradictory_policies_are_refused(content: str, said: str) -> None:
    """Unknown keys and words, gaps, overlaps and outcomes that do not fit their severity never pass silently."""
    with pytest.raises(UsageError) as caught:
        parse_policy(content.encode())
    assert said in caught.value.message


def test_a_policy_is_read_from_a_file(tmp_path: Path) -> None:
    """A committee's own rules; a missing file is a usage error."""
    file = tmp_path / "ours.toml"
    file.write_text(TOP + CRITERION + rule(), encoding="utf-8")
    assert load_policy(str(file)).name == "x"
    with pytest.raises(UsageError, match="cannot be read"):
        load_policy(str(tmp_path / "none.toml"))


def test_public_words_come_with_their_source() -> None:
    """Every quotation of a shipped policy says who said it."""
    for name in policy_names():
        for criterion in load_policy(name).criteria:
            assert (criterion.quote is None) == (criterion.source is None)
    assert all(criterion.quote for criterion in load_policy("kai-stage1").criteria if criterion.id != "declaration")
