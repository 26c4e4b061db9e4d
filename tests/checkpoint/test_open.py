"""Opening a checkpoint on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.checkpoint import Checkpoint, Notice, decode, file_sha256, open_checkpoint
from independence_audit.errors import AuditError, MalformedError, MissingError, ReadError, UnsupportedError
from tests.checkpoint.descriptors import open_descriptors
from tests.checkpoint.safetensors_files import save_index, save_zeros

Opener = Callable[[str | Path], Checkpoint]


@pytest.fixture
def opened() -> Iterator[Opener]:
    """Opens checkpoints and closes them after the test."""
    checkpoints = []

    def open_and_keep(path: str | Path) -> Checkpoint:
        checkpoints.append(open_checkpoint(path))
        return checkpoints[-1]

    yield open_and_keep
    for checkpoint in checkpoints:
        checkpoint.source.close()


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    """A folder of two shards with an index."""
    folder = tmp_path / "my-model"
    folder.mkdir()
    save_zeros(folder / "model-00001-of-00002.safetensors", "a", "b")
    save_zeros(folder / "model-00002-of-00002.safetensors", "c")
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    save_index(folder, {"a": first, "b": first, "c": second})
    return folder


def test_single_file(tmp_path: Path, opened: Opener) -> None:
    """A file by itself: its values, its digest, its name, and the config beside it."""
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    path = tmp_path / "weights.safetensors"
    save_file({"w": values}, path, {"format": "np"})
    (tmp_path / "config.json").write_text('{"model_type": "mlp"}')
    checkpoint = opened(path)
    tensor = checkpoint.tensors["w"]
    raw = np.empty(tensor.end - tensor.start, np.uint8)
    checkpoint.source.read(tensor.file, tensor.start, raw.data)
    assert np.array_equal(decode(raw, tensor.dtype).reshape(tensor.shape), values)
    assert checkpoint.name == "weights.safetensors"
    assert checkpoint.metadata == {"format": "np"}
    assert checkpoint.config == {"model_type": "mlp"}
    assert checkpoint.files == {"weights.safetensors": path.stat().st_size}
    assert len(file_sha256(checkpoint.source, "weights.safetensors")) == 64


def test_folder_with_index(sharded: Path, opened: Opener) -> None:
    """Shards, found through the index; the path may be a text and end in a slash."""
    for path in (sharded, str(sharded) + "/", sharded / "model.safetensors.index.json"):
        checkpoint = opened(path)
        assert list(checkpoint.tensors) == ["a", "b", "c"]
        assert checkpoint.name == "my-model"
        assert checkpoint.notices == ()


def test_given_index_goes_before_the_usual_one(sharded: Path, opened: Opener) -> None:
    """An index that was given by name is the one that is read."""
    index = save_index(sharded, {"c": "model-00002-of-00002.safetensors"}, "variant")
    assert list(opened(index).tensors) == ["c"]
    assert list(opened(sharded).tensors) == ["a", "b", "c"]


def test_folder_of_loose_shards(sharded: Path, opened: Opener) -> None:
    """Without an index all shards are read."""
    (sharded / "model.safetensors.index.json").unlink()
    assert list(opened(sharded).tensors) == ["a", "b", "c"]


def test_current_folder(sharded: Path, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder one is in has a name, too."""
    monkeypatch.chdir(sharded)
    assert opened(".").name == "my-model"


