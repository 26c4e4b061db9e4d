"""The table of options on the command line: what is typed becomes what is asked, and nothing is asked by accident."""

from __future__ import annotations

from typing import Any

import click
import pytest

from independence_audit.cli.click_options import asked_of, options_of
from independence_audit.errors import UsageError
from independence_audit.pipeline.options import COMPARE, REPORT, SELF_CHECK, VERIFY, Asked


def given(command: str, *arguments: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """What click makes of a command line, by field."""

    @click.command()
    @options_of(command, required=required)
    def take(**values: Any) -> dict[str, Any]:
        return values

    values: dict[str, Any] = take.main(list(arguments), standalone_mode=False)
    return values


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment of the tests says is not asked."""
    for name in ("AUDIT_LANG", "AUDIT_POLICY", "AUDIT_OFFLINE", "AUDIT_REFERENCES"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("command", [COMPARE, REPORT, SELF_CHECK])
def test_whoever_types_nothing_asks_for_the_defaults(command: str) -> None:
    """The same ones, whichever command it is."""
    assert asked_of(given(command)) == Asked()


def test_what_is_typed_stands_under_its_fields_name() -> None:
    """Repeatable options in their order, short ones as long ones, numbers as numbers."""
    typed = ("--ref", "a", "--ref", "b", "-o", "json=x", "--init", "laws.toml", "--trajectory", "c", "--alpha", "0.01")
    assert asked_of(given(COMPARE, *typed, "--jobs", "2", "-q", "--full")) == Asked(
        references=("a", "b"),
        outputs=("json=x",),
        initialiser="laws.toml",
        trajectory=("c",),
        alpha=0.01,
        jobs=2,
        quiet=True,
        full=True,
    )


def test_what_a_command_cannot_do_without_is_demanded() -> None:
    """By the flag that the user knows."""
    with pytest.raises(click.MissingParameter) as caught:
        given(COMPARE, required=("references",))
    assert "--ref" in caught.value.format_message()
    assert given(COMPARE, "--ref", "a", required=("references",))["references"] == ("a",)


@pytest.mark.parametrize(
    "typed",
    [
        ("--alpha", "0"),
        ("--alpha", "0.06"),
        ("--jobs", "0"),
        ("--jobs", "1025"),
        ("--search-layers", "9"),
        ("--search-layers", "-1"),
        ("--fail-on", "none"),
        ("--lang", "xx"),
        ("--format", "pdf"),
    ],
)
def test_values_that_make_no_sense_are_refused(typed: tuple[str, str]) -> None:
    """With the flag in the sentence."""
    with pytest.raises(click.BadParameter) as caught:
        given(COMPARE, *typed)
    assert typed[0] in caught.value.format_message()


def test_a_self_check_tells_what_was_typed_from_what_was_not() -> None:
    """Its file and the environment say the rest; what the file switched on can be switched off."""
    nothing = given(SELF_CHECK)
    assert nothing["policy"] is nothing["offline"] is nothing["lang"] is None
    assert given(SELF_CHECK, "--offline")["offline"] is True
    assert given(SELF_CHECK, "--online")["offline"] is False
    with pytest.raises(click.NoSuchOption):
        given(COMPARE, "--online")


def test_the_environment_is_asked_by_a_self_check_and_elsewhere_for_the_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A comparison that is to be repeated depends on its command line alone."""
    monkeypatch.setenv("AUDIT_POLICY", "kai-stage1")
    monkeypatch.setenv("AUDIT_LANG", "ko")
    assert given(SELF_CHECK)["policy"] == "kai-stage1"
    assert given(COMPARE)["policy"] == "evidence-only"
    assert (given(SELF_CHECK)["lang"], given(COMPARE)["lang"]) == ("ko", "ko")
    assert given(COMPARE, "--lang", "en")["lang"] == "en"


def test_a_policy_that_nobody_names_is_the_reports_own() -> None:
    """To verify a report by another policy than its own, somebody has to say so."""
    assert given(VERIFY)["policy"] == ""


@pytest.mark.parametrize("typed", [("--init", "laws.toml"), ("--step-regex", "(\\d+)")])
def test_how_to_read_checkpoints_is_said_of_some(typed: tuple[str, str]) -> None:
    """Without any it is a mistake, and not passed over."""
    with pytest.raises(UsageError, match="say how to read checkpoints") as caught:
        asked_of(given(COMPARE, *typed))
    assert "--trajectory" in caught.value.hint
    assert asked_of(given(COMPARE, *typed, "--trajectory", "a")).trajectory == ("a",)
