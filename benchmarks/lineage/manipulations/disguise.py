"""Disguises: changes of a network's basis that leave what it computes as it is.

Sources of the symmetries: SwiGLU units may be permuted and their up and down parts rescaled; a residual stream behind
RMSNorm may be turned by any orthogonal matrix once gains are folded into what reads it (SliceGPT, Ashkboos et al.
2024, section 3); behind LayerNorm by those that keep the all-ones direction; heads may be permuted within their groups
of keys and values, and each head's values mixed by any invertible matrix that its outputs undo.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from benchmarks.lineage.manipulations.model import Manipulation, Model, depth, mlps
from benchmarks.lineage.names import Weights

EMBEDDINGS = "embed_tokens.weight"
WRITERS = ("o_proj.weight", "down_proj.weight")
READERS = {
    "input_layernorm": ("q_proj.weight", "k_proj.weight", "v_proj.weight"),
    "post_attention_layernorm": ("gate_proj.weight", "up_proj.weight", "mlp.gate.weight"),
}
"""Which matrices read the residual stream through which norm."""


# MLP units


def permuted_units(model: Model, generator: Generator) -> Model:
    """The units of every MLP, gated or not, in another order."""
    weights = dict(model.weights)
    for stem in mlps(weights):
        order = torch.randperm(len(weights[f"{stem}gate_proj.weight"]), generator=generator)
        _reorder(weights, [f"{stem}{role}" for role in ("gate_proj", "up_proj")], f"{stem}down_proj", order)
    for stem in _plain_mlps(weights):
        order = torch.randperm(len(weights[f"{stem}fc1.weight"]), generator=generator)
        _reorder(weights, [f"{stem}fc1"], f"{stem}fc2", order)
    return model.changed(weights)


def _plain_mlps(weights: Weights) -> list[str]:
    return [name.removesuffix("fc1.weight") for name in weights if name.endswith("fc1.weight")]


def _reorder(weights: Weights, sources: list[str], target: str, order: Tensor) -> None:
    for name in (f"{source}.{kind}" for source in sources for kind in ("weight", "bias")):
        if name in weights:
            weights[name] = weights[name][order]
    weights[f"{target}.weight"] = weights[f"{target}.weight"][:, order]


def rescaled_units(spread: float) -> Manipulation:
    """Each gated unit's up part times c, its down part by c; log c is normal with this spread."""

    def apply(model: Model, generator: Generator) -> Model:
        weights = dict(model.weights)
        for stem in mlps(weights):
            up = f"{stem}up_proj"
            scale = torch.exp(spread * torch.randn(len(weights[f"{up}.weight"]), generator=generator))
            weights[f"{up}.weight"] = weights[f"{up}.weight"] * scale[:, None]
            if f"{up}.bias" in weights:
                weights[f"{up}.bias"] = weights[f"{up}.bias"] * scale
            weights[f"{stem}down_proj.weight"] = weights[f"{stem}down_proj.weight"] / scale
        return model.changed(weights)

    return apply


# Residual stream of a decoder


def signed_permutation(model: Model, generator: Generator) -> Model:
    """The residual stream's channels in another order and with other signs; gains move with their channels."""
    return _flipped(model, generator, shuffled=True)


def _flipped(model: Model, generator: Generator, *, shuffled: bool) -> Model:
    width = model.weights[_embeddings(model)].shape[1]
    order = torch.randperm(width, generator=generator) if shuffled else torch.arange(width)
    signs = torch.randint(2, (width,), generator=generator) * 2.0 - 1
    weights: Weights = {}
    for name, tensor in model.weights.items():
        if name.endswith(WRITERS):
            weights[name] = (signs[:, None] * tensor)[order]
        elif _reads(name) or name.endswith((EMBEDDINGS, "lm_head.weight")):
            weights[name] = (tensor * signs)[:, order]
        elif _is_residual_gain(name):
            weights[name] = tensor[order]
        else:
            weights[name] = tensor
    return model.changed(weights)


