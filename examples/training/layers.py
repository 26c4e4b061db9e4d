"""Layers that decoders and vision towers share: RMS norm, rotary positions, the gated MLP."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class RMSNorm(nn.Module):
    """Root-mean-square norm with a gain and no bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, hidden: Tensor) -> Tensor:
        """Normalise the last axis."""
        return functional.rms_norm(hidden, self.weight.shape, self.weight, 1e-6)


class GatedMLP(nn.Module):
    """SwiGLU: ``down(silu(gate(x)) * up(x))``."""

    def __init__(self, width: int, units: int, *, bias: bool = False) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, units, bias=bias)
        self.up_proj = nn.Linear(width, units, bias=bias)
        self.down_proj = nn.Linear(units, width, bias=bias)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map [..., width] to [..., width]."""
        result: Tensor = self.down_proj(functional.silu(self.gate_proj(hidden)) * self.up_proj(hidden))
        return result


def angles(positions: Tensor, count: int) -> Tensor:
    """Rotary angles [n, count] of positions [n]: ``count`` frequencies from 1 down to nearly 1/10000."""
    return positions[:, None] * 10000.0 ** -(torch.arange(count) / count)


def rotate(heads: Tensor, angle: Tensor) -> Tensor:
    """Turn heads [batch, heads, n, size] by angles [n, size / 2], halves paired as in transformers."""
    first, second = heads.chunk(2, -1)
    cosine, sine = angle.cos(), angle.sin()
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], -1)


def split_heads(hidden: Tensor, size: int) -> Tensor:
    """[batch, n, width] to [batch, heads, n, size]."""
    return hidden.unflatten(-1, (-1, size)).transpose(1, 2)


def merge_heads(heads: Tensor) -> Tensor:
    """[batch, heads, n, size] to [batch, n, width]."""
    return heads.transpose(1, 2).flatten(2)
