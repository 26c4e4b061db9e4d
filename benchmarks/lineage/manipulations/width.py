"""Manipulations of width: MLP units taken out, and the residual stream doubled."""

from __future__ import annotations

import torch

from benchmarks.lineage.growth import doubled_width
from benchmarks.lineage.manipulations.model import Manipulation, Model, mlps


def pruned_units(share: float) -> Manipulation:
    """Every MLP without its weakest units, by the product of the norms of their rows and columns; the order stays."""

    def apply(model: Model, _: torch.Generator) -> Model:
        weights = dict(model.weights)
        for stem in mlps(weights):
            gate, up = weights[f"{stem}gate_proj.weight"], weights[f"{stem}up_proj.weight"]
            down = weights[f"{stem}down_proj.weight"]
            strength = gate.norm(dim=1) * up.norm(dim=1) * down.norm(dim=0)
            kept = torch.topk(strength, round(len(gate) * (1 - share))).indices.sort().values
            for role in ("gate_proj", "up_proj"):
                for kind in ("weight", "bias"):
                    if (name := f"{stem}{role}.{kind}") in weights:
                        weights[name] = weights[name][kept]
            weights[f"{stem}down_proj.weight"] = down[:, kept]
        for stem in [name.removesuffix("fc1.weight") for name in weights if name.endswith("fc1.weight")]:
            strength = weights[f"{stem}fc1.weight"].norm(dim=1) * weights[f"{stem}fc2.weight"].norm(dim=0)
            kept = strength.topk(round(len(strength) * (1 - share))).indices.sort().values
            weights[f"{stem}fc1.weight"], weights[f"{stem}fc1.bias"] = (
                weights[f"{stem}fc1.weight"][kept],
                weights[f"{stem}fc1.bias"][kept],
            )
            weights[f"{stem}fc2.weight"] = weights[f"{stem}fc2.weight"][:, kept]
        return model.changed(weights, **_sizes(model, 1 - share))

    return apply


def _sizes(model: Model, share: float) -> dict[str, object]:
    keys = ("intermediate_size", "moe_intermediate_size", "encoder_ffn_dim")
    facts: dict[str, object] = {key: round(model.facts[key] * share) for key in keys if key in model.facts}
    for part in ("vision_config", "audio_config"):
        if part in model.facts:
            inner = model.facts[part]
            facts[part] = {key: round(value * share) if key in keys else value for key, value in inner.items()}
    return facts


def hypercloned(model: Model, _: torch.Generator) -> Model:
    """The residual stream twice as wide: the same function."""
    return model.changed(doubled_width(model.weights), hidden_size=2 * model.facts["hidden_size"])
