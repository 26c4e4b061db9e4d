"""Checkpoints as large as real ones that take hardly any disk: only what the audit samples is written.

The shapes are those of the real model; the values are rows and columns of trained matrices, drawn anew for every
tensor, so that two tensors have the spread of trained weights and nothing else in common.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from independence_audit.anatomy import Kind, place
from independence_audit.checkpoint import open_checkpoint
from independence_audit.core.progress import NoProgress
from independence_audit.fingerprint.making import read_model
from independence_audit.fingerprint.sampler import Sampler
from independence_audit.fingerprint.samples import Sample
from independence_audit.fingerprint.value_reading import Wanted, wanted

Shapes = Mapping[str, Sequence[int]]

CASE = Path(__file__).resolve().parents[2] / "examples" / "hyperclovax_case"

VISION, DECODER, UNITS, TOWER_UNITS, TOKENS = 1280, 3584, 18944, 3420, 152064
"""Widths and vocabulary of Qwen2.5-VL 7B."""


def tower(prefix: str, blocks: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of its vision tower."""
    shapes: dict[str, tuple[int, ...]] = {f"{prefix}patch_embed.proj.weight": (VISION, 3, 2, 14, 14)}
    for block in range(blocks):
        inside = f"{prefix}blocks.{block}."
        shapes |= {f"{inside}norm{number}.weight": (VISION,) for number in (1, 2)}
        for name, (rows, columns) in {
            "attn.qkv": (3 * VISION, VISION),
            "attn.proj": (VISION, VISION),
            "mlp.gate_proj": (TOWER_UNITS, VISION),
            "mlp.up_proj": (TOWER_UNITS, VISION),
            "mlp.down_proj": (VISION, TOWER_UNITS),
        }.items():
            shapes |= {f"{inside}{name}.weight": (rows, columns), f"{inside}{name}.bias": (rows,)}
    return shapes


def merger(prefix: str) -> dict[str, tuple[int, ...]]:
    """Names and shapes of its projector."""
    inner = 4 * VISION
    return {
        f"{prefix}ln_q.weight": (VISION,),
        f"{prefix}mlp.0.weight": (inner, inner),
        f"{prefix}mlp.0.bias": (inner,),
        f"{prefix}mlp.2.weight": (DECODER, inner),
        f"{prefix}mlp.2.bias": (DECODER,),
    }


def decoder(prefix: str, layers: int, *, bias: bool) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a decoder of its widths."""
    shapes: dict[str, tuple[int, ...]] = {f"{prefix}embed_tokens.weight": (TOKENS, DECODER)}
    for layer in range(layers):
        inside = f"{prefix}layers.{layer}."
        for name, rows in {"q": DECODER, "k": 512, "v": 512}.items():
            shapes[f"{inside}self_attn.{name}_proj.weight"] = (rows, DECODER)
            shapes |= {f"{inside}self_attn.{name}_proj.bias": (rows,)} if bias else {}
        shapes[f"{inside}self_attn.o_proj.weight"] = (DECODER, DECODER)
        shapes |= {f"{inside}mlp.{name}_proj.weight": (UNITS, DECODER) for name in ("gate", "up")}
        shapes[f"{inside}mlp.down_proj.weight"] = (DECODER, UNITS)
        shapes |= {f"{inside}{name}_layernorm.weight": (DECODER,) for name in ("input", "post_attention")}
    return {**shapes, f"{prefix}norm.weight": (DECODER,)}


def write_sparse(folder: Path, files: Sequence[Shapes], config: Mapping[str, object], seeds: Mapping[Kind, str]) -> int:
    """Write a checkpoint in bf16 of which only the sampled values are there.

    Args:
        folder: Where to; it is made.
        files: Names and shapes of the tensors of each shard.
        config: Its ``config.json``.
        seeds: What the values of each kind of component are drawn by: equal words give equal values.

    Returns:
        Bytes of weights.
    """
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    names = [f"model-{number:05}-of-{len(files):05}.safetensors" for number in range(1, len(files) + 1)]
    for name, shapes in zip(names, files, strict=True):
        _write_header(folder / name, shapes)
    shards = {tensor: name for name, shapes in zip(names, files, strict=True) for tensor in shapes}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    checkpoint = open_checkpoint(folder)
    anatomy = place(list(checkpoint.tensors.values()), checkpoint.config)
    kinds = {component.name: component.kind for component in anatomy.components}
    checkpoint.source.close()
    for one in wanted(checkpoint, anatomy, Sampler()):
        kind = kinds[one.part.component]
        _write_values(folder / one.tensor.file, one, kind, seeds[kind])
    return sum((folder / name).stat().st_size for name in names)


def _write_header(path: Path, shapes: Shapes) -> None:
    header: dict[str, object] = {}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def _write_values(path: Path, one: Wanted, kind: Kind, seed: str) -> None:
    """Write the sampled values of one part, and nothing between them."""
    assert one.spans is not None
    content = np.zeros(one.spans.size // 2, dtype=np.uint16)
    content[one.spans.places] = _bf16(_drawn(kind, one, seed))
    raw, done = content.tobytes(), 0
    with path.open("r+b") as file:
        for start, stop in zip(one.spans.starts.tolist(), one.spans.stops.tolist(), strict=True):
            file.seek(one.tensor.start + start)
            file.write(raw[done : done + stop - start])
            done += stop - start


def _drawn(kind: Kind, one: Wanted, seed: str) -> NDArray[np.float32]:
    """Rows and columns of a trained matrix of the same role, drawn at random, with a little noise."""
    random = np.random.default_rng(crc32(f"{seed}/{one.part.layer}/{one.part.role}".encode()))
    known = [sample for sample in _trained() if sample.role == one.part.role]
    own = known[int(random.integers(len(known)))].values()
    rows, columns = one.spans.places.shape if one.spans else (0, 0)
    drawn = own[random.integers(len(own), size=rows)][:, random.integers(own.shape[1], size=columns)]
    return (drawn + 0.1 * own.std() * random.standard_normal(drawn.shape)).astype(np.float32)


@cache
def _trained() -> tuple[Sample, ...]:
    """The tensors of two models that were trained for the examples."""
    models = [read_model(str(CASE / name), Sampler(), NoProgress()) for name in ("reference_vision", "subject")]
    for model in models:
        model.close()
    return tuple(sample for model in models for sample in model.fingerprint.samples)


def _bf16(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """The upper half of each value."""
    return (np.ascontiguousarray(values).view(np.uint32) >> np.uint32(16)).astype(np.uint16)
