"""The cache of what was read."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from independence_audit.checkpoint.sources.hub.cache import LIMIT, Cache, CachedBlocks, cache_folder, cache_limit
from independence_audit.checkpoint.sources.range_requests import Block, plan_blocks
from independence_audit.errors import InputError, UsageError


def kept_files(folder: Path) -> list[Path]:
    """Everything that lies in a cache."""
    return [path for path in folder.rglob("*") if path.is_file()]


@given(contents=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.binary(), max_size=5))
def test_what_is_kept_is_found(contents: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Every key gives back its own content, and no other."""
    cache = Cache(tmp_path_factory.mktemp("cache"))
    for key, content in contents.items():
        cache.save(key, content)
    assert {key: cache.load(key) for key in contents} == contents
    assert cache.load("another key, for sure") is None


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_damaged_entry_is_dropped(tmp_path: Path, damage: bytes | None) -> None:
    """A file that was cut, emptied or changed in one bit is as good as none, and goes away."""
    cache = Cache(tmp_path)
    cache.save("key", b"content")
    (file,) = kept_files(tmp_path)
    sealed = bytearray(file.read_bytes())
    sealed[-1] ^= 1
    file.write_bytes(sealed if damage is None else damage)
    assert cache.load("key") is None
    assert kept_files(tmp_path) == []
    cache.save("key", b"content")
    assert cache.load("key") == b"content"


def test_entry_of_another_key_is_damaged(tmp_path: Path) -> None:
    """A file that was put in another's place is not believed, whole as it is."""
    cache = Cache(tmp_path)
    cache.save("one", b"content of one")
    (one,) = kept_files(tmp_path)
    cache.save("other", b"content of the other")
    (other,) = (file for file in kept_files(tmp_path) if file != one)
    one.replace(other)
    assert cache.load("other") is None


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is full is said in one sentence with a way out, and leaves nothing half-written."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(InputError, match="No space left on device") as caught:
        Cache(tmp_path).save("key", b"content")
    assert caught.value.exit_code == 4
    assert "AUDIT_CACHE" in caught.value.hint
    assert kept_files(tmp_path) == []


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file in the folder's place is an error with the same way out."""
    (tmp_path / "file").write_bytes(b"")
    cache = Cache(tmp_path / "file")
    assert cache.load("key") is None
    with pytest.raises(InputError, match="could not be written"):
        cache.save("key", b"content")


def test_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The variable decides; without it the system's folder for caches does."""
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("AUDIT_CACHE")
    assert "independence-audit" in cache_folder().parts


def test_blocks_are_read_once(tmp_path: Path) -> None:
    """The same wanted bytes of the same content are read once, whatever the file is called."""
    reads: list[str] = []

    def read_block(name: str, block: Block) -> bytes:
        reads.append(name)
        return block.wanted_of(bytes(range(200))[block.start : block.stop])

    identities = {"a": "digest 1", "copy of a": "digest 1", "b": "digest 2"}
    blocks = CachedBlocks(Cache(tmp_path), identities, read_block)
    (block,) = plan_blocks([(10, 5), (30, 5)])
    (other,) = plan_blocks([(10, 25)])
    wanted = bytes([*range(10, 15), *range(30, 35)])
    assert [blocks(name, block) for name in ("a", "a", "copy of a", "b")] == [wanted] * 4
    assert blocks("a", other) == bytes(range(10, 35))
    assert reads == ["a", "b", "a"]


def used_at(folder: Path, seconds: int) -> None:
    """Let everything kept so far have been used some time ago."""
    for number, place in enumerate(sorted(folder.glob("hub/*/*"), key=lambda place: place.stat().st_mtime_ns)):
        os.utime(place, (seconds + number, seconds + number))


def test_what_was_not_used_for_longest_is_dropped(tmp_path: Path) -> None:
    """Beyond the limit the oldest goes; what was read in between counts as new, and what was just kept stays."""
    cache = Cache(tmp_path, limit=4000)
    for key in ("a", "b", "c"):
        cache.save(key, bytes(1000))
        used_at(tmp_path, 1000)
    assert cache.load("a") is not None
    cache.save("d", bytes(1000))
    assert [key for key in "abcd" if cache.load(key) is not None] == ["a", "c", "d"]
    cache.save("huge", bytes(9000))
    assert [key for key in ("a", "b", "c", "d", "huge") if cache.load(key) is not None] == ["huge"]


def test_leftovers_of_other_runs_count(tmp_path: Path) -> None:
    """The first content that is kept makes room, whoever filled the cache."""
    full = Cache(tmp_path, limit=10**9)
    for key in ("a", "b", "c"):
        full.save(key, bytes(1000))
    Cache(tmp_path, limit=2500).save("d", bytes(1000))
    assert sum(place.stat().st_size for place in tmp_path.glob("hub/*/*")) <= 2500
    assert full.load("d") is not None


@pytest.mark.parametrize(("told", "limit"), [("", LIMIT), ("2.5", 2_500_000_000), ("0", 0)])
def test_limit_is_a_number_of_gigabytes(told: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the environment says, or the usual one."""
    monkeypatch.setenv("AUDIT_CACHE_GB", told)
    assert cache_limit() == limit


@pytest.mark.parametrize("told", ["much", "-1", "nan", "1e99"])
def test_limit_that_is_no_size(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, before anything is read."""
    monkeypatch.setenv("AUDIT_CACHE_GB", told)
    with pytest.raises(UsageError, match="no size"):
        cache_limit()
