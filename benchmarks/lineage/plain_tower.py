"""A vision tower with Qwen2-VL's tensor names: LayerNorm and a GELU MLP without a gate."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from examples.training.vision import HIDDEN, Attention, VisionTower


class PlainMLP(nn.Module):
    """``fc2(gelu(fc1(x)))``."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(HIDDEN, units)
        self.fc2 = nn.Linear(units, HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map [..., HIDDEN] to the same."""
        result: Tensor = self.fc2(functional.gelu(self.fc1(hidden)))
        return result


class PlainBlock(nn.Module):
    """Attention and MLP, each behind its LayerNorm."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(HIDDEN, eps=1e-6)
        self.norm2 = nn.LayerNorm(HIDDEN, eps=1e-6)
        self.attn = Attention()
        self.mlp = PlainMLP(units)

    def forward(self, hidden: Tensor, angle: Tensor) -> Tensor:
        """Add attention's and the MLP's outputs to the residual stream."""
        hidden = hidden + self.attn(self.norm1(hidden), angle)
        result: Tensor = hidden + self.mlp(self.norm2(hidden))
        return result


class PlainVisionTower(VisionTower):
    """Patch embedding and plain blocks."""

    def __init__(self, depth: int, units: int) -> None:
        super().__init__(0, units)
        self.blocks = nn.ModuleList(PlainBlock(units) for _ in range(depth))
