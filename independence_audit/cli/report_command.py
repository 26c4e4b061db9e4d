"""``audit report``: a JSON report in another format, without weights."""

from __future__ import annotations

from typing import Any

import click

from independence_audit.cli.click_options import options_of
from independence_audit.pipeline.options import EXCHANGE, FILES, FORMATS, REPORT, Asked

NAMES = (*FORMATS, *EXCHANGE)


@click.command()
@click.argument("report")
@click.option("--format", "format_", type=click.Choice(NAMES), default="text", show_default=True, help="On stdout.")
@options_of(REPORT)
def report(report: str, *, format_: str, **given: Any) -> None:  # noqa: ANN401  one for each option of the table
    """Render REPORT, a JSON report, in other formats; no weights are needed."""
    from independence_audit.cli.outputs import check_outputs, check_sign_key, deliver
    from independence_audit.pipeline.verify import read_report

    asked = Asked(**given)
    files = check_outputs(asked.outputs, FILES, (report, asked.sign_key))
    key = check_sign_key(asked.sign_key, files)
    deliver(read_report(report), files, "" if asked.quiet else format_, asked.lang, key)
