"""Real architectures: what the converter made of a model comes to the model's own values in the model's own places.

Names are the library's (``gguf.tensor_mapping``), changes of values those of llama.cpp's ``convert_hf_to_gguf.py``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import gguf
import numpy as np
import pytest

from independence_audit.checkpoint import decode, open_named
from tests.anatomy.gather import Array, place_arrays, values_by_place
from tests.anatomy.tiny_models import MODELS, save
from tests.checkpoint.gguf.gguf_files import paired, write

NUMBERS = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
}
PAIRED, SHIFTED = {"llama"}, {"gemma2", "gemma3"}
LEFT_OUT = {"gemma2": ("lm_head",), "gemma3": ("lm_head",), "command-r": ("lm_head",), "bert": ("pooler", "cls")}
"""What the converter leaves out: heads that are their embeddings, and what stands behind an encoder."""
ARCHITECTURES = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}


def converted(hub: Mapping[str, Array], config: Mapping[str, int], called: str) -> dict[str, Array]:
    """The tensors of a model under their stored names, as the converter writes them."""
    table = gguf.get_tensor_name_map(ARCHITECTURES[called], 4)
    found: dict[str, Array] = {}
    experts: dict[str, dict[int, Array]] = defaultdict(dict)

    def put(name: str, values: Array) -> None:
        stored = table.get_name(name, try_suffixes=(".weight", ".bias"))
        assert stored is not None, name
        found[stored] = np.ascontiguousarray(values)

    for own, array in hub.items():
        expert = re.fullmatch(r"(.*\.experts\.)([0-9]+)\.(.*)", own)
        if expert:
            experts[expert[1] + expert[3]][int(expert[2])] = array
            continue
        for name, values in pieces(own, changed(own, array, config, called), called):
            put(name, values)
    for name, each in experts.items():
        put(name, np.stack([each[number] for number in range(len(each))]))
    return found


def changed(name: str, values: Array, config: Mapping[str, int], called: str) -> Array:
    """Values as the converter changes them."""
    if called in PAIRED and "q_proj" in name:
        return paired(values, config["num_attention_heads"])
    if called in PAIRED and "k_proj" in name:
        return paired(values, config["num_key_value_heads"])
    return values + 1 if called in SHIFTED and name.endswith("norm.weight") else values


def pieces(name: str, values: Array, called: str) -> Iterator[tuple[str, Array]]:
    """Tensors as the converter takes them apart, under names that the library knows."""
    if called == "clip" and ".qkv." in name:
        for part, rows in zip("qkv", np.split(values, 3), strict=True):
            yield name.replace("qkv", part), rows
    elif called == "gpt-oss" and ".experts." in name:
        told = name.replace("_proj_bias", "_proj.bias") if name.endswith("bias") else f"{name}.weight"
        turned = values if name.endswith("bias") else values.swapaxes(1, 2)
        if "gate_up" in name:
            yield told.replace("gate_up", "gate"), turned[:, 0::2]
            yield told.replace("gate_up", "up"), turned[:, 1::2]
        else:
            yield told, turned
    else:
        yield name.replace("e_score_correction_bias", "e_score_correction.bias"), values


def read_back(path: Path) -> tuple[dict[str, Array], dict[str, object]]:
    """Every tensor of a checkpoint, and its config."""
    checkpoint = open_named(str(path))
    arrays = {}
    for name, tensor in checkpoint.tensors.items():
        content = np.empty(tensor.end - tensor.start, np.uint8)
        checkpoint.source.read(tensor.file, tensor.start, content.data)
        arrays[name] = decode(content, tensor.dtype).reshape(tensor.shape)
    checkpoint.source.close()
    return arrays, dict(checkpoint.config)


@pytest.mark.parametrize(
    ("model", "called"),
    [
        ("llama", "llama"),
        ("mistral", "llama"),
        ("mixtral", "llama"),
        ("qwen2", "qwen2"),
        ("qwen3", "qwen3"),
        ("qwen2_moe", "qwen2moe"),
        ("qwen3_moe", "qwen3moe"),
        ("gemma2", "gemma2"),
        ("gemma3_text", "gemma3"),
        ("phi3", "phi3"),
        ("olmo2", "olmo2"),
        ("exaone4", "exaone4"),
        ("deepseek_v3", "deepseek2"),
        ("gpt_oss", "gpt-oss"),
        ("glm4", "glm4"),
        ("glm4_moe", "glm4moe"),
        ("starcoder2", "starcoder2"),
        ("cohere", "command-r"),
        ("bert", "bert"),
    ],
)
def test_every_value_in_its_place(model: str, called: str, tmp_path: Path) -> None:
    """Every part of the model is in the file's anatomy once, with the same values in the same order."""
    saved = save(MODELS[model].make, tmp_path / "hub")
    hub = {name: array for name, array in saved.hub.items() if not name.startswith(LEFT_OUT.get(called, "-"))}
    config = {key: value for key, value in saved.config.items() if isinstance(value, int)}
    numbers = {own: config[key] for key, own in NUMBERS.items() if key in config}
    path = write(tmp_path / "m.gguf", called, converted(hub, config, called), numbers)
    arrays, read_config = read_back(path)
    mine = values_by_place(arrays, place_arrays(arrays, read_config))
    meant = values_by_place(hub, place_arrays(hub, saved.config))
    assert set(mine) == set(meant)
    for key, values in meant.items():
        np.testing.assert_array_equal(mine[key], values, str(key))


