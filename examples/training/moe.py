"""A mixture of experts with glm4_moe's tensor names and DeepSeek-V3's routing: sigmoid scores, a bias for balance."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import GatedMLP

EXPERTS = 8
CHOSEN = 2
UNITS = 64
"""MLP units of one expert, and of the shared one."""
BALANCE_RATE = 0.003
"""How far one step moves an expert's bias towards an even load."""


class Router(nn.Module):
    """Scores of the experts; the bias decides who is chosen, not how much they weigh."""

    def __init__(self, width: int, experts: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(experts, width))
        self.e_score_correction_bias: Tensor
        self.register_buffer("e_score_correction_bias", torch.zeros(experts))

    def forward(self, hidden: Tensor) -> Tensor:
        """Weights of the experts [..., experts] for hidden states [..., width]; zero for those not chosen."""
        scores = functional.linear(hidden, self.weight).sigmoid()
        chosen = (scores + self.e_score_correction_bias).topk(CHOSEN, -1).indices
        mask = torch.zeros_like(scores).scatter(-1, chosen, 1.0)
        if self.training:
            load = mask.flatten(0, -2).mean(0)
            self.e_score_correction_bias += BALANCE_RATE * torch.sign(load.mean() - load)
        weights = scores * mask
        return weights / weights.sum(-1, keepdim=True)


class MixtureOfExperts(nn.Module):
    """Two routed experts for each token, and a shared one for all."""

    def __init__(self, width: int, experts: int = EXPERTS, units: int = UNITS) -> None:
        super().__init__()
        self.experts = nn.ModuleList(GatedMLP(width, units) for _ in range(experts))
        self.gate = Router(width, experts)
        self.shared_experts = GatedMLP(width, units)
        self._units = units

    def forward(self, hidden: Tensor) -> Tensor:
        """Map [batch, n, width] to the same: the experts as one MLP, its units weighted by their expert's weight.

        Every expert sees every token; at this size that is quicker than sorting the tokens.
        """
        gate, up, down = (
            torch.cat([expert.get_parameter(f"{role}_proj.weight") for expert in self.experts], axis)
            for role, axis in (("gate", 0), ("up", 0), ("down", 1))
        )
        units = functional.silu(functional.linear(hidden, gate)) * functional.linear(hidden, up)
        weighted = units * self.gate(hidden).repeat_interleave(self._units, -1)
        result: Tensor = self.shared_experts(hidden) + functional.linear(weighted, down)
        return result
