"""Growing a decoder's residual width without changing what it computes: HyperCloning (Samragh et al. 2024, section 3).

Every hidden value is there twice, so what writes to the residual stream is repeated and what reads from it is repeated
and halved. Root-mean-square norms do not see the difference.
"""

from __future__ import annotations

import torch

from benchmarks.lineage.names import Weights

WRITERS = ("o_proj.weight", "down_proj.weight")
"""Matrices whose rows are the residual width."""
INNER_NORMS = ("q_norm.weight", "k_norm.weight", "q_a_layernorm.weight", "kv_a_layernorm.weight")
INNER = ("q_b_proj.weight", "q_b_gate_proj.weight", "kv_b_proj.weight", "e_score_correction_bias")
"""What neither reads nor writes the residual stream."""


def doubled_width(weights: Weights) -> Weights:
    """A decoder (names of ``examples.training.decoder``) with its residual width doubled; the same function."""
    result: Weights = {}
    for name, tensor in weights.items():
        if name.endswith((*INNER_NORMS, *INNER, "_proj.bias")):
            result[name] = tensor
        elif name.endswith("embed_tokens.weight"):
            result[name] = torch.cat([tensor, tensor], 1)
        elif tensor.ndim == 1 or name.endswith(WRITERS):
            result[name] = torch.cat([tensor, tensor])
        else:
            result[name] = torch.cat([tensor, tensor], 1) / 2
    return result
