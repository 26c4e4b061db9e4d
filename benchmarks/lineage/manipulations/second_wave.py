"""Disguises that answer a search for disguised copies: doubled units, layers that do nothing, gains under another name.

Each leaves what the network computes as it is, but where its docstring says how little it changes. They come on top of
those in :mod:`benchmarks.lineage.manipulations.disguise`.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from benchmarks.lineage.manipulations.depth import SILENT, stacked
from benchmarks.lineage.manipulations.disguise import EMBEDDINGS, EVERYTHING, READERS, in_turn
from benchmarks.lineage.manipulations.model import Manipulation, Model, depth, layer_of, mlps
from benchmarks.lineage.names import Weights

ROLES = ("gate_proj", "up_proj", "down_proj")


def twins(times: int, spread: float) -> Manipulation:
    """Every unit two or four times: equal gates, up and down apart by noise that cancels, signs at random.

    The sum of down upᵀ over the copies of a unit is what it was: up ± d with the same down for two; for four every
    combination of up ± d and down ± e.

    Args:
        times: 2 or 4.
        spread: Length of the noise, as a multiple of the unit's.
    """
    both = (1.0, -1.0)
    signs = torch.tensor([[a, 0.0] for a in both] if times == 2 else [[a, b] for a in both for b in both])

    def apply(model: Model, generator: Generator) -> Model:
        weights = dict(model.weights)
        units = 0
        for stem in mlps(weights):
            gate, up, down = (weights[f"{stem}{role}.weight"] for role in ROLES)
            apart = [_noise_of(matrix, generator) * spread for matrix in (up, down.T)]
            turned = torch.randint(2, (times, len(gate), 1), generator=generator) * 2.0 - 1
            ups = torch.cat([turned[i] * (up + signs[i, 0] * apart[0]) for i in range(times)])
            downs = torch.cat([turned[i] * (down.T + signs[i, 1] * apart[1]) for i in range(times)]) / times
            order = torch.randperm(times * len(gate), generator=generator)
            weights[f"{stem}gate_proj.weight"] = gate.repeat(times, 1)[order]
            weights[f"{stem}up_proj.weight"] = ups[order]
            weights[f"{stem}down_proj.weight"] = downs[order].T
            units = len(order)
        return model.changed(weights, intermediate_size=units)

    return apply


def _noise_of(rows: Tensor, generator: Generator) -> Tensor:
    noise = torch.randn(rows.shape, generator=generator)
    return noise / noise.norm(dim=1, keepdim=True) * rows.norm(dim=1, keepdim=True)


def decoys(every: int) -> Manipulation:
    """Layers drawn anew that write a ten-thousandth of what a layer writes, behind every so many layers."""

    def apply(model: Model, generator: Generator) -> Model:
        count = depth(model.weights)
        sources = [layer for layer in range(count) for _ in range(1 + (layer % every == every - 1))]
        silent = [number for number in range(1, len(sources)) if sources[number] == sources[number - 1]]
        grown = stacked(sources)(model, generator)
        weights: Weights = {}
        for name, tensor in grown.weights.items():
            if layer_of(name) in silent and tensor.ndim > 1:
                fresh = torch.randn(tensor.shape, generator=generator) * tensor.std()
                weights[name] = fresh * 1e-4 if name.endswith(SILENT) else fresh
            else:
                weights[name] = tensor
        return grown.changed(weights)

    return apply


def uneven(model: Model, generator: Generator) -> Model:
    """Some units of every layer in two, each with half of down: every layer has another number of units."""
    weights = dict(model.weights)
    for number, stem in enumerate(mlps(weights)):
        gate, up, down = (weights[f"{stem}{role}.weight"] for role in ROLES)
        doubled = torch.randperm(len(gate), generator=generator)[: 8 * (number + 1)]
        share = torch.ones(len(gate))
        share[doubled] = 0.5
        order = torch.randperm(len(gate) + len(doubled), generator=generator)
        everyone = torch.cat([torch.arange(len(gate)), doubled])[order]
        weights[f"{stem}gate_proj.weight"], weights[f"{stem}up_proj.weight"] = gate[everyone], up[everyone]
        weights[f"{stem}down_proj.weight"] = (down * share)[:, everyone]
    return model.changed(weights)


def zero_units(count: int) -> Manipulation:
    """As many units of zeros in every layer, among the others."""

    def apply(model: Model, generator: Generator) -> Model:
        weights = dict(model.weights)
        units = 0
        for stem in mlps(weights):
            gate, up, down = (weights[f"{stem}{role}.weight"] for role in ROLES)
            units = len(gate) + count
            order = torch.randperm(units, generator=generator)
            nothing = torch.zeros(count, gate.shape[1])
            weights[f"{stem}gate_proj.weight"] = torch.cat([gate, nothing])[order]
            weights[f"{stem}up_proj.weight"] = torch.cat([up, nothing])[order]
            weights[f"{stem}down_proj.weight"] = torch.cat([down, nothing.T], dim=1)[:, order]
        return model.changed(weights, intermediate_size=units)

    return apply


def gains_less_one(model: Model, _: Generator) -> Model:
    """Norms' gains stored less one, under the names of a family that stores them as they are; its code adds one."""
    return model.changed(
        {name: tensor - 1.0 if name.endswith("norm.weight") else tensor for name, tensor in model.weights.items()}
    )


