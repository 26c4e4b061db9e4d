"""``audit fingerprint``: a few sampled rows of every tensor as one file that stands in for the weights."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from independence_audit.cli.click_options import options_of
from independence_audit.cli.terminal import note
from independence_audit.errors import UsageError
from independence_audit.pipeline.options import FINGERPRINT, Asked


@click.command()
@click.argument("subject")
@click.option("-o", "--output", default="", metavar="PATH", help="The file to write, NAME.fp.safetensors.")
@click.option("--dry-run", is_flag=True, help="Read headers only, and say what would be read and written.")
@click.option(
    "--size", type=click.Choice(("default", "small")), default="default", show_default=True, help="Of the sample."
)
@options_of(FINGERPRINT)
def fingerprint(
    subject: str,
    *,
    output: str,
    size: str,
    dry_run: bool,
    **given: Any,  # noqa: ANN401  one for each option of the table
) -> None:
    """Write SUBJECT's fingerprint: it is accepted wherever a checkpoint is.

    It holds sampled rows of the weights as they are; docs/formats.md says what it discloses.
    """
    from independence_audit.cli.outputs import check_output
    from independence_audit.cli.terminal import progress_on
    from independence_audit.fingerprint import sampler_of
    from independence_audit.fingerprint.making import cost, save_fingerprint
    from independence_audit.pipeline.settings import read_salt

    asked = Asked(**given)
    full, search_layers = asked.full, asked.search_layers
    sampler = sampler_of(size, read_salt(asked.salt_file))
    if dry_run:
        found = cost(subject, sampler, everything=full, search_layers=search_layers)
        most = "at most " if found.at_most else ""
        click.echo(f"to read: {most}{found.wanted_bytes:,} bytes")
        click.echo(f"from far away: {most}{found.read_bytes:,} bytes in {found.requests:,} range requests")
        click.echo(f"fingerprint: {most}{found.file_size:,} bytes")
        return
    if not output:
        raise UsageError("There is no file to write the fingerprint to.", "Name it: -o NAME.fp.safetensors.")
    path = Path(output)
    check_output(path, (subject, asked.salt_file))
    with progress_on(sys.stderr, enabled=not asked.quiet) as progress:
        save_fingerprint(subject, path, sampler, progress, everything=full, search_layers=search_layers)
    note(f"{path}: {path.stat().st_size:,} bytes")
