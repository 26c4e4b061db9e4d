"""``audit self-check``: what a team needs before it submits, from a configuration file."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from independence_audit.cli.click_options import asked_of, options_of
from independence_audit.pipeline.options import FILES, SELF_CHECK

if TYPE_CHECKING:
    from independence_audit.evidence.audit_report import AuditReport
    from independence_audit.pipeline.configuration import Configuration
    from independence_audit.pipeline.settings import AuditSettings


@click.command(SELF_CHECK)
@click.argument("subject", default="", envvar="AUDIT_SUBJECT")
@click.option("--config", default="", envvar="AUDIT_CONFIG", metavar="FILE", help="In place of audit.toml.")
@options_of(SELF_CHECK)
def self_check(subject: str, *, config: str, **given: Any) -> int:  # noqa: ANN401  one for each option of the table
    """Audit a model before it is submitted, as audit.toml or [tool.audit] in pyproject.toml says.

    The command line goes before the environment (AUDIT_SUBJECT, AUDIT_REFERENCES, AUDIT_POLICY,
    AUDIT_FAIL_ON, AUDIT_OFFLINE, AUDIT_ALLOW_MISSING, AUDIT_LIBRARY, AUDIT_SALT_FILE, AUDIT_LANG), which
    goes before the file. Suppressions stay visible; one past its date suppresses nothing.
    """
    from independence_audit.cli.outputs import check_outputs, check_sign_key, deliver, files_of
    from independence_audit.cli.terminal import progress_on
    from independence_audit.errors import UsageError
    from independence_audit.evidence.audit_report import Severity
    from independence_audit.pipeline.audit import audit
    from independence_audit.pipeline.configuration import find_configuration
    from independence_audit.pipeline.incomplete import exit_code
    from independence_audit.pipeline.settings import settings_of
    from independence_audit.policy.suppress import suppressed

    configuration = find_configuration(config, Path.cwd())
    set_here = {name: value for name, value in given.items() if value is not None and value != ()}
    asked = asked_of({**configuration.given, **set_here})
    subject = subject or configuration.subject
    if not (subject and asked.references):
        missing = "a subject" if not subject else "references"
        raise UsageError(f"The self-check needs {missing}.", "Name them in audit.toml or on the command line.")
    read = (subject, config, configuration.file, *files_of(asked_of(dict(configuration.given))), *files_of(asked))
    files = check_outputs((*configuration.outputs, *asked.outputs), FILES, read)
    key = check_sign_key(asked.sign_key, files)
    intoto = any(name == "intoto" for name, _ in files)
    settings = settings_of(asked, command=shlex.join(["audit", *sys.argv[1:]]), intoto=intoto)
    with progress_on(sys.stderr, enabled=not asked.quiet) as progress:
        report = audit(subject, asked.references, settings, progress)
    report = suppressed(report, configuration.suppress, datetime.now(UTC).date())
    try:
        deliver(report, files, "" if asked.quiet else asked.format, asked.lang, key)
    finally:
        _tell(report, configuration, settings)
    return exit_code(report, Severity(asked.fail_on))


def _tell(report: AuditReport, asked: Configuration, settings: AuditSettings) -> None:
    """Say on stderr what a team can still do before it submits."""
    from independence_audit.policy.suppress import unused
    from independence_audit.report.plain import visible

    if report.declaration is None:
        click.echo("note: no declaration was found; draft one with `audit declare`.", err=True)
    absent = [reference.name for reference in report.references if reference.status != "compared"]
    if absent:
        shown = ", ".join(visible(name) for name in absent[:5])
        click.echo(f"note: {len(absent)} of {len(report.references)} references were not compared: {shown}.", err=True)
    for criterion in report.opinion.criteria:
        said = criterion.suppression
        if said:
            state = "expired on" if said.expired else "suppressed until"
            words = f"{visible(criterion.id)}: {state} {said.expires} by {visible(said.owner)}: {visible(said.reason)}"
            click.echo(f"note: {words}", err=True)
    for wish in unused(report.opinion, asked.suppress):
        name = f"{wish.criterion}/{wish.component}" if wish.component else wish.criterion
        click.echo(f"note: the suppression of {visible(name)} suppresses nothing; remove it.", err=True)
    if settings.salt is None:
        click.echo(
            "note: an evaluation may read other rows (a secret salt); this check read the public sample.", err=True
        )
