"""AWM and HuRef: fingerprints that lean on the token embeddings.

AWM: Zeng et al., *AWM: Accurate Weight-Matrix Fingerprint for Large Language Models* (ICLR 2026), section 4.
A linear assignment on the absolute cosines of the embeddings' columns, over the tokens that both vocabularies hold,
gives a permutation and signs of the hidden channels; in these the q and k projections of layers of equal number are
compared by unbiased CKA (Song et al. 2012; Kornblith et al. 2019), and the mean over layers and both roles is the
score. The module that computes the CKA was not to be had: linear kernels over the hidden channels, as the paper's text
has them.

HuRef: Zeng et al., *HuRef: HUman-REadable Fingerprint for Large Language Models* (NeurIPS 2024), section 4. Invariant
terms X Wq Wkᵀ Xᵀ, X Wv Wo Xᵀ and X W1 W2 Xᵀ of the last two layers, X the embeddings of rare tokens; the score (ICS) is
the cosine of all of them together. Which rare tokens the authors took was not to be had: the last shared ids here,
which byte-level BPE gives to its latest, rarest merges. For gated MLPs W1 is up, as in the authors' reading of llama.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from benchmarks.lineage.manipulations.model import Model, depth

RARE = 256
"""Tokens of HuRef's X; the paper takes 4096 of tens of thousands."""
LAYERS = 2
PROJECTIONS = (
    *(f"self_attn.{name}_proj" for name in ("q", "k", "v", "o")),
    "mlp.up_proj",
    "mlp.down_proj",
)

AWM_NULL_MEAN, AWM_NULL_SD = 0.00375, 0.0028
"""Scores of the 90 independent pairs in the authors' repository (``main.py``)."""


def awm(subject: Model, reference: Model) -> float | None:
    """Mean unbiased CKA of aligned q and k projections."""
    rows = _shared_rows(subject, reference)
    if rows is None:
        return None
    mine, theirs = rows
    swap = mine.shape[1] > theirs.shape[1]
    order, signs = _aligned(theirs, mine) if not swap else _aligned(mine, theirs)
    scores = []
    for layer in range(min(depth(subject.weights), depth(reference.weights))):
        for role in ("q_proj", "k_proj"):
            name = f"model.layers.{layer}.self_attn.{role}.weight"
            if name not in subject.weights or name not in reference.weights:
                continue
            small, large = subject.weights[name].double(), reference.weights[name].double()
            if swap:
                small, large = large, small
            if small.shape[1] != len(signs) or large.shape[1] <= int(order.max()):
                continue  # stored the other way round, or no projection of these embeddings' width
            scores.append(unbiased_cka(small.T, (large[:, order] * signs).T))
    return float(np.mean(scores)) if scores else None


def _aligned(large: Tensor, small: Tensor) -> tuple[Tensor, Tensor]:
    """Which columns of the wider embeddings [t, H] answer those of the narrower [t, h], and with which sign."""
    x = torch.nn.functional.normalize(large.double(), dim=0)
    y = torch.nn.functional.normalize(small.double(), dim=0)
    similarity = x.T @ y
    rows, columns = linear_sum_assignment(similarity.abs().numpy(), maximize=True)
    order = torch.tensor(rows[np.argsort(columns)])
    signs = similarity[order, torch.arange(similarity.shape[1])].sign()
    return order, signs


def unbiased_cka(first: Tensor, second: Tensor) -> float:
    """Unbiased linear CKA of features [n, p] and [n, q] of the same n items (Song et al. 2012, equation 5)."""
    grams = [features @ features.T for features in (first, second)]
    for gram in grams:
        gram.fill_diagonal_(0)
    cross, own, other = (_hsic(a, b) for a, b in ((grams[0], grams[1]), (grams[0], grams[0]), (grams[1], grams[1])))
    return cross / max((own * other) ** 0.5, 1e-300) if own > 0 and other > 0 else 0.0


def _hsic(first: Tensor, second: Tensor) -> float:
    n = len(first)
    total = (first * second).sum() + first.sum() * second.sum() / ((n - 1) * (n - 2))
    return float((total - 2 * first.sum(0) @ second.sum(0) / (n - 2)) / (n * (n - 3)))


def huref(subject: Model, reference: Model) -> float | None:
    """Cosine of the invariant terms of the last two layers (ICS)."""
    rows = _shared_rows(subject, reference)
    if rows is None:
        return None
    first, second = (_terms(model, x[-RARE:].double()) for model, x in zip((subject, reference), rows, strict=True))
    if first is None or second is None:
        return None
    return float(torch.nn.functional.cosine_similarity(first, second, 0))


def _terms(model: Model, x: Tensor) -> Tensor | None:
    count = depth(model.weights)
    terms = []
    for layer in range(count - LAYERS, count):
        stem = f"model.layers.{layer}."
        found = [model.weights.get(f"{stem}{name}.weight") for name in PROJECTIONS]
        if any(tensor is None for tensor in found):
            return None
        q, k, v, o, up, down = (tensor.double() for tensor in found if tensor is not None)
        widths = {q.shape[1], k.shape[1], v.shape[1], o.shape[0], up.shape[1], down.shape[0]}
        if widths != {x.shape[1]} or "head_dim" not in model.facts:
            return None
        # Each key and value head serves a group of query heads: repeat it for them.
        size, groups = model.facts["head_dim"], len(q) // len(k)
        k, v = (part.unflatten(0, (-1, size)).repeat_interleave(groups, 0).flatten(0, 1) for part in (k, v))
        terms += [(x @ q.T) @ (k @ x.T), (x @ v.T) @ (o.T @ x.T), (x @ up.T) @ (down.T @ x.T)]
    return torch.cat([term.flatten() for term in terms])


def _shared_rows(subject: Model, reference: Model) -> tuple[Tensor, Tensor] | None:
    """Embeddings of the tokens that both hold, in the reference's order: two matrices [t, h]; None without any."""
    name = "model.embed_tokens.weight"
    if subject.tokenizer is None or reference.tokenizer is None:
        return None
    if name not in subject.weights or name not in reference.weights:
        return None
    mine, theirs = subject.tokenizer["model"]["vocab"], reference.tokenizer["model"]["vocab"]
    shared = sorted((token for token in theirs if token in mine), key=theirs.__getitem__)
    if len(shared) < 2:
        return None
    return (
        subject.weights[name][torch.tensor([mine[token] for token in shared])],
        reference.weights[name][torch.tensor([theirs[token] for token in shared])],
    )
