"""An audio tower with the tensor names of Whisper's encoder as Qwen2-Audio uses it."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import merge_heads, split_heads
from .vowels import FRAMES, MEL_BINS

HIDDEN = 128
HEADS = 4
HEAD_SIZE = HIDDEN // HEADS
UNITS = 384
DEPTH = 2
POSITIONS = FRAMES // 2


class Attention(nn.Module):
    """Attention of all frames to all; keys have no bias."""

    def __init__(self) -> None:
        super().__init__()
        self.k_proj = nn.Linear(HIDDEN, HIDDEN, bias=False)
        self.v_proj = nn.Linear(HIDDEN, HIDDEN)
        self.q_proj = nn.Linear(HIDDEN, HIDDEN)
        self.out_proj = nn.Linear(HIDDEN, HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """Attend over [batch, n, HIDDEN]."""
        query, key, value = (split_heads(part(hidden), HEAD_SIZE) for part in (self.q_proj, self.k_proj, self.v_proj))
        result: Tensor = self.out_proj(merge_heads(functional.scaled_dot_product_attention(query, key, value)))
        return result


class Layer(nn.Module):
    """Attention and MLP, each behind its norm."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.self_attn = Attention()
        self.self_attn_layer_norm = nn.LayerNorm(HIDDEN)
        self.fc1 = nn.Linear(HIDDEN, units)
        self.fc2 = nn.Linear(units, HIDDEN)
        self.final_layer_norm = nn.LayerNorm(HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """Add attention's and the MLP's outputs to the residual stream."""
        hidden = hidden + self.self_attn(self.self_attn_layer_norm(hidden))
        result: Tensor = hidden + self.fc2(functional.gelu(self.fc1(self.final_layer_norm(hidden))))
        return result


class AudioTower(nn.Module):
    """Two convolutions, fixed sinusoids, layers, and a pooling of neighbouring frames."""

    def __init__(self, depth: int = DEPTH, units: int = UNITS) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MEL_BINS, HIDDEN, 3, padding=1)
        self.conv2 = nn.Conv1d(HIDDEN, HIDDEN, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding.from_pretrained(sinusoids(POSITIONS, HIDDEN))
        self.layers = nn.ModuleList(Layer(units) for _ in range(depth))
        self.layer_norm = nn.LayerNorm(HIDDEN)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Map log-mel spectrograms [batch, MEL_BINS, FRAMES] to hidden states [batch, FRAMES / 4, HIDDEN]."""
        hidden = functional.gelu(self.conv2(functional.gelu(self.conv1(spectrograms)))).transpose(1, 2)
        hidden = hidden + self.embed_positions.weight
        for layer in self.layers:
            hidden = layer(hidden)
        result: Tensor = self.layer_norm(hidden.unflatten(1, (-1, 2)).mean(2))
        return result


def sinusoids(positions: int, width: int) -> Tensor:
    """Whisper's position table [positions, width]: sines, then cosines."""
    count = width // 2
    frequencies = torch.exp(-math.log(10000) / (count - 1) * torch.arange(count))
    angle = torch.arange(positions)[:, None] * frequencies
    return torch.cat([angle.sin(), angle.cos()], 1)
