"""The tree of errors: one sentence, a way out, an exit code, and none of it lost on the way."""

from __future__ import annotations

import pickle
import re

import pytest

from independence_audit import errors
from independence_audit.errors import AuditError, ChangedError, MissingError, ReadError, UsageError

EVERY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, AuditError)]


@pytest.mark.parametrize("error", [ReadError("a", "b"), MissingError("only a sentence")])
def test_errors_keep_their_hint_between_processes(error: ReadError) -> None:
    """What a worker raises is what the user reads."""
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own bytes
    assert (type(again), again.message, again.hint) == (type(error), error.message, error.hint)


@pytest.mark.parametrize("kind", EVERY)
def test_an_error_reads_as_its_sentence(kind: type[AuditError]) -> None:
    """The hint is kept apart, so that each stands on its own line."""
    error = kind("The file is broken.", "Make it again.")
    assert str(error) == error.message == "The file is broken."
    assert error.hint == "Make it again."
    assert kind("The file is broken.").hint == ""


@pytest.mark.parametrize("kind", EVERY)
def test_no_error_ends_as_a_pass_or_a_finding(kind: type[AuditError]) -> None:
    """Wrong usage ends with 2, everything else with 4: nothing was audited."""
    assert kind.exit_code == (2 if issubclass(kind, UsageError) else 4)


def test_the_tree_is_the_one_that_is_drawn() -> None:
    """The module's picture has every error below its parent, with its exit code."""
    drawn: dict[str, tuple[str, str]] = {}
    branch = ["AuditError"]
    for line, name, code in re.findall(r"^([ │├└─]+(\w+)) +(\d) ", errors.__doc__ or "", flags=re.MULTILINE):
        depth = (len(line) - len(name)) // 4
        branch[depth:] = [name]
        drawn[name] = (branch[depth - 1], code)
    below = [kind for kind in EVERY if kind is not AuditError]
    assert drawn == {kind.__name__: (kind.__bases__[0].__name__, str(kind.exit_code)) for kind in below}


def test_a_file_that_changed_is_told_from_one_that_cannot_be_read() -> None:
    """Reports in other languages word the kind, which a more special error says more exactly than its parent."""
    assert (ReadError.cause, ChangedError.cause) == ("unreadable", "changed")
    named = [kind.cause for kind in EVERY if "cause" in vars(kind)]
    assert len(named) == len(set(named))
