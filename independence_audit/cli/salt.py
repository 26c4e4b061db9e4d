"""The secret salt of an evaluation: which rows are read is known to nobody before it is disclosed."""

from __future__ import annotations

from pathlib import Path

import click

from independence_audit.core.bounded import read_bounded
from independence_audit.errors import UsageError

SHORTEST = 16
"""Bytes: 128 bits cannot be guessed."""
LONGEST = 1_000_000
"""Bytes."""

SALT = click.option(
    "--salt-file",
    "salt_file",
    type=click.Path(path_type=Path),
    help="A file with at least 16 secret bytes that decide which rows are read; disclose it afterwards.",
)


def read_salt(file: Path | None) -> bytes | None:
    """The salt in a file, byte for byte; None where no file was named.

    Raises:
        UsageError: The file cannot be read, or holds too little to be a secret.
    """
    if file is None:
        return None
    try:
        salt = read_bounded(file, LONGEST)
    except OSError as error:
        raise UsageError(f"The salt file {file} cannot be read: {error.strerror}.", "Check the path.") from error
    if len(salt) < SHORTEST:
        raise UsageError(
            f"The salt file {file} holds {len(salt)} bytes, which can be guessed.",
            f"Make one with at least {SHORTEST}: head -c 32 /dev/urandom > {file}",
        )
    return salt
