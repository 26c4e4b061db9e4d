"""How a model on the Hub is named: ``owner/name``, with a revision or without, or the address of one of its pages."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from independence_audit.core.outside_names import quoted
from independence_audit.errors import UsageError

PREFIX = "hf://"
"""Says that a name is one of the Hub, whatever lies in the folder."""
DEFAULT_REVISION = "main"

_PART = r"[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?"
_NAME = re.compile(rf"(?P<repository>{_PART}/{_PART})(?:@(?P<revision>[\w][\w./+-]*))?", re.ASCII)
_LONGEST_PART = 96
_FILE_SUFFIXES = (".git", ".json", ".safetensors", ".gguf")
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


HOSTS = ("huggingface.co", "www.huggingface.co", "hf.co")
"""Where the public Hub shows its pages; ``HF_ENDPOINT`` names another."""
_OF_A_FILE = ("blob", "resolve", "raw")
_OF_A_REVISION = ("tree", "commit", "commits", *_OF_A_FILE)
_HINT = "Write owner/name, or owner/name@revision."


def is_hub_page(text: str) -> bool:
    """Whether a text is an address on the Hub's own host."""
    return _place(text) is not None


def hub_page(text: str) -> HubName | None:
    """The model, and the revision, that a page shows; None where the text is no page of the Hub.

    A query and what follows ``#`` are left out: no model is named by them, and reports must not show them.

    Raises:
        UsageError: It is a page of something else than a model, or of a file in a folder of one.
    """
    place = _place(text)
    if place is None:
        return None
    owner, name, kind, revision, *file = [*place, "", "", "", ""][: max(4, len(place))]
    found = parse_hub_name(f"{owner}/{name}") if owner not in {"datasets", "spaces"} else None
    if found is None or (kind and kind not in _OF_A_REVISION):
        raise UsageError(f"{quoted('/'.join(place))} on the Hub is no page of a model's files.", _HINT)
    if not revision:
        return found
    if len(file) > 1 and kind in _OF_A_FILE:
        raise UsageError(
            f"{quoted('/'.join(file))} lies in a folder of {quoted(found.repository)}, of which only the model at its "
            "top is read.",
            "Download that folder and give its path.",
        )
    named = parse_hub_name(f"{found.repository}@{revision}")
    if named is None:
        raise UsageError(f"{quoted(revision)} is no revision of {quoted(found.repository)}.", _HINT)
    return named


def _place(text: str) -> list[str] | None:
    """The parts of the path of an address on the Hub's host."""
    try:
        parts = urlsplit(text.strip())
        own = urlsplit(os.environ.get("HF_ENDPOINT", ""))
        here = parts.hostname, parts.port
        is_public = parts.hostname in HOSTS and parts.port is None
        is_own = own.hostname is not None and here == (own.hostname, own.port)
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not (is_public or is_own):
        return None
    return [unquote(part) for part in parts.path.split("/") if part]
