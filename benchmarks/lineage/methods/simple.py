"""What people compute first: cosines, profiles of spread, configs. None of them is evidence; each is in use."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.lineage.manipulations.model import Model, layer_of

FACTS = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "intermediate_size",
    "moe_intermediate_size",
    "n_routed_experts",
    "num_experts_per_tok",
    "vocab_size",
    "hidden_act",
    "rope_theta",
    "rms_norm_eps",
    "attention_bias",
    "tie_word_embeddings",
    "vision_config",
    "audio_config",
)
"""Facts that a comparison of configs looks at."""


def raw_cosine(subject: Model, reference: Model) -> float | None:
    """Mean cosine of the matrices of equal name and shape."""
    return _mean_cosine(subject, reference, matrices=True)


def norm_cosine(subject: Model, reference: Model) -> float | None:
    """Mean cosine of the norm gains of equal name and shape: what the Solar-Open dispute rested on."""
    return _mean_cosine(subject, reference, matrices=False)


def _mean_cosine(subject: Model, reference: Model, *, matrices: bool) -> float | None:
    cosines = []
    for name, mine in subject.weights.items():
        theirs = reference.weights.get(name)
        if theirs is None or theirs.shape != mine.shape:
            continue
        if mine.ndim > 1 if matrices else "norm" in name and name.endswith("weight"):
            x, y = mine.double().flatten(), theirs.double().flatten()
            cosines.append(float(torch.nn.functional.cosine_similarity(x, y, 0)))
    return float(np.mean(cosines)) if cosines else None


def std_profile(subject: Model, reference: Model) -> float | None:
    """Pearson correlation of the standard deviations of q, k, v and o over the layers, mean over the four.

    As in the note that compared Pangu Pro MoE with Qwen2.5-14B ("Intrinsic Fingerprint of LLMs", Yoon et al. 2025).
    Stacks of unequal depth are brought to the shorter one's number of layers by linear interpolation.
    """
    correlations = []
    for role in ("q_proj", "k_proj", "v_proj", "o_proj"):
        mine, theirs = _spreads(subject, role), _spreads(reference, role)
        if min(len(mine), len(theirs)) < 3:
            continue
        count = min(len(mine), len(theirs))
        correlations.append(float(np.corrcoef(_resampled(mine, count), _resampled(theirs, count))[0, 1]))
    return float(np.mean(correlations)) if correlations else None


def _spreads(model: Model, role: str) -> NDArray[np.float64]:
    named = {
        layer: float(tensor.double().std())
        for name, tensor in model.weights.items()
        if name.endswith(f".{role}.weight") and (layer := layer_of(name)) is not None
    }
    return np.array([named[layer] for layer in sorted(named)])


def _resampled(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    return np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(values)), values)


def config_match(subject: Model, reference: Model) -> float | None:
    """Share of the facts that either config states on which both agree."""
    stated = [fact for fact in FACTS if fact in subject.facts or fact in reference.facts]
    if not stated:
        return None
    return sum(subject.facts.get(fact) == reference.facts.get(fact) for fact in stated) / len(stated)
