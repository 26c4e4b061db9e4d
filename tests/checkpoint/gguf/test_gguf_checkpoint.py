"""A GGUF checkpoint is the model that was converted: its names, its values, its config and its tokens."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from gguf import GGMLQuantizationType, GGUFWriter, quants

from independence_audit.checkpoint import Checkpoint, open_named, read_vocabulary
from independence_audit.checkpoint.gguf import gguf_checkpoint
from independence_audit.checkpoint.header import KEY
from independence_audit.errors import AuditError, MalformedError, MissingError, UnsupportedError
from tests.checkpoint.container_contract import ContainerContract
from tests.checkpoint.gguf.gguf_files import Array, entry, key, raw, text, write
from tests.checkpoint.gguf.llama_files import write_llama
from tests.cli.small_models import llama, save
from tests.hub.fake_hub import reach, serving


def values(checkpoint: Checkpoint, name: str) -> np.ndarray:
    """All values of a tensor in float32."""
    tensor = checkpoint.tensors[name]
    assert tensor.dtype == "F32"
    into = np.empty(tensor.shape, np.float32)
    checkpoint.source.read(tensor.file, tensor.start, into.reshape(-1).view(np.uint8).data)
    return into


@pytest.mark.parametrize("kind", ["", "Q8_0"])
def test_it_is_the_model(kind: str, tmp_path: Path) -> None:
    """Every tensor has the model's name, shape and values, rows of q and k in the model's order."""
    checkpoint = open_named(str(write_llama(tmp_path / "m.gguf", 1, kind)))
    of = GGMLQuantizationType[kind] if kind else None
    weights = llama(1)
    assert set(checkpoint.tensors) == set(weights)
    for name, meant in weights.items():
        told = quants.dequantize(quants.quantize(meant, of), of) if of and meant.ndim > 1 else meant
        np.testing.assert_array_equal(values(checkpoint, name), told, name)
    notices = [(notice.key, dict(notice.data)) for notice in checkpoint.notices]
    assert notices == ([("unpacked", {"scheme": "q8_0", "tensors": 15})] if kind else [])
    assert checkpoint.config["num_attention_heads"] == 4
    assert checkpoint.by_itself
    checkpoint.source.close()


def test_tokens_are_its_own(tmp_path: Path) -> None:
    """The tokens in the file go before what lies beside it, and so does the config."""
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": {"other": 0}}}')
    (tmp_path / "config.json").write_text('{"model_type": "other"}')
    write_llama(tmp_path / "m.gguf", 1, tokens=3)
    for named in (tmp_path, tmp_path / "m.gguf"):
        checkpoint = open_named(str(named))
        assert read_vocabulary(checkpoint) == {"token0": 0, "token1": 1, "token2": 2}
        assert checkpoint.config["model_type"] == "llama"
        checkpoint.source.close()


def test_without_tokens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without tokens takes those beside it; more tokens than are read are none."""
    (tmp_path / "tokenizer.json").write_text('{"model": {"vocab": {"other": 0}}}')
    checkpoint = open_named(str(write_llama(tmp_path / "m.gguf", 1)))
    assert read_vocabulary(checkpoint) == {"other": 0}
    checkpoint.source.close()
    checkpoint = open_named(str(write_llama(tmp_path / "m.gguf", 1, tokens=3)))
    monkeypatch.setattr(gguf_checkpoint, "MOST_TOKEN_BYTES", 10)
    assert read_vocabulary(checkpoint) == {}
    checkpoint.source.close()


def split(folder: Path) -> list[Path]:
    """A model cut as llama.cpp's splitter does: the first file alone says what it is."""
    writer = GGUFWriter(folder / "m.gguf", "llama", split_max_tensors=2)
    writer.add_uint32("llama.attention.head_count", 4)
    for name in ("token_embd.weight", "output_norm.weight", "blk.0.attn_q.weight"):
        writer.add_tensor(name, np.arange(64, dtype=np.float32).reshape(16, 4))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return sorted(folder.glob("*.gguf"))


