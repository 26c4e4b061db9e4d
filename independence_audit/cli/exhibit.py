"""Options of the training exhibit that stand beside ``--trajectory``."""

from __future__ import annotations

from collections.abc import Sequence

from independence_audit.errors import UsageError


def check_exhibit(trajectory: Sequence[str], initialiser: str, step_regex: str) -> None:
    """Refuse what says how to read checkpoints that nobody named.

    Raises:
        UsageError: There is no trajectory.
    """
    if not trajectory and (initialiser or step_regex):
        raise UsageError("--init and --step-regex say how to read checkpoints.", "Name them with --trajectory.")
