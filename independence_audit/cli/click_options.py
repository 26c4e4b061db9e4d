"""The table of options as click's: one decorator for all options of a command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from independence_audit.errors import UsageError
from independence_audit.pipeline.options import SELF_CHECK, Asked, Option, options

Command = TypeVar("Command", bound=Callable[..., Any])

LOCAL = ("AUDIT_LANG",)
"""Variables of the environment that every command looks at."""


def options_of(command: str, *, required: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Give a command its options, each under its field's name; in a self-check None where nobody set it.

    Args:
        command: Its name.
        required: Fields of the options that it cannot do without.
    """

    def decorate(function: Command) -> Command:
        for option in reversed(list(options(command))):
            function = _click(option, command, required=option.name in required)(function)
        return function

    return decorate


def _click(option: Option, command: str, *, required: bool) -> Callable[[Command], Command]:
    layered = command == SELF_CHECK and option.key != ""
    repeatable = option.kind == tuple[str, ...]
    default = "" if command in option.unset else None if layered and not repeatable else option.default
    shown = bool(default) and not repeatable
    names = [f"--{option.flag}" + (f"/--{option.opposite}" if layered and option.opposite else ""), option.name]
    return click.option(
        *([f"-{option.short}"] if option.short else []),
        *names,
        help=option.helps.get(command, option.help) + _default_of(option, layered=layered),
        metavar=option.metavar or None,
        default=default,
        show_default=shown,
        required=required,
        multiple=repeatable,
        is_flag=option.kind is bool,
        type=_type(option),
        envvar=option.variable if option.variable and (command == SELF_CHECK or option.variable in LOCAL) else None,
        show_envvar=option.variable in LOCAL and not layered,
    )


def _default_of(option: Option, *, layered: bool) -> str:
    """The default of an option that a file may set, in the words of click."""
    return f"  [default: {option.default}]" if layered and option.choices else ""


def _type(option: Option) -> Any:  # noqa: ANN401  whatever click takes
    if option.choices:
        return click.Choice(option.choices)
    if option.kind is float:
        return click.FloatRange(0.0, option.most, min_open=True)
    if option.kind == int | None:
        return click.IntRange(1 if option.name == "jobs" else 0, int(option.most or 0))
    return None if option.kind is bool else str


def asked_of(given: dict[str, Any]) -> Asked:
    """What a command line asks for.

    Raises:
        UsageError: It says how to read checkpoints that nobody named.
    """
    asked = Asked(**{name: value for name, value in given.items() if value is not None})
    if not asked.trajectory and (asked.initialiser or asked.step_regex):
        raise UsageError("--init and --step-regex say how to read checkpoints.", "Name them with --trajectory.")
    return asked
