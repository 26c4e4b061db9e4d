"""The config that metadata stands for."""

from __future__ import annotations

from independence_audit.checkpoint.gguf.gguf_config import config_of
from independence_audit.checkpoint.gguf.gguf_header import GgufTensor, Skipped, Value
from independence_audit.checkpoint.gguf.gguf_types import BlockType

HEAD = GgufTensor("output.weight", (4, 4), BlockType("F32", 1, 4), 0, 64)


def test_decoder() -> None:
    """Numbers under a config's names; what the metadata does not say is not there."""
    metadata: dict[str, Value] = {
        "general.architecture": "qwen2moe",
        "qwen2moe.embedding_length": 64,
        "qwen2moe.block_count": 5,
        "qwen2moe.nextn_predict_layers": 1,
        "qwen2moe.attention.head_count": 4,
        "qwen2moe.attention.head_count_kv": [2, 2],
        "qwen2moe.rope.freq_base": 10000.0,
        "qwen2moe.expert_count": True,
        "tokenizer.ggml.tokens": Skipped(99, 0, 10, is_texts=True),
    }
    assert config_of(metadata, [HEAD]) == {
        "model_type": "qwen2_moe",
        "hidden_size": 64,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "rope_theta": 10000.0,
        "num_nextn_predict_layers": 1,
        "vocab_size": 99,
        "tie_word_embeddings": False,
    }


def test_other_architectures() -> None:
    """One that is not known keeps its name; without one there is no config."""
    assert config_of({"general.architecture": "new"}, [HEAD])["model_type"] == "new"
    assert config_of({}, [HEAD]) == {}
    assert config_of({"general.architecture": 7}, [HEAD]) == {}


def test_towers() -> None:
    """A file of towers says what each of them is."""
    metadata: dict[str, Value] = {"general.architecture": "clip", "clip.vision.block_count": 3}
    assert config_of(metadata, []) == {"vision_config": {"num_hidden_layers": 3}, "audio_config": {}}
