"""What a repository holds: the Hub's description of it, taken only where it is sound, and kept for later runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from independence_audit.checkpoint.sources.hub.cache import Cache
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.repository import (
    ListedFile,
    Listing,
    keep_listing,
    kept_listing,
    listing_of,
)

COMMIT, GIT, SHA256 = "0a" * 20, "1b" * 20, "2c" * 32
SMALL = {"rfilename": "config.json", "size": 2, "blobId": GIT}
LARGE = {"rfilename": "a/b.safetensors", "size": 9, "blobId": GIT, "lfs": {"size": 7000, "sha256": SHA256}}
HUB = "https://hub"


def described(*siblings: object, commit: object = COMMIT) -> dict[str, object]:
    """A repository as the Hub describes it."""
    return {"sha": commit, "siblings": [*siblings]}


LISTING = listing_of("team/toy", described(SMALL, LARGE))


def test_large_files_are_told_by_what_is_stored() -> None:
    """Size and SHA-256 of a large file are those of its content, not of the pointer that Git holds."""
    assert (
        Listing(
            "team/toy",
            COMMIT,
            {"config.json": ListedFile(2, GIT, ""), "a/b.safetensors": ListedFile(7000, SHA256, SHA256)},
        )
        == LISTING
    )


@pytest.mark.parametrize("siblings", [(), (SMALL | {"size": 0},), (SMALL | {"lfs": None}, LARGE)])
def test_every_listed_file_is_there(siblings: tuple[dict[str, Any], ...]) -> None:
    """An empty repository, an empty file, and a file that is said not to be large."""
    assert list(listing_of("team/toy", described(*siblings)).files) == [each["rfilename"] for each in siblings]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (described(SMALL, commit="main"), "team/toy"),
        (described(SMALL, commit=None), "team/toy"),
        (described(SMALL, SMALL | {"size": 3}), "team/toy"),
        ({"sha": COMMIT}, "team/toy"),
        (described("config.json"), "None"),
        (described(SMALL | {"rfilename": None}), "None"),
        (described(SMALL | {"size": 1 << 50}), "config.json"),
        (described(SMALL | {"blobId": GIT.upper()}), "config.json"),
        (described(LARGE | {"lfs": {"size": 7000, "sha256": GIT}}), "a/b.safetensors"),
        (described(LARGE | {"lfs": {"size": True, "sha256": SHA256}}), "a/b.safetensors"),
    ],
)
def test_descriptions_that_are_none(wrong: dict[str, object], named: str) -> None:
    """A file that is there twice, of an impossible size or without a whole digest: the whole description is refused."""
    with pytest.raises(ValueError, match=f"^{named}$"):
        listing_of("team/toy", wrong)


def test_a_listing_is_kept_under_its_revision_and_its_commit(tmp_path: Path) -> None:
    """What was read by a branch is found by the branch and by the commit, at the same Hub, of the same repository."""
    cache = Cache(tmp_path, 1 << 20)
    keep_listing(cache, HUB, HubName("team/toy", "v1.0"), LISTING)
    for revision in ("v1.0", COMMIT):
        assert kept_listing(cache, HUB, HubName("team/toy", revision)) == LISTING
    for endpoint, name in (
        (HUB, HubName("team/toy")),
        (HUB, HubName("team/other", COMMIT)),
        ("https://other", HubName("team/toy", COMMIT)),
    ):
        assert kept_listing(cache, endpoint, name) is None


def test_the_last_listing_of_a_branch_counts(tmp_path: Path) -> None:
    """A branch that moved on is what it was at the last run; the earlier commit is still itself."""
    cache = Cache(tmp_path, 1 << 20)
    later = listing_of("team/toy", described(SMALL, commit="ff" * 20))
    for listing in (LISTING, later):
        keep_listing(cache, HUB, HubName("team/toy"), listing)
    assert kept_listing(cache, HUB, HubName("team/toy")) == later
    assert kept_listing(cache, HUB, HubName("team/toy", COMMIT)) == LISTING
