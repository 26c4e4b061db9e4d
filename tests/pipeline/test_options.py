"""One table of options: wherever an option says that it may be set, it can be, with its default and its help."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import click
import pytest

from independence_audit.cli.run import audit
from independence_audit.evidence.audit_report import Severity
from independence_audit.pipeline.configuration import find_configuration
from independence_audit.pipeline.options import FORMATS, SELF_CHECK, SEVERITIES, VERIFY, Asked, Option, options
from independence_audit.pipeline.settings import AuditSettings, settings_of
from independence_audit.pipeline.verify import Against
from independence_audit.report.formats import FORMATS as RENDERED

ROOT = Path(__file__).parents[2]
NOT_ASKED = {"command", "called", "absent"}
"""Settings that no user sets: the command line itself, and what a report that is verified says."""

EVERY = [
    pytest.param(option, command, id=f"{command} {option.flag}") for option in options() for command in option.commands
]


@pytest.mark.parametrize(("option", "command"), EVERY)
def test_every_command_has_its_options(option: Option, command: str) -> None:
    """Under their flag, with their help and their choices."""
    found = {one.name: one for one in audit.commands[command].params if isinstance(one, click.Option)}[option.name]
    assert f"--{option.flag}" in found.opts
    assert (found.help or "").startswith(option.helps.get(command, option.help))
    assert not option.choices or (isinstance(found.type, click.Choice) and tuple(found.type.choices) == option.choices)


@pytest.mark.parametrize("command", sorted(audit.commands))
def test_no_command_has_an_option_of_the_table_that_is_not_its_own(command: str) -> None:
    """The table says all there is."""
    own = {option.name for option in options(command)}
    flags = {flag for one in audit.commands[command].params if one.name not in own for flag in one.opts}
    assert not flags & {f"--{option.flag}" for option in options()} - {"--format", "--output"}


def test_settings_come_from_the_table() -> None:
    """Every setting of an audit is that of an option, with its default, or named as one that nobody asks for."""
    reached = {option.setting for option in options() if option.setting}
    assert {each.name for each in fields(AuditSettings)} == reached | NOT_ASKED
    assert settings_of(Asked(), command="", intoto=False) == AuditSettings()


def test_verify_holds_a_report_against_all_of_its_options() -> None:
    """But for those that only say how it answers."""
    names = {"salt" if option.name == "salt_file" else option.name for option in options(VERIFY)}
    assert names - {"lang", "quiet"} <= {each.name for each in fields(Against)}


@pytest.mark.parametrize("option", [option for option in options() if option.key], ids=lambda option: option.key)
def test_a_configuration_sets_what_the_table_says(option: Option, tmp_path: Path) -> None:
    """By its key, as a value of its type."""
    value, text = {
        bool: (True, "true"),
        str: (option.choices[-1] if option.choices else "x", f'"{option.choices[-1] if option.choices else "x"}"'),
    }.get(option.kind, (("x",), '["x"]'))
    (tmp_path / "audit.toml").write_text(f"{option.key} = {text}\n", encoding="utf-8")
    assert find_configuration("", tmp_path).given == {option.name: value}


def test_the_self_check_names_its_variables() -> None:
    """In its help, and nothing else."""
    told = audit.commands[SELF_CHECK].help or ""
    for option in options(SELF_CHECK):
        assert not option.variable or option.variable in told


def test_documentation_and_action_name_what_can_be_set() -> None:
    """Every key of the configuration, and every input of the action."""
    page, action = ((ROOT / name).read_text(encoding="utf-8") for name in ("docs/self-check.md", "action.yml"))
    for option in options():
        assert not option.key or f"`{option.key}`" in page or f"\n{option.key} = " in page, option.key
        assert option.action == (f"\n  {option.flag}:\n" in action), option.flag
        assert not option.action or option.variable in action


def test_closed_sets_are_those_of_the_package() -> None:
    """The table is read before anything is loaded, so that it names them itself."""
    assert [*SEVERITIES] == [severity.value for severity in Severity][1:]
    assert set(FORMATS) == set(RENDERED)
