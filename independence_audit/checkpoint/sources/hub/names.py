"""How a model on the Hub is named: ``owner/name``, with a revision or without."""

from __future__ import annotations

import re
from dataclasses import dataclass

from independence_audit.core.names import quoted
from independence_audit.errors import UsageError

PREFIX = "hf://"
"""Says that a name is one of the Hub, whatever lies in the folder."""
DEFAULT_REVISION = "main"

_PART = r"[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?P<repository>{_PART}/{_PART})(?:@(?P<revision>[\w][\w./+-]*))?", re.ASCII)
_LONGEST_PART = 96
_FILE_SUFFIXES = (".git", ".json", ".safetensors")
"""What repositories are not called, and what paths with one slash often end in."""


@dataclass(frozen=True, slots=True)
class HubName:
    """A model on the Hub, as a user names it."""

    repository: str
    """Owner and name with a slash between."""
    revision: str = DEFAULT_REVISION
    """A branch, a tag or a commit."""

    def __str__(self) -> str:
        """As it is typed: the usual revision is left out."""
        return self.repository if self.revision == DEFAULT_REVISION else f"{self.repository}@{self.revision}"


def parse_hub_name(text: str) -> HubName | None:
    """The model that ``owner/name[@revision]`` or ``hf://owner/name[@revision]`` names; None where it is neither.

    Pure: whether a file or folder of that name exists is for the caller to look at first.

    Raises:
        UsageError: The text begins with ``hf://``, but no name follows.
    """
    found = _NAME.fullmatch(text.removeprefix(PREFIX))
    if found is not None and _is_possible(found["repository"]):
        return HubName(found["repository"], found["revision"] or DEFAULT_REVISION)
    if text.startswith(PREFIX):
        raise UsageError(
            f"{quoted(text)} does not name a model on the Hub.", f"Write {PREFIX}owner/name or {PREFIX}owner/name@tag."
        )
    return None


def _is_possible(repository: str) -> bool:
    """Whether the Hub could have a repository of this name."""
    return (
        "--" not in repository
        and ".." not in repository
        and not repository.endswith(_FILE_SUFFIXES)
        and all(len(part) <= _LONGEST_PART for part in repository.split("/"))
    )