def test_split_files_are_one_model(tmp_path: Path) -> None:
    """Names and rows of later files are judged by the first's metadata; one of them alone cannot be."""
    first, second = split(tmp_path)
    checkpoint = open_named(str(tmp_path))
    assert set(checkpoint.tensors) == {
        "model.embed_tokens.weight", "model.norm.weight", "model.layers.0.self_attn.q_proj.weight",
    }  # fmt: skip
    plain = np.arange(64, dtype=np.float32).reshape(16, 4)
    np.testing.assert_array_equal(values(checkpoint, "model.embed_tokens.weight"), plain)
    rows = values(checkpoint, "model.layers.0.self_attn.q_proj.weight")[:, 0] / 4
    assert rows.tolist() == [0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15]
    checkpoint.source.close()
    with pytest.raises(MissingError, match="a later part of a GGUF model"):
        open_named(str(second))
    alone = open_named(str(first))
    assert [notice.key for notice in alone.notices] == ["one_shard_of_many"]
    alone.source.close()
    second.unlink()
    with pytest.raises(MissingError, match=r"lacks 1 of its shards: 'm-00002-of-00002\.gguf'"):
        open_named(str(tmp_path))


def test_towers_beside_their_decoder(tmp_path: Path) -> None:
    """A file of towers belongs to the model in whose folder it lies."""
    write_llama(tmp_path / "model-Q4_0.gguf", 1, "Q4_0")
    write_llama(tmp_path / "model-F16.gguf", 1)
    ones = np.ones((4, 4), np.float32)
    write(tmp_path / "mmproj-model-f16.gguf", "clip", {"v.blk.0.attn_q.weight": ones, "mm.1.weight": ones}, {})
    checkpoint = open_named(str(tmp_path))
    assert {*checkpoint.files} == {"model-F16.gguf", "mmproj-model-f16.gguf"}
    assert "vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight" in checkpoint.tensors
    assert checkpoint.config["model_type"] == "llama"
    assert "vision_config" in checkpoint.config
    assert ("other_precision", {"file": "model-Q4_0.gguf"}) in [
        (notice.key, dict(notice.data)) for notice in checkpoint.notices
    ]
    checkpoint.source.close()


def test_early_towers_have_their_matrices_exchanged(tmp_path: Path) -> None:
    """Converters of 2023 called the first matrix of a tower's MLP ``ffn_down``: its shape tells."""
    tensors = {
        "v.blk.0.ffn_down.weight": np.ones((8, 4), np.float32),
        "v.blk.0.ffn_down.bias": np.ones(8, np.float32),
        "v.blk.0.ffn_up.weight": np.ones((4, 8), np.float32),
        "v.blk.0.ffn_up.bias": np.ones(4, np.float32),
    }
    checkpoint = open_named(str(write(tmp_path / "mmproj.gguf", "clip", tensors, {})))
    shapes = {name.rpartition("mlp.")[2]: tensor.shape for name, tensor in checkpoint.tensors.items()}
    assert shapes == {"fc1.weight": (8, 4), "fc1.bias": (8,), "fc2.weight": (4, 8), "fc2.bias": (4,)}
    checkpoint.source.close()


def test_safetensors_go_first(tmp_path: Path) -> None:
    """A converted copy beside the weights is not what is audited."""
    write_llama(tmp_path / "m.gguf", 1)
    save(llama(2), tmp_path / "model.safetensors")
    checkpoint = open_named(str(tmp_path))
    assert [*checkpoint.files] == ["model.safetensors"]
    checkpoint.source.close()


