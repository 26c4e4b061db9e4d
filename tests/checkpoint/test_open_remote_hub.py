"""Opening checkpoints on the Hub."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from independence_audit.checkpoint import Checkpoint, decode
from independence_audit.checkpoint.open import open_named
from independence_audit.checkpoint.open_remote import open_hub_checkpoint
from independence_audit.checkpoint.sources.hub.hub_names import HubName
from independence_audit.checkpoint.sources.hub.patience import Patience
from independence_audit.errors import AuditError, InputError, MalformedError, MissingError, ReadError, UnsupportedError
from tests.checkpoint.safetensors_files import file_bytes, save_index, save_zeros
from tests.hub.fake_hub import FakeHub, Fault, reach, serving

NAME = HubName("team/toy")
FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository of two shards with an index, a config and other files."""
    folder = tmp_path / "hub" / "team" / "toy"
    folder.mkdir(parents=True)
    save_file({"a": np.arange(12, dtype=np.float32).reshape(3, 4)}, folder / FIRST)
    save_zeros(folder / SECOND, "b", "c")
    save_index(folder, {"a": FIRST, "b": SECOND, "c": SECOND})
    (folder / "config.json").write_text('{"model_type": "toy"}')
    (folder / "README.md").write_text("A toy.")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"")
    return folder


@pytest.fixture
def hub(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The Hub that serves it."""
    with serving(tmp_path / "hub") as hub:
        reach(hub, tmp_path / "cache", monkeypatch)
        yield hub


def values(checkpoint: Checkpoint, name: str) -> np.ndarray:
    """The values of a tensor."""
    tensor = checkpoint.tensors[name]
    raw = np.empty(tensor.end - tensor.start, np.uint8)
    checkpoint.source.read(tensor.file, tensor.start, raw.data)
    return decode(raw, tensor.dtype).reshape(tensor.shape)


def test_sharded_checkpoint(hub: FakeHub, folder: Path) -> None:
    """Shards, index and config are read; commit and digests are known without a download."""
    checkpoint = open_hub_checkpoint(NAME)
    assert [*checkpoint.tensors] == ["a", "b", "c"]
    assert checkpoint.config == {"model_type": "toy"}
    assert checkpoint.name == "team/toy"
    assert checkpoint.notices == ()
    assert checkpoint.revision == hub.repository("team/toy").revisions["main"]  # type: ignore[union-attr]
    assert checkpoint.digests == {
        file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in (FIRST, SECOND)
    }
    assert np.array_equal(values(checkpoint, "a"), np.arange(12, dtype=np.float32).reshape(3, 4))
    checkpoint.source.close()
    with pytest.raises(ReadError, match="is closed"):
        values(checkpoint, "a")


def test_requests_to_open(hub: FakeHub) -> None:
    """Opening costs one request for the list, and per file one for its address and one for its header."""
    open_hub_checkpoint(NAME).source.close()
    asked = [(seen.method, seen.path.rpartition("/")[2]) for seen in hub.seen]
    assert asked[0] == ("GET", "main")
    files = ("config.json", "model.safetensors.index.json", FIRST, SECOND)
    assert sorted(asked[1:]) == sorted((method, file) for method in ("GET", "HEAD") for file in files)


def test_long_header(hub: FakeHub, folder: Path) -> None:
    """A header that is longer than what is read ahead costs one request more."""
    for file in folder.glob("*.safetensors*"):
        file.unlink()
    names = [f"layer.{number}.{'x' * 200}" for number in range(2000)]
    save_zeros(folder / "model.safetensors", *names)
    checkpoint = open_hub_checkpoint(NAME)
    assert len(checkpoint.tensors) == 2000
    assert len(hub.requests("storage")) == 2
    assert hub.sent < (folder / "model.safetensors").stat().st_size


def test_little_of_a_large_checkpoint(hub: FakeHub, folder: Path) -> None:
    """Of a checkpoint of gigabytes only the header and the wanted bytes are sent."""
    for file in folder.glob("*.safetensors*"):
        file.unlink()
    size = 4 << 30
    path = folder / "model.safetensors"
    path.write_bytes(file_bytes({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}))
    header = path.stat().st_size
    os.truncate(path, header + size)
    with path.open("r+b") as weights:
        weights.seek(header + (3 << 30))
        weights.write(b"here")
    checkpoint = open_hub_checkpoint(NAME)
    into = bytearray(4)
    checkpoint.source.read("model.safetensors", header + (3 << 30), memoryview(into))
    assert into == b"here"
    assert hub.sent < 1 << 20


def test_second_run_without_the_server(hub: FakeHub) -> None:
    """What one run read, the next one opens and reads with the server stopped."""
    online = open_hub_checkpoint(NAME)
    read = values(online, "a")
    hub.stop()
    offline = open_hub_checkpoint(NAME, offline=True)
    assert np.array_equal(values(offline, "a"), read)
    assert (offline.revision, offline.tensors, offline.config, offline.digests) == (
        online.revision,
        online.tensors,
        online.config,
        online.digests,
    )
    with pytest.raises(ReadError, match="could not be asked"):
        open_hub_checkpoint(NAME)


def test_cache_by_argument(hub: FakeHub, tmp_path: Path) -> None:
    """The cache can be given; the usual one is left alone then."""
    open_hub_checkpoint(NAME, cache=tmp_path / "mine")
    assert any((tmp_path / "mine").rglob("*"))
    assert not (tmp_path / "cache").exists()


def test_full_cache(hub: FakeHub, tmp_path: Path) -> None:
    """A cache that cannot be written ends the audit with a way out."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InputError, match=r"cache .* could not be written") as caught:
        open_hub_checkpoint(NAME, cache=tmp_path / "file")
    assert "AUDIT_CACHE" in caught.value.hint


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        (["pytorch_model.bin", "README.md"], UnsupportedError, "'pytorch_model.bin' is a pickle"),
        (["model.gguf"], MalformedError, "not a GGUF file"),
        (["README.md"], MissingError, r"'team/other' has no \*\.safetensors or \*\.gguf files"),
        ([], MissingError, "'team/other' is empty"),
        ([FIRST], MissingError, "lacks 1 of its shards"),
        (["model.safetensors"], MalformedError, "cut short"),
    ],
)
def test_repository_without_usable_weights(
    hub: FakeHub, tmp_path: Path, files: list[str], error: type[AuditError], message: str
) -> None:
    """What is no safetensors checkpoint is refused by name, as in a folder, before bytes are read."""
    other = tmp_path / "other"
    other.mkdir()
    for file in files:
        (other / file).write_bytes(b"")
    hub.add("team/other", other)
    with pytest.raises(error, match=message) as caught:
        open_hub_checkpoint(HubName("team/other"))
    assert caught.value.hint
    assert caught.value.exit_code == 4
    assert hub.sent == 0