def test_cache_of_links(sharded: Path, tmp_path: Path, opened: Opener) -> None:
    """In a cache of the Hub, a file's name is that of the link, not of the digest that it points to."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshot").mkdir()
    (sharded / "model-00002-of-00002.safetensors").rename(tmp_path / "blobs" / "0123abcd")
    link = tmp_path / "snapshot" / "model.safetensors"
    link.symlink_to("../blobs/0123abcd")
    assert opened(link).name == "model.safetensors"
    assert opened(link.parent).files.keys() == {"model.safetensors"}
    assert opened(tmp_path / "blobs" / "0123abcd").tensors.keys() == {"c"}


def test_one_shard_by_itself(sharded: Path, opened: Opener) -> None:
    """One shard can be audited alone; the report will say so."""
    shard = "model-00001-of-00002.safetensors"
    assert opened(sharded / shard).notices == (Notice("one_shard_of_many", {"file": shard}),)


def test_missing_shard(sharded: Path) -> None:
    """A shard that the index names and the folder lacks is named."""
    (sharded / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(MissingError, match=r"'my-model' lacks 1 of its shards: 'model-00002-of-00002.safetensors'"):
        open_checkpoint(sharded)


def test_index_against_shards(sharded: Path, opened: Opener) -> None:
    """Index and shards must agree; tensors beyond the index are read and noticed."""
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    save_index(sharded, {"a": first, "c": second})
    checkpoint = opened(sharded)
    assert list(checkpoint.tensors) == ["a", "b", "c"]
    assert checkpoint.notices == (Notice("not_in_index", {"file": first, "count": 1, "tensor": "b"}),)
    for wrong in ({"a": first, "c": first, "b": second}, {"a": first, "c": second, "d": second}):
        save_index(sharded, wrong)
        with pytest.raises(MalformedError):
            open_checkpoint(sharded)


def test_config_that_is_no_file(sharded: Path, opened: Opener) -> None:
    """A link to nowhere in place of the config does not stop the audit of the weights."""
    (sharded / "config.json").symlink_to("nowhere")
    assert opened(sharded).config == {}
    (sharded / "config.json").unlink()
    (sharded / "config.json").write_text("{")
    assert [notice.key for notice in opened(sharded).notices] == ["broken_config"]


def test_only_weights_matter(sharded: Path, opened: Opener) -> None:
    """Optimizer states, tokenizers, pickles and pipes beside the weights are left alone."""
    for name in ("optimizer.pt", "tokenizer.model", "training_args.bin", "events.out", "._model.safetensors"):
        (sharded / name).write_bytes(b"junk")
    os.mkfifo(sharded / "pipe")
    assert list(opened(sharded).tensors) == ["a", "b", "c"]
    assert opened(sharded).notices == ()


@pytest.mark.parametrize(
    ("name", "content", "expected", "message"),
    [
        ("pytorch_model.bin", b"\x80\x02", UnsupportedError, "a pickle, which can execute code"),
        ("model.gguf", b"GGUF", MalformedError, "not a GGUF file"),
        ("model.npz", b"PK", UnsupportedError, "NumPy"),
        ("model.onnx", b"", UnsupportedError, "ONNX"),
        ("model.safetensors", b"GGUF\3\0\0\0", UnsupportedError, "a GGUF file"),
        ("model.safetensors", b"version https://git-lfs.github.com/spec/v1", MissingError, "Git LFS pointer"),
        ("model.safetensors", b"<html>not found</html>", MalformedError, "not a safetensors file"),
        ("model.safetensors", b"", MalformedError, "cut short"),
        ("notes.txt", b"some text about weights", MalformedError, "not a safetensors file"),
    ],
)
def test_file_that_is_refused(
    tmp_path: Path, name: str, content: bytes, expected: type[AuditError], message: str
) -> None:
    """Whatever file is given, the error says what it is and what to do, and no descriptor stays open."""
    (tmp_path / name).write_bytes(content)
    before = open_descriptors()
    with pytest.raises(expected, match=message) as caught:
        open_checkpoint(tmp_path / name)
    assert caught.value.hint
    assert open_descriptors() == before


def test_path_that_is_not_there(tmp_path: Path) -> None:
    """A wrong path is a missing file, also below a file."""
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "none", tmp_path / "file" / "below"):
        with pytest.raises(MissingError, match="There is no file or folder"):
            open_checkpoint(path)


@pytest.mark.parametrize(("name", "reason"), [("a\0b", "no possible path"), ("a" * 5000, "File name too long")])
def test_impossible_path(tmp_path: Path, name: str, reason: str) -> None:
    """A path that no file could have is an error of reading, with a short message."""
    with pytest.raises(ReadError, match=reason) as caught:
        open_checkpoint(f"{tmp_path}/{name}")
    assert len(caught.value.message) < 300


def test_pipe_and_device(tmp_path: Path) -> None:
    """Pipes and devices have no bytes at positions and are refused without waiting for them."""
    os.mkfifo(tmp_path / "pipe.safetensors")
    for path in (tmp_path / "pipe.safetensors", tmp_path, Path("/dev/null")):
        with pytest.raises(UnsupportedError, match="is not a regular file"):
            open_checkpoint(path)


def test_folder_without_weights(tmp_path: Path) -> None:
    """An empty folder, a folder of other things, and a folder of folders say what they are."""
    with pytest.raises(MissingError, match="is empty"):
        open_checkpoint(tmp_path)
    (tmp_path / "checkpoint-100").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(MissingError, match=r"it holds 'checkpoint-100/', 'notes\.txt'"):
        open_checkpoint(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UnsupportedError, match="pickle"):
        open_checkpoint(tmp_path)


def test_link_to_nowhere_among_the_weights(tmp_path: Path) -> None:
    """A cache whose blob was deleted lacks a shard; that is no reason to audit the rest."""
    save_zeros(tmp_path / "a.safetensors", "a")
    (tmp_path / "b.safetensors").symlink_to("nowhere")
    with pytest.raises(MissingError, match=r"'b.safetensors' does not exist, or is a link"):
        open_checkpoint(tmp_path)


def test_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without permission is an error of reading."""

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ReadError, match="could not be listed: Permission denied"):
        open_checkpoint(tmp_path)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file systems hold UTF-8 names only")
def test_folder_name_that_is_no_text(tmp_path: Path, opened: Opener) -> None:
    """A folder's name goes into reports, so that it must be text."""
    folder = tmp_path / os.fsdecode(b"model-\xff")
    folder.mkdir()
    save_zeros(folder / "model.safetensors", "a")
    assert opened(folder).name == "model-\N{REPLACEMENT CHARACTER}"


def test_real_networks(shared_cases: Path, opened: Opener) -> None:
    """Real files open without a notice; a folder of whole models with the same names is refused."""
    files = sorted(shared_cases.rglob("*.safetensors"))
    assert files
    for path in files:
        assert opened(path).notices == ()
    with pytest.raises(MalformedError, match="and again in"):
        open_checkpoint(shared_cases / "12_stories260k")
