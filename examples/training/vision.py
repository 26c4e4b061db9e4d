"""A vision tower with Qwen2.5-VL's tensor names, and two projectors to follow it: Qwen's merger and a linear one."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .digits import FRAMES, SIDE
from .layers import GatedMLP, RMSNorm, angles, merge_heads, rotate, split_heads

HIDDEN = 128
HEADS = 4
HEAD_SIZE = HIDDEN // HEADS
UNITS = 256
DEPTH = 3
PATCH = 4
MERGE = 2
"""Squares of so many by so many neighbouring patches become one token of the decoder."""
GRID = SIDE // PATCH


class PatchEmbed(nn.Module):
    """Patches over two frames to hidden states."""

    def __init__(self) -> None:
        super().__init__()
        size = (FRAMES, PATCH, PATCH)
        self.proj = nn.Conv3d(3, HIDDEN, size, stride=size, bias=False)

    def forward(self, clips: Tensor) -> Tensor:
        """Map clips [batch, 3, FRAMES, SIDE, SIDE] to [batch, GRID**2, HIDDEN], square after square."""
        patches: Tensor = self.proj(clips).squeeze(2)
        return squares(patches).transpose(1, 2)


class Attention(nn.Module):
    """Attention of all patches to all."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(HIDDEN, 3 * HIDDEN)
        self.proj = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, hidden: Tensor, angle: Tensor) -> Tensor:
        """Attend over [batch, n, HIDDEN]."""
        query, key, value = (split_heads(part, HEAD_SIZE) for part in self.qkv(hidden).chunk(3, -1))
        mixed = functional.scaled_dot_product_attention(rotate(query, angle), rotate(key, angle), value)
        result: Tensor = self.proj(merge_heads(mixed))
        return result


class Block(nn.Module):
    """Attention and MLP, each behind its norm."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.norm1 = RMSNorm(HIDDEN)
        self.norm2 = RMSNorm(HIDDEN)
        self.attn = Attention()
        self.mlp = GatedMLP(HIDDEN, units, bias=True)

    def forward(self, hidden: Tensor, angle: Tensor) -> Tensor:
        """Add attention's and the MLP's outputs to the residual stream."""
        hidden = hidden + self.attn(self.norm1(hidden), angle)
        result: Tensor = hidden + self.mlp(self.norm2(hidden))
        return result


class VisionTower(nn.Module):
    """Patch embedding and blocks; the merger is a model of its own here, under the tower's name in a checkpoint."""

    def __init__(self, depth: int = DEPTH, units: int = UNITS) -> None:
        super().__init__()
        self.patch_embed = PatchEmbed()
        self.blocks = nn.ModuleList(Block(units) for _ in range(depth))

    def forward(self, clips: Tensor) -> Tensor:
        """Map clips [batch, 3, FRAMES, SIDE, SIDE] to hidden states [batch, GRID**2, HIDDEN]."""
        rows, columns = squares(torch.stack(torch.meshgrid(torch.arange(GRID), torch.arange(GRID), indexing="ij")))
        angle = torch.cat([angles(rows, HEAD_SIZE // 4), angles(columns, HEAD_SIZE // 4)], 1)
        hidden: Tensor = self.patch_embed(clips)
        for block in self.blocks:
            hidden = block(hidden, angle)
        return hidden


class Merger(nn.Module):
    """Qwen2.5-VL's projector: a norm and two layers over each square of patches."""

    def __init__(self, width: int) -> None:
        super().__init__()
        merged = HIDDEN * MERGE**2
        self.ln_q = RMSNorm(HIDDEN)
        self.mlp = nn.Sequential(nn.Linear(merged, merged), nn.GELU(), nn.Linear(merged, width))

    def forward(self, hidden: Tensor) -> Tensor:
        """Map [batch, GRID**2, HIDDEN] to [batch, (GRID / MERGE)**2, width]."""
        result: Tensor = self.mlp(merge(self.ln_q(hidden)))
        return result


class LinearProjector(nn.Linear):
    """HyperCLOVA X's projector: one linear layer over each square of patches."""

    def __init__(self, width: int) -> None:
        super().__init__(HIDDEN * MERGE**2, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map [batch, GRID**2, HIDDEN] to [batch, (GRID / MERGE)**2, width]."""
        return super().forward(merge(hidden))


def squares(grid: Tensor) -> Tensor:
    """[..., GRID, GRID] to [..., GRID**2], square of MERGE by MERGE after square."""
    sides = grid.unflatten(-1, (-1, MERGE)).unflatten(-3, (-1, MERGE))
    return sides.transpose(-3, -2).flatten(-4)


def merge(hidden: Tensor) -> Tensor:
    """Concatenate the hidden states of each square: [batch, n, HIDDEN] to [batch, n / MERGE**2, HIDDEN * MERGE**2]."""
    return hidden.unflatten(1, (-1, MERGE**2)).flatten(2)
