"""Manipulations of values in place: casts, noise, low-rank edits, merges, parts drawn anew."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from benchmarks.lineage.manipulations.model import Manipulation, Model, mapped

SPREAD = 0.02
"""Standard deviation of weights drawn anew: that of the bases' own initialiser."""


def unchanged(model: Model, _: Generator) -> Model:
    """The checkpoint as it is."""
    return model


def cast(dtype: torch.dtype) -> Manipulation:
    """All values rounded to a type, saved in it."""

    def apply(model: Model, _: Generator) -> Model:
        return mapped(model, lambda _, tensor: tensor.to(dtype))

    return apply


def noised(share: float) -> Manipulation:
    """Gaussian noise on every tensor, its spread a share of the tensor's own."""

    def apply(model: Model, generator: Generator) -> Model:
        def noise(_: str, tensor: Tensor) -> Tensor:
            spread = float(tensor.std()) if tensor.numel() > 1 else 0.0
            return tensor + share * spread * torch.randn(tensor.shape, generator=generator)

        return mapped(model, noise)

    return apply


def low_rank(rank: int, share: float) -> Manipulation:
    """A product of two random thin matrices added to every projection (a merged LoRA), of a share of its norm."""

    def apply(model: Model, generator: Generator) -> Model:
        def edit(name: str, tensor: Tensor) -> Tensor:
            if tensor.ndim != 2 or "_proj" not in name:
                return tensor
            rows, columns = tensor.shape
            change = torch.randn(rows, rank, generator=generator) @ torch.randn(rank, columns, generator=generator)
            return tensor + change * (share * tensor.norm() / change.norm())

        return mapped(model, edit)

    return apply


def merged(others: list[Model], coefficients: list[float]) -> Manipulation:
    """A weighted sum of the model (first coefficient) and others of its shape."""

    def apply(model: Model, _: Generator) -> Model:
        def mix(name: str, tensor: Tensor) -> Tensor:
            parts = [tensor, *(other.weights[name] for other in others)]
            return sum((c * part for c, part in zip(coefficients, parts, strict=True)), torch.zeros_like(tensor))

        return mapped(model, mix)

    return apply


def redrawn(*parts: str) -> Manipulation:
    """Every tensor whose name holds one of some words drawn anew."""

    def apply(model: Model, generator: Generator) -> Model:
        def draw(name: str, tensor: Tensor) -> Tensor:
            if not any(part in name for part in parts) or tensor.ndim < 2:
                return tensor
            return SPREAD * torch.randn(tensor.shape, generator=generator)

        return mapped(model, draw)

    return apply
