"""``audit scratch``: what one checkpoint alone says of its training."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from independence_audit.cli.language import LANG
from independence_audit.cli.salt import SALT, read_salt

FORMATS = ("text", "json", "markdown", "html")


@click.command()
@click.argument("subject")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", "outputs", multiple=True, metavar="FORMAT=PATH", help="Also write a file; repeatable.")
@click.option("--offline", is_flag=True, help="Touch no network.")
@LANG
@SALT
@click.option("-q", "--quiet", is_flag=True, help="No progress, and no report on stdout.")
def scratch(  # noqa: PLR0913  one parameter an option
    subject: str,
    *,
    format_: str,
    outputs: tuple[str, ...],
    offline: bool,
    lang: str,
    salt_file: Path | None,
    quiet: bool,
) -> int:
    """Show which parts of SUBJECT training has not touched, and numeric traces of its past.

    One checkpoint never proves training from scratch: the conclusion is `no evidence` or `untrained` for
    each component, with every finding and what else could explain it. See docs/scratch.md.
    """
    from independence_audit.cli.outputs import check_outputs
    from independence_audit.cli.progress import progress_on
    from independence_audit.cli.training_output import show_training
    from independence_audit.pipeline.scratch import scratch as look
    from independence_audit.pipeline.settings import AuditSettings

    files = check_outputs(outputs, FORMATS, (subject, salt_file))
    settings = AuditSettings(offline=offline, salt=read_salt(salt_file), command=shlex.join(["audit", *sys.argv[1:]]))
    with progress_on(sys.stderr, enabled=not quiet) as progress:
        report = look(subject, settings, progress)
    show_training(report, files, "" if quiet else format_, lang)
    return 0
