"""The commands as one group, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from independence_audit.cli.compare import compare
from independence_audit.cli.completion import complete
from independence_audit.cli.declare import declare
from independence_audit.cli.fingerprint import fingerprint
from independence_audit.cli.inspect import inspect
from independence_audit.cli.refs import refs
from independence_audit.cli.report import report
from independence_audit.cli.scratch import scratch
from independence_audit.cli.self_check import self_check
from independence_audit.cli.stderr import show_error, show_usage
from independence_audit.cli.streams import ReaderGoneError
from independence_audit.cli.trajectory import trajectory
from independence_audit.cli.verify import verify
from independence_audit.core.version import __version__
from independence_audit.errors import AuditError, UsageError

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