def flipped(model: Model, generator: Generator) -> Model:
    """The residual stream's channels with other signs, each where it was."""
    return _flipped(model, generator, shuffled=False)


def rotated(model: Model, generator: Generator) -> Model:
    """The residual stream turned by a random orthogonal matrix, the gains folded into what reads it."""
    turn = orthogonal(model.weights[_embeddings(model)].shape[1], generator)
    weights: Weights = {}
    for name, tensor in model.weights.items():
        if name.endswith(EMBEDDINGS):
            weights[name] = tensor @ turn.T
        elif name.endswith(WRITERS):
            weights[name] = turn @ tensor
        elif (gain := _gain_before(name, model.weights)) is not None:
            weights[name] = (tensor * gain) @ turn.T
        else:
            weights[name] = torch.ones_like(tensor) if _is_residual_gain(name) else tensor
    return model.changed(weights)


def orthogonal(width: int, generator: Generator) -> Tensor:
    """An orthogonal matrix [width, width], uniform over all: QR of a normal matrix with signs mended."""
    turn, triangle = torch.linalg.qr(torch.randn(width, width, generator=generator, dtype=torch.float64))
    return (turn * triangle.diagonal().sign()).float()


def _embeddings(model: Model) -> str:
    return next(name for name in model.weights if name.endswith(EMBEDDINGS))


def _reads(name: str) -> bool:
    return any(name.endswith(readers) for readers in READERS.values())


def _is_residual_gain(name: str) -> bool:
    return name.endswith(("input_layernorm.weight", "post_attention_layernorm.weight", "model.norm.weight"))


def _gain_before(name: str, weights: Weights) -> Tensor | None:
    if name.endswith("lm_head.weight"):
        return weights[name.replace("lm_head.weight", "model.norm.weight")]
    for norm, readers in READERS.items():
        if name.endswith(readers):
            layer = name[: name.index(".", name.index("layers.") + len("layers."))]
            return weights[f"{layer}.{norm}.weight"]
    return None


# Residual stream of towers


def permuted_audio_channels(model: Model, generator: Generator) -> Model:
    """A Whisper encoder's residual channels in another order: all that its convolutions' GELU lets pass."""
    width = model.weights["layer_norm.weight"].shape[0]
    order = torch.randperm(width, generator=generator)

    def change(name: str, tensor: Tensor) -> Tensor:
        if name.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight", "fc1.weight", "embed_positions.weight")):
            return tensor[:, order]
        if name.startswith("conv2.") or "layer_norm." in name or name.endswith(_AUDIO_WRITERS):
            return tensor[order]
        return tensor

    return model.changed({name: change(name, tensor) for name, tensor in model.weights.items()})


_AUDIO_WRITERS = ("out_proj.weight", "out_proj.bias", "fc2.weight", "fc2.bias")


def turned_tower(model: Model, generator: Generator) -> Model:
    """A vision tower's residual stream turned, norms folded into what reads it.

    Behind RMSNorm any orthogonal matrix will do; behind LayerNorm (``norm1.bias`` is there) it keeps the all-ones
    direction, which the mean is taken along.
    """
    plain = "blocks.0.norm1.bias" in model.weights
    width = model.weights["patch_embed.proj.weight"].shape[0]
    turn = keeping_ones(width, generator) if plain else orthogonal(width, generator)
    weights = dict(model.weights)
    patch = weights["patch_embed.proj.weight"]
    weights["patch_embed.proj.weight"] = (turn @ patch.flatten(1)).reshape(patch.shape)
    for layer in range(depth(weights)):
        stem = f"blocks.{layer}."
        sources = {"norm1": ["attn.qkv"], "norm2": ["mlp.fc1"] if plain else ["mlp.gate_proj", "mlp.up_proj"]}
        for norm, readers in sources.items():
            gain = weights[f"{stem}{norm}.weight"]
            for reader in (stem + name for name in readers):
                if plain:
                    shift = weights[f"{reader}.weight"] @ weights[f"{stem}{norm}.bias"]
                    weights[f"{reader}.bias"] = weights[f"{reader}.bias"] + shift
                weights[f"{reader}.weight"] = (weights[f"{reader}.weight"] * gain) @ turn.T
            weights[f"{stem}{norm}.weight"] = torch.ones_like(gain)
            if plain:
                weights[f"{stem}{norm}.bias"] = torch.zeros_like(gain)
        for writer in (f"{stem}attn.proj", f"{stem}mlp.fc2" if plain else f"{stem}mlp.down_proj"):
            weights[f"{writer}.weight"] = turn @ weights[f"{writer}.weight"]
            weights[f"{writer}.bias"] = turn @ weights[f"{writer}.bias"]
    return model.changed(weights)


