"""The option that says how many layers are read whole in search of disguised copies."""

from __future__ import annotations

import click

SEARCH_LAYERS = click.option(
    "--search-layers",
    type=click.IntRange(0, 8),
    default=None,
    metavar="N",
    help="Layers read whole to find disguised copies: by default 2 of weights on this machine, 0 of others; compare "
    "reads more where both sides are on this machine and it is cheap.",
)
