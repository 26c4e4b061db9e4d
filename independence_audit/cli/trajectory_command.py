"""``audit trajectory``: the checkpoints of one training, from its initial draw to its last weights."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from independence_audit.cli.click_options import options_of
from independence_audit.errors import UsageError
from independence_audit.pipeline.options import FORMATS, TRAJECTORY, Asked


@click.command()
@click.argument("checkpoints", nargs=-1, required=True, metavar="CKPT...")
@click.option("--replay", "seed", type=click.IntRange(0), metavar="SEED", help="Draw the initial weights again.")
@click.option("--config", default="", metavar="PATH", help="The config.json of the class that --replay draws with.")
@click.option(
    "--replay-with", default="", metavar="MODULE:FUNCTION", help="Your own initialiser, in place of --config."
)
@click.option(
    "--replay-python", default="", metavar="PATH", help="The Python with the declared versions, for --replay."
)
@click.option("--log", "logs", multiple=True, metavar="PATH", help="A training log to hold against them; repeatable.")
@options_of(TRAJECTORY)
def trajectory(  # noqa: PLR0913  one parameter an option
    checkpoints: tuple[str, ...],
    *,
    seed: int | None,
    config: str,
    replay_with: str,
    replay_python: str,
    logs: tuple[str, ...],
    **given: Any,  # noqa: ANN401  one for each option of the table
) -> int:
    """Follow one training through its checkpoints, CKPT..., in the order in which they are named.

    CKPT is a .safetensors file, a folder, a folder of step folders, a fingerprint, or
    owner/name@revision on the Hub; numbers in the names order what a folder holds, which is a guess.
    One graded conclusion for each component, with what it rests on; see docs/scratch.md. Exit codes:
    1 where something contradicts a training from an initial draw as it is presented, 3 where a
    checkpoint could not be used or nothing could be concluded.
    """
    from independence_audit.cli.outputs import check_outputs, show_training
    from independence_audit.cli.terminal import progress_on
    from independence_audit.pipeline.settings import AuditSettings, read_salt
    from independence_audit.pipeline.trajectory import TrajectorySettings, trajectory_exit_code
    from independence_audit.pipeline.trajectory import trajectory as follow
    from independence_audit.training.replay import Declared

    if seed is None and (config or replay_with or replay_python):
        raise UsageError("--config, --replay-with and --replay-python say how to draw.", "Add --replay SEED.")
    asked = Asked(**given)
    read = (*checkpoints, *asked.references, asked.initialiser, config, *logs, asked.library, asked.salt_file)
    files = check_outputs(asked.outputs, FORMATS, read)
    settings = TrajectorySettings(
        audit=AuditSettings(
            alpha=asked.alpha,
            offline=asked.offline,
            library=asked.library,
            salt=read_salt(asked.salt_file),
            command=shlex.join(["audit", *sys.argv[1:]]),
        ),
        references=asked.references,
        initialiser=asked.initialiser,
        step_regex=asked.step_regex,
        full=asked.full,
        logs=logs,
        replay=None if seed is None else Declared(seed, config, replay_with, replay_python),
    )
    with progress_on(sys.stderr, enabled=not asked.quiet) as progress:
        report = follow(checkpoints, settings, progress)
    show_training(report, files, "" if asked.quiet else asked.format, asked.lang)
    return trajectory_exit_code(report)
