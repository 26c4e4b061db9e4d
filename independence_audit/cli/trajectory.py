"""``audit trajectory``: the checkpoints of one training, from its initial draw to its last weights."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import click

from independence_audit.cli.language import LANG
from independence_audit.cli.salt import SALT, read_salt
from independence_audit.cli.scratch import FORMATS
from independence_audit.errors import UsageError


@click.command()
@click.argument("checkpoints", nargs=-1, required=True, metavar="CKPT...")
@click.option("--ref", "references", multiple=True, metavar="REF", help="Compare every checkpoint; repeatable.")
@click.option("--init", "initialiser", default="", metavar="FILE|transformers", help="The declared initialiser.")
@click.option("--step-regex", default="", metavar="REGEX", help="Finds the step in a name, as its first group.")
@click.option("--replay", "seed", type=click.IntRange(0), metavar="SEED", help="Draw the initial weights again.")
@click.option("--config", default="", metavar="PATH", help="The config.json of the class that --replay draws with.")
@click.option(
    "--replay-with", default="", metavar="MODULE:FUNCTION", help="Your own initialiser, in place of --config."
)
@click.option(
    "--replay-python", default="", metavar="PATH", help="The Python with the declared versions, for --replay."
)
@click.option("--log", "logs", multiple=True, metavar="PATH", help="A training log to hold against them; repeatable.")
@click.option("--full", is_flag=True, help="Read every value, not a sample; holds five checkpoints in memory.")
@click.option(
    "--alpha",
    type=click.FloatRange(0.0, 0.05, min_open=True),
    default=1e-6,
    show_default=True,
    help="Family-wise level of a false relation to a reference.",
)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="text", show_default=True)
@click.option("-o", "--output", "outputs", multiple=True, metavar="FORMAT=PATH", help="Also write a file; repeatable.")
@click.option("--offline", is_flag=True, help="Touch no network.")
@click.option("--library", default="", metavar="FOLDER", help="The user's library, in place of the usual one.")
@LANG
@SALT
@click.option("-q", "--quiet", is_flag=True, help="No progress, and no report on stdout.")
def trajectory(  # noqa: PLR0913  one parameter an option
    checkpoints: tuple[str, ...],
    *,
    references: tuple[str, ...],
    initialiser: str,
    step_regex: str,
    seed: int | None,
    config: str,
    replay_with: str,
    replay_python: str,
    logs: tuple[str, ...],
    full: bool,
    alpha: float,
    format_: str,
    outputs: tuple[str, ...],
    offline: bool,
    library: str,
    lang: str,
    salt_file: Path | None,
    quiet: bool,
) -> int:
    """Follow one training through its checkpoints, CKPT..., in the order in which they are named.

    CKPT is a .safetensors file, a folder, a folder of step folders, a fingerprint, or
    owner/name@revision on the Hub; numbers in the names order what a folder holds, which is a guess.
    One graded conclusion for each component, with what it rests on; see docs/scratch.md. Exit codes:
    1 where something contradicts a training from an initial draw as it is presented, 3 where a
    checkpoint could not be used or nothing could be concluded.
    """
    from independence_audit.cli.outputs import check_outputs
    from independence_audit.cli.progress import progress_on
    from independence_audit.cli.training_output import show_training
    from independence_audit.pipeline.settings import AuditSettings
    from independence_audit.pipeline.trajectory import TrajectorySettings, trajectory_exit_code
    from independence_audit.pipeline.trajectory import trajectory as follow
    from independence_audit.training.replay import Declared

    if seed is None and (config or replay_with or replay_python):
        raise UsageError("--config, --replay-with and --replay-python say how to draw.", "Add --replay SEED.")
    read = (*checkpoints, *references, initialiser, config, *logs, library, salt_file)
    files = check_outputs(outputs, FORMATS, read)
    settings = TrajectorySettings(
        audit=AuditSettings(
            alpha=alpha,
            offline=offline,
            library=library,
            salt=read_salt(salt_file),
            command=shlex.join(["audit", *sys.argv[1:]]),
        ),
        references=references,
        initialiser=initialiser,
        step_regex=step_regex,
        full=full,
        logs=logs,
        replay=None if seed is None else Declared(seed, config, replay_with, replay_python),
    )
    with progress_on(sys.stderr, enabled=not quiet) as progress:
        report = follow(checkpoints, settings, progress)
    show_training(report, files, "" if quiet else format_, lang)
    return trajectory_exit_code(report)
