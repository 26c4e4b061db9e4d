"""Manipulations of depth: a new stack of layers, each a copy of an old one."""

from __future__ import annotations

import torch
from torch import Generator

from benchmarks.lineage.manipulations.model import Manipulation, Model, depth, layer_of
from benchmarks.lineage.names import Weights

COUNTS = ("num_hidden_layers", "depth", "encoder_layers")
SILENT = ("o_proj.weight", "down_proj.weight", "out_proj.weight", "out_proj.bias", "fc2.weight", "fc2.bias")
"""What writes to the residual stream; where it is zero, a layer changes nothing."""


def stacked(sources: list[int], *, silent: tuple[int, ...] = ()) -> Manipulation:
    """Layer i is a copy of layer ``sources[i]``; those at ``silent`` write nothing (grown depth: the same function)."""

    def apply(model: Model, _: Generator) -> Model:
        weights: Weights = {name: tensor for name, tensor in model.weights.items() if layer_of(name) is None}
        for target, source in enumerate(sources):
            for name, tensor in model.weights.items():
                if layer_of(name) != source:
                    continue
                mute = target in silent and name.endswith(SILENT)
                weights[_moved(name, source, target)] = torch.zeros_like(tensor) if mute else tensor
        return model.changed(weights, **_counts(model, len(sources)))

    return apply


def pruned(model: Model) -> list[int]:
    """The map without every third layer, beginning with the second."""
    return [layer for layer in range(depth(model.weights)) if layer % 3 != 1]


def duplicated(model: Model) -> list[int]:
    """The map with the middle layers said twice, one after the other, as depth up-scaling by blocks does."""
    count = depth(model.weights)
    return [*range(count - 1), *range(1, count)]


def interleaved(model: Model) -> list[int]:
    """The map with every layer twice in a row."""
    return [layer for layer in range(depth(model.weights)) for _ in range(2)]


def shifted(model: Model) -> list[int]:
    """The map without the first layer: every other has a new number."""
    return list(range(1, depth(model.weights)))


def _moved(name: str, source: int, target: int) -> str:
    for key in ("layers", "blocks"):
        name = name.replace(f"{key}.{source}.", f"{key}.{target}.", 1)
    return name


def _counts(model: Model, layers: int) -> dict[str, object]:
    facts: dict[str, object] = {key: layers for key in COUNTS if key in model.facts}
    for part in ("vision_config", "audio_config"):
        if part in model.facts:
            facts[part] = {key: layers if key in COUNTS else value for key, value in model.facts[part].items()}
    return facts
