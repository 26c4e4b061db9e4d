"""Steps by a pattern of the user's own, matched in a process of its own: a regular expression can take for ever."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from independence_audit.errors import InputError, UsageError

LONGEST = 3.0
"""Seconds for all names; matching takes some microseconds, the process a few hundredths of a second."""
MOST = 1_000
"""Characters of a pattern."""
DIGITS = 15
"""Digits of a step: floats, which charts and logs have, tell such numbers apart."""
_SUCH_AS = "Such as 'step-([0-9]+)'."
_CHILD = """
import json, re, sys
asked = json.load(sys.stdin)
try:
    pattern = re.compile(asked["pattern"])
    found = [pattern.search(name) for name in asked["names"]] if pattern.groups else []
    answer = {"groups": pattern.groups, "found": [match and match[1] for match in found]}
except Exception as error:
    answer = {"error": str(error) or type(error).__name__}
print(json.dumps(answer))
"""


def steps_by(pattern: str, names: Sequence[str]) -> list[int | None]:
    """The number that a pattern's first group finds in each name; None where it finds none.

    Raises:
        UsageError: The pattern is no regular expression, has no group, takes too long, or finds a step in no name.
        InputError: No process could be started.
    """
    shown = repr(pattern[:80])
    if len(pattern) > MOST:
        raise UsageError(f"--step-regex has over {MOST} characters.", _SUCH_AS)
    answer = _matched(pattern, shown, names)
    if "error" in answer:
        raise UsageError(f"--step-regex {shown} is no regular expression: {answer['error']}.", _SUCH_AS)
    if not answer["groups"]:
        raise UsageError(f"--step-regex {shown} has no group for the step.", "Write one: 'step-([0-9]+)'.")
    steps = [_step(found) for found in answer["found"]]
    if names and all(step is None for step in steps):
        raise UsageError(f"--step-regex {shown} finds a step in none of the names, such as {names[0]!r}.", _SUCH_AS)
    return steps


def _step(found: str | None) -> int | None:
    """The step in a group's text: a number that a step can be."""
    return int(found) if found and found.isdecimal() and len(found) <= DIGITS else None


def _matched(pattern: str, shown: str, names: Sequence[str]) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603  our own interpreter and program
            [sys.executable, "-I", "-S", "-c", _CHILD],
            input=json.dumps({"pattern": pattern, "names": list(names)}),
            capture_output=True,
            text=True,
            check=True,
            timeout=LONGEST,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            f"--step-regex {shown} takes over {LONGEST:.0f} seconds.",
            "Repeat nothing that is itself repeated. " + _SUCH_AS,
        ) from error
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise InputError(
            "The process that looks for steps in names did not work.", "Leave out --step-regex."
        ) from error
    return answer
