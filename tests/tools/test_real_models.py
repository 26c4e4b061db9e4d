"""Real models out of packages: pinned, checked by digest, and converted to what transformers has."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from independence_audit.fingerprint.library import open_library
from tools import real_models
from tools.gguf_weights import read_gguf
from tools.real_models import MODELS, REQUIREMENTS, PackageError, RealModel, checkpoint_of


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RealModel:
    """A model in two packages of one part each, whose conversion writes its bytes down."""
    monkeypatch.setattr(real_models, "REAL", tmp_path)
    monkeypatch.setattr(real_models, "PACKAGES", tmp_path / "packages")
    for number, content in enumerate((b"one", b"two")):
        folder = tmp_path / "packages" / f"half{number}"
        folder.mkdir(parents=True)
        (folder / "part").write_bytes(content)

    def convert(file: Path, folder: Path) -> None:
        (folder / "whole").write_bytes(file.read_bytes())

    model = RealModel("whole", ("half0", "half1"), ("part", "part"), sha256(b"onetwo").hexdigest(), convert)
    monkeypatch.setitem(MODELS, "whole", model)
    return model


def test_parts_become_one_file(packaged: RealModel) -> None:
    """In their order, once."""
    folder = checkpoint_of(packaged.name)
    assert folder is not None
    assert (folder / "whole").read_bytes() == b"onetwo"
    assert checkpoint_of(packaged.name) == folder


def test_another_file_is_refused_and_leaves_nothing(packaged: RealModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that was replaced is not converted."""
    monkeypatch.setitem(MODELS, packaged.name, replace(packaged, sha256="0" * 64))
    with pytest.raises(PackageError, match="another file"):
        checkpoint_of(packaged.name)
    assert [path.name for path in real_models.REAL.iterdir()] == ["packages"]


def test_a_model_without_all_of_its_packages_is_not_there(packaged: RealModel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody makes half a model."""
    monkeypatch.setitem(MODELS, packaged.name, replace(packaged, packages=("half0", "nowhere_to_be_found")))
    assert checkpoint_of(packaged.name) is None


def test_every_package_is_pinned_by_version_and_digest() -> None:
    """No other is, and the catalogue tells the same file."""
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9.]+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)
    pinned = {line.partition("==")[0].replace("-", "_") for line in lines}
    assert pinned == {package for model in MODELS.values() for package in model.packages}
    catalogue = open_library(REQUIREMENTS.parent / "nothing").catalogue
    told = {entry.name: entry.made_from.sha256 for entry in catalogue.entries if entry.made_from}
    assert told == {name: model.sha256 for name, model in MODELS.items()}


def test_a_gguf_file_comes_back_as_it_was_before_llama_cpp(tmp_path: Path) -> None:
    """Rows of queries and keys in two halves a head, names, shapes, and the config."""
    gguf = pytest.importorskip("gguf", reason="gguf is not installed")
    heads, kv_heads, width, head = 4, 2, 32, 8
    file = tmp_path / "small.gguf"
    writer = gguf.GGUFWriter(file, "llama")
    for add, value in (
        (writer.add_block_count, 1),
        (writer.add_embedding_length, width),
        (writer.add_feed_forward_length, 64),
        (writer.add_head_count, heads),
        (writer.add_head_count_kv, kv_heads),
        (writer.add_layer_norm_rms_eps, 1e-5),
        (writer.add_rope_freq_base, 1e4),
        (writer.add_token_list, ["a", "b", "ab"]),
        (writer.add_token_merges, ["a b"]),
    ):
        add(value)
    generator = np.random.default_rng(0)
    query, key = (generator.standard_normal((count * head, width)).astype(np.float32) for count in (heads, kv_heads))
    for name, values, count in (("attn_q", query, heads), ("attn_k", key, kv_heads)):
        permuted = values.reshape(count, 2, head // 2, width).swapaxes(1, 2).reshape(values.shape)
        writer.add_tensor(f"blk.0.{name}.weight", permuted)  # as llama.cpp's converter writes it
    writer.add_tensor("token_embd.weight", np.ones((3, width), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tensors, config, tokenizer = read_gguf(file)
    for role, values in (("q_proj", query), ("k_proj", key)):
        assert torch.equal(tensors[f"model.layers.0.self_attn.{role}.weight"], torch.from_numpy(values).bfloat16())
    assert (config["model_type"], config["num_key_value_heads"], config["tie_word_embeddings"]) == ("llama", 2, True)
    assert tokenizer["model"]["vocab"] == {"a": 0, "b": 1, "ab": 2}


@pytest.mark.parametrize(
    ("name", "tensor", "shape"),
    [
        (real_models.SMOLLM2, "model.layers.29.self_attn.k_proj.weight", (192, 576)),
        (real_models.WHISPER, "model.encoder.layers.5.fc1.weight", (2048, 512)),
        (real_models.QWEN, "model.layers.23.mlp.gate_proj.weight", (4864, 896)),
    ],
)
def test_a_real_model_has_the_shapes_of_its_design(name: str, tensor: str, shape: tuple[int, ...]) -> None:
    """Where its packages were fetched."""
    folder = checkpoint_of(name)
    if folder is None:
        pytest.skip(f"the packages of {name} are not at hand: python -m tools.real_models --all")
    assert tuple(load_file(folder / "model.safetensors")[tensor].shape) == shape
    assert json.loads((folder / "config.json").read_text())["model_type"] in {"llama", "qwen2", "whisper"}
