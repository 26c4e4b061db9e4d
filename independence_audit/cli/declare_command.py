"""``audit declare``: a first declaration of origin, drafted from a checkpoint and its model card."""

from __future__ import annotations

from pathlib import Path

import click

from independence_audit.cli.click_options import options_of
from independence_audit.pipeline.options import DECLARE


@click.command()
@click.argument("subject")
@click.option("-o", "--output", default="", metavar="PATH", help="Write a file that does not exist yet.")
@options_of(DECLARE)
def declare(subject: str, *, output: str, offline: bool) -> None:
    """Draft the declaration (independence.toml) of SUBJECT, from its components and its model card.

    A draft is not a declaration: correct every entry before you hand it in.
    """
    from independence_audit.cli.outputs import check_new, write_new
    from independence_audit.pipeline.declaration import draft_declaration

    if output:
        check_new(Path(output))
    text = draft_declaration(subject, offline=offline)
    if output:
        write_new(text, Path(output))
    else:
        click.echo(text, nl=False)
