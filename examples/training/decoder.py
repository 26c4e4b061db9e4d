"""Decoders with llama's tensor names, and what other families add to them: biases, norms, experts, latent attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .latent import ROPE_SIZE, LatentAttention
from .layers import GatedMLP, RMSNorm, angles, merge_heads, rotate, split_heads
from .moe import EXPERTS, UNITS, MixtureOfExperts
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
    post_mlp_norm: bool = False
    """``post_norm2`` alone (axk1)."""
    query_key_norm: bool = False
    """Norms of each head's queries and keys (exaone_moe)."""
    latent: bool = False
    """Multi-head latent attention (deepseek_v3, axk1, vaetki)."""
    output_gate: bool = False
    """Latent attention's outputs gated by its queries, and its heads by the hidden state (Motif)."""
    width: int = HIDDEN
    vocabulary: int = VOCABULARY
    heads: int = HEADS
    key_value_heads: int = KEY_VALUE_HEADS
    head_size: int = HEAD_SIZE
    experts: int = EXPERTS
    expert_units: int = UNITS


class Attention(nn.Module):
    """Causal attention with grouped keys and values."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        bias, width, size = config.attention_bias, config.width, config.head_size
        self.q_proj = nn.Linear(width, config.heads * size, bias=bias)
        self.k_proj = nn.Linear(width, config.key_value_heads * size, bias=bias)
        self.v_proj = nn.Linear(width, config.key_value_heads * size, bias=bias)
        self.o_proj = nn.Linear(config.heads * size, width, bias=False)
        self.q_norm = RMSNorm(size) if config.query_key_norm else nn.Identity()
        self.k_norm = RMSNorm(size) if config.query_key_norm else nn.Identity()
        self._size = size

    def forward(self, hidden: Tensor, angle: Tensor) -> Tensor:
        """Attend over [batch, n, width]."""
        query = rotate(self.q_norm(split_heads(self.q_proj(hidden), self._size)), angle)
        key = rotate(self.k_norm(split_heads(self.k_proj(hidden), self._size)), angle)
        value = split_heads(self.v_proj(hidden), self._size)
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        result: Tensor = self.o_proj(merge_heads(mixed))
        return result


class Layer(nn.Module):
    """Attention and MLP, each behind its norm."""

    def __init__(self, config: DecoderConfig, index: int) -> None:
        super().__init__()
        width = config.width
        self.input_layernorm = RMSNorm(width)
        self.self_attn = _attention(config)
        self.post_attention_layernorm = RMSNorm(width)
        dense = config.dense_layers is None or index < config.dense_layers
        self.mlp = (
            GatedMLP(width, config.units) if dense else MixtureOfExperts(width, config.experts, config.expert_units)
        )
        self.post_norm1 = RMSNorm(width) if config.post_norm else nn.Identity()
        self.post_norm2 = RMSNorm(width) if config.post_norm or config.post_mlp_norm else nn.Identity()

    def forward(self, hidden: Tensor, angle: Tensor) -> Tensor:
        """Add attention's and the MLP's outputs to the residual stream."""
        hidden = hidden + self.post_norm1(self.self_attn(self.input_layernorm(hidden), angle))
        result: Tensor = hidden + self.post_norm2(self.mlp(self.post_attention_layernorm(hidden)))
        return result


def _attention(config: DecoderConfig) -> nn.Module:
    if config.latent:
        return LatentAttention(config.width, config.heads, output_gate=config.output_gate)
    return Attention(config)


class Trunk(nn.Module):
    """Everything but the head: embeddings, layers, last norm."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocabulary, config.width)
        self.layers = nn.ModuleList(Layer(config, index) for index in range(config.layers))
        self.norm = RMSNorm(config.width)
        self._frequencies = ROPE_SIZE // 2 if config.latent else config.head_size // 2

    def forward(self, hidden: Tensor) -> Tensor:
        """Map embeddings [batch, n, width] to last hidden states of the same shape."""
        angle = angles(torch.arange(hidden.shape[1]), self._frequencies)
        for layer in self.layers:
            hidden = layer(hidden, angle)
        result: Tensor = self.norm(hidden)
        return result


class Decoder(nn.Module):
    """A causal language model over bytes, or over a larger vocabulary."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.model = Trunk(config)
        self.lm_head = nn.Linear(config.width, config.vocabulary, bias=False)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Logits of the next token [batch, n, vocabulary] after embeddings [batch, n, width], also of a tower."""
        result: Tensor = self.lm_head(self.model(embeddings))
        return result

    def loss(self, text: Tensor) -> Tensor:
        """Mean cross-entropy in nats a token over texts [batch, n]."""
        logits = self(self.model.embed_tokens(text[:, :-1]))
        return functional.cross_entropy(logits.flatten(0, 1), text[:, 1:].flatten())
