"""``--lang``: the language of what the renderers write; JSON has none."""

from __future__ import annotations

import click

from independence_audit.report.languages import ENGLISH, LANGUAGES

VARIABLE = "AUDIT_LANG"
LANG = click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    default=ENGLISH,
    show_default=True,
    envvar=VARIABLE,
    show_envvar=True,
    help="Language of text, Markdown, HTML and PDF.",
)
"""The option ``--lang`` of a command that renders reports."""
