"""``audit refs``: the library of reference models."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from independence_audit.cli.terminal import show_error

LIBRARY = click.option("--library", default="", metavar="FOLDER", help="The user's library, in place of the usual one.")
QUIET = click.option("-q", "--quiet", is_flag=True, help="No progress.")
NAMES = click.argument("names", nargs=-1, required=True, metavar="NAME...")


@click.group()
def refs() -> None:
    """The library of reference models: known open models and their fingerprints."""


@refs.command("list")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--format", "format_", type=click.Choice(("text", "json")), default="text", show_default=True)
@LIBRARY
def list_(names: tuple[str, ...], *, format_: str, library: str) -> None:
    """List models, and whether their fingerprints are at hand; all, or those that names, aliases and groups mean."""
    from independence_audit.cli.library_table import as_json, as_text
    from independence_audit.pipeline.library import library_at, stored
    from independence_audit.report.plain import visible

    opened = library_at(library)
    found = stored(opened, names)
    click.echo(as_json(found) if format_ == "json" else as_text(found))
    for stray in opened.strays():
        click.echo(f"not used, of no model of the catalogue or without its digest: {visible(stray)}", err=True)


@refs.command()
@NAMES
@LIBRARY
def show(names: tuple[str, ...], *, library: str) -> None:
    """Show what the library knows of models."""
    from independence_audit.cli.library_table import facts
    from independence_audit.pipeline.library import library_at, stored

    click.echo("\n\n".join(facts(one) for one in stored(library_at(library), names)))


@refs.command()
@NAMES
@LIBRARY
@QUIET
def pull(names: tuple[str, ...], *, library: str, quiet: bool) -> int:
    """Make fingerprints from the models' public weights, about 1% of which is read.

    Exit code 4 if any of them could not be had; the others are kept.
    """
    from independence_audit.cli.terminal import progress_on
    from independence_audit.pipeline.library import library_at, pull_all
    from independence_audit.pipeline.settings import AuditSettings

    with progress_on(sys.stderr, enabled=not quiet) as progress:
        done = list(pull_all(library_at(library), names, AuditSettings(library=library), progress))
    for name, error in done:
        if error is None:
            click.echo(name)
        else:
            show_error(error, name)
    return 4 if any(error for _, error in done) else 0


@refs.command()
@click.argument("name")
@click.argument("fingerprint", type=click.Path(path_type=Path))
@click.option("--hub-id", default="", help="owner/name on the Hub.")
@click.option("--owner", default="", help="Who made the model.")
@click.option("--country", default="", help="Where, as ISO 3166-1 alpha-2.")
@click.option("--licence", default="", help="Under which licence.")
@click.option("--derived-from", multiple=True, metavar="MODEL", help="A declared ancestor; repeatable.")
@LIBRARY
def add(  # noqa: PLR0913  one parameter an option
    name: str,
    fingerprint: Path,
    *,
    hub_id: str,
    owner: str,
    country: str,
    licence: str,
    derived_from: tuple[str, ...],
    library: str,
) -> None:
    """Put a FINGERPRINT into the user's library, under NAME."""
    from independence_audit.pipeline.library import add_file, library_at

    facts = {"hub_id": hub_id, "owner": owner, "country": country, "licence": licence}
    click.echo(add_file(library_at(library), name, fingerprint, facts, derived_from))


@refs.command()
@NAMES
@LIBRARY
def remove(names: tuple[str, ...], *, library: str) -> None:
    """Take models out of the user's library."""
    from independence_audit.pipeline.library import library_at, remove_all

    click.echo("\n".join(remove_all(library_at(library), names)))


@refs.command()
@click.argument("name")
@click.option("--source", default="", help="The weights: a path or a name on the Hub. Default: the model's repository.")
@click.option("--offline", is_flag=True, help="Touch no network.")
@LIBRARY
@QUIET
def verify(name: str, *, source: str, offline: bool, library: str, quiet: bool) -> int:
    """Read a fingerprint's values again at the source; NAME is a model of the library or a fingerprint's file.

    Exit code 0 if everything agrees, 1 if anything differs.
    """
    from independence_audit.cli.terminal import progress_on
    from independence_audit.pipeline.library import library_at
    from independence_audit.pipeline.library import verify as verify_fingerprint
    from independence_audit.report.plain import visible

    with progress_on(sys.stderr, enabled=not quiet) as progress:
        found = verify_fingerprint(library_at(library), name, source, offline=offline, progress=progress)
    for tensor in found.different:
        click.echo(f"differs: {visible(tensor)}")
    agreed = found.compared - len(found.different)
    click.echo(f"{visible(name)}: {agreed} of {found.compared} samples agree with {visible(found.source)}")
    return 1 if found.different else 0


@refs.command()
@NAMES
@click.option("-o", "--output", required=True, metavar="PATH", help="The bundle to write.")
@LIBRARY
def export(names: tuple[str, ...], *, output: str, library: str) -> None:
    """Write fingerprints into one bundle with their digests, for machines without a network."""
    from independence_audit.cli.outputs import check_output
    from independence_audit.pipeline.library import export_all, library_at

    path = Path(output)
    check_output(path, (library,))
    exported = export_all(library_at(library), names, path)
    click.echo(f"{exported.sha256}  {path}")
    for name in exported.missing:
        click.echo(f"not at hand, left out: {name}", err=True)


@refs.command("import")
@click.argument("bundle", type=click.Path(path_type=Path))
@LIBRARY
def import_(bundle: Path, *, library: str) -> None:
    """Take the fingerprints of a BUNDLE into the user's library; digests are verified."""
    from independence_audit.pipeline.library import import_file, library_at

    click.echo("\n".join(import_file(library_at(library), bundle)))
