"""``audit inspect``: where every tensor of a checkpoint belongs."""

from __future__ import annotations

import click


@click.command()
@click.argument("subject")
@click.option("--tensors", is_flag=True, help="List every tensor, not only components and roles.")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
def inspect(subject: str, *, tensors: bool, format_: str) -> None:
    """Show the components, layers and roles of a checkpoint's tensors; no weights are read."""
    from independence_audit.cli.anatomy_table import as_json, as_text
    from independence_audit.fingerprint.making import look_at

    checkpoint, anatomy = look_at(subject)
    click.echo(as_json(checkpoint, anatomy) if format_ == "json" else as_text(checkpoint, anatomy, every=tensors))