def test_gated_repository(hub: FakeHub, folder: Path) -> None:
    """A gated repository says how to get in."""
    hub.add("team/gated", folder, gated=True)
    with pytest.raises(ReadError, match="is gated"):
        open_hub_checkpoint(HubName("team/gated"))


def test_faults_while_opening(hub: FakeHub) -> None:
    """Faults that pass do not show in what is opened."""
    waits: list[float] = []
    hub.fail(Fault.UNAVAILABLE, 1, "hub")
    hub.fail(Fault.RESET, 1)
    checkpoint = open_hub_checkpoint(NAME, patience=Patience(sleep=waits.append))
    assert [*checkpoint.tensors] == ["a", "b", "c"]
    assert len(waits) == 2


def test_opened_by_name(hub: FakeHub) -> None:
    """Whatever a user may write for a model on the Hub opens it."""
    commit = open_named("team/toy").revision
    assert open_named("hf://team/toy@main").revision == commit
    hub.stop()
    assert open_named(f"team/toy@{commit}", offline=True).revision == commit


@pytest.mark.parametrize("rest", ["", "/tree/main", "/blob/main/model.safetensors?download=true"])
def test_opened_by_its_page(hub: FakeHub, rest: str) -> None:
    """What a browser's address line has names the same model."""
    checkpoint = open_named(f"{hub.url}/team/toy{rest}")
    assert (checkpoint.name, [*checkpoint.tensors]) == ("team/toy", ["a", "b", "c"])
    checkpoint.source.close()


def test_path_goes_before_the_hub(hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the same name is what is meant, unless the prefix says otherwise."""
    (tmp_path / "team" / "toy").mkdir(parents=True)
    save_zeros(tmp_path / "team" / "toy" / "model.safetensors", "local")
    monkeypatch.chdir(tmp_path)
    assert [*open_named("team/toy").tensors] == ["local"]
    assert [*open_named(str(tmp_path / "team" / "toy")).tensors] == ["local"]
    assert hub.seen == []
    assert [*open_named("hf://team/toy").tensors] == ["a", "b", "c"]


def test_wrong_path(hub: FakeHub, tmp_path: Path) -> None:
    """A path that is wrong is missing; where it could be a model's name, the error says both."""
    with pytest.raises(MissingError, match="There is no file or folder"):
        open_named(str(tmp_path / "none"))
    assert hub.seen == []
    with pytest.raises(MissingError, match=r"There is no repository 'none/none' at .* nor is there a file") as caught:
        open_named("none/none")
    assert "path" in caught.value.hint


def test_library_is_imported_when_needed(hub: FakeHub, tmp_path: Path) -> None:
    """Local audits never import the Hub's library; where it is used, telemetry is off."""
    script = (
        "import os, sys\n"
        "from independence_audit.checkpoint.open import open_named\n"
        "assert 'huggingface_hub' not in sys.modules and 'obstore' not in sys.modules\n"
        "open_named('team/toy')\n"
        "from huggingface_hub import constants\n"
        "assert constants.HF_HUB_DISABLE_TELEMETRY\n"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home")}
    ran = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    assert not any("torch" in seen.headers["user-agent"] for seen in hub.seen)
    assert all(seen.headers["user-agent"].startswith("independence-audit/") for seen in hub.seen)
