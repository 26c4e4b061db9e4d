"""``audit compare``: a subject against references, and the report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from independence_audit.cli.language import LANG
from independence_audit.cli.salt import SALT, read_salt
from independence_audit.cli.search_layers import SEARCH_LAYERS

FORMATS = ("text", "json", "markdown", "html")
EXCHANGE = ("intoto", "cyclonedx", "sarif", "summary")
"""Forms for other programs."""
FILES = (*FORMATS, "pdf", *EXCHANGE)
SEVERITIES = ("remark", "review", "not_met")


@click.command()
@click.argument("subject")
@click.option("--ref", "references", multiple=True, required=True, metavar="REF", help="A reference; repeatable.")
@click.option("--full", is_flag=True, help="Read every value, not a sample; adds exact counts.")
@click.option(
    "--policy",
    default="evidence-only",
    show_default=True,
    metavar="NAME|FILE",
    help="Rules from evidence to opinion: a shipped policy's name, or a .toml file.",
)
@click.option("--declaration", default="", metavar="FILE", help="The declaration, in place of independence.toml.")
@click.option(
    "--trajectory", multiple=True, metavar="CKPT", help="Checkpoints of the training, as for `audit trajectory`."
)
@click.option("--init", "initialiser", default="", metavar="FILE|transformers", help="Their declared initialiser.")
@click.option("--step-regex", default="", metavar="REGEX", help="Finds the step in a checkpoint's name.")
@click.option(
    "--fail-on",
    type=click.Choice(SEVERITIES),
    default="not_met",
    show_default=True,
    help="Exit with 1 at findings of this severity or above.",
)
@click.option(
    "--alpha",
    type=click.FloatRange(0.0, 0.05, min_open=True),
    default=1e-6,
    show_default=True,
    help="Family-wise level of a false finding, over the whole audit.",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True, help="On stdout.")
@click.option("-o", "--output", "outputs", multiple=True, metavar="FORMAT=PATH", help="Also write a file; repeatable.")
@click.option("--whole-files", is_flag=True, help="Digests of every byte of the weights; -o intoto= asks for it.")
@click.option("--sign-key", default="", metavar="PEM", help="Sign the statement of -o intoto= with this private key.")
@click.option("--model-key", default="", metavar="PEM", help="Verify the subject's own signature (model.sig).")
@click.option("--offline", is_flag=True, help="Touch no network; what is missing is listed as not available.")
@click.option("--allow-missing", is_flag=True, help="References that cannot be had leave the audit complete.")
@click.option("--verify", is_flag=True, help="Read the values of fingerprints again at their source, and compare.")
@click.option("--library", default="", metavar="FOLDER", help="The user's library, in place of the usual one.")
@SEARCH_LAYERS
@LANG
@SALT
@click.option("--team", default="", help="Who handed the subject in, for the report.")
@click.option("--stage", default="", help="Stage of the evaluation, for the report.")
@click.option("--model", default="", help="The subject's name, for the report.")
@click.option("-q", "--quiet", is_flag=True, help="No progress, and no report on stdout.")
def compare(  # noqa: PLR0913  one parameter an option
    subject: str,
    references: tuple[str, ...],
    *,
    full: bool,
    policy: str,
    declaration: str,
    trajectory: tuple[str, ...],
    initialiser: str,
    step_regex: str,
    fail_on: str,
    alpha: float,
    format_: str,
    outputs: tuple[str, ...],
    whole_files: bool,
    sign_key: str,
    model_key: str,
    offline: bool,
    allow_missing: bool,
    verify: bool,
    library: str,
    search_layers: int | None,
    lang: str,
    salt_file: Path | None,
    team: str,
    stage: str,
    model: str,
    quiet: bool,
) -> int:
    """Compare the weights of SUBJECT with references, component by component.

    SUBJECT and REF are a .safetensors file, a folder with an index or loose shards, a fingerprint
    (.fp.safetensors), or owner/name[@revision] on the Hub. REF can also be a name, alias or group of the
    library, such as qwen or qwen-encoders: `audit refs list`. The report goes to stdout, progress and
    errors to stderr.
    """
    from independence_audit.cli.exhibit import check_exhibit
    from independence_audit.cli.outputs import check_outputs, check_sign_key, deliver
    from independence_audit.cli.progress import progress_on
    from independence_audit.evidence.report import Severity, Submission
    from independence_audit.pipeline.audit import audit
    from independence_audit.pipeline.outcome import exit_code
    from independence_audit.pipeline.settings import AuditSettings

    check_exhibit(trajectory, initialiser, step_regex)
    read = (subject, *references, *trajectory, policy, declaration, initialiser, sign_key, model_key, salt_file)
    files = check_outputs(outputs, FILES, (*read, library))
    key = check_sign_key(sign_key, files)
    settings = AuditSettings(
        full=full,
        alpha=alpha,
        policy=policy,
        declaration=declaration,
        trajectory=trajectory,
        initialiser=initialiser,
        step_regex=step_regex,
        submission=Submission(team, stage, model),
        offline=offline,
        allow_missing=allow_missing,
        verify=verify,
        whole_files=whole_files or any(name == "intoto" for name, _ in files),
        model_key=model_key,
        library=library,
        search_layers=search_layers,
        salt=read_salt(salt_file),
        command=shlex.join(["audit", *sys.argv[1:]]),
    )
    with progress_on(sys.stderr, enabled=not quiet) as progress:
        report = audit(subject, references, settings, progress)
    deliver(report, files, "" if quiet else format_, lang, key)
    return exit_code(report, Severity(fail_on))
