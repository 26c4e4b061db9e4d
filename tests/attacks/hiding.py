"""Submissions with somebody else's component hidden in them: every way to name, place, shape, store and file it.

Each way is a function from the team's own weights and the hidden matrices to a folder. The same ways serve twice: with
a stolen component, which no audit may pass, and with an innocent one, which no audit may accuse.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

EXAMPLES = Path(__file__).parents[2] / "examples"
REFERENCE = EXAMPLES / "seeds_case/base"
OWN = EXAMPLES / "seeds_case/other_seed"
INNOCENT = EXAMPLES / "hyperclovax_case/reference_vision"

Tensors = dict[str, torch.Tensor]
Hidden = Mapping[str, torch.Tensor]
"""The matrices of the hidden decoder's layers, by the names that they have there."""


@dataclass(frozen=True, slots=True)
class Hiding:
    """One way to hide a component."""

    name: str
    write: Callable[[Path, Tensors, Hidden], None]
    """Writes the whole submission."""


@cache
def decoder(folder: Path) -> Hidden:
    """The matrices of a trained decoder's layers, float32, without token tables and gains."""
    return {
        name: tensor.float()
        for name, tensor in load_file(folder / "model.safetensors").items()
        if name.startswith("model.layers.") and tensor.ndim == 2
    }


def submit(folder: Path, tensors: Tensors, **files: Callable[[Path], object]) -> None:
    """Write a submission as teams do: weights, config and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / "model.safetensors")
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_bytes((OWN / name).read_bytes())
    for write in files.values():
        write(folder)


def own() -> Tensors:
    """The team's own decoder, trained from a draw of its own."""
    return load_file(OWN / "model.safetensors")


def hidings() -> list[Hiding]:
    """Every way, in a fixed order."""
    return [
        *_under_names(),
        *_in_layers(),
        *_in_shapes(),
        *_as_types(),
        *_with_other_values(),
        *_in_place_of_own(),
        *_in_files(),
    ]


# Under names of another kind of component, in their own shapes.

_PREFIXES = (
    "multi_modal_projector.linear_{n}.weight",
    "model.mm_projector.{n}.weight",
    "connector.modality_projection.{n}.weight",
    "visual.merger.mlp.{n}.weight",
    "aligner.layers.{n}.weight",
    "resampler.attn.{n}.weight",
    "model.video_audio_compressor.{n}.weight",
    "qformer.encoder.{n}.weight",
    "perceiver.latents_{n}.weight",
    "vision_tower.extra.{n}.weight",
    "audio_tower.extra.{n}.weight",
    "action_head.mlp.{n}.weight",
    "generator.blocks.{n}.weight",
    "mtp.layers.0.{n}.weight",
    "blob.{n}",
    "a.b.c.d.{n}.kernel",
    "model.rotary_emb.table_{n}",
    "model.norm_{n}.weight",
    "model.attention_mask_{n}",
    "position_ids_{n}",
    "optimizer.state.{n}.exp_avg",
    "lora_{n}.weight",
    "정렬기.{n}.가중치",
)


def _under_names() -> list[Hiding]:
    def under(pattern: str) -> Callable[[Path, Tensors, Hidden], None]:
        def write(folder: Path, mine: Tensors, hidden: Hidden) -> None:
            names = (pattern.format(n=number) for number in range(len(hidden)))
            submit(folder, mine | dict(zip(names, hidden.values(), strict=True)))

        return write

    return [Hiding(f"named {pattern}", under(pattern)) for pattern in _PREFIXES]


# In layers of a decoder, under the roles' own names but at other places.


def _in_layers() -> list[Hiding]:
    def relabelled(rename: Callable[[str], str]) -> Callable[[Path, Tensors, Hidden], None]:
        return lambda folder, mine, hidden: submit(folder, mine | {rename(name): t for name, t in hidden.items()})

    def layer_up(name: str) -> str:
        return name.replace("layers.0.", "layers.2.").replace("layers.1.", "layers.3.")

    return [
        Hiding("layers on top", relabelled(layer_up)),
        Hiding("layers far away", relabelled(lambda name: name.replace("layers.", "layers.90"))),
        Hiding("second decoder", relabelled(lambda name: f"teacher.{name}")),
        Hiding("draft model", relabelled(lambda name: name.replace("model.", "draft_model.model."))),
        Hiding("named as vision tower", relabelled(lambda name: name.replace("model.", "vision_tower.vision_model."))),
        Hiding("in a router's place", relabelled(lambda name: name.replace("mlp.", "mlp.experts.7."))),
        Hiding("as biases", relabelled(lambda name: name.replace(".weight", ".bias"))),
        Hiding("ema copy", relabelled(lambda name: name.replace(".weight", ".weight_ema"))),
    ]