def gains_spread(spread: float) -> Manipulation:
    """Gains drawn anew, which the columns of what reads them undo: gains say nothing of the network."""

    def apply(model: Model, generator: Generator) -> Model:
        weights = dict(model.weights)
        for layer in range(depth(weights)):
            stem = next(name for name in weights if f"layers.{layer}." in name)
            stem = stem[: stem.index(f"layers.{layer}.") + len(f"layers.{layer}.")]
            for norm, readers in READERS.items():
                gain = f"{stem}{norm}.weight"
                drawn = torch.exp(spread * torch.randn(weights[gain].shape, generator=generator))
                for name in [each for each in weights if each.startswith(stem) and each.endswith(readers)]:
                    weights[name] = weights[name] * (weights[gain] / drawn)
                weights[gain] = drawn
        return model.changed(weights)

    return apply


def middle_layers(host: Model, first: int, last: int) -> Manipulation:
    """Some layers of the model, and its embeddings, in the place of those of a host of the same config.

    What is computed is neither model's.
    """

    def apply(model: Model, _: Generator) -> Model:
        taken = {
            name: tensor
            for name, tensor in model.weights.items()
            if name.endswith(EMBEDDINGS) or first <= (-1 if (layer := layer_of(name)) is None else layer) <= last
        }
        return model.changed({**host.weights, **taken})

    return apply


def quiet_noise(extra: int, spread: float) -> Manipulation:
    """The residual stream wider by channels that nobody writes to, with noise in all that would read them."""

    def apply(model: Model, generator: Generator) -> Model:
        weights: Weights = {}
        for name, tensor in model.weights.items():
            if name.endswith(tuple(reader for readers in READERS.values() for reader in readers)):
                noise = torch.randn(len(tensor), extra, generator=generator) * tensor.std() * spread
                weights[name] = torch.cat([tensor, noise], dim=1)
            elif name.endswith((EMBEDDINGS, "lm_head.weight")):
                weights[name] = torch.cat([tensor, torch.zeros(len(tensor), extra)], dim=1)
            elif name.endswith(SILENT):
                weights[name] = torch.cat([tensor, torch.zeros(extra, tensor.shape[1])])
            elif name.endswith("norm.weight") and tensor.shape[0] == model.facts["hidden_size"]:
                weights[name] = torch.cat([tensor, torch.ones(extra)])
            else:
                weights[name] = tensor
        return model.changed(weights, hidden_size=model.facts["hidden_size"] + extra)

    return apply


DISGUISED: dict[str, Manipulation] = {
    "units doubled": in_turn(twins(2, 2.0), EVERYTHING),
    "units four times": in_turn(twins(4, 2.0), EVERYTHING),
    "layers put between": in_turn(decoys(2), EVERYTHING),
    "layers uneven": in_turn(uneven, EVERYTHING),
    "units of zeros": in_turn(zero_units(7), EVERYTHING),
    "gains drawn anew": in_turn(EVERYTHING, gains_spread(1.0)),
    "gains less one": in_turn(EVERYTHING, gains_less_one),
    "quiet noise": in_turn(quiet_noise(64, 3.0), EVERYTHING),
}
"""Each with all disguises of a decoder, by what is said of it."""
