"""Every error a user can meet, as one tree; each carries its way out and its exit code.

AuditError
├── UsageError                 2   the command line or a setting is wrong
└── InputError                 4   nothing could be audited
    ├── CheckpointError        4   a checkpoint cannot be used
    │   ├── MalformedError     4   its bytes contradict themselves
    │   ├── UnsupportedError   4   a format this tool refuses or does not know
    │   └── MissingError       4   a file or folder that should be there is not
    ├── ReadError              4   bytes could not be read, or not all of them
    │   └── ChangedError       4   a file is no longer the one that was opened
    └── IncomparableError      4   two models have nothing that can be compared
"""

from __future__ import annotations


class AuditError(Exception):
    """An error with one clear sentence and, where there is one, a way out.

    Attributes:
        message: One sentence that says what is wrong, with the names involved.
        hint: What the user can do about it; empty when there is nothing to do.
        exit_code: The exit status of the command line.
        cause: The kind of error as a word, for reports in another language than that of the sentence.
    """

    exit_code = 4
    cause = "other"

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type[AuditError], tuple[str, str]]:
        """Keep the hint on the way from one process to another."""
        return type(self), (self.message, self.hint)


class UsageError(AuditError):
    """The command line or a setting is wrong."""

    exit_code = 2
    cause = "usage"


class InputError(AuditError):
    """Nothing could be audited."""


class CheckpointError(InputError):
    """A checkpoint cannot be used."""


class MalformedError(CheckpointError):
    """A checkpoint's bytes contradict themselves."""

    cause = "malformed"


class UnsupportedError(CheckpointError):
    """A format that this tool refuses or does not know."""

    cause = "unsupported"


class MissingError(CheckpointError):
    """A file or folder that should be there is not."""

    cause = "missing"


class ReadError(InputError):
    """Bytes could not be read, or not all of them."""

    cause = "unreadable"


class ChangedError(ReadError):
    """A file is no longer the one that was opened: nothing that was read of it may count."""

    cause = "changed"


class IncomparableError(InputError):
    """Two models have nothing that can be compared."""

    cause = "incomparable"
