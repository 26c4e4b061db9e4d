"""``--lang``: the language of what the renderers write; JSON has none."""

from __future__ import annotations

import click

from independence_audit.report.languages import ENGLISH, LANGUAGES

LANG = click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default=ENGLISH,
    show_default=True,
    help="Language of text, Markdown, HTML and PDF.",
)
"""The option ``--lang`` of a command that renders reports."""
