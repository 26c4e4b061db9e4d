"""The style of pages and drawings: one palette, and sheets of it for a screen, for paper and for one drawing."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from independence_audit.core.toml import shipped_table

PACKAGE = "independence_audit.report"
PAPER_FAMILY = "Audit Sans KR"
"""What the font is called that a page for paper brings along."""


@cache
def style_of(*, paper: bool) -> str:
    """The style sheet of a page, with what an engine for paper needs behind it."""
    sheet = _written("style.css.j2", paper=False)
    return sheet + _written("paper.css.j2", paper=True) if paper else sheet


@cache
def dress_of(*, paper: bool) -> Markup:
    """What stands first in every drawing: nothing on a screen; on paper rules and patterns, in colours of their own.

    An engine for paper draws each by itself, and passes it neither the page's rules nor its variables.
    """
    if not paper:
        return Markup()
    rules, patterns = _written("drawings.css.j2", paper=True), _written("patterns.html.j2", paper=True)
    return Markup(f"<style>{rules}</style><defs>{patterns}</defs>")  # noqa: S704 - our own files


def _written(template: str, *, paper: bool) -> str:
    palette = shipped_table(PACKAGE, "templates/palette.toml")
    light = palette["light"]
    return (
        _templates()
        .get_template(template)
        .render(
            light=light,
            dark=palette["dark"],
            colour=light if paper else {name: f"var(--{name})" for name in light},
            sans=f'"{PAPER_FAMILY}"' if paper else "var(--sans)",
            family=f'"{PAPER_FAMILY}"',
            paper=paper,
        )
    )


@cache
def _templates() -> Environment:
    """Templates of style sheets, where nothing is escaped: all that is put into them is our own."""
    return Environment(
        loader=PackageLoader(PACKAGE),
        autoescape=False,  # noqa: S701 - as said above
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
