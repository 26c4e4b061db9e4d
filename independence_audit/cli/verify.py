"""``audit verify``: is a report what its inputs, its policy and its signature make it?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from independence_audit.cli.language import LANG
from independence_audit.cli.salt import SALT, read_salt

SHOWN = 20
"""Differences of one part that are printed; a report with one other input can differ in thousands of places."""


@click.command()
@click.argument("report")
@click.option("--subject", default="", metavar="SUBJECT", help="The subject's weights: recompute everything.")
@click.option("--ref", "references", multiple=True, metavar="REF", help="The references, in the report's order.")
@click.option("--policy", default="", metavar="FILE", help="The policy's file, where it is no shipped one.")
@click.option("--declaration", default="", metavar="FILE", help="The declaration, where it is not beside the subject.")
@click.option("--trajectory", multiple=True, metavar="CKPT", help="The checkpoints that were handed in; repeatable.")
@click.option("--init", "initialiser", default="", metavar="FILE|transformers", help="Their declared initialiser.")
@click.option("--step-regex", default="", metavar="REGEX", help="Finds the step in a checkpoint's name.")
@click.option("--attestation", default="", metavar="FILE", help="The signed statement that -o intoto= wrote.")
@click.option("--key", default="", metavar="PEM", help="Its signer's public key.")
@click.option("--model-key", default="", metavar="PEM", help="The key of the model's own signature (model.sig).")
@click.option("--offline", is_flag=True, help="Touch no network.")
@click.option("--library", default="", metavar="FOLDER", help="The user's library, in place of the usual one.")
@LANG
@SALT
@click.option("-q", "--quiet", is_flag=True, help="No progress.")
def verify(  # noqa: PLR0913  one parameter an option
    report: str,
    *,
    subject: str,
    references: tuple[str, ...],
    policy: str,
    declaration: str,
    trajectory: tuple[str, ...],
    initialiser: str,
    step_regex: str,
    attestation: str,
    key: str,
    model_key: str,
    offline: bool,
    library: str,
    lang: str,
    salt_file: Path | None,
    quiet: bool,
) -> int:
    """Verify REPORT, a JSON report: recompute what can be, and name what differs.

    Without weights the opinion and the summary are recomputed from the report's own evidence. With
    --subject everything is: a sampled audit proves its sample, one with --whole-files every byte.
    Exit code 0 if everything that was checked agrees, 1 if anything differs.
    """
    from independence_audit.cli.exhibit import check_exhibit
    from independence_audit.cli.progress import progress_on
    from independence_audit.evidence.measurement import Message
    from independence_audit.pipeline.verify import Against, Part, read_report, verify_report
    from independence_audit.report.wording import say, word

    check_exhibit(trajectory, initialiser, step_regex)
    against = Against(
        subject=subject,
        references=references,
        policy=policy,
        declaration=declaration,
        trajectory=trajectory,
        initialiser=initialiser,
        step_regex=step_regex,
        attestation=attestation,
        key=key,
        model_key=model_key,
        salt=read_salt(salt_file),
        library=library,
        offline=offline,
    )
    with progress_on(sys.stderr, enabled=not quiet) as progress:
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
