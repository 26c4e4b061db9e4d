"""``audit scratch``: what one checkpoint alone says of its training."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from independence_audit.cli.click_options import asked_of, options_of
from independence_audit.pipeline.options import FORMATS, SCRATCH


@click.command()
@click.argument("subject")
@options_of(SCRATCH)
def scratch(subject: str, **given: Any) -> int:  # noqa: ANN401  one for each option of the table
    """Show which parts of SUBJECT training has not touched, and numeric traces of its past.

    One checkpoint never proves training from scratch: the conclusion is `no evidence` or `untrained` for
    each component, with every finding and what else could explain it. See docs/scratch.md.
    """
    from independence_audit.cli.outputs import check_outputs, show_training
    from independence_audit.cli.terminal import progress_on
    from independence_audit.pipeline.scratch import scratch as look
    from independence_audit.pipeline.settings import settings_of

    asked = asked_of(given)
    files = check_outputs(asked.outputs, FORMATS, (subject, asked.salt_file))
    settings = settings_of(asked, command=shlex.join(["audit", *sys.argv[1:]]), intoto=False)
    with progress_on(sys.stderr, enabled=not asked.quiet) as progress:
        report = look(subject, settings, progress)
    show_training(report, files, "" if asked.quiet else asked.format, asked.lang)
    return 0
