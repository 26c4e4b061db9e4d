"""The commands as one group, and the one place where errors become sentences and exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper

import click

from independence_audit import __version__
from independence_audit.cli.compare import compare
from independence_audit.cli.declare import declare
from independence_audit.cli.fingerprint import fingerprint
from independence_audit.cli.inspect import inspect
from independence_audit.cli.refs import refs
from independence_audit.cli.report import report
from independence_audit.cli.scratch import scratch
from independence_audit.cli.self_check import self_check
from independence_audit.cli.trajectory import trajectory
from independence_audit.cli.verify import verify
from independence_audit.errors import AuditError

HELP = """Were these model weights trained from scratch, or do they come from someone else's model?

\b
Exit codes: 0 passed, 1 finding, 2 usage, 3 inconclusive, 4 nothing could be audited,
70 internal error, 130 interrupted.
"""


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
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that lacks a character must not end the report
    try:
        result = audit.main(list(arguments), prog_name="audit", standalone_mode=False)
    except AuditError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"hint: {error.hint}", err=True)
        return error.exit_code
    except click.UsageError as error:
        error.show(sys.stderr)
        return 2
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        return 2
    except click.Abort as error:
        raise KeyboardInterrupt from error
    return result if isinstance(result, int) else 0
