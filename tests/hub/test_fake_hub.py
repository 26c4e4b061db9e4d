"""The fake Hub answers as the Hub's own library expects, so that a test against it says something about the Hub."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi, get_hf_file_metadata, get_session, hf_hub_download, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile

from tests.hub.fake_hub import TOKEN, FakeHub, Fault, reach, serving

WEIGHTS = bytes(range(256)) * 10
CONFIG = b'{"model_type": "toy"}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository of two files."""
    folder = tmp_path / "hub" / "team" / "toy"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(WEIGHTS)
    (folder / "config.json").write_bytes(CONFIG)
    return folder


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The Hub that serves it."""
    with serving(tmp_path / "hub") as hub:
        reach(hub, tmp_path / "cache", monkeypatch)
        yield hub


@pytest.fixture
def api(hub: FakeHub) -> HfApi:
    """The Hub's own library."""
    return HfApi(endpoint=hub.url, token=False)


def test_description_tree_and_paths_agree(api: HfApi) -> None:
    """The three ways to ask for files tell the same sizes and digests."""
    info = api.model_info("team/toy", files_metadata=True)
    assert info.sha is not None
    assert info.siblings is not None
    described = {one.rfilename: (one.size, one.blob_id, one.lfs.sha256 if one.lfs else None) for one in info.siblings}
    listed = [*api.list_repo_tree("team/toy", revision=info.sha)]
    asked = api.get_paths_info("team/toy", ["config.json", "model.safetensors"], revision="main")
    for files in (listed, asked):
        assert described == {
            one.path: (one.size, one.blob_id, one.lfs.sha256 if one.lfs else None)
            for one in files
            if isinstance(one, RepoFile)
        }
    assert described["model.safetensors"][2] == hashlib.sha256(WEIGHTS).hexdigest()
    assert described["config.json"][1] == hashlib.sha1(b"blob 21\0" + CONFIG).hexdigest()  # noqa: S324 - as Git does


def test_metadata_and_bytes(hub: FakeHub) -> None:
    """A large file is found in the storage, a small one on the Hub itself; both serve ranges."""
    commit = hub.add("team/toy", hub.repository("team/toy").commits.popitem()[1])  # type: ignore[union-attr]
    for file, content in (("model.safetensors", WEIGHTS), ("config.json", CONFIG)):
        found = get_hf_file_metadata(hf_hub_url("team/toy", file, revision="main", endpoint=hub.url))
        assert found.commit_hash == commit
        assert found.size == len(content)
        assert found.location.startswith(hub.url) == (file == "config.json")
        part = get_session().get(found.location, headers={"range": "bytes=3-9"})
        assert (part.status_code, part.content) == (206, content[3:10])
        assert part.headers["content-range"] == f"bytes 3-9/{len(content)}"
    assert [seen.sent for seen in hub.requests(method="GET")] == [7, 7]
    assert hub.sent == 14


def test_download_by_the_library(hub: FakeHub, tmp_path: Path) -> None:
    """The library's own way to download works, so that nothing it needs is missing."""
    path = hf_hub_download("team/toy", "config.json", endpoint=hub.url, cache_dir=tmp_path / "downloads", token=False)
    assert Path(path).read_bytes() == CONFIG


def test_refusals(hub: FakeHub, api: HfApi, folder: Path) -> None:
    """Each refusal is the library's own error for it."""
    hub.add("team/gated", folder, gated=True)
    hub.add("team/private", folder, private=True)
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("team/none")
    with pytest.raises(RepositoryNotFoundError):
        api.model_info("team/private")
    assert api.model_info("team/private", token=TOKEN).sha
    with pytest.raises(RevisionNotFoundError):
        api.model_info("team/toy", revision="v9")
    assert api.model_info("team/gated").sha
    url = hf_hub_url("team/gated", "config.json", endpoint=hub.url)
    with pytest.raises(GatedRepoError):
        get_hf_file_metadata(url)
    assert get_hf_file_metadata(url, token=TOKEN).size == len(CONFIG)
    with pytest.raises(RemoteEntryNotFoundError):
        get_hf_file_metadata(hf_hub_url("team/toy", "none.json", endpoint=hub.url))


def test_sparse_file_beyond_memory(hub: FakeHub, folder: Path) -> None:
    """A file of a tebibyte that is all hole costs nothing."""
    path = folder / "huge.safetensors"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 1 << 40)
        file.seek(1 << 39)
        file.write(b"here")
    start = 1 << 39
    part = get_session().get(hub.signed_url(path), headers={"range": f"bytes={start - 1}-{start + 4}"})
    assert part.content == b"\0here\0"


def test_faults_are_faults(hub: FakeHub, folder: Path) -> None:
    """Every fault of the storage is seen by a client that looks, and the answer after it is right again."""
    url = hub.signed_url(folder / "model.safetensors")
    ask = {"range": "bytes=10-19"}
    right = get_session().get(url, headers=ask)
    hub.lasting = 0.2  # this client takes what comes, and never hangs up
    for fault in Fault:
        if fault is Fault.SLOW:
            continue
        hub.fail(fault)
        try:
            wrong = get_session().get(url, headers=ask)
            assert {**wrong.headers} != {**right.headers}
        except httpx2.HTTPError:
            pass
        assert get_session().get(url, headers=ask).content == right.content


def test_expiry(hub: FakeHub, folder: Path) -> None:
    """Addresses expire together; new ones are good."""
    old = hub.signed_url(folder / "model.safetensors")
    hub.expire()
    assert get_session().get(old).status_code == 403
    assert get_session().get(hub.signed_url(folder / "model.safetensors")).status_code == 200


def test_stopped(hub: FakeHub) -> None:
    """A Hub that was stopped answers no more, not on a connection from before either."""
    assert get_session().get(f"{hub.url}/api/models/team/toy").status_code == 200
    hub.stop()
    with pytest.raises(httpx2.TransportError):
        get_session().get(f"{hub.url}/api/models/team/toy")
