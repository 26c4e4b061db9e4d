"""Multi-head latent attention with DeepSeek-V3's tensor names, and the gates that Motif adds to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import RMSNorm, merge_heads, rotate, split_heads

QUERY_RANK = 64
KEY_VALUE_RANK = 48
PLAIN_SIZE = 32
"""Of a head's queries and keys that do not turn with their position; also of its values."""
ROPE_SIZE = 16
"""Of a head's queries that turn, and of the one key that all heads share."""


class LatentAttention(nn.Module):
    """Causal attention whose queries, keys and values go through narrow latent vectors."""

    def __init__(self, width: int, heads: int, *, output_gate: bool = False) -> None:
        super().__init__()
        self.q_a_proj = nn.Linear(width, QUERY_RANK, bias=False)
        self.q_a_layernorm = RMSNorm(QUERY_RANK)
        self.q_b_proj = nn.Linear(QUERY_RANK, heads * (PLAIN_SIZE + ROPE_SIZE), bias=False)
        self.kv_a_proj_with_mqa = nn.Linear(width, KEY_VALUE_RANK + ROPE_SIZE, bias=False)
        self.kv_a_layernorm = RMSNorm(KEY_VALUE_RANK)
        self.kv_b_proj = nn.Linear(KEY_VALUE_RANK, heads * 2 * PLAIN_SIZE, bias=False)
        self.o_proj = nn.Linear(heads * PLAIN_SIZE, width, bias=False)
        if output_gate:
            self.q_b_gate_proj = nn.Linear(QUERY_RANK, heads * PLAIN_SIZE, bias=False)
            self.lambda_proj = nn.Linear(width, heads, bias=False)
        self._gated = output_gate

    def forward(self, hidden: Tensor, angle: Tensor) -> Tensor:
        """Attend over [batch, n, width]."""
        latent_query = self.q_a_layernorm(self.q_a_proj(hidden))
        query = split_heads(self.q_b_proj(latent_query), PLAIN_SIZE + ROPE_SIZE)
        plain, turning = query.split([PLAIN_SIZE, ROPE_SIZE], -1)
        latent, shared_key = self.kv_a_proj_with_mqa(hidden).split([KEY_VALUE_RANK, ROPE_SIZE], -1)
        key, value = split_heads(self.kv_b_proj(self.kv_a_layernorm(latent)), 2 * PLAIN_SIZE).chunk(2, -1)
        shared = rotate(shared_key[:, None], angle).expand(*key.shape[:-1], ROPE_SIZE)
        mixed = functional.scaled_dot_product_attention(
            torch.cat([plain, rotate(turning, angle)], -1), torch.cat([key, shared], -1), value, is_causal=True
        )
        if self._gated:
            mixed = mixed * self.lambda_proj(hidden).sigmoid().transpose(1, 2)[..., None]
        outputs = merge_heads(mixed)
        if self._gated:
            outputs = outputs * self.q_b_gate_proj(latent_query).sigmoid()
        result: Tensor = self.o_proj(outputs)
        return result
