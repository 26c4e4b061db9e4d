"""Completion in the shell: ``_AUDIT_COMPLETE=bash_source audit`` prints what bash evaluates; zsh and fish likewise."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from independence_audit.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class _PathOrName(click.types.StringParamType):
    """A text that may be a path: the shell, which knows the files, completes it."""

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002  click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Leave it to the shell."""
        from click.shell_completion import CompletionItem

        return [CompletionItem(incomplete, type="file")]


def complete(commands: click.Command, program: str, variable: str) -> int:
    """Answer a shell.

    Args:
        commands: The whole program.
        program: The name that the shell knows it by.
        variable: The variable in which the shell says what it wants, such as ``bash_source``.

    Raises:
        UsageError: It wants something else than ``SHELL_source`` or ``SHELL_complete``.
    """
    from click.shell_completion import get_completion_class

    wanted = os.environ[variable]
    shell, _, instruction = wanted.partition("_")
    kind = get_completion_class(shell)
    if kind is None or instruction not in {"source", "complete"}:
        raise UsageError(
            f"{variable}={wanted!r} asks for nothing that is known.",
            f"Use bash_source, zsh_source or fish_source: {_way_in(program, variable)}",
        )
    for parameter in _parameters(commands):
        if parameter.type is click.STRING:
            parameter.type = _PathOrName()
    answers = kind(commands, {}, program, variable)
    try:
        click.echo(answers.source() if instruction == "source" else answers.complete())
    except (KeyError, ValueError) as error:
        raise UsageError(
            f"{variable}={wanted!r} is for a shell, which says what has been typed so far.",
            f"Let the shell ask: {_way_in(program, variable)}",
        ) from error
    return 0


def _parameters(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    if isinstance(command, click.Group):
        for one in command.commands.values():
            yield from _parameters(one)


def _way_in(program: str, variable: str) -> str:
    return f'eval "$({variable}=bash_source {program})"'
