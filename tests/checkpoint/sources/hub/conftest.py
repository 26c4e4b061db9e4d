"""A fake Hub with one repository, and a way to open it without waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from independence_audit.checkpoint.sources.hub.cache import Cache
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.hub_source import HubSource, open_hub_source
from independence_audit.checkpoint.sources.hub.patience import Patience
from tests.checkpoint.source_contract import served_folder
from tests.checkpoint.sources.hub.toy_hub import NAME, TRIES, Connect
from tests.hub.fake_hub import FakeHub, reach, serving


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with the files of the contract."""
    return served_folder(tmp_path / "hub")


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The Hub that serves it."""
    with serving(tmp_path / "hub") as hub:
        reach(hub, tmp_path / "cache", monkeypatch)
        monkeypatch.setenv("AUDIT_REQUEST_SECONDS", "0.4")
        yield hub


@pytest.fixture
def waits() -> list[float]:
    """The seconds that would have been waited."""
    return []


@pytest.fixture
def connect(hub: FakeHub, tmp_path: Path, waits: list[float]) -> Connect:
    """Opens the source of a repository, with a clock that only writes down."""

    def connect(name: HubName = NAME, *, offline: bool = False) -> HubSource:
        patience = Patience(tries=TRIES, sleep=waits.append)
        return open_hub_source(name, Cache(tmp_path / "cache"), patience, offline=offline)

    return connect