def keeping_ones(width: int, generator: Generator) -> Tensor:
    """An orthogonal matrix that maps the all-ones vector to itself."""
    start = torch.randn(width, width, generator=generator, dtype=torch.float64)
    start[:, 0] = 1.0
    frame = torch.linalg.qr(start).Q
    inner = torch.eye(width, dtype=torch.float64)
    inner[1:, 1:] = orthogonal(width - 1, generator).double()
    return (frame @ inner @ frame.T).float()


# Attention


def permuted_heads(model: Model, generator: Generator) -> Model:
    """Key-value heads in another order, each with its queries; queries in another order within their group."""
    size, groups = model.facts["head_dim"], model.facts["num_key_value_heads"]
    each = model.facts["num_attention_heads"] // groups
    weights = dict(model.weights)
    for stem in _attentions(weights):
        order = torch.randperm(groups, generator=generator)
        queries = torch.cat([group * each + torch.randperm(each, generator=generator) for group in order.tolist()])
        for role, heads in (("q_proj", queries), ("k_proj", order), ("v_proj", order)):
            for name in (f"{stem}{role}.weight", f"{stem}{role}.bias"):
                if name in weights:
                    weights[name] = weights[name].unflatten(0, (-1, size))[heads].flatten(0, 1)
        outputs = weights[f"{stem}o_proj.weight"]
        weights[f"{stem}o_proj.weight"] = outputs.unflatten(1, (-1, size))[:, queries].flatten(1)
    return model.changed(weights)


def mixed_values(model: Model, generator: Generator) -> Model:
    """Each key-value head's values times a random matrix, which its heads' outputs undo."""
    size, groups = model.facts["head_dim"], model.facts["num_key_value_heads"]
    each = model.facts["num_attention_heads"] // groups
    weights = dict(model.weights)
    for stem in _attentions(weights):
        mix = torch.stack([_well_conditioned(size, generator) for _ in range(groups)])
        undo = torch.linalg.inv(mix).repeat_interleave(each, 0)
        value = weights[f"{stem}v_proj.weight"].unflatten(0, (groups, size))
        weights[f"{stem}v_proj.weight"] = (mix @ value).flatten(0, 1)
        if (bias := f"{stem}v_proj.bias") in weights:
            weights[bias] = (mix @ weights[bias].unflatten(0, (groups, size))[..., None]).flatten()
        outputs = weights[f"{stem}o_proj.weight"].unflatten(1, (-1, size))
        weights[f"{stem}o_proj.weight"] = torch.einsum("hks,ksd->hkd", outputs, undo).flatten(1)
    return model.changed(weights)


def _attentions(weights: Weights) -> list[str]:
    return [name.removesuffix("o_proj.weight") for name in weights if name.endswith("o_proj.weight")]


def _well_conditioned(size: int, generator: Generator) -> Tensor:
    stretch = torch.exp(0.5 * torch.randn(size, generator=generator))
    return orthogonal(size, generator) * stretch @ orthogonal(size, generator)


# Together


def in_turn(*steps: Manipulation) -> Manipulation:
    """One manipulation after another."""

    def apply(model: Model, generator: Generator) -> Model:
        for step in steps:
            model = step(model, generator)
        return model

    return apply


EVERYTHING: Callable[[Model, Generator], Model] = in_turn(
    permuted_units, rescaled_units(0.7), signed_permutation, rotated, permuted_heads, mixed_values
)
"""All disguises of a decoder together."""
