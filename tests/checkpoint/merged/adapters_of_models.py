"""Adapters as ``peft`` writes them, and the products of their factors, the simple way: whole matrices."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

Tensors = dict[str, torch.Tensor]

PREFIX = "base_model.model."
ALPHA = 6.0


def factors(module: str, out: int, inner: int, rank: int, seed: int = 0) -> Tensors:
    """A [rank, in] and B [out, rank] of one module."""
    draw = torch.Generator().manual_seed(seed)
    return {
        f"{PREFIX}{module}.lora_A.weight": torch.randn(rank, inner, generator=draw) / inner**0.5,
        f"{PREFIX}{module}.lora_B.weight": torch.randn(out, rank, generator=draw) * 0.02,
    }


def product(tensors: Mapping[str, torch.Tensor], module: str) -> torch.Tensor:
    """B A, [out, in]."""
    return tensors[f"{PREFIX}{module}.lora_B.weight"] @ tensors[f"{PREFIX}{module}.lora_A.weight"]


def write_adapter(folder: Path, tensors: Tensors, rank: int = 4, **more: Any) -> str:
    """A folder as ``save_pretrained`` leaves it."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: each.contiguous() for name, each in tensors.items()}, folder / "adapter_model.safetensors")
    told = {"peft_type": "LORA", "base_model_name_or_path": "someone/base", "r": rank, "lora_alpha": ALPHA}
    (folder / "adapter_config.json").write_text(json.dumps(told | {"target_modules": ["q_proj"]} | more))
    return str(folder)
