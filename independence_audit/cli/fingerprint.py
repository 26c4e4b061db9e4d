"""``audit fingerprint``: a few sampled rows of every tensor as one file that stands in for the weights."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from independence_audit.cli.salt import SALT, read_salt


@click.command()
@click.argument("subject")
@click.option("-o", "--output", required=True, metavar="PATH", help="The file to write, NAME.fp.safetensors.")
@SALT
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def fingerprint(subject: str, *, output: str, salt_file: Path | None, quiet: bool) -> None:
    """Write SUBJECT's fingerprint: it is accepted wherever a checkpoint is.

    It holds sampled rows of the weights as they are; docs/formats.md says what it discloses.
    """
    from independence_audit.cli.outputs import writable
    from independence_audit.cli.progress import progress_on
    from independence_audit.pipeline.models import save_fingerprint
    from independence_audit.pipeline.settings import AuditSettings

    path = writable(Path(output))
    settings = AuditSettings(salt=read_salt(salt_file))
    with progress_on(sys.stderr, enabled=not quiet) as progress:
        save_fingerprint(subject, path, settings.sampler, progress)
    click.echo(f"{path}: {path.stat().st_size:,} bytes", err=True)
