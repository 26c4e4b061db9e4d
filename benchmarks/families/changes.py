"""What is done to a model of the package: its values pressed into few levels, or its units put in another order."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor, nn

from benchmarks.families.designs import Design
from benchmarks.families.members import Way

GROUP, LEVELS = 32, 7
"""Values that share a scale, and levels on either side of zero."""
THRESHOLD = 0.7
"""Share of the mean size from which a value is not zero among three levels (Li and others, 2016)."""
KEPT = 0.1
STACKS = ("gate_up_proj", "down_proj")
"""Experts of all kinds, stacked."""


@torch.no_grad()
def pressed(model: nn.Module, way: Way) -> None:
    """Press every matrix but token tables into a format of few values, in place."""
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    for parameter in model.parameters():
        if parameter.ndim > 1 and id(parameter) not in tables:
            parameter.copy_(_pressed(parameter, way))


def _pressed(matrix: Tensor, way: Way) -> Tensor:
    size = matrix.abs()
    if way is Way.INT4:
        groups = matrix.reshape(-1, GROUP)
        scale = groups.abs().amax(1, keepdim=True).clamp(min=1e-12) / LEVELS
        return ((groups / scale).round() * scale).view(matrix.shape)
    if way is Way.SPARSE:
        fours = matrix.reshape(-1, 4)
        small = fours.abs().argsort(1)[:, :2]
        return fours.scatter(1, small, 0.0).view(matrix.shape)
    if way is Way.PRUNED:
        least = size.flatten().kthvalue(round((1 - KEPT) * size.numel())).values
        return matrix * (size > least)
    large = size > THRESHOLD * size.mean()
    return matrix.sign() * large * size[large].mean()


@torch.no_grad()
def permuted(model: nn.Module, design: Design, seed: int) -> None:
    """Put the units of every block in an order of their own, in place; the function stays."""
    generator = torch.Generator().manual_seed(seed)
    for block in blocks(model, design):
        writer = getattr(block, design.writer)
        if isinstance(writer, nn.Linear):
            order = torch.randperm(writer.in_features, generator=generator)
            for name in design.readers:
                reader: nn.Linear = getattr(block, name)
                reader.weight.copy_(reader.weight[order])
                if reader.bias is not None:
                    reader.bias.copy_(reader.bias[order])
            writer.weight.copy_(writer.weight[:, order])
        else:
            _permuted_stacks(block, generator)


def blocks(model: nn.Module, design: Design) -> Iterator[nn.Module]:
    """The modules that hold a block's matrices side by side."""
    for module in model.modules():
        if hasattr(module, design.writer) and any(hasattr(module, name) for name in (*design.readers, *STACKS[:1])):
            yield module


def _permuted_stacks(block: nn.Module, generator: Generator) -> None:
    """Stacked experts: gpt-oss has gates and ups in turn and its units along the columns, others ups behind gates."""
    both, down = (getattr(block, name) for name in STACKS)
    bias = getattr(block, "gate_up_proj_bias", None)
    for expert in range(len(down)):
        if bias is not None:
            order = torch.randperm(down.shape[1], generator=generator)
            pairs = torch.stack([2 * order, 2 * order + 1], 1).flatten()
            both[expert], bias[expert], down[expert] = both[expert][:, pairs], bias[expert][pairs], down[expert][order]
        else:
            order = torch.randperm(down.shape[2], generator=generator)
            both[expert] = both[expert][torch.cat([order, len(order) + order])]
            down[expert] = down[expert][:, order]
