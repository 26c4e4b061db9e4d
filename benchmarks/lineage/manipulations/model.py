"""A checkpoint in memory, as manipulations take and return it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from benchmarks.lineage.names import Weights


@dataclass(frozen=True, slots=True)
class Model:
    """A checkpoint's tensors with what its config and tokenizer say."""

    weights: Weights
    """Float32, under the names of ``examples.training``'s modules unless a manipulation renamed them."""
    facts: Mapping[str, Any]
    """``config.json``."""
    tokenizer: Mapping[str, Any] | None = None
    """``tokenizer.json``."""

    def changed(self, weights: Weights, **facts: object) -> Model:
        """The same checkpoint with other tensors, and facts that follow from them."""
        return replace(self, weights=weights, facts={**self.facts, **facts})


Manipulation = Callable[[Model, torch.Generator], Model]
"""Makes another checkpoint of one; leaves what it is given as it is. All chance comes from the generator."""


def mapped(model: Model, change: Callable[[str, Tensor], Tensor]) -> Model:
    """A model with every tensor changed by name and value."""
    return model.changed({name: change(name, tensor) for name, tensor in model.weights.items()})


def renamed(model: Model, change: Callable[[str], str]) -> Model:
    """A model with other tensor names."""
    return model.changed({change(name): tensor for name, tensor in model.weights.items()})


def mlps(weights: Weights) -> list[str]:
    """The stems of all gated MLPs, experts among them: what stands before ``gate_proj.weight``."""
    ending = "gate_proj.weight"
    return [name.removesuffix(ending) for name in weights if name.endswith(ending) and "b_gate" not in name]


def layer_of(name: str) -> int | None:
    """The number of the layer that a tensor belongs to."""
    for key in ("layers.", "blocks."):
        _, found, rest = name.partition(key)
        if found:
            return int(rest.split(".")[0])
    return None


def depth(weights: Weights) -> int:
    """How many layers there are."""
    return 1 + max(layer for name in weights if (layer := layer_of(name)) is not None)