def test_towers_in_their_places(tmp_path: Path) -> None:
    """A CLIP tower and its projector, in a file of their own, stand beside the decoder as in the model's checkpoint."""
    saved = save(MODELS["llava"].make, tmp_path / "hub")
    config = {key: value for key, value in saved.config["text_config"].items() if isinstance(value, int)}
    inside = "language_model."
    text = {name.removeprefix(inside): array for name, array in saved.hub.items() if name.startswith(inside)}
    towers = {  # published with a segment more than newer releases of the library write
        name.replace("vision_tower.", "vision_tower.vision_model."): array
        for name, array in saved.hub.items()
        if not name.startswith(inside)
    }
    folder = tmp_path / "gguf"
    folder.mkdir()
    numbers = {own: config[key] for key, own in NUMBERS.items() if key in config}
    write(folder / "m-F32.gguf", "llama", converted(text, config, "llama"), numbers)
    write(folder / "mmproj-m-F32.gguf", "clip", converted(towers, config, "clip"), {})
    arrays, read_config = read_back(folder)
    mine = values_by_place(arrays, place_arrays(arrays, read_config))
    meant = values_by_place(saved.hub, place_arrays(saved.hub, saved.config))
    assert set(mine) == set(meant)
    for key, values in meant.items():
        np.testing.assert_array_equal(mine[key], values, str(key))


@pytest.mark.parametrize(("model", "projector"), [("qwen2_vl", "qwen2vl_merger"), ("qwen2_5_vl", "qwen2.5vl_merger")])
def test_qwen_s_towers_in_their_places(model: str, projector: str, tmp_path: Path) -> None:
    """The converter takes q, k and v apart, and the kernel of the patches by frames: only the latter stays so."""
    saved = save(MODELS[model].make, tmp_path / "hub")
    towers = {name: array for name, array in saved.hub.items() if name.startswith("visual.")}
    kernel = towers.pop("visual.patch_embed.proj.weight")
    stored = converted(towers, {}, "clip")
    stored |= {"v.patch_embd.weight": kernel[:, :, 0].copy(), "v.patch_embd.weight.1": kernel[:, :, 1].copy()}
    path = write(tmp_path / "mmproj.gguf", "clip", stored, {"projector_type": projector})
    arrays, read_config = read_back(path)
    mine = values_by_place(arrays, place_arrays(arrays, read_config))
    meant = values_by_place(towers, place_arrays(towers, saved.config))
    assert set(meant) <= set(mine)
    assert {key[2] for key in set(mine) - set(meant)} == {"generic:patch_embed.frames"}
    for key, values in meant.items():
        np.testing.assert_array_equal(mine[key], values, str(key))
