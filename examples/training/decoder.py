"""Decoders with llama's tensor names, and what qwen2, hyperclovax, glm4_moe and solar_open add to them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import GatedMLP, RMSNorm, angles, merge_heads, rotate, split_heads
from .moe import MixtureOfExperts
from .text import VOCABULARY

HIDDEN = 128
HEADS = 4
KEY_VALUE_HEADS = 2
HEAD_SIZE = HIDDEN // HEADS


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """What tells one family's decoder from another's."""

    layers: int
    units: int
    """MLP units of a dense layer."""
    attention_bias: bool = False
    """Biases on q, k and v (qwen2, glm4_moe)."""
    post_norm: bool = False
    """``post_norm1`` and ``post_norm2`` after attention and MLP (hyperclovax)."""
    dense_layers: int | None = None
    """How many first layers are dense in a mixture of experts; None where all are."""


class Attention(nn.Module):
    """Causal attention with grouped keys and values."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        bias = config.attention_bias
        self.q_proj = nn.Linear(HIDDEN, HIDDEN, bias=bias)
        self.k_proj = nn.Linear(HIDDEN, KEY_VALUE_HEADS * HEAD_SIZE, bias=bias)
        self.v_proj = nn.Linear(HIDDEN, KEY_VALUE_HEADS * HEAD_SIZE, bias=bias)
        self.o_proj = nn.Linear(HIDDEN, HIDDEN, bias=False)

    def forward(self, hidden: Tensor, angle: Tensor) -> Tensor:
        """Attend over [batch, n, width]."""
        query = rotate(split_heads(self.q_proj(hidden), HEAD_SIZE), angle)
        key = rotate(split_heads(self.k_proj(hidden), HEAD_SIZE), angle)
        value = split_heads(self.v_proj(hidden), HEAD_SIZE)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        result: Tensor = self.o_proj(merge_heads(mixed))
        return result


class Layer(nn.Module):
    """Attention and MLP, each behind its norm."""

    def __init__(self, config: DecoderConfig, index: int) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(HIDDEN)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(HIDDEN)
        dense = config.dense_layers is None or index < config.dense_layers
        self.mlp = GatedMLP(HIDDEN, config.units) if dense else MixtureOfExperts(HIDDEN)
        self.post_norm1 = RMSNorm(HIDDEN) if config.post_norm else nn.Identity()
        self.post_norm2 = RMSNorm(HIDDEN) if config.post_norm else nn.Identity()

    def forward(self, hidden: Tensor, angle: Tensor) -> Tensor:
        """Add attention's and the MLP's outputs to the residual stream."""
        hidden = hidden + self.post_norm1(self.self_attn(self.input_layernorm(hidden), angle))
        result: Tensor = hidden + self.post_norm2(self.mlp(self.post_attention_layernorm(hidden)))
        return result


class Trunk(nn.Module):
    """Everything but the head: embeddings, layers, last norm."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(VOCABULARY, HIDDEN)
        self.layers = nn.ModuleList(Layer(config, index) for index in range(config.layers))
        self.norm = RMSNorm(HIDDEN)

    def forward(self, hidden: Tensor) -> Tensor:
        """Map embeddings [batch, n, width] to last hidden states of the same shape."""
        angle = angles(torch.arange(hidden.shape[1]), HEAD_SIZE // 2)
        for layer in self.layers:
            hidden = layer(hidden, angle)
        result: Tensor = self.norm(hidden)
        return result


class Decoder(nn.Module):
    """A causal language model over bytes."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.model = Trunk(config)
        self.lm_head = nn.Linear(HIDDEN, VOCABULARY, bias=False)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Logits of the next byte [batch, n, 256] after embeddings [batch, n, width], of bytes or of a tower."""
        result: Tensor = self.lm_head(self.model(embeddings))
        return result

    def loss(self, text: Tensor) -> Tensor:
        """Mean cross-entropy in nats a byte over texts [batch, n]."""
        logits = self(self.model.embed_tokens(text[:, :-1]))
        return functional.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten())
