"""``audit report``: a JSON report in another format, without weights."""

from __future__ import annotations

import click

from independence_audit.cli.compare import EXCHANGE, FILES, FORMATS
from independence_audit.cli.language import LANG

NAMES = (*FORMATS, *EXCHANGE)


@click.command()
@click.argument("report")
@click.option("--format", "format_", type=click.Choice(NAMES), default="text", show_default=True, help="On stdout.")
@click.option("-o", "--output", "outputs", multiple=True, metavar="FORMAT=PATH", help="Also write a file; repeatable.")
@click.option("--sign-key", default="", metavar="PEM", help="Sign the statement of -o intoto= with this private key.")
@LANG
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stdout.")
def report(  # noqa: PLR0913  one parameter an option
    report: str, *, format_: str, outputs: tuple[str, ...], sign_key: str, lang: str, quiet: bool
) -> None:
    """Render REPORT, a JSON report, in other formats; no weights are needed."""
    from independence_audit.cli.outputs import check_outputs, check_sign_key, deliver
    from independence_audit.pipeline.verify import read_report

    files = check_outputs(outputs, FILES, (report, sign_key))
    key = check_sign_key(sign_key, files)
    loaded = read_report(report)
    deliver(loaded, files, "" if quiet else format_, lang, key)
