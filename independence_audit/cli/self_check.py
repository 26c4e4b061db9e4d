"""``audit self-check``: what a team needs before it submits, from a configuration file."""

from __future__ import annotations

import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from independence_audit.cli.compare import FILES, FORMATS, SEVERITIES
from independence_audit.cli.language import VARIABLE
from independence_audit.cli.salt import read_salt
from independence_audit.report.languages import ENGLISH, LANGUAGES

if TYPE_CHECKING:
    from independence_audit.evidence.report import AuditReport
    from independence_audit.pipeline.configuration import Configuration
    from independence_audit.pipeline.settings import AuditSettings


@click.command("self-check")
@click.argument("subject", default="", envvar="AUDIT_SUBJECT")
@click.option("--config", default="", envvar="AUDIT_CONFIG", metavar="FILE", help="In place of audit.toml.")
@click.option(
    "--ref", "references", multiple=True, envvar="AUDIT_REFERENCES", metavar="REF", help="A reference; repeatable."
)
@click.option(
    "--policy", default="", envvar="AUDIT_POLICY", metavar="NAME|FILE", help="Rules from evidence to opinion."
)
@click.option("--declaration", default="", metavar="FILE", help="In place of independence.toml.")
@click.option(
    "--fail-on", type=click.Choice(SEVERITIES), default=None, envvar="AUDIT_FAIL_ON", help="[default: not_met]"
)
@click.option("--offline/--online", default=None, envvar="AUDIT_OFFLINE", help="Touch no network.")
@click.option(
    "--allow-missing/--all-references",
    default=None,
    envvar="AUDIT_ALLOW_MISSING",
    help="References that cannot be had leave the audit complete.",
)
@click.option("--library", default="", metavar="FOLDER", help="The user's library, in place of the usual one.")
@click.option("--salt-file", default="", envvar="AUDIT_SALT_FILE", metavar="PATH", help="The evaluation's secret salt.")
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="On stdout.")
@click.option("-o", "--output", "outputs", multiple=True, metavar="FORMAT=PATH", help="Also write a file; repeatable.")
@click.option("--lang", type=click.Choice(LANGUAGES), default=None, envvar=VARIABLE, help="[default: en]")
@click.option("-q", "--quiet", is_flag=True, help="No progress, and no report on stdout.")
def self_check(  # noqa: PLR0913  one parameter an option
    subject: str,
    *,
    config: str,
    references: tuple[str, ...],
    policy: str,
    declaration: str,
    fail_on: str | None,
    offline: bool | None,
    allow_missing: bool | None,
    library: str,
    salt_file: str,
    format_: str,
    outputs: tuple[str, ...],
    lang: str | None,
    quiet: bool,
) -> int:
    """Audit a model before it is submitted, as audit.toml or [tool.audit] in pyproject.toml says.

    The command line goes before the environment (AUDIT_SUBJECT, AUDIT_REFERENCES, AUDIT_POLICY,
    AUDIT_FAIL_ON, AUDIT_OFFLINE, AUDIT_ALLOW_MISSING, AUDIT_LIBRARY, AUDIT_SALT_FILE, AUDIT_LANG), which
    goes before the file. Suppressions stay visible; one past its date suppresses nothing.
    """
    from independence_audit.cli.exhibit import check_exhibit
    from independence_audit.cli.outputs import check_outputs, check_sign_key, deliver
    from independence_audit.cli.progress import progress_on
    from independence_audit.errors import UsageError
    from independence_audit.evidence.report import Severity, Submission
    from independence_audit.pipeline.audit import audit
    from independence_audit.pipeline.configuration import find_configuration
    from independence_audit.pipeline.outcome import exit_code
    from independence_audit.pipeline.settings import AuditSettings
    from independence_audit.policy.suppress import suppressed

    asked = find_configuration(config, Path.cwd())
    subject, references = subject or asked.subject, references or asked.references
    if not (subject and references):
        missing = "a subject" if not subject else "references"
        raise UsageError(f"The self-check needs {missing}.", "Name them in audit.toml or on the command line.")
    check_exhibit(asked.trajectory, asked.init, asked.step_regex)
    read = (subject, *references, *_read_besides(asked), config, policy, declaration, library, salt_file)
    files = check_outputs((*(f"{name}={path}" for name, path in asked.outputs.items()), *outputs), FILES, read)
    key = check_sign_key(asked.sign_key, files)
    language = _language(lang or asked.lang or ENGLISH)
    salt = salt_file or asked.salt_file
    settings = AuditSettings(
        full=asked.full,
        policy=policy or asked.policy or AuditSettings().policy,
        declaration=declaration or asked.declaration,
        submission=Submission(asked.team, asked.stage, asked.model),
        command=shlex.join(["audit", *sys.argv[1:]]),
        offline=asked.offline if offline is None else offline,
        allow_missing=asked.allow_missing if allow_missing is None else allow_missing,
        library=library or _unless_set("AUDIT_LIBRARY", asked.library),
        salt=read_salt(Path(salt) if salt else None),
        whole_files=asked.whole_files or any(name == "intoto" for name, _ in files),
        model_key=asked.model_key,
        trajectory=asked.trajectory,
        initialiser=asked.init,
        step_regex=asked.step_regex,
    )
    with progress_on(sys.stderr, enabled=not quiet) as progress:
        report = audit(subject, references, settings, progress)
    report = suppressed(report, asked.suppress, datetime.now(UTC).date())
    try:
        deliver(report, files, "" if quiet else format_, language, key)
    finally:
        _tell(report, asked, settings)
    return exit_code(report, Severity(fail_on or asked.fail_on or Severity.NOT_MET))


def _read_besides(asked: Configuration) -> tuple[str, ...]:
    """What a configuration has the run read besides the subject and the references, its own file included."""
    files = (asked.file, asked.policy, asked.declaration, asked.init, asked.sign_key, asked.model_key, asked.salt_file)
    return (*files, asked.library, *asked.trajectory)


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


def _language(name: str) -> str:
    from independence_audit.errors import UsageError

    if name not in LANGUAGES:
        raise UsageError(f"There is no language {name!r}.", f"Choose one of: {', '.join(LANGUAGES)}.")
    return name


def _unless_set(variable: str, value: str) -> str:
    """The file's value, unless the environment has one, which is looked at where it is used."""
    import os

    return "" if os.environ.get(variable) else value