def test_metadata_cannot_say_that_it_is_a_fingerprint(tmp_path: Path) -> None:
    """A GGUF file is weights, whatever its metadata is called."""
    path = tmp_path / "m.gguf"
    path.write_bytes(raw([key(KEY, 8, text("{}"))], [entry("a")], bytes(16)))
    checkpoint = open_named(str(path))
    assert not checkpoint.is_fingerprint
    assert checkpoint.metadata == {}
    checkpoint.source.close()


def test_a_header_that_could_hold_weights_is_noticed(tmp_path: Path) -> None:
    """What is more than tensors and tokens need is said; a tokenizer of the model's own height is not."""
    path = tmp_path / "m.gguf"
    told = struct.pack("<IQ", 8, 4000) + text("x" * 100) * 4000
    for name, rows, noticed in (
        ("tokenizer.ggml.tokens", 4000, []),
        ("tokenizer.ggml.merges", 1000, []),
        ("tokenizer.ggml.tokens", 9, ["large_header"]),
        ("tokenizer.ggml.others", 4000, ["large_header"]),
    ):
        path.write_bytes(raw([key(name, 9, told)], [entry("token_embd.weight", (1, rows))], bytes(4 * rows)))
        checkpoint = open_named(str(path))
        assert [notice.key for notice in checkpoint.notices] == noticed, name
        checkpoint.source.close()


def test_padding_that_could_hold_weights_is_noticed(tmp_path: Path) -> None:
    """A file chooses its alignment, and could hide a layer between two tensors."""
    path = tmp_path / "m.gguf"
    keys = [key("general.alignment", 4, struct.pack("<I", 1 << 20))]
    entries = [entry("a"), entry("b", offset=1 << 20)]
    path.write_bytes(raw(keys, entries, bytes((1 << 20) + 16), alignment=1 << 20))
    checkpoint = open_named(str(path))
    assert [(notice.key, notice.data["file"]) for notice in checkpoint.notices] == [("large_header", "m.gguf")]
    checkpoint.source.close()


@pytest.mark.parametrize(
    ("name", "content", "expected", "message"),
    [
        ("model.safetensors", raw(), UnsupportedError, "a GGUF file, though it is not called one"),
        ("model.gguf", b"GGUF", MalformedError, "not a GGUF file"),
        ("model.gguf", raw(), MalformedError, "holds no tensors"),
        ("lora.gguf", raw([key("general.type", 8, text("adapter"))]), UnsupportedError, "is an adapter"),
        ("m.gguf", raw([key("general.type", 8, text("imatrix"))]), UnsupportedError, "is an importance matrix"),
    ],
)
def test_file_that_is_refused(
    tmp_path: Path, name: str, content: bytes, expected: type[AuditError], message: str
) -> None:
    """A file is read as what it is called, or the error says what it is."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(expected, match=message) as caught:
        open_named(str(tmp_path / name))
    assert caught.value.hint


def test_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a repository the header and the wanted blocks are read by ranges; values are those of the file here."""
    folder = tmp_path / "hub" / "team" / "toy"
    folder.mkdir(parents=True)
    path = write_llama(folder / "m-Q8_0.gguf", 1, "Q8_0", tokens=3)
    write_llama(folder / "m-Q4_0.gguf", 1, "Q4_0")
    name = "model.layers.1.self_attn.q_proj.weight"
    with serving(tmp_path / "hub") as hub:
        reach(hub, tmp_path / "cache", monkeypatch)
        far = open_named("hf://team/toy")
        assert [*far.files] == ["m-Q8_0.gguf"]
        near = open_named(str(path))
        np.testing.assert_array_equal(values(far, name), values(near, name))
        assert read_vocabulary(far) == read_vocabulary(near)
        assert hub.sent < path.stat().st_size
        far.source.close()
        near.source.close()


class TestContainer(ContainerContract):
    """GGUF files do what every container does."""

    suffix = ".gguf"

    def write(self, path: Path, tensors: Mapping[str, Array]) -> None:
        """Write tensors under names that no table knows."""
        write(path, "new", dict(tensors))