# In other shapes, under the roles' names in a component of their own.

Shape = Callable[[torch.Tensor], Mapping[str, torch.Tensor]]


def _halves(matrix: torch.Tensor, axis: int) -> Mapping[str, torch.Tensor]:
    first, second = matrix.chunk(2, dim=axis)
    return {"a": first, "b": second}


def _padded(matrix: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.pad(matrix, (3, 5, 2, 7))


_SHAPES: Mapping[str, Shape] = {
    "vectors": lambda w: {"": w.flatten()},
    "columns": lambda w: {"": w.reshape(-1, 1)},
    "rows": lambda w: {"": w.reshape(1, -1)},
    "kernels": lambda w: {"": w[:, :, None, None]},
    "other widths": lambda w: {"": w.reshape(w.shape[0] // 2, -1)},
    "narrow": lambda w: {"": w.reshape(-1, 16)},
    "cubes": lambda w: {"": w.reshape(4, -1, w.shape[1])},
    "column halves": lambda w: _halves(w, 1),
    "row halves": lambda w: _halves(w, 0),
    "transposed": lambda w: {"": w.T},
    "even and odd columns": lambda w: {"a": w[:, ::2], "b": w[:, 1::2]},
    "even and odd rows": lambda w: {"a": w[::2], "b": w[1::2]},
    "reversed rows": lambda w: {"": w.flip(0)},
    "padded": lambda w: {"": _padded(w)},
    "pieces of 1000": lambda w: {str(n): piece for n, piece in enumerate(w.flatten().split(1000))},
}


def _in_shapes() -> list[Hiding]:
    def shaped(shape: Shape) -> Callable[[Path, Tensors, Hidden], None]:
        def write(folder: Path, mine: Tensors, hidden: Hidden) -> None:
            parts = {
                f"model.extra.{name.removeprefix('model.')}{part}": piece
                for name, matrix in hidden.items()
                for part, piece in shape(matrix).items()
            }
            submit(folder, mine | parts)

        return write

    def one_vector(folder: Path, mine: Tensors, hidden: Hidden) -> None:
        submit(folder, mine | {"model.extra": torch.cat([w.flatten() for w in hidden.values()])})

    def one_stack(folder: Path, mine: Tensors, hidden: Hidden) -> None:
        tall = [w for w in hidden.values() if w.shape == (320, 128)]
        flat = [w for w in hidden.values() if w.shape == (128, 320)]
        rest = {f"model.extra.{n}": w for n, w in enumerate(w for w in hidden.values() if 320 not in w.shape)}
        submit(folder, mine | {"model.extra.tall": torch.stack(tall), "model.extra.flat": torch.stack(flat)} | rest)

    def one_table(folder: Path, mine: Tensors, hidden: Hidden) -> None:
        rows = [w if w.shape[1] == 128 else w.T for w in hidden.values()]
        submit(folder, mine | {"model.extra": torch.cat(rows)})

    return [
        *(Hiding(f"shaped as {name}", shaped(shape)) for name, shape in _SHAPES.items()),
        Hiding("shaped as one vector", one_vector),
        Hiding("shaped as one stack a role", one_stack),
        Hiding("shaped as one table", one_table),
    ]


# In other types of number: cast, or as bit patterns.


def _bits(tensor: torch.Tensor, kind: torch.dtype) -> torch.Tensor:
    return tensor.contiguous().view(kind)


_TYPES: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "float64": lambda w: w.double(),
    "float16": lambda w: w.half(),
    "bfloat16": lambda w: w.bfloat16(),
    "float8": lambda w: (w * 16).to(torch.float8_e4m3fn),
    "bits of float32 as int32": lambda w: _bits(w, torch.int32),
    "bits of float32 as int64": lambda w: _bits(w, torch.int64),
    "bits of float32 as float64": lambda w: _bits(w, torch.float64),
    "bits of bfloat16 as int16": lambda w: _bits(w.bfloat16(), torch.int16),
    "bits of bfloat16 as uint16": lambda w: _bits(w.bfloat16(), torch.uint16),
    "bits of float16 as int16": lambda w: _bits(w.half(), torch.int16),
    "bits of bfloat16 as int32": lambda w: _bits(w.bfloat16(), torch.int32),
    "bytes of float32": lambda w: _bits(w, torch.uint8),
    "bytes of bfloat16 as int8": lambda w: _bits(w.bfloat16(), torch.int8),
    "whole numbers of 8 bits": lambda w: (w / w.abs().max() * 127).round().to(torch.int8),
    "whole numbers of 32 bits": lambda w: (w * 2**24).round().to(torch.int32),
}


def _as_types() -> list[Hiding]:
    def typed(cast: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path, Tensors, Hidden], None]:
        def write(folder: Path, mine: Tensors, hidden: Hidden) -> None:
            submit(folder, mine | {f"model.extra.{name}": cast(w) for name, w in hidden.items()})

        return write

    return [Hiding(f"as {name}", typed(cast)) for name, cast in _TYPES.items()]


# With other values, in shapes of their own that no other tensor of the team has.


def _random(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _noised(matrix: torch.Tensor) -> torch.Tensor:
    return matrix + 0.3 * matrix.std() * torch.randn(matrix.shape, generator=_random(3))


_VALUES: Mapping[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "negated": lambda w: -w,
    "three times as large": lambda w: 3 * w,
    "with noise": _noised,
    "with noise, as one vector": lambda w: _noised(w).flatten(),
    "with rows in another order": lambda w: w[torch.randperm(len(w), generator=_random(5))],
    "with columns in another order": lambda w: w[:, torch.randperm(w.shape[1], generator=_random(6))],
    "with rows of other sizes": lambda w: w * (0.5 + torch.rand(len(w), 1, generator=_random(8))),
    "one added": lambda w: w + 1,
    "every tenth value zero": lambda w: torch.where(torch.rand(w.shape, generator=_random(9)) < 0.1, 0.0, w),
    "every tenth row NaN": lambda w: torch.where(torch.arange(len(w))[:, None] % 10 == 0, torch.nan, w),
}


def _with_other_values() -> list[Hiding]:
    def valued(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Path, Tensors, Hidden], None]:
        def write(folder: Path, mine: Tensors, hidden: Hidden) -> None:
            submit(folder, mine | {f"model.extra.{name}": change(w) for name, w in hidden.items()})

        return write

    return [Hiding(f"values {name}", valued(change)) for name, change in _VALUES.items()]


# In place of the team's own matrices: half of the decoder is somebody else's, in a form that meets nothing.


def _in_place_of_own() -> list[Hiding]:
    def instead(form: Callable[[str, torch.Tensor], Tensors]) -> Callable[[Path, Tensors, Hidden], None]:
        def write(folder: Path, mine: Tensors, hidden: Hidden) -> None:
            kept = {name: w for name, w in mine.items() if "mlp" not in name}
            for name, matrix in hidden.items():
                if "mlp" in name:
                    kept |= form(name, matrix)
            submit(folder, kept)

        return write

    def product(name: str, matrix: torch.Tensor) -> Tensors:
        left, values, right = torch.linalg.svd(matrix, full_matrices=False)
        return {f"{name}.left": left * values.sqrt(), f"{name}.right": values.sqrt()[:, None] * right}

    def sum_of_two(name: str, matrix: torch.Tensor) -> Tensors:
        noise = torch.randn(matrix.shape, generator=torch.Generator().manual_seed(7)) * matrix.std()
        return {f"{name}.first": matrix / 2 + noise, f"{name}.second": matrix / 2 - noise}

    return [
        Hiding("instead, one vector a matrix", instead(lambda name, w: {name: w.flatten()})),
        Hiding("instead, a stack a matrix", instead(lambda name, w: {name: w[None]})),
        Hiding("instead, column halves", instead(lambda n, w: {f"{n}.{k}": v for k, v in _halves(w, 1).items()})),
        Hiding("instead, (n, 1)", instead(lambda name, w: {name: w.reshape(-1, 1)})),
        Hiding("instead, bits", instead(lambda name, w: {name: _bits(w.bfloat16(), torch.int16)})),
        Hiding("instead, only the signs", instead(lambda name, w: {name: w.sign() * w.abs().mean()})),
        Hiding("instead, as products", instead(product)),
        Hiding("instead, as sums", instead(sum_of_two)),
        Hiding("instead, renamed", instead(lambda n, w: {n.replace("mlp", "ffn_x").replace("proj", "w"): w})),
        Hiding("instead, times 1e30", instead(lambda name, w: {name: w * 1e30})),
    ]


# In files beside the weights.


def _in_files() -> list[Hiding]:
    def beside(write_file: Callable[[Path, Hidden], object]) -> Callable[[Path, Tensors, Hidden], None]:
        return lambda folder, mine, hidden: submit(folder, mine, more=lambda place: write_file(place, hidden))

    def tensors_at(name: str) -> Callable[[Path, Tensors, Hidden], None]:
        def write(folder: Path, hidden: Hidden) -> None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            save_file(dict(hidden), folder / name)

        return beside(write)

    def raw_at(name: str) -> Callable[[Path, Tensors, Hidden], None]:
        return beside(lambda folder, hidden: (folder / name).write_bytes(_raw(hidden)))

    def numpy_at(folder: Path, hidden: Hidden) -> None:
        arrays: dict[str, NDArray[Any]] = {name: w.numpy() for name, w in hidden.items()}
        np.savez(folder / "extra.npz", allow_pickle=False, **arrays)

    def left_out(folder: Path, mine: Tensors, hidden: Hidden) -> None:
        submit(folder, mine)
        (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
        save_file(dict(hidden), folder / "model-00002-of-00002.safetensors")
        places = dict.fromkeys(mine, "model-00001-of-00002.safetensors")
        index = {"metadata": {}, "weight_map": places}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")

    def in_metadata(folder: Path, mine: Tensors, hidden: Hidden) -> None:
        submit(folder, mine)
        text = base64.b85encode(_raw(hidden)).decode()
        save_file(mine, folder / "model.safetensors", {"note": text})

    def in_config(folder: Path, mine: Tensors, hidden: Hidden) -> None:
        submit(folder, mine)
        config = json.loads((folder / "config.json").read_bytes()) | {"table": base64.b85encode(_raw(hidden)).decode()}
        (folder / "config.json").write_text(json.dumps(config), "utf-8")

    names = ("model_2.SAFETENSORS", "consolidated.safetensors", "scheduler_0.safetensors", "optimizer.safetensors")
    places = ("onnx/model.safetensors", ".cache/x.safetensors", ".hidden.safetensors", "a/b/c/weights.safetensors")
    raw = (
        "pytorch_model.bin",
        "weights.pt",
        "model.gguf",
        "notes.txt",
        "logo.png",
        "data.parquet",
        "checkpoint",
        "x.zst",
    )
    return [
        *(Hiding(f"file {name}", tensors_at(name)) for name in (*names, *places)),
        *(Hiding(f"file {name}", raw_at(name)) for name in raw),
        Hiding("file extra.npz", beside(numpy_at)),
        Hiding("shard left out of the index", left_out),
        Hiding("in the header's metadata", in_metadata),
        Hiding("in config.json", in_config),
        Hiding(
            "in config.json, at four bits", lambda folder, mine, hidden: in_config(folder, mine, _at_four_bits(hidden))
        ),
        Hiding("in config.json, half zeros", lambda folder, mine, hidden: in_config(folder, mine, _widened(hidden))),
    ]


def _at_four_bits(hidden: Hidden) -> Hidden:
    return {name: (w / w.abs().max() * 7).round().to(torch.int8) for name, w in hidden.items()}


def _widened(hidden: Hidden) -> Hidden:
    """Rounded to bfloat16 and stored as float32, so that every second pair of bytes is zero."""
    return {name: w.bfloat16().float() for name, w in hidden.items()}


def _raw(hidden: Hidden) -> bytes:
    """All values one after the other, as bytes."""
    return b"".join(w.numpy().tobytes() for w in hidden.values())
