"""``audit verify``: is a report what its inputs, its policy and its signature make it?"""

from __future__ import annotations

import sys
from typing import Any

import click

from independence_audit.cli.click_options import asked_of, options_of
from independence_audit.pipeline.options import VERIFY

SHOWN = 20
"""Differences of one part that are printed; a report with one other input can differ in thousands of places."""


@click.command()
@click.argument("report")
@click.option("--subject", default="", metavar="SUBJECT", help="The subject's weights: recompute everything.")
@click.option("--attestation", default="", metavar="FILE", help="The signed statement that -o intoto= wrote.")
@click.option("--key", default="", metavar="PEM", help="Its signer's public key.")
@options_of(VERIFY)
def verify(
    report: str,
    *,
    subject: str,
    attestation: str,
    key: str,
    **given: Any,  # noqa: ANN401  one for each option of the table
) -> int:
    """Verify REPORT, a JSON report: recompute what can be, and name what differs.

    Without weights the opinion and the summary are recomputed from the report's own evidence. With
    --subject everything is: a sampled audit proves its sample, one with --whole-files every byte.
    Exit code 0 if everything that was checked agrees, 1 if anything differs.
    """
    from independence_audit.cli.terminal import progress_on
    from independence_audit.evidence.measurement import Message
    from independence_audit.pipeline.settings import read_salt
    from independence_audit.pipeline.verify import Against, Part, read_report, verify_report
    from independence_audit.report.wording import say, word

    asked = asked_of(given)
    against = Against(
        subject=subject,
        attestation=attestation,
        key=key,
        references=asked.references,
        policy=asked.policy,
        declaration=asked.declaration,
        trajectory=asked.trajectory,
        initialiser=asked.initialiser,
        step_regex=asked.step_regex,
        model_key=asked.model_key,
        salt=read_salt(asked.salt_file),
        base=asked.base,
        library=asked.library,
        offline=asked.offline,
    )
    lang = asked.lang
    with progress_on(sys.stderr, enabled=not asked.quiet) as progress:
        checked = verify_report(read_report(report), against, progress)

    def tell(part: Part, message: Message) -> None:
        click.echo(f"{word('part', part, lang)}: {say(message, lang)}")

    for part in Part:
        found = [difference for difference in checked.differences if difference.part == part]
        for difference in found[:SHOWN]:
            shown = {"path": difference.path, "reported": difference.reported, "found": difference.found}
            tell(part, Message("verified.differs", shown))
        if len(found) > SHOWN:
            tell(part, Message("verified.more", {"count": len(found) - SHOWN}))
        if part in checked.checked and not found:
            tell(part, Message("verified.agrees"))
        for left, reason in checked.open:
            if left == part:
                tell(part, Message("verified.open", {"why": say(reason, lang)}))
    return 1 if checked.differences else 0
