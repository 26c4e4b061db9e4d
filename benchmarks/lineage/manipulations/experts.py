"""Manipulations of experts: permuted, cloned, and made of a dense MLP."""

from __future__ import annotations

import torch
from torch import Generator

from benchmarks.lineage.manipulations.model import Manipulation, Model
from benchmarks.lineage.manipulations.values import SPREAD
from benchmarks.lineage.names import Weights

ROLES = ("gate_proj.weight", "up_proj.weight", "down_proj.weight")


def permuted(model: Model, generator: Generator) -> Model:
    """The experts of every layer in another order, their router's rows with them: the same function."""
    return _chosen(model, lambda count: torch.randperm(count, generator=generator))


def cloned(model: Model, _: Generator) -> Model:
    """Every expert twice."""
    return _chosen(model, lambda count: torch.arange(count).repeat_interleave(2))


def _chosen(model: Model, choose: object) -> Model:
    assert callable(choose)  # noqa: S101 - private, and both callers above give a function
    weights = {name: tensor for name, tensor in model.weights.items() if ".experts." not in name}
    count = 0
    for stem in [name.removesuffix("gate.weight") for name in model.weights if name.endswith("mlp.gate.weight")]:
        chosen = choose(len(model.weights[f"{stem}gate.weight"]))
        count = len(chosen)
        for name in ("gate.weight", "gate.e_score_correction_bias"):
            weights[stem + name] = model.weights[stem + name][chosen]
        for new, old in enumerate(chosen.tolist()):
            for role in ROLES:
                weights[f"{stem}experts.{new}.{role}"] = model.weights[f"{stem}experts.{old}.{role}"]
    return model.changed(weights, n_routed_experts=count)


def upcycled(experts: int, *, noise: float = 0.0, redrawn: float = 0.0) -> Manipulation:
    """Every dense MLP becomes that many copies of itself with a router drawn anew.

    Args:
        experts: How many.
        noise: Spread of Gaussian noise on each expert, as a share of the matrix's.
        redrawn: Share of each expert's units drawn anew (partial re-initialisation, as Qwen2-57B-A14B's report says).
    """

    def apply(model: Model, generator: Generator) -> Model:
        weights: Weights = {name: tensor for name, tensor in model.weights.items() if ".mlp." not in name}
        for name, gate in model.weights.items():
            if not name.endswith("mlp.gate_proj.weight"):
                continue
            stem = name.removesuffix("gate_proj.weight")
            weights[f"{stem}gate.weight"] = SPREAD * torch.randn(experts, gate.shape[1], generator=generator)
            weights[f"{stem}gate.e_score_correction_bias"] = torch.zeros(experts)
            for expert in range(experts):
                fresh = torch.rand(len(gate), generator=generator) < redrawn
                for role in ROLES:
                    matrix = model.weights[stem + role]
                    drawn = torch.randn(matrix.shape, generator=generator)
                    copy = matrix + noise * matrix.std() * drawn
                    mask = fresh[None] if role.startswith("down") else fresh[:, None]
                    weights[f"{stem}experts.{expert}.{role}"] = torch.where(mask, SPREAD * drawn, copy)
        facts = {"n_routed_experts": experts, "num_experts_per_tok": 2, "first_k_dense_replace": 0}
        units = model.facts.get("intermediate_size")
        return model.changed(weights, model_type="solar_open", moe_intermediate_size=units, **facts)

    return apply
