"""Opening checkpoints in object stores and on web servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from independence_audit.checkpoint import is_remote_name
from independence_audit.checkpoint import open_remote as opening
from independence_audit.checkpoint.open import open_named
from independence_audit.checkpoint.open_remote import is_store_address, open_object_store_checkpoint
from independence_audit.errors import AuditError, MissingError, UnsupportedError, UsageError
from tests.checkpoint.safetensors_files import save_index, save_zeros
from tests.hub.fake_hub import FakeHub, reach, serving

store_module = pytest.importorskip("obstore.store", reason="obstore is an extra")

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two shards with an index and a config."""
    folder = tmp_path / "hub" / "team" / "toy"
    folder.mkdir(parents=True)
    save_zeros(folder / FIRST, "a")
    save_zeros(folder / SECOND, "b")
    save_index(folder, {"a": FIRST, "b": SECOND})
    (folder / "config.json").write_text('{"model_type": "toy"}')
    return folder


@pytest.fixture
def web(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a folder on a web server."""
    with serving(tmp_path / "hub") as hub:
        reach(hub, tmp_path / "cache", monkeypatch)
        yield _address(hub)


@pytest.fixture
def bucket(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a folder in a bucket, which a folder of this machine stands in for."""

    def connect(url: str, *, allow_http: bool = False) -> object:
        """The folder, whatever is asked."""
        return store_module.LocalStore(_local(folder, url))

    monkeypatch.setattr(opening, "connect", connect)
    return "s3://bucket/models/toy"


def _address(hub: FakeHub) -> str:
    return f"{hub.url}/team/toy/resolve/main"


def _local(folder: Path, url: str) -> Path:
    assert url == "s3://bucket/models/toy"
    return folder


def test_folder_in_a_bucket(bucket: str) -> None:
    """A folder is listed, with a slash at its end or without."""
    for url in (bucket, f"{bucket}/"):
        checkpoint = open_named(url)
        assert [*checkpoint.tensors] == ["a", "b"]
        assert checkpoint.config == {"model_type": "toy"}
        assert checkpoint.name == "toy"


def test_index_on_a_web_server(web: str, folder: Path) -> None:
    """Web servers list nothing: an index leads to its shards, and to the config where there is one."""
    url = f"{web}/model.safetensors.index.json"
    checkpoint = open_object_store_checkpoint(url, allow_http=True)
    assert [*checkpoint.tensors] == ["a", "b"]
    assert checkpoint.config == {"model_type": "toy"}
    buffer = bytearray(24)
    tensor = checkpoint.tensors["b"]
    checkpoint.source.read(tensor.file, tensor.start, memoryview(buffer))
    assert buffer == bytes(24)
    (folder / "config.json").unlink()
    assert open_object_store_checkpoint(url, allow_http=True).config == {}
    (folder / SECOND).unlink()
    with pytest.raises(MissingError, match=f"There is no '{SECOND}'"):
        open_object_store_checkpoint(url, allow_http=True)


def test_one_file_on_a_web_server(web: str) -> None:
    """A file by itself, which says that it is one of several."""
    checkpoint = open_object_store_checkpoint(f"{web}/{FIRST}", allow_http=True)
    assert [*checkpoint.tensors] == ["a"]
    assert [notice.key for notice in checkpoint.notices] == ["one_shard_of_many"]
    assert checkpoint.name == FIRST


def test_file_in_a_bucket(bucket: str) -> None:
    """A file of a bucket is opened like one of a web server."""
    assert [*open_named(f"{bucket}/{SECOND}").tensors] == ["b"]


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("https://host/models/toy", UsageError, "web servers do not list folders"),
        ("https://host/model.safetensors?X-Amz-Signature=secret", UsageError, "with a query or a password"),
        ("https://user:secret@host/model.safetensors", UsageError, "with a query or a password"),
        ("https://host/pytorch_model.bin", UnsupportedError, "is a pickle"),
        ("s3://", UsageError, "no address"),
        ("s3://model.safetensors", UsageError, "no address"),
    ],
)
def test_address_that_is_refused(url: str, error: type[AuditError], message: str) -> None:
    """What cannot be read is refused before anything is asked; secrets in addresses are not repeated."""
    with pytest.raises(error, match=message) as caught:
        open_named(url)
    assert caught.value.hint
    assert "secret" not in caught.value.message


def test_offline() -> None:
    """Without the network there is nothing to read."""
    with pytest.raises(UsageError, match="network is not to be used"):
        open_named("s3://bucket/model", offline=True)


def test_addresses() -> None:
    """Schemes tell addresses from paths and names."""
    assert all(is_store_address(text) for text in ("s3://b/m", "gs://b", "az://c/m", "https://h/f.safetensors"))
    assert is_remote_name("s3://b/m")
    assert is_remote_name("hf://a/b")
    assert is_remote_name("a/b@v1")
    assert not any(is_remote_name(text) for text in ("qwen", "./a/b", "/a/b", "a/model.safetensors"))
    assert not any(is_store_address(text) for text in ("hf://a/b", "a/b", "http://h/f", "/s3://b", "s3:/b", ""))
