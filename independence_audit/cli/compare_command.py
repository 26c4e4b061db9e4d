"""``audit compare``: a subject against references, and the report."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from independence_audit.cli.click_options import asked_of, options_of
from independence_audit.pipeline.options import COMPARE, FILES


@click.command()
@click.argument("subject")
@options_of(COMPARE, required=("references",))
def compare(subject: str, **given: Any) -> int:  # noqa: ANN401  one for each option of the table
    """Compare the weights of SUBJECT with references, component by component.

    SUBJECT and REF are a .safetensors or .gguf file, a folder with an index or loose shards, a fingerprint
    (.fp.safetensors), or owner/name[@revision] on the Hub. REF can also be a name, alias or group of the
    library, such as qwen or qwen-encoders: `audit refs list`. The report goes to stdout, progress and
    errors to stderr.
    """
    from independence_audit.cli.outputs import check_outputs, check_sign_key, deliver, files_of
    from independence_audit.cli.terminal import progress_on
    from independence_audit.evidence.audit_report import Severity
    from independence_audit.pipeline.audit import audit
    from independence_audit.pipeline.incomplete import exit_code
    from independence_audit.pipeline.settings import settings_of

    asked = asked_of(given)
    files = check_outputs(asked.outputs, FILES, (subject, *files_of(asked)))
    key = check_sign_key(asked.sign_key, files)
    intoto = any(name == "intoto" for name, _ in files)
    settings = settings_of(asked, command=shlex.join(["audit", *sys.argv[1:]]), intoto=intoto)
    with progress_on(sys.stderr, enabled=not asked.quiet) as progress:
        report = audit(subject, asked.references, settings, progress)
    deliver(report, files, "" if asked.quiet else asked.format, asked.lang, key)
    return exit_code(report, Severity(asked.fail_on))
