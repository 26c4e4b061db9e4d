"""Manipulations of the vocabulary: more tokens, fewer, or the same in another order; the tokenizer follows."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Generator, Tensor

from benchmarks.lineage.manipulations.model import Manipulation, Model
from benchmarks.lineage.manipulations.values import SPREAD

TABLES = ("embed_tokens.weight", "lm_head.weight")


def extended(more: int) -> Manipulation:
    """New tokens behind the old, with rows drawn anew."""

    def apply(model: Model, generator: Generator) -> Model:
        ids = _ids(model)
        names = {f"<new_{i}>": len(ids) + i for i in range(more)}
        return _with(
            model,
            ids | names,
            lambda table: torch.cat([table, SPREAD * torch.randn(more, table.shape[1], generator=generator)]),
        )

    return apply


def cut(share: float) -> Manipulation:
    """Only the first tokens, by id; byte-level BPE keeps its bytes there."""

    def apply(model: Model, _: Generator) -> Model:
        ids = _ids(model)
        count = round(len(ids) * (1 - share))
        return _with(model, {token: i for token, i in ids.items() if i < count}, lambda table: table[:count])

    return apply


def reordered(model: Model, generator: Generator) -> Model:
    """All tokens under other ids: the same function of text."""
    ids = _ids(model)
    order = torch.randperm(len(ids), generator=generator)
    places = {int(old): new for new, old in enumerate(order)}
    return _with(model, {token: places[i] for token, i in ids.items()}, lambda table: table[order])


def embeddings_within(host: Model) -> Manipulation:
    """Another model with this one's embeddings and tokenizer, under other ids, and nothing else of it."""

    def apply(model: Model, generator: Generator) -> Model:
        taken = reordered(model, generator)
        tables = {name: tensor for name, tensor in taken.weights.items() if name.endswith(TABLES[0])}
        return replace(taken, weights={**host.weights, **tables})

    return apply


def replaced(model: Model, generator: Generator) -> Model:
    """Embeddings, head and tokenizer of someone else: rows drawn anew under token strings that are not the old ones."""
    ids = {f"§{i}": i for i in range(len(_ids(model)))}
    return _with(model, ids, lambda table: SPREAD * torch.randn(table.shape, generator=generator))


def _ids(model: Model) -> dict[str, int]:
    assert model.tokenizer is not None  # noqa: S101 - towers have no vocabulary, and no one asks for theirs
    ids: dict[str, int] = model.tokenizer["model"]["vocab"]
    return ids


def _with(model: Model, ids: dict[str, int], change: object) -> Model:
    assert callable(change)  # noqa: S101 - private, and the callers above give a function
    assert model.tokenizer is not None  # noqa: S101 - as above
    inner = model.tokenizer["model"]
    merges = [pair for pair in inner["merges"] if all(token in ids for token in (*pair, "".join(pair)))]
    tokenizer = {**model.tokenizer, "model": {**inner, "vocab": ids, "merges": merges}}
    weights: dict[str, Tensor] = {
        name: change(tensor) if name.endswith(TABLES) else tensor for name, tensor in model.weights.items()
    }
    return Model(weights, {**model.facts, "vocab_size": len(ids)}, tokenizer)
