"""Checkpoints of the llama family in disguise: the same function in another order, scale and basis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float64]]


def disguised(
    weights: Mapping[str, NDArray], head: int, seed: int, *, new_tokens: bool = False, flip: bool = False
) -> Weights:
    """Turn the width, permute and rescale units, permute heads, mix values; what is computed stays the same.

    Args:
        weights: A llama-named decoder, dense, without biases.
        head: Size of a head.
        seed: Of the disguise.
        new_tokens: Replace embeddings and head by random ones.
        flip: Turn the signs of (up, down) as well, which costs the rigorous sign test its power.
    """
    random = np.random.default_rng(seed)
    result: Weights = {name: np.asarray(value, dtype=np.float64).copy() for name, value in weights.items()}
    width = result["model.norm.weight"].shape[0]
    turn, _ = np.linalg.qr(random.normal(size=(width, width)))
    layers = 1 + max(int(name.split(".")[2]) for name in weights if ".layers." in name)
    for layer in range(layers):
        place = f"model.layers.{layer}."
        _turn_attention(result, place, turn, head, random)
        _turn_units(result, place, turn, random, flip=flip)
    result["lm_head.weight"] = (result["lm_head.weight"] * result["model.norm.weight"]) @ turn
    result["model.norm.weight"] = np.ones(width)
    result["model.embed_tokens.weight"] = result["model.embed_tokens.weight"] @ turn
    if new_tokens:
        for name in ("model.embed_tokens.weight", "lm_head.weight"):
            result[name] = random.normal(size=result[name].shape) * result[name].std()
    return {name: np.ascontiguousarray(value) for name, value in result.items()}


def _turn_units(weights: Weights, place: str, turn: NDArray, random: np.random.Generator, *, flip: bool) -> None:
    gain = weights[f"{place}post_attention_layernorm.weight"]
    gate, up, down = (weights[f"{place}mlp.{role}_proj.weight"] for role in ("gate", "up", "down"))
    units = len(gate)
    order, scale = random.permutation(units), np.exp(random.normal(size=(units, 1)))
    if flip:
        scale *= random.choice([-1.0, 1.0], size=(units, 1))
    weights[f"{place}mlp.gate_proj.weight"] = (gate * gain @ turn)[order]
    weights[f"{place}mlp.up_proj.weight"] = (up * gain * scale @ turn)[order]
    weights[f"{place}mlp.down_proj.weight"] = (turn.T @ (down / scale.T))[:, order]
    weights[f"{place}post_attention_layernorm.weight"] = np.ones_like(gain)


def _turn_attention(weights: Weights, place: str, turn: NDArray, head: int, random: np.random.Generator) -> None:
    gain = weights[f"{place}input_layernorm.weight"]
    width = len(gain)
    names = {role: f"{place}self_attn.{role}_proj.weight" for role in "qkvo"}
    q, k, v = ((weights[names[role]] * gain @ turn).reshape(-1, head, width) for role in "qkv")
    group = len(q) // len(k)
    o = (turn.T @ weights[names["o"]]).reshape(width, -1, head)
    groups = random.permutation(len(k))
    heads = (groups[:, None] * group + np.arange(group)).ravel()
    mix = random.normal(size=(len(k), head, head)) / head**0.5 + 2 * np.eye(head)
    inverse = np.linalg.inv(mix)
    v = np.einsum("gij,gjh->gih", mix, v)
    o = np.stack([o[:, i] @ inverse[i // group] for i in range(len(q))], axis=1)
    weights[names["q"]], weights[names["k"]] = q[heads].reshape(-1, width), k[groups].reshape(-1, width)
    weights[names["v"]], weights[names["o"]] = v[groups].reshape(-1, width), o[:, heads].reshape(width, -1)
    weights[f"{place}input_layernorm.weight"] = np.ones(width)
