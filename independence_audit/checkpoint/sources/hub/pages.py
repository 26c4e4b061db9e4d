"""The address of a page of the Hub, as a browser shows it, and the model that it is a page of."""

from __future__ import annotations

import os
from urllib.parse import unquote, urlsplit

from independence_audit.checkpoint.sources.hub.names import HubName, parse_hub_name
from independence_audit.core.names import quoted
from independence_audit.errors import UsageError

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
