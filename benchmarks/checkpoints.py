"""Writes the pair of large checkpoints: ``python -m benchmarks.checkpoints FOLDER GIB``.

The reference is made of the trained example decoder: its matrices, tiled to the shapes of a llama model, with noise of
half their spread, so that no two tiles are alike. The subject is that plus the example's fine-tuning, tiled likewise,
plus a little noise, so that hardly a value is equal. Values matter little here, since reading and comparing them takes
as long whatever they are; but they are related as a fine-tuned model is, and the audit must say so.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

EXAMPLES = Path(__file__).parents[1] / "examples" / "seeds_case"
TRAINED_LAYERS = 2

HIDDEN, UNITS, VOCABULARY, HEADS, KEY_VALUE_HEADS = 2048, 5632, 32000, 32, 4
HEAD_SIZE = HIDDEN // HEADS
LAYER = {
    "input_layernorm": (HIDDEN,),
    "self_attn.q_proj": (HIDDEN, HIDDEN),
    "self_attn.k_proj": (KEY_VALUE_HEADS * HEAD_SIZE, HIDDEN),
    "self_attn.v_proj": (KEY_VALUE_HEADS * HEAD_SIZE, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN),
    "post_attention_layernorm": (HIDDEN,),
    "mlp.gate_proj": (UNITS, HIDDEN),
    "mlp.up_proj": (UNITS, HIDDEN),
    "mlp.down_proj": (HIDDEN, UNITS),
}
AROUND = {
    "model.embed_tokens.weight": (VOCABULARY, HIDDEN),
    "model.norm.weight": (HIDDEN,),
    "lm_head.weight": (VOCABULARY, HIDDEN),
}

GIB = 1 << 30
SHARD = GIB // 2
"""Bytes of a shard, at most."""

OWN_NOISE = 0.5
"""Of the reference, relative to the spread of a tensor."""
DRIFT = 0.02
"""Noise of the subject, likewise."""

METADATA = {
    "format": "pt",
    "synthetic": "true",
    "note": "Written by the benchmark of independence-audit; no weights of the family whose tensor names it bears.",
}


class Noise:
    """Normal noise from a bank that is drawn once: drawing billions of values would take longer than writing them."""

    SIZE = 1 << 24

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._bank = torch.randn(self.SIZE, generator=self._generator)

    def add(self, values: Tensor, scale: float) -> None:
        """Add noise of a standard deviation to a contiguous tensor, in place."""
        for piece in values.view(-1).split(self.SIZE // 4):
            start = int(torch.randint(self.SIZE - len(piece) + 1, (), generator=self._generator))
            piece.add_(self._bank[start : start + len(piece)], alpha=scale)


def layers_for(size: float) -> int:
    """How many layers make a checkpoint of at least so many GiB, in bf16."""
    values = size * GIB / 2 - sum(map(math.prod, AROUND.values()))
    return max(1, math.ceil(values / sum(map(math.prod, LAYER.values()))))


def shapes(layers: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of every tensor."""
    yield from AROUND.items()
    for layer in range(layers):
        for name, shape in LAYER.items():
            yield f"model.layers.{layer}.{name}.weight", shape


def sharded(layers: int) -> list[dict[str, tuple[int, ...]]]:
    """The tensors of each shard."""
    result: list[dict[str, tuple[int, ...]]] = []
    filled = SHARD
    for name, shape in shapes(layers):
        size = 2 * math.prod(shape)
        if filled + size > SHARD:
            result.append({})
            filled = 0
        result[-1][name] = shape
        filled += size
    return result


def trained_name(name: str) -> str:
    """Which tensor of the trained example becomes this one."""
    parts = name.split(".")
    if parts[1] == "layers":
        parts[2] = str(int(parts[2]) % TRAINED_LAYERS)
    return ".".join(parts)


def tiled(trained: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A tensor of this shape, tiled with a trained one."""
    times = [-(-wanted // size) for wanted, size in zip(shape, trained.shape, strict=True)]
    return trained.float().repeat(times)[tuple(slice(size) for size in shape)].contiguous()


def pair_of(shape: tuple[int, ...], base: Tensor, tuned: Tensor, noise: Noise) -> tuple[Tensor, Tensor]:
    """A tensor of the reference and of the subject, in bf16."""
    spread = float(base.float().std())
    values = tiled(base, shape)
    noise.add(values, OWN_NOISE * spread)
    reference = values.bfloat16()
    values += tiled(tuned.float() - base.float(), shape)
    noise.add(values, DRIFT * spread)
    return reference, values.bfloat16()


def write_pair(folder: Path, size: float) -> None:
    """Write ``reference`` and ``subject`` of ``size`` GiB each into a folder."""
    base, tuned = (load_file(EXAMPLES / name / "model.safetensors") for name in ("base", "finetuned"))
    layers, noise = layers_for(size), Noise(seed=2048)
    both = folder / "reference", folder / "subject"
    for each in both:
        each.mkdir()
    shards = sharded(layers)
    for number, members in enumerate(shards, 1):
        pairs = {
            name: pair_of(shape, base[trained_name(name)], tuned[trained_name(name)], noise)
            for name, shape in members.items()
        }
        for side, each in enumerate(both):
            weights = {name: pair[side] for name, pair in pairs.items()}
            save_file(weights, each / shard_name(number, len(shards)), METADATA)
    for each in both:
        write_facts(each, layers, shards)


def shard_name(number: int, count: int) -> str:
    """The file name of a shard."""
    return f"model-{number:05}-of-{count:05}.safetensors"


def write_facts(folder: Path, layers: int, shards: list[dict[str, tuple[int, ...]]]) -> None:
    """Write the index and the config beside the shards."""
    weight_map = {name: shard_name(number, len(shards)) for number, names in enumerate(shards, 1) for name in names}
    total = 2 * sum(math.prod(shape) for members in shards for shape in members.values())
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map})
    write_json(
        folder / "config.json",
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "hidden_size": HIDDEN,
            "intermediate_size": UNITS,
            "num_hidden_layers": layers,
            "num_attention_heads": HEADS,
            "num_key_value_heads": KEY_VALUE_HEADS,
            "head_dim": HEAD_SIZE,
            "vocab_size": VOCABULARY,
            "attention_bias": False,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
        },
    )


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_pair(Path(sys.argv[1]), float(sys.argv[2]))
