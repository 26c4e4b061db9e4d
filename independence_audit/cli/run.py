"""The commands as one group, completion in shells, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from independence_audit.cli.compare_command import compare
from independence_audit.cli.declare_command import declare
from independence_audit.cli.fingerprint_command import fingerprint
from independence_audit.cli.inspect_command import inspect
from independence_audit.cli.refs_command import refs
from independence_audit.cli.report_command import report
from independence_audit.cli.scratch_command import scratch
from independence_audit.cli.self_check_command import self_check
from independence_audit.cli.streams import ReaderGoneError
from independence_audit.cli.terminal import show_error, show_usage
from independence_audit.cli.trajectory_command import trajectory
from independence_audit.cli.verify_command import verify
from independence_audit.core.version import __version__
from independence_audit.errors import AuditError, UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

HELP = """Were these model weights trained from scratch, or do they come from someone else's model?

\b
Exit codes: 0 passed, 1 finding, 2 usage, 3 inconclusive, 4 nothing could be audited,
70 internal error, 130 interrupted.
"""
PROGRAMS = ("audit", "independence-audit")
"""The names that the program is installed under."""


@click.group(help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="independence-audit")
def audit() -> None:
    """Answer for the whole program; the commands do the work."""


for command in (compare, self_check, scratch, trajectory, inspect, fingerprint, declare, report, verify, refs):
    audit.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run the command line.

    Raises:
        KeyboardInterrupt: The user stopped it.
        ReaderGoneError: Whoever read stdout has gone.
    """
    try:
        return _answer(arguments)
    except ReaderGoneError:
        raise
    except AuditError as error:
        show_error(error)
        return error.exit_code
    except click.ClickException as error:
        show_usage(error)
        return UsageError.exit_code
    except click.Abort as error:
        if isinstance(error.__cause__, EOFError):  # click takes a file that ends early for a user who has left
            raise error.__cause__ from None
        raise KeyboardInterrupt from error


def _answer(arguments: Sequence[str]) -> int:
    for program in PROGRAMS:
        variable = f"_{program.replace('-', '_')}_COMPLETE".upper()
        if os.environ.get(variable) and not arguments:  # left behind, it must not turn an audit into nothing
            return complete(audit, program, variable)
    result = audit.main(list(arguments), prog_name=PROGRAMS[0], complete_var="", standalone_mode=False)
    return result if isinstance(result, int) else 0


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
